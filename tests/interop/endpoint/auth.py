"""Who may come in: pyspnego's acceptors (its own NTLM with the host's own name in the challenge, MIT Kerberos' by
python-gssapi), and Basic."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from spnego import ContextProxy, ContextReq
from spnego._context import GSSMech
from spnego._gss import GSSAPIProxy
from spnego._negotiate import NegotiateProxy
from spnego._ntlm import NTLMProxy
from spnego._ntlm_raw.messages import (
    Authenticate,
    AvFlags,
    AvId,
    Challenge,
    FileTime,
    NTClientChallengeV2,
    TargetInfo,
    Version,
)
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import BadBindingsError, InvalidTokenError

from .dialect import Cbt


@dataclass(frozen=True)
class HostNames:
    """What the host calls itself in the NTLM challenge."""

    netbios: str
    dns: str
    domain: str


@dataclass
class Accounts:
    """Accounts of one endpoint process. ``domain`` is empty for a local account."""

    entries: list[tuple[str, str, str]] = field(default_factory=list)
    #: SHA-256 of a client certificate to the local account that it is mapped to.
    mapped: dict[bytes, str] = field(default_factory=dict)

    def map(self, certificate: bytes, user: str) -> None:
        """A client certificate logs on as this local account from now on."""
        self.mapped[hashlib.sha256(certificate).digest()] = user

    def of(self, certificate: bytes) -> str | None:
        """The account that a client certificate is mapped to."""
        return self.mapped.get(hashlib.sha256(certificate).digest())

    def publish(self, path: Path) -> None:
        """Writes the credential file that pyspnego's acceptor reads, and names it to this process."""
        path.write_text("".join(f"{d}:{u}:{p}\n" for d, u, p in self.entries), encoding="utf-8")
        path.chmod(0o600)
        os.environ["NTLM_USER_FILE"] = str(path)
        os.environ["LM_COMPAT_LEVEL"] = "5"  # NTLMv2 or nothing

    def basic(self, username: str, password: str) -> bool:
        """Whether a local account has this password."""
        return any(not d and u.casefold() == username.casefold() and p == password for d, u, p in self.entries)


class HostNtlm(NTLMProxy):
    """pyspnego's NTLM acceptor, which takes its name from the machine it runs on and is lenient about the MIC and the
    channel binding. A host has a name of its own and is not lenient."""

    names: HostNames
    cbt: Cbt
    token: bytes

    def _step_accept_negotiate(self, token: bytes) -> bytes:
        super()._step_accept_negotiate(token)
        draft = self._temp_challenge
        assert draft is not None
        info = TargetInfo()
        info[AvId.nb_domain_name] = self.names.domain
        info[AvId.nb_computer_name] = self.names.netbios
        info[AvId.dns_domain_name] = self.names.dns.partition(".")[2] or self.names.dns
        info[AvId.dns_computer_name] = self.names.dns
        info[AvId.timestamp] = FileTime.now()
        self._temp_challenge = Challenge(
            draft.flags,
            draft.server_challenge,
            target_name=self.names.domain,
            target_info=info,
            version=Version(major=10, minor=0, build=17763, revision=15),
        )
        return self._temp_challenge.pack()

    def _step_accept_authenticate(self, token: bytes, channel_bindings: GssChannelBindings | None) -> None:
        message = Authenticate.unpack(token)
        response = message.nt_challenge_response or b""
        if len(response) <= 24:
            raise InvalidTokenError(context_msg="not an NTLMv2 response")
        pairs = NTClientChallengeV2.unpack(response[16:]).av_pairs
        if not pairs.get(AvId.flags, AvFlags(0)) & AvFlags.mic or not any(message.mic or b""):
            raise InvalidTokenError(context_msg="no MIC although the challenge carried a timestamp")
        if pairs.get(AvId.nb_computer_name) != self.names.netbios:
            raise InvalidTokenError(context_msg="the response was made for another target")
        self._judge_binding(pairs, channel_bindings)
        super()._step_accept_authenticate(token, None)

    def _judge_binding(self, pairs: TargetInfo, channel_bindings: GssChannelBindings | None) -> None:
        if channel_bindings is None or self.cbt is Cbt.NONE:
            return
        sent = bytes(pairs.get(AvId.channel_bindings, b""))
        if not any(sent):
            if self.cbt is Cbt.STRICT:
                raise BadBindingsError(context_msg="no channel binding sent")
        elif sent != hashlib.md5(channel_bindings.pack()).digest():
            raise BadBindingsError(context_msg="channel binding of another channel")


