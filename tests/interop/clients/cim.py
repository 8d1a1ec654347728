"""CIM classes by WQL, Enumerate and Get; Identify."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import NAMESPACES

import thirdparty
from checks import Part, equal, raises
from clients.host import NO_SUCH_CLASS, HostUnderTest, post
from thirdparty import (
    CIMV2,
    properties,
    wql,
)


def register(part: Part) -> None:
    """Adds the checks of this group."""

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
        items = thirdparty.pull_all(
            wsman, CIMV2 + "Win32_OperatingSystem", wsman.enumerate(CIMV2 + "Win32_OperatingSystem", body)
        )
        equal(len(items), 1)
        assert properties(items[0])["LastBootUpTime"][0].startswith("20")

    @part.check("a class, a namespace and a query that do not exist are faults with their codes")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        missing = raises(WSManFaultError, lambda: wsman.get(CIMV2 + "Win32_NoSuchClass"))
        equal(missing.code, NO_SUCH_CLASS)
        equal(raises(WSManFaultError, lambda: wql(wsman, "select from where")).code, 2150858778)

    @part.check("Identify: with and without authentication")
    def _(host: HostUnderTest) -> None:
        space = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
        message = (
            f'<s:Envelope xmlns:s="{NAMESPACES["s"]}" xmlns:i="{space}"><s:Header/>'
            "<s:Body><i:Identify/></s:Body></s:Envelope>"
        ).encode()
        for wsman in (host.target.wsman(), host.target.wsman("basic", "https")):
            reply = ET.fromstring(wsman.transport.send(message))
            assert "Stack: 3.0" in reply.findtext(f".//{{{space}}}ProductVersion", ""), ET.tostring(reply)
        headers = {"WSMANIDENTIFY": "unauthenticated", "Content-Type": "application/soap+xml;charset=UTF-8"}
        answer = post(host.target.url("http").replace("/wsman", "/wsman-anon/identify"), message, headers)
        equal(answer.status_code, 200)
        equal(ET.fromstring(answer.content).findtext(f".//{{{space}}}ProductVersion"), "OS: 0.0.0 SP: 0.0 Stack: 3.0")
