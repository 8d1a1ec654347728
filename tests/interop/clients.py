"""What unmodified pypsrp and pywinrm must be able to do with a host, whoever simulates it.

The same checks run against the simulated fleet and against the endpoint of this folder: a check that only one of them
passes has found a mistake in the other.
"""

from __future__ import annotations

import base64
import time
import xml.etree.ElementTree as ET
from typing import Protocol

import requests
import winrm.exceptions
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import NAMESPACES, OptionSet, WSMan, WSManAction

import thirdparty
from checks import Part, equal, raises
from thirdparty import CIMV2, REGISTRY, SHELL, Account, Target, envelope, properties, registry, run, run_in, winrm_registry, winrm_run, wql

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


def register(part: Part) -> None:
    """Adds all checks to a part."""
    for group in (_commands, _shells, _registry, _cim, _envelopes, _logons):
        group(part)


def _commands(part: Part) -> None:
    for label, auth, scheme in (("SPNEGO sealed over HTTP", "negotiate", "http"), ("raw NTLM sealed over HTTP", "ntlm", "http"),
                                ("NTLM over HTTPS with channel binding", "negotiate", "https"), ("Basic over verified HTTPS", "basic", "https")):
        @part.check(f"pypsrp runs a command: {label}")
        def _(host: HostUnderTest, auth: str = auth, scheme: str = scheme) -> None:
            equal(run(host.target.wsman(auth, scheme), "hostname"), (0, host.target.computer.encode() + b"\r\n", b""))

    for label, transport, scheme in (("NTLM sealed over HTTP", "ntlm", "http"), ("NTLM over HTTPS with channel binding", "ntlm", "https"),
                                     ("Basic over verified HTTPS", "ssl", "https")):
        @part.check(f"pywinrm runs a command: {label}")
        def _(host: HostUnderTest, transport: str = transport, scheme: str = scheme) -> None:
            code, stdout, stderr = winrm_run(host.target.protocol(transport, scheme), "hostname")
            equal((code, stdout, stderr), (0, host.target.computer.encode() + b"\r\n", b""))

    @part.check("pypsrp seals over HTTPS as well when told to")
    def _(host: HostUnderTest) -> None:
        equal(run(host.target.wsman("negotiate", "https", encryption="always"), "hostname")[0], 0)

    @part.check("the certificate is refused without the host's own authority")
    def _(host: HostUnderTest) -> None:
        raises(requests.exceptions.SSLError, lambda: run(host.target.wsman("basic", "https", cert_validation=True), "hostname"))

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
        stdout = winrm_run(host.target.protocol(), "echo ä漢字", codepage=437)[1]
        equal(stdout, "ä??\r\n".encode("cp437"))

    @part.check("environment variables of the shell are expanded")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001, environment={"INTEROP": "one two"}) as shell:
            equal(run_in(shell, "echo %INTEROP% %NO_SUCH%")[1], b"one two %NO_SUCH%\r\n")


