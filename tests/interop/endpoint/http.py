"""HTTP/1.1 as far as a WinRM listener speaks it: requests with a length, replies with a length or in chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

HEADER_LIMIT = 16384
BODY_LIMIT = 500 * 1024
_REASONS = {
    100: "Continue",
    200: "OK",
    400: "Bad Request",
    401: "",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Request Entity Too Large",
    500: "",
    503: "Service Unavailable",
}


class HttpError(Exception):
    """A request that HTTP.sys answers by itself and then closes the connection."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{status}: {why}")
        self.status = status


@dataclass
class HttpRequest:
    """A complete request. Header names are folded."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    chunked: bool = False


@dataclass
class HttpReply:
    """A reply before it is written."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    #: WWW-Authenticate values, one line each.
    challenges: list[str] = field(default_factory=list)
    close: bool = False


def read_request(stream: BinaryIO, out: BinaryIO) -> HttpRequest | None:
    """The next request, or None when the peer has closed in order."""
    line = stream.readline(HEADER_LIMIT)
    if not line:
        return None
    parts = line.decode("latin-1").rstrip("\r\n").split(" ")
    if len(parts) != 3 or parts[2] != "HTTP/1.1" or not line.endswith(b"\r\n"):
        raise HttpError(400, f"request line {line[:80]!r}")
    headers = _headers(stream)
    method, path = parts[0], parts[1]
    if "host" not in headers:
        raise HttpError(400, "no Host header")
    if headers.get("expect", "").casefold() == "100-continue":
        out.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "transfer-encoding" in headers:
        return HttpRequest(method, path, headers, _dechunk(stream), chunked=True)
    if method == "POST" and "content-length" not in headers:
        raise HttpError(411, "no length")
    text = headers.get("content-length", "0")
    if not text.isdigit():
        raise HttpError(400, f"Content-Length {text!r}")
    if int(text) > BODY_LIMIT:
        raise HttpError(413, text)
    body = stream.read(int(text))
    if len(body) != int(text):
        return None
    return HttpRequest(method, path, headers, body)


def _headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    total = 0
    while (line := stream.readline(HEADER_LIMIT)) not in (b"\r\n", b""):
        total += len(line)
        name, colon, value = line.decode("latin-1").partition(":")
        if total > HEADER_LIMIT or not colon or not name.strip() or name != name.strip() or name.casefold() in headers:
            raise HttpError(400, f"header {line[:80]!r}")
        headers[name.casefold()] = value.strip()
    return headers


def _dechunk(stream: BinaryIO) -> bytes:
    body = b""
    while size := int(stream.readline(32).split(b";")[0], 16):
        if len(body) + size > BODY_LIMIT:
            raise HttpError(413, "chunked")
        body += stream.read(size)
        stream.readline(4)
    _headers(stream)
    return body


def write_reply(out: BinaryIO, reply: HttpReply, *, chunked: bool = False, joined: bool = False) -> None:
    """Writes a reply; ``chunked`` bodies come in odd pieces with an extension and a trailer."""
    lines = [
        f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}",
        "Server: Microsoft-HTTPAPI/2.0",
        "Date: Mon, 23 Nov 2026 00:00:00 GMT",
    ]
    if reply.body and reply.content_type:
        lines.append(f"Content-Type: {reply.content_type}")
    lines += [
        f"WWW-Authenticate: {c}"
        for c in ([", ".join(reply.challenges)] if joined and reply.challenges else reply.challenges)
    ]
    if reply.close:
        lines.append("Connection: close")
    chunked = chunked and bool(reply.body)
    lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(reply.body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    out.write(head + (_chunks(reply.body) if chunked else reply.body))
    out.flush()


def _chunks(body: bytes) -> bytes:
    pieces, index, size = [], 0, 1
    while index < len(body):
        piece = body[index : index + size]
        pieces.append(b"%X;part=%d\r\n%s\r\n" % (len(piece), index, piece))
        index, size = index + size, min(size * 7 + 3, 4096)
    return b"".join(pieces) + b"0\r\nX-Trailer: done\r\n\r\n"
