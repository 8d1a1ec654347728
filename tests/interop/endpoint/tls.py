"""A certification authority for one test run, and certificates for its hosts."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .dialect import Asks, Dialect, Flaw

DAY = datetime.timedelta(days=1)
_HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class HostCertificate:
    """What a listener needs, and what a test may want to pin."""

    context: ssl.SSLContext
    der: bytes


@dataclass(frozen=True)
class ClientIdentity:
    """A client certificate and its key in PEM files."""

    certificate: Path
    key: Path
    der: bytes


class Authority:
    """One CA. Its certificate is written to ``ca_file`` for clients to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "interop test authority")])
        certificate = (
            self._builder(self._name, self._key, self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _builder(
        subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, since: datetime.timedelta = -DAY
    ) -> x509.CertificateBuilder:
        start = datetime.datetime.now(datetime.UTC) + since
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + 8 * DAY)
        )

    def issue(self, name: str, dialect: Dialect) -> HostCertificate:
        """A certificate for a host name and the loopback address, and the listener's rules."""
        key = ec.generate_private_key(ec.SECP256R1())
        flaw = dialect.certificate_flaw
        common = "other.corp.example" if flaw is Flaw.OTHER_NAME else name
        names: list[x509.GeneralName] = [x509.DNSName(common)]
        if flaw is not Flaw.OTHER_NAME:
            names += [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
        since = {Flaw.EXPIRED: -9 * DAY, Flaw.NOT_YET_VALID: DAY}.get(flaw, -DAY)
        builder = self._builder(subject, key, subject if flaw is Flaw.SELF_SIGNED else self._name, since)
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if flaw is Flaw.WRONG_PURPOSE else ExtendedKeyUsageOID.SERVER_AUTH
        certificate = (
            builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(key if flaw is Flaw.SELF_SIGNED else self._key, _HASHES[dialect.certificate_hash])
        )
        path = self._folder / f"{name}.pem"
        path.write_bytes(_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        path.chmod(0o600)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if dialect.tls_version:
            context.minimum_version = context.maximum_version = ssl.TLSVersion[dialect.tls_version]
        if dialect.client_certificate is Asks.HANDSHAKE:
            # OpenSSL judges what is shown by chain and purpose; who shows nothing comes in and is nobody.
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return HostCertificate(context, certificate.public_bytes(serialization.Encoding.DER))

    def client(self, user: str, own_authority: bool = True) -> ClientIdentity:
        """A certificate for a user, with the name in the form that Windows maps; by itself, if not by this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
        upn = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), _utf8(f"{user}@localhost"))
        builder = self._builder(subject, key, self._name if own_authority else subject)
        certificate = (
            builder.add_extension(x509.SubjectAlternativeName([upn]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._key if own_authority else key, hashes.SHA256())
        )
        files = self._folder / f"{user}.client.pem", self._folder / f"{user}.client.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(_pem(key))
        files[1].chmod(0o600)
        return ClientIdentity(*files, certificate.public_bytes(serialization.Encoding.DER))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _utf8(text: str) -> bytes:
    """An ASN.1 UTF8String of less than 128 bytes."""
    data = text.encode()
    return bytes([12, len(data)]) + data


def _usage(sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