def _shells(part: Part) -> None:
    @part.check("pypsrp keeps a shell open over several commands")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            first = shell.id
            for number in range(8):
                equal(run_in(shell, f"echo {number}")[1], b"%d\r\n" % number)
            equal(shell.id, first)
        equal(host.open_shells(), 0, "shells left open")

    @part.check("pywinrm keeps a shell open over several commands, Ansible's way without closing the session between")
    def _(host: HostUnderTest) -> None:
        protocol = host.target.protocol()
        shell = protocol.open_shell(codepage=65001, idle_timeout="PT120S", working_directory=r"C:\Windows", env_vars={"A": "b"})
        for number in range(5):
            command = protocol.run_command(shell, "echo", [str(number), "%A%"])
            equal(protocol.get_command_output(shell, command), (b"%d b\r\n" % number, b"", 0))
            protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)
        equal(host.open_shells(), 0, "shells left open")

    @part.check("pypsrp sends stdin in pieces and ends it")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            process = Process(shell, "sort")
            process.begin_invoke()
            process.send(b"pear\r\nap", end=False)
            process.send(b"ple\r\n", end=True)
            process.end_invoke()
            equal((process.rc, process.stdout), (0, b"apple\r\npear\r\n"))

    @part.check("pywinrm sends stdin")
    def _(host: HostUnderTest) -> None:
        protocol = host.target.protocol()
        shell = protocol.open_shell(codepage=65001)
        command = protocol.run_command(shell, "sort", console_mode_stdin=False)
        protocol.send_command_input(shell, command, b"b\r\na\r\n", end=True)
        equal(protocol.get_command_output(shell, command)[0], b"a\r\nb\r\n")
        protocol.close_shell(shell)

    @part.check("pypsrp hits the operation timeout, is told so, and goes on")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(operation_timeout=1), codepage=65001) as shell:
            process = Process(shell, SLOW)
            process.begin_invoke()
            started = time.monotonic()
            fault = raises(WSManFaultError, lambda: shell.receive("stdout stderr", process.id))
            equal(getattr(fault, "code"), TIMED_OUT)
            assert 0.8 < time.monotonic() - started < 2.5, "the fault came at the wrong time"
            process.end_invoke()
            equal(process.rc, 0)
            equal(run_in(shell, "echo after")[1], b"after\r\n")

    @part.check("pywinrm hits the operation timeout, is told so, and goes on")
    def _(host: HostUnderTest) -> None:
        protocol = host.target.protocol(operation_timeout_sec=1, read_timeout_sec=10)
        shell = protocol.open_shell(codepage=65001)
        command = protocol.run_command(shell, SLOW)
        raises(winrm.exceptions.WinRMOperationTimeoutError, lambda: protocol.get_command_output_raw(shell, command))
        equal(protocol.get_command_output(shell, command)[2], 0)
        protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)

    @part.check("terminate ends a running command")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            process = Process(shell, "ping -n 60 127.0.0.1")
            process.begin_invoke()
            process.signal(SignalCode.TERMINATE)
            equal(run_in(shell, "echo free")[1], b"free\r\n")

    @part.check("shells are listed, found by Get, deleted by a stranger connection of the same user")
    def _(host: HostUnderTest) -> None:
        opened = WinRS(host.target.wsman(), codepage=65001)
        opened.open()
        other = host.target.wsman()
        equal(thirdparty.open_shells(other), [opened.id])
        equal(opened._get_shell()["ShellId"], opened.id)
        left = WinRS(other, id=None)
        left.id, left.opened, left._selector_set = opened.id, True, opened._selector_set
        left.close()
        fault = raises(WSManFaultError, lambda: run_in(opened, "hostname"))
        equal(getattr(fault, "code"), NO_SUCH_SHELL)
        fault = raises(WSManFaultError, opened.close)
        equal(getattr(fault, "code"), NO_SUCH_SHELL, "second Delete")
        equal(host.open_shells(), 0, "shells left open")

    @part.check("a Receive without a command and for an unknown command are refused by their codes")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            equal(getattr(raises(WSManFaultError, lambda: shell.receive()), "code"), 87)
            unknown = "00000000-0000-0000-0000-000000000000"
            equal(getattr(raises(WSManFaultError, lambda: shell.receive(command_id=unknown)), "code"), NO_SUCH_SHELL)

    @part.check("one user's shell is not another's")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            other = WinRS(host.target.wsman("basic", "https"))
            other.id, other.opened, other._selector_set = shell.id, True, shell._selector_set
            assert getattr(raises(WSManFaultError, lambda: run_in(other, "hostname")), "code") in (2150859177, 5, NO_SUCH_SHELL)


