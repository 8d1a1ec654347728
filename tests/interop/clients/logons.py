"""Refused logons, and what belongs to one connection."""

from __future__ import annotations

import base64
import time
from functools import partial

import winrm.exceptions
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from pypsrp.wsman import WSManAction

import thirdparty
from checks import Part, equal, raises
from clients.host import HostUnderTest, counted, post, sealer, send_again
from thirdparty import (
    CIMV2,
    SEALED_TYPE,
    Account,
    WinrmTransport,
    envelope,
    run,
    winrm_run,
)


def register(part: Part) -> None:
    """Adds the checks of this group."""

    @part.check("a wrong password is refused and counted: pypsrp over HTTP")
    def _(host: HostUnderTest) -> None:
        before = host.failed_logons()
        wrong = Account(host.target.domain_account.username, "not the password")
        raises(AuthenticationError, lambda: run(host.target.wsman(account=wrong), "hostname"))
        counted(host, before, 1)

    @part.check("a wrong password is refused and counted: pywinrm, NTLM and Basic over HTTPS")
    def _(host: HostUnderTest) -> None:
        by_scheme: list[tuple[WinrmTransport, Account]] = [
            ("ntlm", host.target.domain_account),
            ("ssl", host.target.local_account),
        ]
        for transport, good in by_scheme:
            before = host.failed_logons()
            protocol = host.target.protocol(transport, "https", Account(good.username, "not the password"))
            raises(winrm.exceptions.InvalidCredentialsError, partial(winrm_run, protocol, "hostname"))
            counted(host, before, 1)

    @part.check("an unknown user is refused and counted")
    def _(host: HostUnderTest) -> None:
        before = host.failed_logons()
        raises(AuthenticationError, lambda: run(host.target.wsman(account=Account(r"CORP\nobody", "x")), "hostname"))
        counted(host, before, 1)

    @part.check("Basic over plain HTTP is not offered")
    def _(host: HostUnderTest) -> None:
        account = host.target.local_account
        answer = post(host.target.url("http"), b"", {}, auth=(account.username, account.password))
        equal(answer.status_code, 401)
        assert "basic" not in answer.headers["WWW-Authenticate"].casefold(), answer.headers

    @part.check("authentication belongs to the connection: a second one gives 401")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        equal(run(wsman, "hostname")[0], 0)
        content_type, body = sealer(wsman).wrap_message(
            envelope(get := WSManAction.GET, CIMV2 + "Win32_OperatingSystem")
        )
        header = {"Content-Type": f"{content_type};{SEALED_TYPE}"}
        # Windows has been seen to answer a sealed body there with either.
        assert post(host.target.url("http"), body, header).status_code in (400, 401)
        equal(
            post(
                host.target.url("http"), envelope(get, CIMV2), {"Content-Type": "application/soap+xml;charset=UTF-8"}
            ).status_code,
            401,
        )

    @part.check("a sealed body that is replayed or altered gives 400 on its own connection")
    def _(host: HostUnderTest) -> None:
        for spoil in ("replay", "alter"):
            wsman = host.target.wsman()
            wsman.get(CIMV2 + "Win32_OperatingSystem")
            content_type, body = sealer(wsman).wrap_message(envelope(WSManAction.GET, CIMV2 + "Win32_OperatingSystem"))
            if spoil == "alter":
                body = body.replace(b"--Encrypted Boundary--\r\n", b"")
                body = body[:-1] + bytes([body[-1] ^ 1]) + b"--Encrypted Boundary--\r\n"
            header = {"Content-Type": f"{content_type};{SEALED_TYPE}"}
            if spoil == "replay":
                equal(send_again(wsman, body, header), 200, "first")
            equal(send_again(wsman, body, header), 400, spoil)

    @part.check("a plain body over HTTP is refused with an empty 500 although the user is known")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman(encryption="never")
        error = raises(
            WinRMTransportError,
            lambda: wsman.transport.send(envelope(WSManAction.GET, CIMV2 + "Win32_OperatingSystem")),
        )
        equal((error.code, error.response_text), (500, ""))

    @part.check("a malformed Authorization header is refused")
    def _(host: HostUnderTest) -> None:
        for value in (
            "Negotiate",
            "Negotiate !!!",
            "Negotiate " + base64.b64encode(b"NTLMSSP\0\3\0\0\0").decode(),
            "Basic !!!",
            "Bearer x",
        ):
            status = post(host.target.url("http"), b"", {"Authorization": value}).status_code
            assert status in (400, 401), (value, status)
        equal(run(host.target.wsman(), "hostname")[0], 0, "the host still serves")

    @part.check("no shell is left over from all of the above")
    def _(host: HostUnderTest) -> None:
        for _ in range(20):
            if not host.open_shells():
                break
            time.sleep(0.1)
        equal(host.open_shells(), 0)
        equal(thirdparty.open_shells(host.target.wsman()), [])
