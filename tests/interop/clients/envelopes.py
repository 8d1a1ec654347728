"""Envelopes that must be refused, and some that must not."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import partial

from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.wsman import NAMESPACES, OptionSet, WSManAction

import thirdparty
from checks import Part, equal, raises
from clients.host import KEY, HostUnderTest, fault_of, post
from thirdparty import (
    CIMV2,
    REGISTRY,
    SHELL,
    envelope,
)


def register(part: Part) -> None:
    """Adds the checks of this group."""
    get, resource = WSManAction.GET, CIMV2 + "Win32_OperatingSystem"
    refused = [
        (
            "a header that must be understood and is not",
            {"X": '<x:Y xmlns:x="urn:x" s:mustUnderstand="true"/>'},
            {2150858768},
        ),
        ("a small MaxEnvelopeSize", {"MaxEnvelopeSize": "<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>"}, {2150858805}),
        (
            "a negative OperationTimeout",
            {"OperationTimeout": "<w:OperationTimeout>-PT1S</w:OperationTimeout>"},
            {2150858767},
        ),
        (
            "an OperationTimeout that is no duration",
            {"OperationTimeout": "<w:OperationTimeout>60</w:OperationTimeout>"},
            {2150858767},
        ),
        ("no MessageID", {"MessageID": ""}, {2150858767}),
        ("no ReplyTo", {"ReplyTo": ""}, {2150858769}),
        (
            "another ReplyTo",
            {"ReplyTo": "<a:ReplyTo><a:Address>http://elsewhere/</a:Address></a:ReplyTo>"},
            {2150858870, 2150858818},
        ),
        (
            "an unknown resource",
            {"ResourceURI": "<w:ResourceURI>http://example.com/none</w:ResourceURI>"},
            {2150858770, 2150858811, 2150858754, 2150858752},
        ),
        ("an unknown action", {"Action": "<a:Action>http://example.com/none</a:Action>"}, {2150858753}),
        (
            "a locale that must be understood",
            {"Locale": '<w:Locale xml:lang="xx" s:mustUnderstand="true"/>'},
            {2150858855, 2150858818},
        ),
        (
            "a must-comply option that is unknown",
            {
                "O": '<w:OptionSet><w:Option Name="NO_SUCH" MustComply="true">1</w:Option></w:OptionSet>',
                "Action": f"<a:Action>{SHELL}/Command</a:Action>",
                "ResourceURI": f"<w:ResourceURI>{SHELL}/cmd</w:ResourceURI>",
            },
            {2150858809, 2150858842, 2150858843},
        ),
    ]
    for label, replace, codes in refused:

        @part.check(f"refused by its fault code: {label}")
        def _(host: HostUnderTest, replace: dict[str, str] = replace, codes: set[int] = codes) -> None:
            found = fault_of(host.target.wsman(), envelope(get, resource, **replace))
            assert found in codes, f"fault {found}, wanted one of {sorted(codes)}"

    @part.check("accepted: unqualified mustUnderstand, unknown header without it, any To, a query string")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman(path="wsman?PSVersion=5.1")
        reply = wsman.transport.send(
            envelope(get, resource, X='<x:Y xmlns:x="urn:x" mustUnderstand="true"/>', To="<a:To>urn:nobody</a:To>")
        )
        assert b"Win32_OperatingSystem" in reply

    @part.check("RelatesTo repeats the MessageID byte for byte")
    def _(host: HostUnderTest) -> None:
        message_id = "uuid:aBcDeF00-1111-2222-3333-444455556666-and-more"
        reply = host.target.wsman().transport.send(
            envelope(get, resource, MessageID=f"<a:MessageID>{message_id}</a:MessageID>")
        )
        equal(ET.fromstring(reply).findtext(".//wsa:RelatesTo", "", NAMESPACES), message_id)

    @part.check("refused: a DOCTYPE, and what is no XML")
    def _(host: HostUnderTest) -> None:
        wsman = host.target.wsman()
        for message in (b'<!DOCTYPE s [<!ENTITY x "y">]>' + envelope(get, resource), b"<not closed"):
            equal(raises(WinRMTransportError, partial(wsman.transport.send, message)).code, 500)

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
        answer = post(
            host.target.url("https"),
            envelope(get, resource).decode().encode("utf-16"),
            {"Content-Type": "application/soap+xml;charset=UTF-16"},
            auth=(account.username, account.password),
            verify=host.target.ca_file,
        )
        equal(answer.status_code, 200)

    @part.check("CIM: an option set of pypsrp is accepted")
    def _(host: HostUnderTest) -> None:
        options = OptionSet()
        options.add_option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "True")
        assert host.target.wsman().get(resource, option_set=options) is not None
