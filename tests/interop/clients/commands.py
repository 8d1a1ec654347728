"""Commands: every scheme, exit codes, streams, text."""

from __future__ import annotations

import requests
from pypsrp.shell import WinRS

from checks import Part, equal, raises
from clients.host import HostUnderTest
from thirdparty import (
    WinrmTransport,
    run,
    run_in,
    winrm_run,
)


def register(part: Part) -> None:
    """Adds the checks of this group."""
    for label, auth, scheme in (
        ("SPNEGO sealed over HTTP", "negotiate", "http"),
        ("raw NTLM sealed over HTTP", "ntlm", "http"),
        ("NTLM over HTTPS with channel binding", "negotiate", "https"),
        ("Basic over verified HTTPS", "basic", "https"),
    ):

        @part.check(f"pypsrp runs a command: {label}")
        def _(host: HostUnderTest, auth: str = auth, scheme: str = scheme) -> None:
            said_its_name(host, *run(host.target.wsman(auth, scheme), "hostname"))

    by_winrm: list[tuple[str, WinrmTransport, str]] = [
        ("NTLM sealed over HTTP", "ntlm", "http"),
        ("NTLM over HTTPS with channel binding", "ntlm", "https"),
        ("Basic over verified HTTPS", "ssl", "https"),
    ]
    for label, transport, scheme in by_winrm:

        @part.check(f"pywinrm runs a command: {label}")
        def _(host: HostUnderTest, transport: WinrmTransport = transport, scheme: str = scheme) -> None:
            said_its_name(host, *winrm_run(host.target.protocol(transport, scheme), "hostname"))

    @part.check("pypsrp seals over HTTPS as well when told to")
    def _(host: HostUnderTest) -> None:
        equal(run(host.target.wsman("negotiate", "https", encryption="always"), "hostname")[0], 0)

    @part.check("the certificate is refused without the host's own authority")
    def _(host: HostUnderTest) -> None:
        raises(
            requests.exceptions.SSLError,
            lambda: run(host.target.wsman("basic", "https", cert_validation=True), "hostname"),
        )

    @part.check("exit codes arrive: small, negative as unsigned, last of a chain")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            equal(run_in(shell, "exit /b 3")[0], 3, "small")
            equal(run_in(shell, "exit /b -1")[0], 4294967295, "negative")
            equal(run_in(shell, "cmd /c exit /b 5 & cmd /c exit /b 6")[0], 6, "chain")

    @part.check("operators and quotes are cmd's")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            equal(run_in(shell, 'echo "a & b"&& echo c')[1], b'"a & b"\r\nc\r\n')
            equal(run_in(shell, "cmd /c exit /b 1 && echo no")[:2], (1, b""))
            equal(run_in(shell, "cmd /c exit /b 1 || echo yes")[1], b"yes\r\n")
            equal(run_in(shell, "echo a^&b")[1], b"a&b\r\n")

    @part.check("stderr is a stream of its own: pypsrp")
    def _(host: HostUnderTest) -> None:
        code, stdout, stderr = run(host.target.wsman(), r"reg query HKLM\SOFTWARE\NoSuchKey")
        equal((code, stdout), (1, b""))
        assert stderr.strip(), "nothing on stderr"

    @part.check("stderr is a stream of its own: pywinrm")
    def _(host: HostUnderTest) -> None:
        code, stdout, stderr = winrm_run(host.target.protocol(), "no-such-program")
        assert code != 0 and not stdout and stderr.strip(), (code, stdout, stderr)

    @part.check("text beyond ASCII survives in UTF-8, pieces cut anywhere")
    def _(host: HostUnderTest) -> None:
        text = "Zażółć gęślą jaźń, 漢字 und Größe"
        equal(run(host.target.wsman(), f"echo {text}")[1].decode("utf-8"), text + "\r\n")
        equal(winrm_run(host.target.protocol(), f"echo {text}")[1].decode("utf-8"), text + "\r\n")

    @part.check("code page 437 loses what it does not have")
    def _(host: HostUnderTest) -> None:
        stdout = winrm_run(host.target.protocol(), "echo a漢字", codepage=437)[1]
        equal(stdout, b"a??\r\n")

    @part.check("environment variables of the shell are expanded")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001, environment={"INTEROP": "one two"}) as shell:
            equal(run_in(shell, "echo %INTEROP% %NO_SUCH%")[1], b"one two %NO_SUCH%\r\n")


def said_its_name(host: HostUnderTest, code: int | None, stdout: bytes, stderr: bytes) -> None:
    """What ``hostname`` prints; in which letter case is the host's affair."""
    equal((code, stdout.upper(), stderr), (0, host.target.computer.upper().encode() + b"\r\n", b""))