def _registry(part: Part) -> None:
    typed = [
        ("String", "sValue", ["Größe & <ok>"], 1, None), ("ExpandedString", "sValue", [r"%SystemRoot%\x"], 2, [r"C:\Windows\x"]),
        ("Binary", "uValue", ["0", "40", "255"], 3, None), ("DWORD", "uValue", ["4294967295"], 4, None),
        ("MultiString", "sValue", ["one", "two 2"], 7, None), ("QWORD", "uValue", ["18446744073709551615"], 11, None),
    ]
    for kind, parameter, texts, number, read in typed:
        @part.check(f"StdRegProv by pypsrp: {kind} is set and got")
        def _(host: HostUnderTest, kind: str = kind, parameter: str = parameter, texts: list[str] = texts,
              number: int = number, read: list[str] | None = read) -> None:
            wsman = host.target.wsman()
            equal(registry(wsman, "CreateKey", KEY), (0, {}))
            name = ("sValueName", f"A {kind}")
            equal(registry(wsman, f"Set{kind}Value", KEY, name, *((parameter, text) for text in texts)), (0, {}))
            code, values = registry(wsman, f"Get{kind}Value", KEY.upper(), ("sValueName", f"a {kind}".upper()))
            equal((code, [v.casefold() for v in values[parameter]]), (0, [v.casefold() for v in read or texts]))
            code, values = registry(wsman, "EnumValues", KEY)
            equal((code, values["Types"][values["sNames"].index(f"A {kind}")]), (0, str(number)))
            equal(registry(wsman, "DeleteValue", KEY, name), (0, {}))
            equal(registry(wsman, "DeleteKey", KEY), (0, {}))

    @part.check("StdRegProv by pywinrm's own header over NTLM: create, set, get, list, delete")
    def _(host: HostUnderTest) -> None:
        protocol = host.target.protocol()
        equal(winrm_registry(protocol, "CreateKey", KEY), (0, {}))
        equal(winrm_registry(protocol, "SetDWORDValue", KEY, ("sValueName", "Flag"), ("uValue", "7")), (0, {}))
        equal(winrm_registry(protocol, "GetDWORDValue", KEY, ("sValueName", "Flag")), (0, {"uValue": ["7"]}))
        equal(winrm_registry(protocol, "SetMultiStringValue", KEY, ("sValueName", "L"), ("sValue", "a"), ("sValue", "b")), (0, {}))
        equal(winrm_registry(protocol, "GetMultiStringValue", KEY, ("sValueName", "L")), (0, {"sValue": ["a", "b"]}))
        code, values = winrm_registry(protocol, "EnumValues", KEY)
        equal((code, dict(zip(values["sNames"], values["Types"]))), (0, {"Flag": "4", "L": "7"}))
        equal(winrm_registry(protocol, "DeleteKey", KEY), (0, {}))

    @part.check("StdRegProv by pywinrm, Basic over HTTPS")
    def _(host: HostUnderTest) -> None:
        code, values = winrm_registry(host.target.protocol("ssl", "https"), "GetStringValue", r"SOFTWARE\Microsoft\Cryptography",
                                      ("sValueName", "MachineGuid"))
        assert code == 0 and len(values["sValue"][0]) == 36, (code, values)

    @part.check("EnumKey lists subkeys, none is an absent array, CreateKey makes parents")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        equal(registry(wsman, "CreateKey", KEY + r"\One\Deep"), (0, {}))
        equal(registry(wsman, "CreateKey", KEY + r"\Two"), (0, {}))
        code, values = registry(wsman, "EnumKey", KEY)
        equal((code, sorted(values["sNames"])), (0, ["One", "Two"]))
        equal(registry(wsman, "EnumKey", KEY + r"\Two"), (0, {}))
        equal(registry(wsman, "EnumValues", KEY), (0, {}))
        assert registry(wsman, "DeleteKey", KEY)[0] != 0, "a key with subkeys was deleted"
        for path in (r"\One\Deep", r"\One", r"\Two", ""):
            equal(registry(wsman, "DeleteKey", KEY + path), (0, {}))
        equal(registry(wsman, "EnumKey", KEY)[0], 2)

    @part.check("return values: absent value, absent key, wrong type, unknown hive, set on a missing key")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        registry(wsman, "CreateKey", KEY)
        registry(wsman, "SetStringValue", KEY, ("sValueName", "S"), ("sValue", ""))
        equal(registry(wsman, "GetStringValue", KEY, ("sValueName", "S")), (0, {"sValue": [""]}), "empty string")
        assert registry(wsman, "GetStringValue", KEY, ("sValueName", "none"))[0] in (1, 2)
        equal(registry(wsman, "DeleteValue", KEY, ("sValueName", "none"))[0], 2)
        equal(registry(wsman, "GetDWORDValue", KEY, ("sValueName", "S"))[0], 2147749893)
        equal(registry(wsman, "EnumValues", KEY, hive="2147483999")[0], 6)
        equal(registry(wsman, "DeleteKey", KEY)[0], 0)
        for method, parameter in (("SetStringValue", "sValue"), ("SetDWORDValue", "uValue")):
            equal(registry(wsman, method, KEY, ("sValueName", "S"), (parameter, "1"))[0], 2, method)
        equal(registry(wsman, "DeleteKey", KEY)[0], 2)
        equal(registry(wsman, "EnumValues", KEY)[0], 2)

    @part.check("the default value has no name and a value of its own")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        registry(wsman, "CreateKey", KEY)
        equal(registry(wsman, "SetStringValue", KEY, ("sValueName", ""), ("sValue", "default"))[0], 0)
        equal(registry(wsman, "GetStringValue", KEY, ("sValueName", "")), (0, {"sValue": ["default"]}))
        equal(registry(wsman, "DeleteKey", KEY)[0], 0)

    @part.check("shell and StdRegProv see one registry: reg add, reg query, reg delete")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        with WinRS(wsman, codepage=65001) as shell:
            equal(run_in(shell, rf'reg add "HKLM\{KEY}" /v "A b" /t REG_SZ /d "C:\dir\\" /f')[0], 0)
            equal(registry(wsman, "GetStringValue", KEY, ("sValueName", "A b")), (0, {"sValue": ["C:\\dir\\"]}))
            equal(run_in(shell, rf'reg add "HKLM\{KEY}" /v N /t REG_DWORD /d 0x10 /f /reg:64')[0], 0)
            equal(registry(wsman, "GetDWORDValue", KEY, ("sValueName", "N")), (0, {"uValue": ["16"]}))
            code, stdout, _ = run_in(shell, rf'reg query "HKLM\{KEY}" /v N')
            assert code == 0 and stdout.split()[-3:] == [b"N", b"REG_DWORD", b"0x10"], stdout
            equal(run_in(shell, rf'reg delete "HKLM\{KEY}" /v N /f')[0], 0)
            assert registry(wsman, "GetDWORDValue", KEY, ("sValueName", "N"))[0] in (1, 2)
            equal(run_in(shell, rf'reg query "HKLM\{KEY}" /v N')[0], 1)
        equal(registry(wsman, "DeleteKey", KEY)[0], 0)

    @part.check("netsh winhttp writes the bytes that the format says")
    def _(host: HostUnderTest) -> None:
        wsman, key, name = host.target.wsman(), r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections", ("sValueName", "WinHttpSettings")

        def blob() -> bytes:
            code, values = registry(wsman, "GetBinaryValue", key, name)
            equal(code, 0)
            return bytes(int(octet) for octet in values["uValue"])

        with WinRS(wsman, codepage=65001) as shell:
            equal(run_in(shell, 'netsh winhttp set proxy proxy-server="10.0.0.6:8080" bypass-list="<local>;*.contoso.com"')[0], 0)
            equal(blob()[1:].hex(), "000000" "00000000" "03000000" "0d000000" "31302e302e302e363a38303830" "15000000"
                  "3c6c6f63616c3e3b2a2e636f6e746f736f2e636f6d")
            equal(run_in(shell, "netsh winhttp set proxy a:42")[0], 0)
            equal(blob()[1:].hex(), "000000" "00000000" "03000000" "04000000" "613a3432" "00000000")
            equal(run_in(shell, "netsh winhttp reset proxy")[0], 0)
            equal(blob()[1:].hex(), "000000" "00000000" "01000000" "00000000" "00000000")
        registry(wsman, "DeleteValue", key, name)


