"""A WinRM client by hand, for exchanges that no Python library makes: the sealed body together with the last token."""

from __future__ import annotations

import base64
import http.client
from dataclasses import dataclass, field

import spnego
from spnego import ContextProxy

from endpoint import sealing


@dataclass
class RawClient:
    """One connection over HTTP with an NTLM context, raw or inside SPNEGO."""

    port: int
    username: str
    password: str
    protocol: str = "ntlm"
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self._context: ContextProxy = spnego.client(
            self.username,
            self.password,
            protocol=self.protocol,
            options=spnego.NegotiateOptions.use_ntlm
            if self.protocol == "ntlm"
            else spnego.NegotiateOptions.use_negotiate,
        )

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, bytes]:
        self._connection.request("POST", "/wsman", body, headers)
        reply = self._connection.getresponse()
        self.statuses.append(reply.status)
        return reply.status, reply.headers, reply.read()

    def first(self, plain: bytes) -> tuple[int, bytes]:
        """Type 1 alone, then Type 3 with the sealed request: status and plain reply."""
        status, headers, _ = self._post(b"", {"Authorization": self._token(None)})
        assert status == 401, status
        token = headers["WWW-Authenticate"].removeprefix("Negotiate ")
        authorization = self._token(base64.b64decode(token))
        status, headers, body = self._post(
            sealing.seal(plain, self._context), {"Authorization": authorization, "Content-Type": sealing.CONTENT_TYPE}
        )
        if status in (200, 500) and (final := headers.get("WWW-Authenticate", "").removeprefix("Negotiate ")):
            self._context.step(base64.b64decode(final))
        return status, self._plain(body)

    def authenticate(self) -> int:
        """Type 1 and Type 3, both without a body."""
        status, headers, _ = self._post(b"", {"Authorization": self._token(None)})
        token = headers["WWW-Authenticate"].removeprefix("Negotiate ")
        status, headers, _ = self._post(b"", {"Authorization": self._token(base64.b64decode(token))})
        if status == 200 and (final := headers.get("WWW-Authenticate", "").removeprefix("Negotiate ")):
            self._context.step(base64.b64decode(final))
        return status

    def next(self, plain: bytes) -> tuple[int, bytes]:
        """A sealed request on the authenticated connection."""
        status, _, body = self._post(sealing.seal(plain, self._context), {"Content-Type": sealing.CONTENT_TYPE})
        return status, self._plain(body)

    def send(self, body: bytes, content_type: str = sealing.CONTENT_TYPE) -> int:
        """Any bytes, as they are."""
        return self._post(body, {"Content-Type": content_type})[0]

    def seal(self, plain: bytes) -> bytes:
        """The multipart of a request, for tests that spoil it."""
        return sealing.seal(plain, self._context)

    def _token(self, received: bytes | None) -> str:
        return "Negotiate " + base64.b64encode(self._context.step(received) or b"").decode()

    def _plain(self, body: bytes) -> bytes:
        return sealing.unseal(body, self._context)[0] if body else b""
