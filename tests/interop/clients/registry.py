"""StdRegProv by Invoke, and the same registry through the shell."""

from __future__ import annotations

from pypsrp.shell import WinRS

from checks import Part, equal
from clients.host import KEY, HostUnderTest
from thirdparty import (
    registry,
    run_in,
    winrm_registry,
)


def register(part: Part) -> None:
    """Adds the checks of this group."""
    typed = [
        ("String", "sValue", ["Größe & <ok>"], 1, None),
        ("ExpandedString", "sValue", [r"%SystemRoot%\x"], 2, [r"C:\Windows\x"]),
        ("Binary", "uValue", ["0", "40", "255"], 3, None),
        ("DWORD", "uValue", ["4294967295"], 4, None),
        ("MultiString", "sValue", ["one", "two 2"], 7, None),
        ("QWORD", "uValue", ["18446744073709551615"], 11, None),
    ]
    for kind, parameter, texts, number, read in typed:

        @part.check(f"StdRegProv by pypsrp: {kind} is set and got")
        def _(
            host: HostUnderTest,
            kind: str = kind,
            parameter: str = parameter,
            texts: list[str] = texts,
            number: int = number,
            read: list[str] | None = read,
        ) -> None:
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
        equal(
            winrm_registry(protocol, "SetMultiStringValue", KEY, ("sValueName", "L"), ("sValue", "a"), ("sValue", "b")),
            (0, {}),
        )
        equal(winrm_registry(protocol, "GetMultiStringValue", KEY, ("sValueName", "L")), (0, {"sValue": ["a", "b"]}))
        code, values = winrm_registry(protocol, "EnumValues", KEY)
        equal((code, dict(zip(values["sNames"], values["Types"], strict=True))), (0, {"Flag": "4", "L": "7"}))
        equal(winrm_registry(protocol, "DeleteKey", KEY), (0, {}))

    @part.check("StdRegProv by pywinrm, Basic over HTTPS")
    def _(host: HostUnderTest) -> None:
        code, values = winrm_registry(
            host.target.protocol("ssl", "https"),
            "GetStringValue",
            r"SOFTWARE\Microsoft\Cryptography",
            ("sValueName", "MachineGuid"),
        )
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
        wsman, key, name = (
            host.target.wsman(),
            r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections",
            ("sValueName", "WinHttpSettings"),
        )

        def blob() -> bytes:
            code, values = registry(wsman, "GetBinaryValue", key, name)
            equal(code, 0)
            return bytes(int(octet) for octet in values["uValue"])

        with WinRS(wsman, codepage=65001) as shell:
            equal(
                run_in(
                    shell, 'netsh winhttp set proxy proxy-server="10.0.0.6:8080" bypass-list="<local>;*.contoso.com"'
                )[0],
                0,
            )
            equal(
                blob()[1:].hex(),
                "000000"
                "00000000"
                "03000000"
                "0d000000"
                "31302e302e302e363a38303830"
                "15000000"
                "3c6c6f63616c3e3b2a2e636f6e746f736f2e636f6d",
            )
            equal(run_in(shell, "netsh winhttp set proxy a:42")[0], 0)
            equal(blob()[1:].hex(), "000000000000000300000004000000613a343200000000")
            equal(run_in(shell, "netsh winhttp reset proxy")[0], 0)
            equal(blob()[1:].hex(), "00000000000000010000000000000000000000")
        registry(wsman, "DeleteValue", key, name)