def _cim(part: Part) -> None:
    @part.check("WQL with columns: fragments without namespace, arrays repeated")
    def _(host: HostUnderTest) -> None:
        items = wql(host.target.wsman(), "select BuildNumber, Caption from Win32_OperatingSystem")
        equal([item.tag for item in items], [f"{{{NAMESPACES['wsman']}}}XmlFragment"])
        equal([child.tag for child in items[0]], ["BuildNumber", "Caption"])
        assert int(properties(items[0])["BuildNumber"][0]) >= 7601

    @part.check("WQL with a star: the typed instance")
    def _(host: HostUnderTest) -> None:
        items = wql(host.target.wsman("ntlm"), "select * from Win32_SystemEnclosure")
        equal([item.tag for item in items], [f"{{{CIMV2}Win32_SystemEnclosure}}Win32_SystemEnclosure"])
        assert all(number.isdigit() for number in properties(items[0])["ChassisTypes"])

    @part.check("WQL with a condition, backslashes doubled, and one that matches nothing")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        query = "select Version from CIM_DataFile where Name = '{}'"
        path = r"c:\\program files\\windows defender advanced threat protection\\mssense.exe"
        items = wql(wsman, query.format(path))
        equal(len(items), 1)
        equal(len(properties(items[0])["Version"][0].split(".")), 4)
        equal(wql(wsman, query.format(r"c:\\no\\such.exe")), [])

    @part.check("a class by Enumerate without a query")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        body = ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate")
        items = thirdparty.pull_all(wsman, CIMV2 + "Win32_OperatingSystem", wsman.enumerate(CIMV2 + "Win32_OperatingSystem", body))
        equal(len(items), 1)
        assert properties(items[0])["LastBootUpTime"][0].startswith("20")

    @part.check("a class, a namespace and a query that do not exist are faults with their codes")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        missing = raises(WSManFaultError, lambda: wsman.get(CIMV2 + "Win32_NoSuchClass"))
        equal(getattr(missing, "code"), NO_SUCH_CLASS)
        equal(getattr(raises(WSManFaultError, lambda: wql(wsman, "select from where")), "code"), 2150858778)

    @part.check("Identify: with and without authentication")
    def _(host: HostUnderTest) -> None:
        space = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
        message = (f'<s:Envelope xmlns:s="{NAMESPACES["s"]}" xmlns:i="{space}"><s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>').encode()
        for wsman in (host.target.wsman(), host.target.wsman("basic", "https")):
            reply = ET.fromstring(wsman.transport.send(message))
            assert "Stack: 3.0" in reply.findtext(f".//{{{space}}}ProductVersion", ""), ET.tostring(reply)
        headers = {"WSMANIDENTIFY": "unauthenticated", "Content-Type": "application/soap+xml;charset=UTF-8"}
        answer = _post(host.target.url("http").replace("/wsman", "/wsman-anon/identify"), message, headers)
        equal(answer.status_code, 200)
        equal(ET.fromstring(answer.content).findtext(f".//{{{space}}}ProductVersion"), "OS: 0.0.0 SP: 0.0 Stack: 3.0")


