"""Checks of what is special to the Python endpoint: exchanges no library makes, dialects, refusals."""

from __future__ import annotations

import hashlib
import ssl
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import spnego.channel_bindings
from pypsrp.exceptions import AuthenticationError
from pypsrp.wsman import NAMESPACES, WSManAction

import thirdparty
from checks import Part, equal, raises
from endpoint.dialect import AuthBody, Cbt, Dialect
from endpoint.registry import Registry
from raw import RawClient
from thirdparty import CIMV2, envelope, registry, run

if TYPE_CHECKING:
    from part_endpoint import EndpointHost

GET = (WSManAction.GET, CIMV2 + "Win32_OperatingSystem")
KEY = r"SOFTWARE\Interop test"


def register(part: Part) -> None:
    """Adds the checks to the part."""
    for group in (_exchanges, _layout, _dialects, _state):
        group(part)


def _client(host: EndpointHost, protocol: str = "ntlm") -> RawClient:
    account = host.target.domain_account
    return RawClient(host.target.http_port, account.username, account.password, protocol)


def _exchanges(part: Part) -> None:
    for protocol in ("ntlm", "negotiate"):

        @part.check(f"the sealed request may travel with the last token: {protocol}")
        def _(host: EndpointHost, protocol: str = protocol) -> None:
            client = _client(host, protocol)
            status, reply = client.first(envelope(*GET))
            assert status == 200 and b"BuildNumber" in reply, (status, reply)
            equal(client.next(envelope(*GET))[0], 200, "second request")
            equal(client.statuses, [401, 200, 200])

        @part.check(f"a fault is sealed as well and the counters go on: {protocol}")
        def _(host: EndpointHost, protocol: str = protocol) -> None:
            client = _client(host, protocol)
            status, reply = client.first(envelope(WSManAction.GET, CIMV2 + "Win32_None"))
            assert status == 500 and b"2150858752" in reply, (status, reply)
            equal(client.next(envelope(*GET))[0], 200)

        @part.check(
            f"a host that ignores the body of the last token answers an empty 200 and wants it again: {protocol}"
        )
        def _(host: EndpointHost, protocol: str = protocol) -> None:
            other = host.another(Dialect(auth_body=AuthBody.IGNORED))
            client = _client(other, protocol)
            before = sum(other.host.counters.operations.values())
            equal(client.first(envelope(*GET)), (200, b""))
            equal(sum(other.host.counters.operations.values()), before, "operations carried out")
            equal(client.next(envelope(*GET))[0], 400, "the seal counters no longer agree")
            fresh = _client(other, protocol)
            equal(fresh.authenticate(), 200)
            equal(fresh.next(envelope(*GET))[0], 200)

    @part.check("a MessageID cannot be used twice")
    def _(host: EndpointHost) -> None:
        client = _client(host)
        message = envelope(*GET)
        equal(client.first(message)[0], 200)
        status, reply = client.next(message)
        assert status == 500 and b"2150858767" in reply, (status, reply)

    @part.check(
        "channel binding: Strict wants one, Relaxed refuses a wrong one, a SHA-384 certificate decides the hash"
    )
    def _(host: EndpointHost) -> None:
        strict = host.another(Dialect(cbt=Cbt.STRICT, certificate_hash="sha384"))
        equal(run(strict.target.wsman("negotiate", "https"), "hostname")[0], 0)
        unbound: dict[str, Any] = {"negotiate_send_cbt": False}
        raises(AuthenticationError, lambda: run(strict.target.wsman("negotiate", "https", **unbound), "hostname"))
        equal(run(host.target.wsman("negotiate", "https", **unbound), "hostname")[0], 0, "Relaxed")
        certificate = ssl.get_server_certificate(("127.0.0.1", host.target.https_port))
        wrong = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate) + b"x").digest()
        bindings = spnego.channel_bindings.GssChannelBindings(application_data=b"tls-server-end-point:" + wrong)
        equal(_logon_status(host, bindings), 401)

    @part.check("NTLMv1 and an answer without MIC are refused")
    def _(host: EndpointHost) -> None:
        import os

        before = host.failed_logons()
        saved = os.environ["LM_COMPAT_LEVEL"]
        try:
            os.environ["LM_COMPAT_LEVEL"] = "1"
            client = _client(host)
        finally:
            os.environ["LM_COMPAT_LEVEL"] = saved
        equal(client.authenticate(), 401)
        equal(host.failed_logons() - before, 1)


def _logon_status(host: EndpointHost, bindings: spnego.channel_bindings.GssChannelBindings) -> int:
    """Logs on over HTTPS with a channel binding of one's own choice."""
    import http.client

    client = _client(host)
    context = ssl.create_default_context(cafile=host.target.ca_file)
    client._connection = http.client.HTTPSConnection("127.0.0.1", host.target.https_port, context=context, timeout=20)
    client._context = spnego.client(
        client.username,
        client.password,
        protocol="ntlm",
        channel_bindings=bindings,
        options=spnego.NegotiateOptions.use_ntlm,
    )
    return client.authenticate()


