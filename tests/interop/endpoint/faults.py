"""SOAP faults with the numbers and subcodes of WS-Management."""

from __future__ import annotations

from . import names

TIMED_OUT = 2150858793
UNEXPECTED_SELECTORS = 2150858843


class Fault(Exception):
    """A request was understood well enough to be refused."""

    def __init__(
        self,
        code: int,
        space: str,
        subcode: str,
        text: str,
        *,
        sender: bool = True,
        detail: str | None = None,
        provider: tuple[str, str] | None = None,
        wmi_status: int | None = None,
    ) -> None:
        super().__init__(f"{code} {subcode}: {text}")
        self.code, self.space, self.subcode, self.text, self.sender = code, space, subcode, text, sender
        #: Last part of the w:FaultDetail URI.
        self.detail = detail
        #: Name and library of the provider that raised it.
        self.provider = provider
        #: Status of WMI inside an ExtendedError.
        self.wmi_status = wmi_status


def header_required(name: str) -> Fault:
    """A header that every request carries is missing."""
    return Fault(2150858769, names.ADDRESSING, "MessageInformationHeaderRequired", f"{name} is missing")


def bad_header(text: str) -> Fault:
    """A header is there but wrong."""
    return Fault(2150858767, names.ADDRESSING, "InvalidMessageInformationHeader", text)


def unsupported(code: int, text: str, detail: str) -> Fault:
    """A feature this endpoint does not have."""
    return Fault(code, names.WSMAN, "UnsupportedFeature", text, detail=detail)


def invalid_parameter(text: str, code: int = 2150858810) -> Fault:
    """A method parameter, a stream name or the like."""
    return Fault(code, names.WSMAN, "InvalidParameter", text, detail="InvalidValue")


def invalid_body(text: str) -> Fault:
    """The body is not what the action asks for."""
    return Fault(2150858791, names.WSMAN, "SchemaValidationError", text)


def schema(text: str) -> Fault:
    """A value does not have the form its schema asks for."""
    return Fault(2150858817, names.WSMAN, "SchemaValidationError", text)


def action_not_supported(action: str) -> Fault:
    """No such verb on this resource."""
    return Fault(2150858753, names.ADDRESSING, "ActionNotSupported", action)


def no_such_class(name: str) -> Fault:
    """WMI does not know the class or the instance."""
    return Fault(
        2150858752, names.ADDRESSING, "DestinationUnreachable", name, provider=WMI_PROVIDER, wmi_status=2147749890
    )


def unexpected_selectors(what: str) -> Fault:
    """The shell or the command is not there (any more)."""
    return Fault(
        UNEXPECTED_SELECTORS,
        names.WSMAN,
        "InvalidSelectors",
        what,
        detail="UnexpectedSelectors",
        provider=SHELL_PROVIDER,
    )


def timed_out() -> Fault:
    """The operation timeout passed before there was anything to say."""
    return Fault(
        TIMED_OUT,
        names.WSMAN,
        "TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout. ",
        sender=False,
    )


WMI_PROVIDER = ("WMI Provider", r"%systemroot%\system32\WsmWmiPl.dll")
SHELL_PROVIDER = ("Shell cmd plugin", r"%systemroot%\system32\winrscmd.dll")