def _post(url: str, data: bytes, headers: dict[str, str], **options: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=data, headers=headers, timeout=20, **options)  # type: ignore[arg-type]


def _fault(wsman: WSMan, message: bytes) -> int | str:
    """The code of the fault that a hand-made message gets."""
    error = raises(WinRMTransportError, lambda: wsman.transport.send(message))
    equal(getattr(error, "code"), 500)
    return wsman._parse_wsman_fault(getattr(error, "response_text")).code  # type: ignore[return-value]


def _envelopes(part: Part) -> None:
    get, resource = WSManAction.GET, CIMV2 + "Win32_OperatingSystem"
    refused = [
        ("a header that must be understood and is not", {"X": '<x:Y xmlns:x="urn:x" s:mustUnderstand="true"/>'}, {2150858768}),
        ("a small MaxEnvelopeSize", {"MaxEnvelopeSize": "<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>"}, {2150858805}),
        ("a negative OperationTimeout", {"OperationTimeout": "<w:OperationTimeout>-PT1S</w:OperationTimeout>"}, {2150858767}),
        ("an OperationTimeout that is no duration", {"OperationTimeout": "<w:OperationTimeout>60</w:OperationTimeout>"}, {2150858767}),
        ("no MessageID", {"MessageID": ""}, {2150858767}),
        ("no ReplyTo", {"ReplyTo": ""}, {2150858769}),
        ("another ReplyTo", {"ReplyTo": "<a:ReplyTo><a:Address>http://elsewhere/</a:Address></a:ReplyTo>"}, {2150858870, 2150858818}),
        ("an unknown resource", {"ResourceURI": "<w:ResourceURI>http://example.com/none</w:ResourceURI>"}, {2150858770, 2150858811, 2150858754, 2150858752}),
        ("an unknown action", {"Action": "<a:Action>http://example.com/none</a:Action>"}, {2150858753}),
        ("a locale that must be understood", {"Locale": '<w:Locale xml:lang="xx" s:mustUnderstand="true"/>'}, {2150858855, 2150858818}),
        ("a must-comply option that is unknown", {"O": '<w:OptionSet><w:Option Name="NO_SUCH" MustComply="true">1</w:Option></w:OptionSet>',
                                                  "Action": f"<a:Action>{SHELL}/Command</a:Action>",
                                                  "ResourceURI": f"<w:ResourceURI>{SHELL}/cmd</w:ResourceURI>"}, {2150858809, 2150858842, 2150858843}),
    ]
    for label, replace, codes in refused:
        @part.check(f"refused by its fault code: {label}")
        def _(host: HostUnderTest, replace: dict[str, str] = replace, codes: set[int] = codes) -> None:
            found = _fault(host.target.wsman(), envelope(get, resource, **replace))
            assert found in codes, f"fault {found}, wanted one of {sorted(codes)}"

    @part.check("accepted: unqualified mustUnderstand, unknown header without it, any To, a query string")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman(path="wsman?PSVersion=5.1")
        reply = wsman.transport.send(envelope(get, resource, X='<x:Y xmlns:x="urn:x" mustUnderstand="true"/>', To="<a:To>urn:nobody</a:To>"))
        assert b"Win32_OperatingSystem" in reply

    @part.check("RelatesTo repeats the MessageID byte for byte")
    def _(host: HostUnderTest) -> None:
        message_id = "uuid:aBcDeF00-1111-2222-3333-444455556666-and-more"
        reply = host.target.wsman().transport.send(envelope(get, resource, MessageID=f"<a:MessageID>{message_id}</a:MessageID>"))
        equal(ET.fromstring(reply).findtext(".//wsa:RelatesTo", "", NAMESPACES), message_id)

    @part.check("refused: a DOCTYPE, and what is no XML")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        for message in (b'<!DOCTYPE s [<!ENTITY x "y">]>' + envelope(get, resource), b"<not closed"):
            equal(getattr(raises(WinRMTransportError, lambda: wsman.transport.send(message)), "code"), 500)

    @part.check("Invoke: unknown method, wrong INPUT element, unknown and misspelled parameters are faults")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        right = [("hDefKey", thirdparty.HKLM), ("sSubKeyName", KEY)]

        def invoke(method: str, element: ET.Element) -> None:
            raises(WSManFaultError, lambda: wsman.invoke(f"{REGISTRY}/{method}", REGISTRY, element))

        invoke("NoSuchMethod", thirdparty.registry_input("NoSuchMethod", right))
        invoke("CreateKey", thirdparty.registry_input("EnumKey", right))
        invoke("EnumKey", thirdparty.registry_input("EnumKey", [*right, ("nosuch", "1")]))
        invoke("EnumKey", thirdparty.registry_input("EnumKey", [("hdefkey", thirdparty.HKLM), ("sSubKeyName", KEY)]))
        stranger = ET.Element("{urn:x}EnumKey_INPUT")
        ET.SubElement(stranger, "{urn:x}sSubKeyName").text = KEY
        invoke("EnumKey", stranger)

    @part.check("UTF-16 requests are read (over HTTPS)")
    def _(host: HostUnderTest) -> None:
        account = host.target.local_account
        answer = _post(host.target.url("https"), envelope(get, resource).decode().encode("utf-16"),
                       {"Content-Type": "application/soap+xml;charset=UTF-16"}, auth=(account.username, account.password), verify=host.target.ca_file)
        equal(answer.status_code, 200)

    @part.check("CIM: an option set of pypsrp is accepted")
    def _(host: HostUnderTest) -> None:
        options = OptionSet()
        options.add_option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "True")
        assert host.target.wsman().get(resource, option_set=options) is not None


