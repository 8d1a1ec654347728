"""One TCP connection: authentication is bound to it, sealing has its counters on it."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from spnego import ContextProxy
from spnego.exceptions import SpnegoError

from . import auth, sealing
from .dialect import Asks, AuthBody
from .faults import Fault
from .http import HttpReply, HttpRequest

if TYPE_CHECKING:
    from .server import Host

#: What a client says in place of a scheme when its certificate is the logon (DSP0226).
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
SOAP_TYPE = "application/soap+xml;charset=UTF-8"


class Connection:
    """State from accept to close. Not shared between threads."""

    def __init__(self, host: Host, certificate: bytes | None, client: str, shown: bytes | None = None) -> None:
        self._host, self._certificate, self._client, self._shown = host, certificate, client, shown
        self._exchange: ContextProxy | None = None
        self._context: ContextProxy | None = None
        self._user: str | None = None
        self._scheme = "negotiate"

    def answer(self, request: HttpRequest) -> HttpReply:
        """The reply to one request."""
        reply = self._answer(request)
        reply.close |= self._host.dialect.unkept and reply.status == 200
        return reply

    def _answer(self, request: HttpRequest) -> HttpReply:
        path = request.path.partition("?")[0]
        if request.method != "POST":
            return HttpReply(405)
        if path == "/wsman-anon/identify":
            return self._anonymous_identify(request)
        if path != "/wsman":
            return HttpReply(404)
        if self._host.refuse_everything:
            return HttpReply(503)
        scheme, _, parameter = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() == "negotiate" or (scheme.casefold() == "kerberos" and self._host.keytab):
            return self._negotiate(request, scheme.casefold(), parameter.strip())
        if scheme.casefold() == "basic" and self._certificate is not None and self._host.basic:
            return self._basic(request, parameter.strip())
        if scheme == MUTUAL and not parameter and self._host.dialect.client_certificate is Asks.HANDSHAKE:
            return self._mutual(request)
        if scheme or self._user is None:
            return self._challenge()
        return self._serve(request, self._user)

    def _challenge(self, close: bool = False) -> HttpReply:
        basic = ['Basic realm="WSMAN"'] if self._certificate is not None and self._host.basic else []
        kerberos = ["Kerberos"] if self._host.keytab else []
        return HttpReply(401, challenges=["Negotiate", *kerberos, *basic], close=close)

    def _refuse(self, why: str) -> HttpReply:
        self._host.logons.refuse(why)
        self._exchange = self._context = self._user = None
        return self._challenge(close=True)

    def _basic(self, request: HttpRequest, parameter: str) -> HttpReply:
        pair = auth.decode_basic(parameter)
        if pair is None or not self._host.accounts.basic(*pair):
            return self._refuse("basic: wrong user or password")
        self._host.logons.accept()
        return self._serve(request, f"{self._host.names.netbios}\\{pair[0]}")

    def _mutual(self, request: HttpRequest) -> HttpReply:
        if self._shown is None:
            return self._refuse("certificate: none was shown")
        user = self._host.accounts.of(self._shown)
        if user is None:
            self._host.logons.refuse("certificate: mapped to no account")
            return HttpReply(403)
        self._host.logons.accept()
        return self._serve(request, f"{self._host.names.netbios}\\{user}")

    def _negotiate(self, request: HttpRequest, scheme: str, parameter: str) -> HttpReply:
        try:
            token = base64.b64decode(parameter, validate=True)
        except binascii.Error:
            return HttpReply(400, close=True)
        if self._exchange is None:
            self._context = self._user = None  # a new exchange ends what was agreed before
            self._scheme = scheme
            self._exchange = auth.acceptor(
                self._host.names, self._host.dialect.cbt, self._certificate, self._host.keytab, scheme
            )
        try:
            reply = self._exchange.step(token)
        except (SpnegoError, ValueError, IndexError) as error:
            return self._refuse(f"{scheme}: {error}")
        answer = f"{scheme.capitalize()} {base64.b64encode(reply).decode()}" if reply else None
        if not self._exchange.complete:
            if answer is None:
                return self._refuse(f"{scheme}: nothing to say")
            return HttpReply(401, challenges=[answer])
        self._context, self._exchange = self._exchange, None
        self._host.logons.used(self._context.negotiated_protocol or "")
        self._user = self._context.client_principal or ""
        self._host.logons.accept()
        if request.body and self._host.dialect.auth_body is AuthBody.SERVED:
            served = self._serve(request, self._user)
        else:
            served = HttpReply(200)
        served.challenges = [answer] if answer else []
        return served

    def _serve(self, request: HttpRequest, user: str) -> HttpReply:
        """A request of a known user: unseal, carry out, seal."""
        try:
            sealed = sealing.is_sealed(request.headers.get("content-type", ""), self._scheme)
            if sealed:
                if self._context is None:
                    raise sealing.LayoutError("sealed body under a scheme that cannot seal")
                plain, charset = sealing.unseal(request.body, self._context, self._scheme)
            else:
                if self._certificate is None:
                    self._host.note("plain body over HTTP refused")
                    return HttpReply(500)
                plain, charset = request.body, _charset(request.headers.get("content-type", ""))
        except sealing.LayoutError as error:
            self._host.note(f"400: {error}")
            return HttpReply(400, close=True)
        status, reply = self._host.operate(plain, charset, user, self._client, request.chunked)
        dialect = self._host.dialect
        if not reply:
            return HttpReply(status)
        if sealed and self._context is not None:
            body = sealing.seal(reply, self._context, self._scheme, tab=not dialect.no_tab, mime=dialect.mime_lines)
            return HttpReply(status, body, sealing.content_type_of(self._scheme))
        return HttpReply(status, reply, None if dialect.untyped else SOAP_TYPE)

    def _anonymous_identify(self, request: HttpRequest) -> HttpReply:
        if request.headers.get("wsmanidentify", "").casefold() != "unauthenticated":
            return HttpReply(404)
        try:
            return HttpReply(200, self._host.anonymous_identify(request.body), SOAP_TYPE)
        except Fault as fault:
            return HttpReply(500, self._host.writer.fault(fault, None), SOAP_TYPE)


def _charset(content_type: str) -> str:
    main, _, rest = content_type.replace(" ", "").casefold().partition(";")
    charset = rest.removeprefix("charset=").strip('"').upper()
    if main != "application/soap+xml" or charset not in ("UTF-8", "UTF-16"):
        raise sealing.LayoutError(f"content type {content_type!r}")
    return charset
