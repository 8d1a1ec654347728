"""What may differ between two correct hosts, and what a test may ask a host to be difficult about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Cbt(Enum):
    """``CbtHardeningLevel`` of the service: how a channel binding token over TLS is judged."""

    NONE = "none"
    RELAXED = "relaxed"
    STRICT = "strict"


class AuthBody(Enum):
    """What happens to a request body that travels with the last authentication token."""

    SERVED = "served"
    #: The token is judged, the body is not looked at, the answer is an empty 200: the request was NOT processed.
    IGNORED = "ignored"


class Asks(Enum):
    """Whether the HTTPS listener asks for a client certificate in the handshake."""

    NEVER = "never"
    HANDSHAKE = "handshake"


class Flaw(Enum):
    """What is wrong with the host's certificate."""

    NONE = "none"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    OTHER_NAME = "other name"
    WRONG_PURPOSE = "wrong purpose"
    SELF_SIGNED = "self-signed"


@dataclass(frozen=True)
class Dialect:
    """Switches of one host. The defaults are what a current Windows host does."""

    #: The absent out parameter of a StdRegProv method is left out instead of sent as ``xsi:nil``.
    omit_absent: bool = False
    #: Namespace prefixes that Windows does not use, some of them bound crosswise.
    strange_prefixes: bool = False
    #: The parts of a sealed reply have no TAB before their headers.
    no_tab: bool = False
    #: The parts of a sealed reply as MIME has them: an empty line behind their headers, a line end before the last delimiter.
    mime_lines: bool = False
    #: Replies in clear (over TLS) do not say of which type they are.
    untyped: bool = False
    #: Faults of the sender come with 400, as SOAP's own binding to HTTP has it, instead of 500.
    sender_400: bool = False
    #: Each connection is closed behind a success, as some load balancers do: no logon outlives it.
    unkept: bool = False
    #: Replies are sent with ``Transfer-Encoding: chunked``, odd chunk sizes, an extension and a trailer.
    chunked: bool = False
    #: A UTF-8 byte order mark stands before the envelope.
    bom: bool = False
    #: ``WWW-Authenticate`` schemes in one comma separated line instead of one line each.
    joined_challenge: bool = False
    #: Command output and the ``Done`` state come in different replies.
    done_alone: bool = False
    #: netsh and reg write German, in code page 850: nobody may read them.
    german: bool = False
    #: Faults with a ``MSFT_WmiError`` detail instead of ``f:WSManFault`` where Windows 2012 and later use it.
    wmi_errors: bool = False
    auth_body: AuthBody = AuthBody.SERVED
    cbt: Cbt = Cbt.RELAXED
    #: First field of the ``WinHttpSettings`` value that netsh writes: 0x18 on old hosts, 0x28 on new ones.
    winhttp_marker: int = 0x28
    #: Hash of the signature on the host's certificate: the channel binding follows it.
    certificate_hash: str = "sha256"
    certificate_flaw: Flaw = Flaw.NONE
    client_certificate: Asks = Asks.NEVER
    #: The only version of TLS, ``TLSv1_2`` or ``TLSv1_3``; both when empty.
    tls_version: str = ""