def counted(host: HostUnderTest, before: int | None, wanted: int) -> None:
    """Compares the number of refused logons since ``before``."""
    now = host.failed_logons()
    if now is not None and before is not None:
        equal(now - before, wanted, "refused logons")


def _logons(part: Part) -> None:
    @part.check("a wrong password is refused and counted: pypsrp over HTTP")
    def _(host: HostUnderTest) -> None:
        before = host.failed_logons()
        wrong = Account(host.target.domain_account.username, "not the password")
        raises(AuthenticationError, lambda: run(host.target.wsman(account=wrong), "hostname"))
        counted(host, before, 1)

    @part.check("a wrong password is refused and counted: pywinrm, NTLM and Basic over HTTPS")
    def _(host: HostUnderTest) -> None:
        for transport, good in (("ntlm", host.target.domain_account), ("ssl", host.target.local_account)):
            before = host.failed_logons()
            protocol = host.target.protocol(transport, "https", Account(good.username, "not the password"))
            raises(winrm.exceptions.InvalidCredentialsError, lambda: winrm_run(protocol, "hostname"))
            counted(host, before, 1)

    @part.check("an unknown user is refused and counted")
    def _(host: HostUnderTest) -> None:
        before = host.failed_logons()
        raises(AuthenticationError, lambda: run(host.target.wsman(account=Account(r"CORP\nobody", "x")), "hostname"))
        counted(host, before, 1)

    @part.check("Basic over plain HTTP is not offered")
    def _(host: HostUnderTest) -> None:
        account = host.target.local_account
        answer = _post(host.target.url("http"), b"", {}, auth=(account.username, account.password))
        equal(answer.status_code, 401)
        assert "basic" not in answer.headers["WWW-Authenticate"].casefold(), answer.headers

    @part.check("authentication belongs to the connection: a second one gives 401")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        equal(run(wsman, "hostname")[0], 0)
        content_type, body = wsman.transport.encryption.wrap_message(envelope(get := WSManAction.GET, CIMV2 + "Win32_OperatingSystem"))
        header = {"Content-Type": f'{content_type};protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'}
        equal(_post(host.target.url("http"), body, header).status_code, 401)
        equal(_post(host.target.url("http"), envelope(get, CIMV2), {"Content-Type": "application/soap+xml;charset=UTF-8"}).status_code, 401)

    @part.check("a sealed body that is replayed or altered gives 400 on its own connection")
    def _(host: HostUnderTest) -> None:
        for spoil in ("replay", "alter"):
            wsman = host.target.wsman()
            wsman.get(CIMV2 + "Win32_OperatingSystem")
            transport = wsman.transport
            content_type, body = transport.encryption.wrap_message(envelope(WSManAction.GET, CIMV2 + "Win32_OperatingSystem"))
            if spoil == "alter":
                body = body.replace(b"--Encrypted Boundary--\r\n", b"")
                body = body[:-1] + bytes([body[-1] ^ 1]) + b"--Encrypted Boundary--\r\n"
            header = {"Content-Type": f'{content_type};protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'}

            def send() -> requests.Response:
                request = requests.Request("POST", transport.endpoint, data=body, headers=header, auth=lambda request: request)
                return transport.session.send(transport.session.prepare_request(request), timeout=20)

            if spoil == "replay":
                equal(send().status_code, 200, "first")
            equal(send().status_code, 400, spoil)

    @part.check("a plain body over HTTP is refused with an empty 500 although the user is known")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman(encryption="never")
        error = raises(WinRMTransportError, lambda: wsman.transport.send(envelope(WSManAction.GET, CIMV2 + "Win32_OperatingSystem")))
        equal((getattr(error, "code"), getattr(error, "response_text")), (500, ""))

    @part.check("a malformed Authorization header is refused")
    def _(host: HostUnderTest) -> None:
        for value in ("Negotiate", "Negotiate !!!", "Negotiate " + base64.b64encode(b"NTLMSSP\0\3\0\0\0").decode(), "Basic !!!", "Bearer x"):
            status = _post(host.target.url("http"), b"", {"Authorization": value}).status_code
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