def _layout(part: Part) -> None:
    spoilers = {
        "another boundary": lambda body: body.replace(b"Encrypted Boundary", b"Encrypted boundary"),
        "a wrong Length": lambda body: body.replace(b"Length=", b"Length=1"),
        "no closing delimiter": lambda body: body.replace(b"--Encrypted Boundary--\r\n", b""),
        "text before the first delimiter": lambda body: b"\r\n" + body,
        "a line end before the closing delimiter": lambda body: body.replace(
            b"--Encrypted Boundary--", b"\r\n--Encrypted Boundary--"
        ),
        "another inner charset": lambda body: body.replace(b"charset=UTF-8", b"charset=ASCII"),
        "another part type": lambda body: body.replace(b"octet-stream", b"octets-stream"),
        "a wrong header length": lambda body: body.replace(b"stream\r\n\x10\0\0\0", b"stream\r\n\x11\0\0\0"),
    }
    for label, spoil in spoilers.items():

        @part.check(f"layout: {label} is 400")
        def _(host: EndpointHost, spoil: object = spoil) -> None:
            client = _client(host)
            equal(client.authenticate(), 200)
            body = client.seal(envelope(*GET))
            spoiled = spoil(body)  # type: ignore[operator]
            assert spoiled != body
            equal(client.send(spoiled), 400)

    @part.check("layout: no TAB before part headers and no final line end are accepted")
    def _(host: EndpointHost) -> None:
        client = _client(host)
        client.authenticate()
        equal(client.send(client.seal(envelope(*GET)).replace(b"\r\n\t", b"\r\n").removesuffix(b"\r\n")), 200)


def _dialects(part: Part) -> None:
    dialects = {
        "absent out parameters left out": Dialect(omit_absent=True),
        "strange prefixes": Dialect(strange_prefixes=True),
        "chunked replies": Dialect(chunked=True),
        "byte order mark": Dialect(bom=True),
        "German": Dialect(german=True),
        "one challenge line": Dialect(joined_challenge=True),
        "Done alone": Dialect(done_alone=True),
        "other fault detail": Dialect(wmi_errors=True),
    }
    for label, dialect in dialects.items():

        @part.check(f"dialect: {label}: pypsrp still understands the host")
        def _(host: EndpointHost, dialect: Dialect = dialect) -> None:
            target = host.another(dialect).target
            wsman = target.wsman()
            equal(run(wsman, "echo ä& exit /b 4"), (4, "ä\r\n".encode(), b""))
            equal(registry(wsman, "GetStringValue", KEY, ("sValueName", "x"))[0], 2)
            equal(registry(wsman, "CreateKey", KEY)[0], 0)
            equal(registry(wsman, "GetStringValue", KEY, ("sValueName", "x")), (1, {}))
            equal(registry(wsman, "DeleteKey", KEY)[0], 0)

    @part.check("dialect: absent is nil, or is not there")
    def _(host: EndpointHost) -> None:
        for dialect, wanted in ((Dialect(), 1), (Dialect(omit_absent=True), 0)):
            body = thirdparty.registry_input("EnumKey", [("sSubKeyName", r"SOFTWARE\Microsoft\Cryptography")])
            reply = (
                host.another(dialect).target.wsman().invoke(f"{thirdparty.REGISTRY}/EnumKey", thirdparty.REGISTRY, body)
            )
            found = reply.findall(f".//{{{thirdparty.REGISTRY}}}sNames")
            equal(len(found), wanted)

    @part.check("dialect: no TAB in reply parts is a reply that only a careful reader unseals")
    def _(host: EndpointHost) -> None:
        client = _client(host.another(Dialect(no_tab=True)))
        equal(client.first(envelope(*GET))[0], 200)

    @part.check("dialect: faults in the MSFT_WmiError shape carry the code")
    def _(host: EndpointHost) -> None:
        client = _client(host.another(Dialect(wmi_errors=True)))
        status, reply = client.first(envelope(WSManAction.GET, CIMV2 + "Win32_None"))
        assert (
            status == 500 and b"error_Code>2150858752<" in reply and b"WSManFault" not in reply.partition(b"s:Body")[2]
        ), reply
        assert ET.fromstring(reply).find(".//s:Fault", NAMESPACES) is not None


def _state(part: Part) -> None:
    @part.check("the registry is dumped and seeded byte for byte, and counts writes")
    def _(host: EndpointHost) -> None:
        other = host.another(Dialect()).host
        before = other.registry.dump()
        copy = Registry()
        copy.seed(before)
        equal(copy.dump(), before)
        equal((copy.writes, other.registry.writes), (0, 0))
        copy.set(copy.create(r"SOFTWARE\Odd"), "v", 99, b"\1\2\3")
        assert copy.dump() != before and copy.writes == 2
        equal(copy.dump()[r"SOFTWARE\Odd"], {"v": {"type": 99, "bytes": "010203"}})

    @part.check("access denied is a return value")
    def _(host: EndpointHost) -> None:
        wsman = host.another(Dialect(), denied=[r"SOFTWARE\Policies"]).target.wsman()
        policy = r"SOFTWARE\Policies\Microsoft\Windows"
        equal(registry(wsman, "EnumKey", policy)[0], 0)
        equal(registry(wsman, "SetDWORDValue", policy, ("sValueName", "x"), ("uValue", "1"))[0], 5)

    @part.check("an HTTP request is judged before it is read: path, method, length, size")
    def _(host: EndpointHost) -> None:
        import http.client

        wanted: tuple[tuple[str, str, bytes | None, dict[str, str], int], ...] = (
            ("POST", "/other", b"", {}, 404),
            ("GET", "/wsman", None, {}, 405),
            ("POST", "/wsman", b"", {"Content-Length": "600000"}, 413),
            ("POST", "/wsman", b"", {"Content-Length": "x"}, 400),
        )
        for method, path, body, headers, status in wanted:
            connection = http.client.HTTPConnection("127.0.0.1", host.target.http_port, timeout=20)
            connection.request(method, path, body, headers)
            equal(connection.getresponse().status, status, f"{method} {path} {headers}")
            connection.close()
