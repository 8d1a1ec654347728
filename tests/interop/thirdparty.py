"""Calls through unmodified pypsrp and pywinrm, in the few forms that the checks need."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any, Literal

import winrm.protocol
from pypsrp.shell import Process, WinRS
from pypsrp.wsman import NAMESPACES, WSMan

REGISTRY = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/StdRegProv"
CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
HKLM = "2147483650"
#: What follows ``multipart/encrypted`` in the Content-Type of a sealed request.
SEALED_TYPE = 'protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'


#: pywinrm's words: ``ssl`` is Basic over TLS.
WinrmTransport = Literal["ntlm", "ssl"]


@dataclass(frozen=True)
class Account:
    """A user name as a client is given it, and the password."""

    username: str
    password: str


@dataclass(frozen=True)
class Target:
    """Where a host is reached and who may log on."""

    http_port: int
    https_port: int
    ca_file: str
    domain_account: Account
    local_account: Account
    computer: str

    def url(self, scheme: str) -> str:
        """The listener's address; the name is one that the certificate holds."""
        return f"{scheme}://localhost:{self.https_port if scheme == 'https' else self.http_port}/wsman"

    def wsman(
        self, auth: str = "negotiate", scheme: str = "http", account: Account | None = None, **options: Any
    ) -> WSMan:
        """A pypsrp client."""
        account = account or (self.local_account if auth == "basic" else self.domain_account)
        settings = {"cert_validation": self.ca_file, "no_proxy": True, "operation_timeout": 20, **options}
        return WSMan(
            "localhost",
            port=self.https_port if scheme == "https" else self.http_port,
            ssl=scheme == "https",
            auth=auth,
            username=account.username,
            password=account.password,
            **settings,
        )

    def protocol(
        self, transport: WinrmTransport = "ntlm", scheme: str = "http", account: Account | None = None, **options: Any
    ) -> winrm.protocol.Protocol:
        """A pywinrm client. ``ssl`` is Basic over TLS."""
        account = account or (self.local_account if transport == "ssl" else self.domain_account)
        settings = {
            "ca_trust_path": self.ca_file,
            "proxy": None,
            "message_encryption": "always" if scheme == "http" else "auto",
            **options,
        }
        return winrm.protocol.Protocol(
            self.url(scheme),
            transport=transport,
            username=account.username,
            password=account.password,
            **settings,
        )


def run(wsman: WSMan, line: str, **shell: Any) -> tuple[int | None, bytes, bytes]:
    """One command in a shell of its own by pypsrp."""
    with WinRS(wsman, **{"codepage": 65001, "no_profile": True, **shell}) as opened:
        return run_in(opened, line)


def run_in(shell: WinRS, line: str) -> tuple[int | None, bytes, bytes]:
    """One command in an open shell by pypsrp."""
    process = Process(shell, line)
    process.invoke()
    process.signal("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate")
    return process.rc, process.stdout, process.stderr


def winrm_run(protocol: winrm.protocol.Protocol, line: str, codepage: int = 65001) -> tuple[int, bytes, bytes]:
    """One command in a shell of its own by pywinrm."""
    shell = protocol.open_shell(codepage=codepage)
    try:
        command = protocol.run_command(shell, line)
        stdout, stderr, code = protocol.get_command_output(shell, command)
        protocol.cleanup_command(shell, command)
        return code, stdout, stderr
    finally:
        protocol.close_shell(shell)


def registry_input(method: str, parameters: list[tuple[str, str]]) -> ET.Element:
    """The METHOD_INPUT element."""
    element = ET.Element(f"{{{REGISTRY}}}{method}_INPUT")
    for name, text in parameters:
        ET.SubElement(element, f"{{{REGISTRY}}}{name}").text = text
    return element


def registry_output(envelope: ET.Element, method: str) -> tuple[int, dict[str, list[str]]]:
    """ReturnValue and the other out parameters; an absent one is missing, whichever way it was sent."""
    output = envelope.find(f"s:Body/{{{REGISTRY}}}{method}_OUTPUT", NAMESPACES)
    assert output is not None, ET.tostring(envelope)
    values: dict[str, list[str]] = {}
    for child in output:
        if child.get(XSI_NIL) != "true":
            values.setdefault(child.tag.rpartition("}")[2], []).append(child.text or "")
    return int(values.pop("ReturnValue")[0]), values


def registry(
    wsman: WSMan, method: str, key: str, *parameters: tuple[str, str], hive: str = HKLM
) -> tuple[int, dict[str, list[str]]]:
    """One StdRegProv method by pypsrp."""
    body = registry_input(method, [("hDefKey", hive), ("sSubKeyName", key), *parameters])
    return registry_output(wsman.invoke(f"{REGISTRY}/{method}", REGISTRY, body), method)


