"""Hosts and their listeners."""

from __future__ import annotations

import hashlib
import socket
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path

from . import cim, http, names, soap
from .auth import Accounts, HostNames, LogonCounter
from .connection import Connection
from .dialect import Dialect
from .faults import Fault
from .programs import Programs
from .registry import Registry, sz
from .shell import Shells
from .stdregprov import StdRegProv
from .tls import Authority

DOMAIN = "CORP"
DNS_DOMAIN = "corp.example"


@dataclass
class Counters:
    """What a host saw. ``requests`` are HTTP requests, authentication legs included."""

    connections: int = 0
    requests: int = 0
    operations: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Host:
    """One Windows host as seen from the network."""

    def __init__(
        self,
        name: str,
        accounts: Accounts,
        authority: Authority,
        dialect: Dialect,
        *,
        calls_itself: str | None = None,
        basic: bool = True,
        keytab: Path | None = None,
        denied: list[str] | None = None,
        sensor_version: str | None = "10.8210.17763.3650",
        chassis: list[int] | None = None,
    ) -> None:
        own = calls_itself or name
        self.name, self.accounts, self.dialect, self.basic = name, accounts, dialect, basic
        #: The keys with which the host reads Kerberos tickets; without them it takes none.
        self.keytab = keytab
        self.names = HostNames(own.partition(".")[0].upper()[:15], own, DOMAIN)
        self.registry = Registry()
        self.registry.seed(windows_registry(self.names.netbios))
        self.logons = LogonCounter()
        self.counters = Counters()
        self.writer = soap.Writer(dialect, own)
        self.refuse_everything = False
        #: Creates that are carried out and answered by an empty 500.
        self.lost_creates = 0
        #: What each operation is refused with, if with anything.
        self.refuse_operations: Fault | None = None
        self._programs = Programs(self.registry, dialect, self.names.netbios)
        self.shells = Shells(self._programs, dialect)
        self._stdregprov = StdRegProv(self.registry, dialect, denied or [])
        self._cim = cim.Cim(
            cim.windows_classes(self.names.netbios, sensor_version, chassis or [3]), dialect, self.writer
        )
        self._seen_ids: set[str] = set()
        self._lock = threading.Lock()
        self.certificate = authority.issue(name, dialect)
        self._servers = [_Listener(self, None), _Listener(self, self.certificate)]
        self.http_port, self.https_port = (server.server_address[1] for server in self._servers)

    @property
    def pin(self) -> str:
        """SHA-256 of the certificate, in hex."""
        return hashlib.sha256(self.certificate.der).hexdigest()

    def close(self) -> None:
        """Stops listening. Connections end with their clients."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def note(self, text: str) -> None:
        """Something a person who debugs a client wants to know."""
        with self._lock:
            self.counters.notes.append(text)

    def count_request(self) -> None:
        """One HTTP request has arrived."""
        with self._lock:
            self.counters.requests += 1

    def count_connection(self) -> None:
        """One TCP connection was accepted."""
        with self._lock:
            self.counters.connections += 1

    def anonymous_identify(self, body: bytes) -> bytes:
        """Identify without authentication tells no version."""
        root = soap.parse(body)
        if not soap.is_identify(root):
            raise Fault(2150858753, names.ADDRESSING, "ActionNotSupported", "Identify only")
        return self.writer.identify("OS: 0.0.0 SP: 0.0 Stack: 3.0")

    def operate(self, plain: bytes, charset: str, user: str, client: str, chunked: bool) -> tuple[int, bytes]:
        """Status and envelope for one plain request."""
        relates_to: str | None = None
        try:
            if charset == "UTF-16":
                plain = plain.decode("utf-16").encode("utf-8")
            root = soap.parse(plain)
            relates_to = soap.message_id_of(root)
            if chunked:
                raise Fault(50, names.WSMAN, "UnsupportedFeature", "chunked request")
            if soap.is_identify(root):
                return 200, self.writer.identify("OS: 10.0.17763 SP: 0.0 Stack: 3.0")
            with self._lock:
                request = soap.read_request(root, self._seen_ids)
                short = request.action.rpartition("/")[2]
                self.counters.operations[short] = self.counters.operations.get(short, 0) + 1
            reply = self.writer.reply(request, self._dispatch(request, user, client))
            if short == "Create" and self.lost_creates > 0:
                self.lost_creates -= 1
                return 500, b""
            if len(reply) > request.max_envelope:
                raise Fault(2150858790, names.WSMAN, "EncodingLimit", "the reply does not fit", sender=False)
            return 200, reply
        except Fault as fault:
            with self._lock:
                self.counters.faults.append(str(fault))
            status = 400 if fault.sender and self.dialect.sender_400 else 500
            return status, self.writer.fault(fault, relates_to)

    def _dispatch(self, request: soap.Request, user: str, client: str) -> list[soap.Element]:
        if self.refuse_operations is not None:
            raise self.refuse_operations
        resource = request.resource
        if resource.casefold() in (names.SHELL.casefold(), names.SHELL_CMD.casefold()):
            return self.shells.handle(request, user, client)
        if resource.casefold().startswith(names.WMI):
            namespace, _, target = resource[len(names.WMI) :].rpartition("/")
            if target.casefold() == "stdregprov" and namespace.casefold() in ("root/cimv2", "root/default"):
                return self._stdregprov.invoke(request)
            return self._cim.handle(request, namespace, target)
        raise Fault(2150858811, names.ADDRESSING, "DestinationUnreachable", resource, detail="InvalidResourceURI")


class _Listener(socketserver.ThreadingTCPServer):
    """One port of one host."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, host: Host, certificate: object | None) -> None:
        self.host, self.certificate = host, certificate
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A broken connection is the client's business; anything else must be seen."""
        import sys

        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(socketserver.BaseRequestHandler):
    server: _Listener

    def handle(self) -> None:
        host, certificate = self.server.host, self.server.certificate
        channel: socket.socket = self.request
        channel.settimeout(120)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        shown: bytes | None = None
        if certificate is not None:
            secure = host.certificate.context.wrap_socket(channel, server_side=True, do_handshake_on_connect=False)
            try:
                secure.do_handshake()
            except ssl.SSLError:
                _hear_out(secure)
                raise
            channel, shown = secure, secure.getpeercert(binary_form=True)
        host.count_connection()
        der = host.certificate.der if certificate is not None else None
        connection = Connection(host, der, self.client_address[0], shown)
        with channel, channel.makefile("rb") as stream, channel.makefile("wb") as out:
            self._converse(host, connection, stream, out)

    @staticmethod
    def _converse(host: Host, connection: Connection, stream: object, out: object) -> None:
        while True:
            try:
                request = http.read_request(stream, out)  # type: ignore[arg-type]
            except http.HttpError as error:
                host.count_request()
                host.note(str(error))
                http.write_reply(out, http.HttpReply(error.status, close=True))  # type: ignore[arg-type]
                return
            if request is None:
                return
            host.count_request()
            reply = connection.answer(request)
            http.write_reply(out, reply, chunked=host.dialect.chunked, joined=host.dialect.joined_challenge)  # type: ignore[arg-type]
            if reply.close or request.headers.get("connection", "").casefold() == "close":
                return


