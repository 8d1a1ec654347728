"""What a check is given, and small calls that several groups of checks share."""

from __future__ import annotations

from typing import Protocol

import requests
from pypsrp.encryption import WinRMEncryption
from pypsrp.exceptions import WinRMTransportError
from pypsrp.wsman import WSMan

from checks import equal, raises
from thirdparty import (
    Target,
)

#: Where the checks write; deleted by them.
KEY = r"SOFTWARE\Interop test"
TIMED_OUT, NO_SUCH_SHELL, NO_SUCH_CLASS = 2150858793, 2150858843, 2150858752
#: A command that says nothing for some seconds.
SLOW = "ping -n 4 127.0.0.1"


class HostUnderTest(Protocol):
    """What the checks need to know of a host besides its wire."""

    target: Target

    def failed_logons(self) -> int | None:
        """Refused logons so far, where the host tells."""

    def open_shells(self) -> int:
        """Shells that nobody has deleted."""


def post(url: str, data: bytes, headers: dict[str, str], **options: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=data, headers=headers, timeout=20, **options)  # type: ignore[arg-type]


def fault_of(wsman: WSMan, message: bytes) -> int | str:
    """The code of the fault that a hand-made message gets."""
    error = raises(WinRMTransportError, lambda: wsman.transport.send(message))
    equal(error.code, 500)
    return wsman._parse_wsman_fault(error.response_text).code  # type: ignore[return-value]


def sealer(wsman: WSMan) -> WinRMEncryption:
    """pypsrp's own seal of an authenticated connection."""
    assert wsman.transport.encryption is not None
    return wsman.transport.encryption


def send_again(wsman: WSMan, body: bytes, header: dict[str, str]) -> int:
    """The status that bytes get on the client's own authenticated connection."""
    session = wsman.transport.session
    assert session is not None
    request = requests.Request(
        "POST", wsman.transport.endpoint, data=body, headers=header, auth=lambda request: request
    )
    return session.send(session.prepare_request(request), timeout=20).status_code


def counted(host: HostUnderTest, before: int | None, wanted: int) -> None:
    """Compares the number of refused logons since ``before``."""
    now = host.failed_logons()
    if now is not None and before is not None:
        equal(now - before, wanted, "refused logons")