def winrm_registry(
    protocol: winrm.protocol.Protocol, method: str, key: str, *parameters: tuple[str, str]
) -> tuple[int, dict[str, list[str]]]:
    """One StdRegProv method by pywinrm, which knows no Invoke: the envelope is built from its own header."""
    import xmltodict

    header = protocol.build_wsman_header(f"{REGISTRY}/{method}", REGISTRY)
    values: dict[str, Any] = {"@xmlns:r": REGISTRY, "r:hDefKey": HKLM, "r:sSubKeyName": key}
    for name, text in parameters:
        values.setdefault(f"r:{name}", []).append(text)
    header["env:Body"] = {f"r:{method}_INPUT": values}
    return registry_output(ET.fromstring(protocol.send_message(xmltodict.unparse({"env:Envelope": header}))), method)


def wql(wsman: WSMan, query: str) -> list[ET.Element]:
    """All items of a query by pypsrp, pulled to the end."""
    body = ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate")
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}OptimizeEnumeration")
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}MaxElements").text = "32000"
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}Filter", Dialect=WQL).text = query
    return pull_all(wsman, CIMV2 + "*", wsman.enumerate(CIMV2 + "*", body))


def pull_all(wsman: WSMan, resource: str, reply: ET.Element) -> list[ET.Element]:
    """Items of an EnumerateResponse and of the Pulls it asks for."""
    items: list[ET.Element] = []
    while True:
        for path in (".//wsman:Items", ".//wsen:Items"):
            found = reply.find(path, NAMESPACES)
            items += list(found) if found is not None else []
        ended = (
            reply.find(".//wsman:EndOfSequence", NAMESPACES) is not None
            or reply.find(".//wsen:EndOfSequence", NAMESPACES) is not None
        )
        context = reply.findtext(".//wsen:EnumerationContext", "", NAMESPACES)
        if ended or not context:
            return items
        body = ET.Element(f"{{{NAMESPACES['wsen']}}}Pull")
        ET.SubElement(body, f"{{{NAMESPACES['wsen']}}}EnumerationContext").text = context
        ET.SubElement(body, f"{{{NAMESPACES['wsen']}}}MaxElements").text = "32000"
        reply = wsman.pull(resource, body)


def properties(item: ET.Element) -> dict[str, list[str]]:
    """Property names to their texts; nil is an empty list."""
    found: dict[str, list[str]] = {}
    for child in item:
        texts = found.setdefault(child.tag.rpartition("}")[2], [])
        if child.get(XSI_NIL) != "true":
            texts.append("".join(child.itertext()))
    return found


def open_shells(wsman: WSMan) -> list[str]:
    """Ids of the user's shells as the host lists them."""
    body = ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate")
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}OptimizeEnumeration")
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}MaxElements").text = "32000"
    shells = pull_all(wsman, SHELL, wsman.enumerate(SHELL, body))
    return [shell.findtext("rsp:ShellId", "", NAMESPACES) for shell in shells]


def envelope(action: str, resource: str, body: str = "", **replace: str) -> bytes:
    """An envelope by hand, for what no library would send. ``replace`` takes header lines by name; empty drops one."""
    lines = {
        "To": "<a:To>http://host:5985/wsman</a:To>",
        "ReplyTo": '<a:ReplyTo><a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>',
        "Action": f'<a:Action s:mustUnderstand="true">{action}</a:Action>',
        "MessageID": f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>",
        "ResourceURI": f'<w:ResourceURI s:mustUnderstand="true">{resource}</w:ResourceURI>',
        "MaxEnvelopeSize": '<w:MaxEnvelopeSize s:mustUnderstand="true">153600</w:MaxEnvelopeSize>',
        "OperationTimeout": "<w:OperationTimeout>PT20S</w:OperationTimeout>",
        "Locale": '<w:Locale xml:lang="en-US" s:mustUnderstand="false"/>',
        **replace,
    }
    head = (
        f'<s:Envelope xmlns:s="{NAMESPACES["s"]}" xmlns:a="{NAMESPACES["wsa"]}" xmlns:w="{NAMESPACES["wsman"]}" '
        f'xmlns:p="{NAMESPACES["wsmv"]}" xmlns:rsp="{NAMESPACES["rsp"]}" xmlns:n="{NAMESPACES["wsen"]}">'
    )
    return f"{head}<s:Header>{''.join(lines.values())}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()
