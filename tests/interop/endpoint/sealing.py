"""``multipart/encrypted``: the layout that carries sealed SOAP over plain HTTP."""

from __future__ import annotations

import re
import struct

from spnego import ContextProxy

#: What a sealed body is called, by the scheme of its logon.
PROTOCOLS = {
    "negotiate": "application/HTTP-SPNEGO-session-encrypted",
    "kerberos": "application/HTTP-Kerberos-session-encrypted",
}
#: Bytes in front of the ciphertext: NTLM's signature; Kerberos' header, rotated checksum and confounder with AES-SHA1 and
#: with the two forms of AES-SHA2 (RFC 8009).
HEADER_LENGTHS = {"ntlm": (16,), "kerberos": (60, 64, 72)}
_DELIMITER = b"--Encrypted Boundary\r\n"
_ENDINGS = (b"--Encrypted Boundary--\r\n", b"--Encrypted Boundary--")
_FIRST_PART = re.compile(
    rb"\t?Content-Type: ([A-Za-z/-]+)\r\n"
    rb"\t?OriginalContent: type=application/soap\+xml;charset=(UTF-8|UTF-16);Length=(\d{1,7})\r\n"
)
_SECOND_PART = re.compile(rb"\t?Content-Type: application/octet-stream\r\n")


class LayoutError(ValueError):
    """The body is not the multipart that it claims to be, or its seal does not hold."""


def content_type_of(scheme: str) -> str:
    """The Content-Type of sealed bodies after a logon under this scheme."""
    return f'multipart/encrypted;protocol="{PROTOCOLS[scheme]}";boundary="Encrypted Boundary"'


CONTENT_TYPE = content_type_of("negotiate")


def is_sealed(content_type: str, scheme: str) -> bool:
    """Whether a Content-Type announces a sealed body; a near miss is an error, not a plain body."""
    if not content_type.lower().startswith("multipart/"):
        return False
    main, *parameters = [part.strip() for part in content_type.split(";")]
    fields = dict(part.split("=", 1) for part in parameters if "=" in part)
    wanted = {"protocol": f'"{PROTOCOLS[scheme]}"', "boundary": '"Encrypted Boundary"'}
    if main.lower() != "multipart/encrypted" or {k.lower(): v for k, v in fields.items()} != wanted:
        raise LayoutError(f"content type {content_type!r}")
    return True


def unseal(body: bytes, context: ContextProxy, scheme: str = "negotiate") -> tuple[bytes, str]:
    """The plain bytes and their charset. Every length is checked; nothing is searched for inside the ciphertext."""
    rest = body
    if not rest.startswith(_DELIMITER):
        raise LayoutError("no opening delimiter")
    rest = rest[len(_DELIMITER) :]
    first = _FIRST_PART.match(rest)
    if not first or first.group(1) != PROTOCOLS[scheme].encode():
        raise LayoutError("headers of the first part")
    rest = rest[first.end() :]
    if not rest.startswith(_DELIMITER):
        raise LayoutError("no delimiter between the parts")
    rest = rest[len(_DELIMITER) :]
    second = _SECOND_PART.match(rest)
    if not second:
        raise LayoutError("headers of the second part")
    rest = rest[second.end() :]
    length = int(first.group(3))
    if len(rest) < 4:
        raise LayoutError("no header length")
    header_length = struct.unpack_from("<I", rest)[0]
    wanted = HEADER_LENGTHS[context.negotiated_protocol or "ntlm"]
    if header_length not in wanted:
        raise LayoutError(f"security header of {header_length} bytes, {context.negotiated_protocol} has {wanted}")
    start, end = 4 + header_length, 4 + header_length + length
    header, sealed, tail = rest[4:start], rest[start:end], rest[end:]
    if len(header) != header_length or len(sealed) != length:
        raise LayoutError("shorter than its Length says")
    if tail not in _ENDINGS:
        raise LayoutError(f"after the ciphertext: {tail[:40]!r}")
    try:
        plain = context.unwrap_winrm(header, sealed)
    except Exception as error:  # pyspnego has several error types for one meaning
        raise LayoutError(f"seal: {error}") from error
    return plain, first.group(2).decode()


def seal(
    plain: bytes, context: ContextProxy, scheme: str = "negotiate", tab: bool = True, mime: bool = False
) -> bytes:
    """The multipart for a reply."""
    wrapped = context.wrap_winrm(plain)
    indent = b"\t" if tab else b""
    line = b"\r\n" if mime else b""
    return b"".join(
        (
            _DELIMITER,
            indent,
            b"Content-Type: ",
            PROTOCOLS[scheme].encode(),
            b"\r\n",
            indent,
            b"OriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n" % len(plain),
            line,
            _DELIMITER,
            indent,
            b"Content-Type: application/octet-stream\r\n",
            line,
            struct.pack("<I", len(wrapped.header)),
            wrapped.header,
            wrapped.data,
            line,
            _ENDINGS[0],
        )
    )
