"""Envelopes: reading a request by the rules of a strict host, writing replies and faults."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TypeAlias

from lxml import etree

from . import faults, names
from .dialect import Dialect
from .faults import Fault

Element: TypeAlias = etree._Element
MINIMUM_ENVELOPE = 8192
SERVER_ENVELOPE = 512000
MAX_TIMEOUT = 60.0

_PARSER_OPTIONS = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
}
_DURATION = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_UNDERSTOOD = {
    names.ADDRESSING: {"To", "ReplyTo", "Action", "MessageID"},
    names.WSMAN: {
        "ResourceURI",
        "MaxEnvelopeSize",
        "OperationTimeout",
        "Locale",
        "SelectorSet",
        "OptionSet",
        "RequestEPR",
    },
    names.MS_WSMAN: {"DataLocale", "SessionId", "ActivityId"},
}


def tag(space: str, local: str) -> str:
    """The ElementTree spelling of a qualified name."""
    return f"{{{space}}}{local}"


def local(element: Element) -> str:
    """The local name of an element."""
    return etree.QName(element).localname


def duration(text: str) -> float:
    """Seconds of an xs:duration without years and months."""
    match = _DURATION.fullmatch(text.strip())
    if not match or text.strip().rstrip("T") in ("P", "-P"):
        raise ValueError(text)
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return -total if match.group(1) else total


@dataclass
class Request:
    """One request whose header has passed every check."""

    action: str
    message_id: str
    resource: str
    timeout: float
    max_envelope: int
    to: str
    selectors: dict[str, str]
    options: dict[str, str]
    body: Element | None
    operation_options: set[str] = field(default_factory=set)


def parse(data: bytes) -> Element:
    """The root of a document without DOCTYPE and processing instructions."""
    try:
        root = etree.fromstring(data, etree.XMLParser(**_PARSER_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise Fault(2150858819, names.WSMAN, "SchemaValidationError", f"not well-formed: {error}") from error
    tree = root.getroottree()
    if tree.docinfo.doctype or any(isinstance(node, etree._ProcessingInstruction) for node in root.iter()):
        raise Fault(2150858819, names.WSMAN, "SchemaValidationError", "DOCTYPE or processing instruction")
    return root


def message_id_of(root: Element) -> str | None:
    """The MessageID for RelatesTo, taken before anything else is judged; byte for byte."""
    found = root.find(f"{tag(names.SOAP, 'Header')}/{tag(names.ADDRESSING, 'MessageID')}")
    return found.text if found is not None else None


def split(root: Element) -> tuple[Element, Element]:
    """Header and body of an envelope."""
    children = list(root)
    if root.tag != tag(names.SOAP, "Envelope") or [c.tag for c in children] != [
        tag(names.SOAP, "Header"),
        tag(names.SOAP, "Body"),
    ]:
        raise faults.invalid_body("an envelope is one s:Header and one s:Body")
    if len(children[1]) > 1:
        raise faults.invalid_body("more than one body element")
    return children[0], children[1]


def is_identify(root: Element) -> bool:
    """Identify is the one request without addressing headers."""
    body = root.find(tag(names.SOAP, "Body"))
    return body is not None and len(body) == 1 and body[0].tag == tag(names.IDENTITY, "Identify")


def read_request(root: Element, seen_ids: set[str]) -> Request:
    """Checks every header and gives the request; raises the fault that a host would answer."""
    header, body = split(root)
    blocks = _blocks(header)
    return Request(
        action=_required(blocks, names.ADDRESSING, "Action", must=True),
        message_id=_message_id(blocks, seen_ids),
        resource=_resource(blocks),
        timeout=_timeout(blocks),
        max_envelope=_envelope_size(blocks),
        to=_text(blocks, names.ADDRESSING, "To") or "",
        selectors=_selectors(blocks.get(tag(names.WSMAN, "SelectorSet"))),
        options=_options(blocks.get(tag(names.WSMAN, "OptionSet"))),
        body=body[0] if len(body) else None,
    )


def _must_understand(element: Element) -> bool:
    """The qualified attribute only: without a namespace it means nothing in SOAP."""
    value = element.get(tag(names.SOAP, "mustUnderstand"))
    if value not in (None, "true", "false", "1", "0"):
        raise faults.bad_header(f"mustUnderstand={value!r}")
    return value in ("true", "1")


def _blocks(header: Element) -> dict[str, Element]:
    blocks: dict[str, Element] = {}
    for element in header:
        name = etree.QName(element)
        if name.localname not in _UNDERSTOOD.get(name.namespace or "", ()):
            if _must_understand(element):
                raise Fault(2150858768, names.SOAP, "MustUnderstand", f"header {element.tag}")
            continue
        if element.tag in blocks:
            raise faults.bad_header(f"{name.localname} twice")
        blocks[element.tag] = element
    for space, name, detail in ((names.WSMAN, "Locale", "Locale"), (names.MS_WSMAN, "DataLocale", "Locale")):
        block = blocks.get(tag(space, name))
        if block is not None:
            if _must_understand(block):
                raise faults.unsupported(2150858855, f"{name} must not be understood", detail)
            if not block.get(tag(names.XML, "lang")):
                raise faults.bad_header(f"{name} without xml:lang")
    _check_reply_to(blocks.get(tag(names.ADDRESSING, "ReplyTo")))
    return blocks


def _check_reply_to(block: Element | None) -> None:
    if block is None:
        raise faults.header_required("ReplyTo")
    address = block.find(tag(names.ADDRESSING, "Address"))
    if address is None or (address.text or "").strip() != names.ANONYMOUS:
        raise faults.unsupported(2150858870, "ReplyTo is not anonymous", "AddressingMode")


def _text(blocks: dict[str, Element], space: str, name: str) -> str | None:
    block = blocks.get(tag(space, name))
    if block is None:
        return None
    if len(block):
        raise faults.bad_header(f"{name} with child elements")
    return block.text or ""


def _required(blocks: dict[str, Element], space: str, name: str, *, must: bool) -> str:
    text = _text(blocks, space, name)
    if text is None:
        raise faults.header_required(name)
    if not text.strip():
        raise faults.bad_header(f"{name} is empty")
    block = blocks[tag(space, name)]
    # A client that leaves the attribute unqualified says nothing; one that says "need not be understood" is wrong.
    if must and block.get(tag(names.SOAP, "mustUnderstand")) in ("false", "0"):
        raise faults.bad_header(f"{name} must be understood")
    return text.strip()


def _message_id(blocks: dict[str, Element], seen_ids: set[str]) -> str:
    block = blocks.get(tag(names.ADDRESSING, "MessageID"))
    text = (block.text or "") if block is not None else ""
    if not text.strip() or len(text) > 2048:
        raise faults.bad_header("MessageID missing, empty or too long")
    if text.casefold() in seen_ids:
        raise faults.bad_header(f"MessageID {text} was used before")
    seen_ids.add(text.casefold())
    return text


def _resource(blocks: dict[str, Element]) -> str:
    if tag(names.WSMAN, "ResourceURI") not in blocks:
        raise Fault(
            2150858811, names.ADDRESSING, "DestinationUnreachable", "no ResourceURI", detail="InvalidResourceURI"
        )
    return _required(blocks, names.WSMAN, "ResourceURI", must=True)


def _timeout(blocks: dict[str, Element]) -> float:
    text = _text(blocks, names.WSMAN, "OperationTimeout")
    if text is None:
        return MAX_TIMEOUT
    try:
        seconds = duration(text)
    except ValueError as error:
        raise faults.bad_header(f"OperationTimeout {text!r}") from error
    if seconds <= 0:
        raise faults.bad_header(f"OperationTimeout {text!r}")
    return min(max(seconds, 0.5), MAX_TIMEOUT)


def _envelope_size(blocks: dict[str, Element]) -> int:
    text = _text(blocks, names.WSMAN, "MaxEnvelopeSize")
    if text is None:
        return SERVER_ENVELOPE
    if not text.strip().isdigit():
        raise Fault(2150858823, names.WSMAN, "EncodingLimit", f"MaxEnvelopeSize {text!r}", detail="MaxEnvelopeSize")
    if int(text) < MINIMUM_ENVELOPE:
        raise Fault(2150858805, names.WSMAN, "EncodingLimit", f"MaxEnvelopeSize {text}", detail="MinimumEnvelopeLimit")
    return min(int(text), SERVER_ENVELOPE)


def _selectors(block: Element | None) -> dict[str, str]:
    selectors: dict[str, str] = {}
    for element in block if block is not None else ():
        name = element.get("Name")
        if element.tag != tag(names.WSMAN, "Selector") or not name:
            raise Fault(2150858813, names.WSMAN, "InvalidSelectors", "a SelectorSet holds named w:Selector elements")
        if name.casefold() in selectors:
            raise Fault(2150858847, names.WSMAN, "InvalidSelectors", f"{name} twice", detail="DuplicateSelectors")
        selectors[name.casefold()] = element.text or ""
    return selectors


_KNOWN_OPTIONS = {
    "winrs_noprofile",
    "winrs_codepage",
    "winrs_consolemode_stdin",
    "winrs_skip_cmd_shell",
    "wsman_cmdshell_option_keepalive",
}


def _options(block: Element | None) -> dict[str, str]:
    options: dict[str, str] = {}
    for element in block if block is not None else ():
        name = element.get("Name")
        if element.tag != tag(names.WSMAN, "Option") or not name:
            raise Fault(2150858809, names.WSMAN, "InvalidOptions", "an OptionSet holds named w:Option elements")
        if name.casefold() not in _KNOWN_OPTIONS and element.get("MustComply") in ("true", "1"):
            raise Fault(2150858809, names.WSMAN, "InvalidOptions", name, detail="NotSupported")
        options[name.casefold()] = element.text or ""
    return options


class Writer:
    """Writes envelopes in the dialect of one host."""

    def __init__(self, dialect: Dialect, machine: str) -> None:
        self._dialect, self._machine = dialect, machine
        prefixes = names.OTHER_PREFIXES if dialect.strange_prefixes else names.WINDOWS_PREFIXES
        self._nsmap = dict(prefixes)
        self._prefix = {space: prefix for prefix, space in prefixes.items()}

    def qname(self, space: str, name: str) -> str:
        """A qualified name as text content, with the prefix that the envelope declares."""
        return f"{self._prefix[space]}:{name}"

    def reply(self, request: Request, body: list[Element], action: str | None = None) -> bytes:
        """A reply to a request."""
        return self._envelope(action or request.action + "Response", request.message_id, body)

    def identify(self, version: str) -> bytes:
        """The Identify reply, which has an empty header."""
        root = self._root()
        etree.SubElement(root, tag(names.SOAP, "Header"))
        response = etree.SubElement(
            etree.SubElement(root, tag(names.SOAP, "Body")), tag(names.IDENTITY, "IdentifyResponse")
        )
        for name, text in (
            ("ProtocolVersion", names.WSMAN),
            ("ProductVendor", "Microsoft Corporation"),
            ("ProductVersion", version),
        ):
            etree.SubElement(response, tag(names.IDENTITY, name)).text = text
        return self._bytes(root)

    def fault(self, fault: Fault, relates_to: str | None) -> bytes:
        """A SOAP fault in one of the two detail shapes."""
        body = etree.Element(tag(names.SOAP, "Fault"), nsmap=self._nsmap)
        code = etree.SubElement(body, tag(names.SOAP, "Code"))
        if fault.space == names.SOAP:
            etree.SubElement(code, tag(names.SOAP, "Value")).text = self.qname(names.SOAP, fault.subcode)
        else:
            etree.SubElement(code, tag(names.SOAP, "Value")).text = self.qname(
                names.SOAP, "Sender" if fault.sender else "Receiver"
            )
            sub = etree.SubElement(code, tag(names.SOAP, "Subcode"))
            etree.SubElement(sub, tag(names.SOAP, "Value")).text = self.qname(fault.space, fault.subcode)
        text = etree.SubElement(etree.SubElement(body, tag(names.SOAP, "Reason")), tag(names.SOAP, "Text"))
        text.set(tag(names.XML, "lang"), "de-DE" if self._dialect.german else "en-US")
        text.text = ("Fehler: " if self._dialect.german else "") + fault.text
        detail = etree.SubElement(body, tag(names.SOAP, "Detail"))
        if self._dialect.wmi_errors and fault.wmi_status is not None:
            self._wmi_error(detail, fault)
        else:
            self._wsman_fault(detail, fault)
        return self._envelope(names.FAULT_ACTIONS[fault.space], relates_to, [body])

    def _wsman_fault(self, detail: Element, fault: Fault) -> None:
        if fault.detail:
            etree.SubElement(detail, tag(names.WSMAN, "FaultDetail")).text = names.FAULT_DETAIL + fault.detail
        inner = etree.SubElement(detail, tag(names.MS_FAULT, "WSManFault"), Code=str(fault.code), Machine=self._machine)
        message = etree.SubElement(inner, tag(names.MS_FAULT, "Message"))
        if fault.provider is None:
            message.text = fault.text
            return
        provider = etree.SubElement(
            message, tag(names.MS_FAULT, "ProviderFault"), provider=fault.provider[0], path=fault.provider[1]
        )
        nested = etree.SubElement(
            provider, tag(names.MS_FAULT, "WSManFault"), Code=str(fault.code), Machine=self._machine
        )
        etree.SubElement(nested, tag(names.MS_FAULT, "Message")).text = fault.text
        if fault.wmi_status is not None:
            status = etree.SubElement(
                etree.SubElement(provider, tag(names.MS_FAULT, "ExtendedError")),
                tag(names.MS_WSMAN, "__ExtendedStatus"),
            )
            etree.SubElement(status, tag(names.MS_WSMAN, "StatusCode")).text = str(fault.wmi_status)

    def _wmi_error(self, detail: Element, fault: Fault) -> None:
        space = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
        error = etree.SubElement(detail, tag(space, "MSFT_WmiError"), nsmap={"err": space})
        error.set(tag(names.XSI, "type"), "err:MSFT_WmiError_Type")
        for name, value in (
            ("CIMStatusCode", "6"),
            ("Message", fault.text),
            ("MessageID", f"HRESULT 0x{fault.code:08x}"),
            ("error_Code", str(fault.code)),
            ("error_Type", "HRESULT"),
            ("error_WindowsErrorMessage", fault.text),
        ):
            etree.SubElement(error, tag(space, name)).text = value

    def _root(self) -> Element:
        root = etree.Element(tag(names.SOAP, "Envelope"), nsmap=self._nsmap)
        root.set(tag(names.XML, "lang"), "de-DE" if self._dialect.german else "en-US")
        return root

    def _envelope(self, action: str, relates_to: str | None, body: list[Element]) -> bytes:
        root = self._root()
        header = etree.SubElement(root, tag(names.SOAP, "Header"))
        etree.SubElement(header, tag(names.ADDRESSING, "Action")).text = action
        etree.SubElement(header, tag(names.ADDRESSING, "MessageID")).text = f"uuid:{str(uuid.uuid4()).upper()}"
        etree.SubElement(header, tag(names.MS_WSMAN, "ActivityId")).text = str(uuid.uuid4()).upper()
        etree.SubElement(header, tag(names.ADDRESSING, "To")).text = names.ANONYMOUS
        if relates_to is not None:
            etree.SubElement(header, tag(names.ADDRESSING, "RelatesTo")).text = relates_to
        etree.SubElement(root, tag(names.SOAP, "Body")).extend(body)
        return self._bytes(root)

    def _bytes(self, root: Element) -> bytes:
        data: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
        return b"\xef\xbb\xbf" + data if self._dialect.bom else data