def _hear_out(secure: ssl.SSLSocket) -> None:
    """Reads what is still coming after a handshake that failed. A reset in its place could overtake the alert that tells
    the client why."""
    with socket.socket(fileno=secure.detach()) as plain:
        plain.settimeout(5)
        try:
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass
        except OSError:
            pass


class Fleet:
    """All hosts of one test process: one authority, one set of accounts."""

    def __init__(self, folder: Path, accounts: list[tuple[str, str, str]]) -> None:
        self._folder = folder
        self.authority = Authority(folder)
        self.accounts = Accounts(list(accounts))
        self.accounts.publish(folder / "accounts")
        self.hosts: dict[str, Host] = {}

    def add(self, name: str, dialect: Dialect | None = None, **options: object) -> Host:
        """Starts a host; a local account is known under the host's own name as well."""
        host = Host(name, self.accounts, self.authority, dialect or Dialect(), **options)  # type: ignore[arg-type]
        local = [(host.names.netbios, user, password) for domain, user, password in self.accounts.entries if not domain]
        self.accounts.entries += [entry for entry in local if entry not in self.accounts.entries]
        self.accounts.publish(self._folder / "accounts")
        self.hosts[name] = host
        return host

    def close(self) -> None:
        """Stops all hosts."""
        for host in self.hosts.values():
            host.close()


def windows_registry(computer: str) -> dict[str, dict[str, dict[str, object]]]:
    """What is in the registry of a fresh host, as far as a proxy rollout looks."""

    def text(value: str, kind: int = 1) -> dict[str, object]:
        return {"type": kind, "bytes": sz(value).hex()}

    version = {
        "CurrentBuildNumber": text("17763"),
        "CurrentBuild": text("17763"),
        "EditionID": text("Enterprise"),
        "InstallationType": text("Client"),
        "ProductName": text("Windows 10 Enterprise"),
        "UBR": {"type": 4, "bytes": "420e0000"},
    }
    guid = f"{sum(computer.encode()):08x}-1111-2222-3333-{computer.encode().hex()[:12]:0<12}"
    return {
        r"SOFTWARE\Microsoft\Cryptography": {"MachineGuid": text(guid)},
        r"SOFTWARE\Microsoft\Windows NT\CurrentVersion": version,
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections": {},
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall": {},
        r"SOFTWARE\Policies\Microsoft\Windows": {},
        r"SOFTWARE\Policies\Microsoft\Windows Defender": {
            "DisableRoutinelyTakingAction": {"type": 4, "bytes": "00000000"}
        },
        r"SOFTWARE\Microsoft\Windows Advanced Threat Protection": {},
        r"SYSTEM\CurrentControlSet\Services\Sense": {
            "ImagePath": text(r'"%ProgramFiles%\Windows Defender Advanced Threat Protection\MsSense.exe"', 2),
            "Start": {"type": 4, "bytes": "02000000"},
        },
        r"SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName": {"ComputerName": text(computer)},
    }