class HostKerberos(GSSAPIProxy):
    """MIT Kerberos' acceptor with the keys of one host. The library refuses a wrong channel binding by itself, and says
    of a missing one only that it was not there."""

    cbt: Cbt

    #: ``GSS_C_CHANNEL_BOUND_FLAG`` of MIT Kerberos 1.19 and later.
    _BOUND = 2048

    def step(
        self, in_token: bytes | None = None, *, channel_bindings: GssChannelBindings | None = None
    ) -> bytes | None:
        """Takes a token and gives the answer."""
        try:
            reply = super().step(in_token, channel_bindings=channel_bindings)
        except AttributeError as error:
            # python-gssapi asks a context that was refused at once for its flags, and the refusal itself is lost.
            raise InvalidTokenError(context_msg="MIT Kerberos refuses the ticket") from error
        strict = self.cbt is Cbt.STRICT and self.channel_bindings is not None
        context = self._context
        if strict and context is not None and context.complete and not int(context.actual_flags) & self._BOUND:
            raise BadBindingsError(context_msg="no channel binding sent")
        return reply


def _kerberos(cbt: Cbt, bindings: GssChannelBindings | None, keytab: Path) -> HostKerberos:
    import gssapi

    # No name: whichever service the keytab has. It has those of this host alone.
    keys = gssapi.raw.acquire_cred_from({b"keytab": os.fsencode(keytab)}, usage="accept").creds
    kerberos = HostKerberos(
        usage="accept",
        protocol="kerberos",
        channel_bindings=None if cbt is Cbt.NONE else bindings,
        context_req=ContextReq.default,
        _gssapi_credential=gssapi.Credentials(base=keys, usage="accept"),
    )
    kerberos.cbt = cbt
    return kerberos


def acceptor(
    names: HostNames, cbt: Cbt, certificate: bytes | None, keytab: Path | None = None, scheme: str = "negotiate"
) -> ContextProxy:
    """A fresh context for one connection. Under ``Negotiate``: SPNEGO with Kerberos (where there are keys) or NTLM
    inside, or one of them raw, whichever the first token is; under ``Kerberos``: that alone."""
    bindings = None
    if certificate is not None:
        bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + endpoint_hash(certificate))
    contexts: dict[GSSMech, ContextProxy] = {}
    if keytab is not None:
        contexts[GSSMech.kerberos] = _kerberos(cbt, bindings, keytab)
        if scheme == "kerberos":
            return contexts[GSSMech.kerberos]
    ntlm = HostNtlm(usage="accept", protocol="ntlm", channel_bindings=bindings, context_req=ContextReq.default)
    ntlm.names, ntlm.cbt = names, cbt
    contexts[GSSMech.ntlm] = ntlm
    return NegotiateProxy(
        usage="accept",
        protocol="negotiate",
        channel_bindings=bindings,
        context_req=ContextReq.default,
        _negotiate_contexts=contexts,
    )


def endpoint_hash(certificate: bytes) -> bytes:
    """RFC 5929: the hash of the signature algorithm, SHA-256 in place of the weak and the unknown ones."""
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, (hashes.MD5, hashes.SHA1)):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    return digest.finalize()


def decode_basic(parameter: str) -> tuple[str, str] | None:
    """User and password of a Basic header, or None when it is malformed."""
    try:
        user, colon, password = base64.b64decode(parameter, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


@dataclass
class LogonCounter:
    """Logons of one host, as its security log would count them."""

    accepted: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)
    #: The mechanism of each accepted logon with tokens, in order.
    mechanisms: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self) -> None:
        """A logon was accepted."""
        with self.lock:
            self.accepted += 1

    def used(self, mechanism: str) -> None:
        """An exchange of tokens ended well."""
        with self.lock:
            self.mechanisms.append(mechanism)

    def refuse(self, reason: str) -> None:
        """A logon was refused."""
        with self.lock:
            self.refused += 1
            self.reasons.append(reason)
