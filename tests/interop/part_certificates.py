"""Certificates of both sides between our code and others': our client against the Python endpoint and OpenSSL's own
server, pypsrp and pywinrm against the simulated fleet."""

from __future__ import annotations

import hashlib
import json
import os
import re
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import winrm.exceptions
from pypsrp.exceptions import AuthenticationError, WinRMTransportError

from checks import Count, Part, equal, raises
from endpoint.connection import MUTUAL
from endpoint.dialect import Asks, Dialect, Flaw
from endpoint.server import Fleet
from endpoint.tls import Authority, ClientIdentity
from part_sim_fleet import DOMAIN_ACCOUNT, Simulated, simulated
from part_winfleet import FIRST_PUSH, PUSH_AGAIN, Site, same, wanted
from thirdparty import run as run_command
from thirdparty import winrm_run
from workbench import CERTIFICATE, CERTIFICATE_PIN, LOCAL_USER, TLS_NTLM, Bench, Way

PART = Part("certificates")
VERSIONS = ("TLSv1_2", "TLSv1_3")


class Stage:
    """Both fleets' maker of certificates, and our program."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.authority: Authority = site.fleet.authority
        self.robot = self.authority.client("robot")
        self.stranger = self.authority.client("stranger")
        self.foreign = self.authority.client("foreign", own_authority=False)
        site.fleet.accounts.map(self.robot.der, LOCAL_USER)
        site.fleet.accounts.map(self.foreign.der, LOCAL_USER)

    def bench(self, identity: ClientIdentity | None) -> Bench:
        """An empty folder; the inventories in it name the certificate."""
        bench = self.site.bench()
        bench.identity = identity
        return bench


for _version in VERSIONS:
    for _way in (CERTIFICATE, CERTIFICATE_PIN):

        @PART.check(f"winfleet: push, push again, rollback: {_way.label}, {_version}")
        def _(stage: Stage, version: str = _version, way: Way = _way) -> None:
            host = stage.site.host(Dialect(client_certificate=Asks.HANDSHAKE, tls_version=version))
            bench = stage.bench(stage.robot)
            inventory, before = bench.inventory([host], way), host.registry.dump()
            ran = bench.push(inventory).exits(0)
            equal((ran.host()["outcome"], ran.host()["auth"]), ("ok", "certificate (tls)"))
            same(host.registry.dump(), wanted(before, host), "registry after the push")
            first = host.counters.requests
            assert first <= FIRST_PUSH, first
            equal(bench.push(inventory).exits(0).host()["changed"], False)
            assert host.counters.requests - first <= PUSH_AGAIN, host.counters.requests
            bench.rollback(ran.json()["run"]).exits(0)
            same(host.registry.dump(), before, "registry after the rollback")
            equal((host.shells.open, host.logons.refused), (0, 0))
            key = "".join(stage.robot.key.read_text().splitlines()[1:-1])
            assert not any(key[:40] in text for text in bench.outputs)

    @PART.check(f"winfleet: what is wrong with a host's certificate is named before a logon: {_version}")
    def _(stage: Stage, version: str = _version) -> None:
        for flaw, says in (
            (Flaw.EXPIRED, "it has expired"),
            (Flaw.NOT_YET_VALID, "it is not valid before"),
            (Flaw.OTHER_NAME, "it is for other.corp.example, not for pc-"),
            (Flaw.WRONG_PURPOSE, "it is not for servers"),
            (Flaw.SELF_SIGNED, "no trusted authority issued it"),
        ):
            host = stage.site.host(Dialect(certificate_flaw=flaw, tls_version=version))
            bench = stage.site.bench()
            ran = bench.push(bench.inventory([host], TLS_NTLM), bench.unlimited()).exits(3)
            equal((ran.host()["outcome"], ran.host()["reason"]), ("failed", "certificate"), flaw.value)
            assert says in ran.host()["detail"], (flaw, ran.host()["detail"])
            equal((host.logons.accepted, host.logons.refused, host.counters.requests), (0, 0, 0), flaw.value)

    @PART.check(f"winfleet: a certificate that is mapped to nobody, or that the host does not trust: {_version}")
    def _(stage: Stage, version: str = _version) -> None:
        for identity, says in ((stage.stranger, "it maps the certificate to no account"), (stage.foreign, "refused")):
            host = stage.site.host(Dialect(client_certificate=Asks.HANDSHAKE, tls_version=version))
            bench = stage.bench(identity)
            ran = bench.push(bench.inventory([host], CERTIFICATE), bench.unlimited()).exits(3)
            equal((ran.host()["outcome"], ran.host()["reason"]), ("failed", "logon_refused"), says)
            assert says in ran.host()["detail"], ran.host()["detail"]
            assert "certmapping" in ran.host()["detail"] + ran.stderr + ran.stdout, ran.stderr
            equal((host.registry.writes, host.logons.accepted), (0, 0))

    @PART.check(f"winfleet: OpenSSL's server, which asks for the certificate after the request: {_version}")
    def _(stage: Stage, version: str = _version) -> None:
        name = f"late-{version.lower().replace('_', '-')}.corp.example"
        stage.authority.issue(name, Dialect())
        bench = stage.bench(stage.robot)
        with late(stage.authority.ca_file.parent / f"{name}.pem", version) as server:
            inventory = bench.folder / "late.yaml"
            inventory.write_text(
                "version: 1\n"
                f"defaults: {{ transport: https, auth: certificate, credential: robot, request_timeout: 5s, "
                f"ca_file: '{stage.authority.ca_file}' }}\n"
                f"credentials: {{ robot: {{ certificate: '{stage.robot.certificate}', key: '{stage.robot.key}' }} }}\n"
                f"hosts: [{{ name: {name}, address: 127.0.0.1, port: {server.port} }}]\n",
                encoding="utf-8",
            )
            ran = bench.push(inventory, bench.unlimited()).exits(3)
            assert server.asked.is_set(), server.said
        equal((ran.host()["outcome"], ran.host()["reason"]), ("failed", "auth_not_offered"))
        assert "did not ask for the client certificate" in ran.host()["detail"], ran.host()["detail"]
        assert "clientcertnegotiation=enable" in json.dumps(ran.json()) + ran.stderr, ran.stderr


class Late:
    """``openssl s_server``, told to ask for a client certificate when a request has come: by renegotiation in TLS 1.2
    (command ``R``), after the handshake in TLS 1.3 (command ``c``)."""

    def __init__(self, process: subprocess.Popen[bytes], command: bytes) -> None:
        self.asked = threading.Event()
        self.said, self.port = "", 0
        self._process, self._command = process, command
        self._ready = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._ready.wait(20), f"openssl s_server does not listen: {self.said}"

    def _listen(self) -> None:
        assert self._process.stdout is not None and self._process.stdin is not None
        while chunk := os.read(self._process.stdout.fileno(), 65536):
            self.said += chunk.decode("utf-8", "replace")
            if not self.port and (found := re.search(r"ACCEPT 127\.0\.0\.1:(\d+)", self.said)):
                self.port = int(found[1])
                self._ready.set()
            if MUTUAL in self.said and not self.asked.is_set():
                self.asked.set()
                self._process.stdin.write(self._command)
                self._process.stdin.flush()


@contextmanager
def late(pem: Path, version: str) -> Iterator[Late]:
    """A server with a certificate of the authority, for one connection."""
    flag, command = ("-tls1_2", b"R\n") if version == "TLSv1_2" else ("-tls1_3", b"c\n")
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(pem), flag, "-naccept", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield Late(process, command)
    finally:
        process.kill()
        process.wait(10)


@PART.check("winfleet: a key that cannot be used ends the command before any host is contacted")
def _(stage: Stage) -> None:
    host = stage.site.host(Dialect(client_certificate=Asks.HANDSHAKE))
    bench = stage.bench(stage.robot)
    encrypted = bench.folder / "encrypted.key"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", str(stage.robot.key), "-out", str(encrypted), "-passout", "pass:x"],
        check=True,
        capture_output=True,
    )
    encrypted.chmod(0o600)
    for key, says in (
        (encrypted, "it is encrypted"),
        (stage.stranger.key, "is not the key of"),
        (stage.robot.certificate, "no private key in PEM form"),
        (bench.folder / "none.key", "none.key"),
    ):
        bench.identity = ClientIdentity(stage.robot.certificate, key, stage.robot.der)
        ran = bench.push(bench.inventory([host], CERTIFICATE), bench.unlimited()).exits(1)
        assert says in ran.stderr and "nothing was sent to any host" in ran.stderr, ran.stderr
    equal(host.counters.connections, 0)


@contextmanager
def mapped(stage: Stage, version: str, asks: str = "handshake") -> Iterator[Simulated]:
    """A simulated fleet that maps our robot's certificate to the domain account."""
    domain, _, user = DOMAIN_ACCOUNT.username.partition("\\")
    accounts = [
        {
            "domain": domain,
            "username": user,
            "password": DOMAIN_ACCOUNT.password,
            "certificates": [hashlib.sha256(stage.robot.der).hexdigest()],
        }
    ]
    tls = {"version": version.removeprefix("TLSv").replace("_", "."), "client_certificate": asks}
    with simulated(accounts=accounts, defaults={"tls": tls}) as host:
        yield host


def pypsrp_by_certificate(host: Simulated, identity: ClientIdentity) -> Any:
    """A pypsrp client that shows the certificate."""
    files = {"certificate_pem": str(identity.certificate), "certificate_key_pem": str(identity.key)}
    return host.target.wsman("certificate", "https", **files)


def pywinrm_by_certificate(host: Simulated, identity: ClientIdentity) -> Any:
    """A pywinrm client that shows the certificate."""
    files = {"cert_pem": str(identity.certificate), "cert_key_pem": str(identity.key)}
    return host.target.protocol("certificate", "https", **files)  # type: ignore[arg-type]


def _by_hand(host: Simulated, identity: ClientIdentity | None, authorization: str) -> int:
    """The status of an empty request over TLS, with or without a certificate."""
    import http.client

    context = ssl.create_default_context(cafile=host.target.ca_file)
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    connection = http.client.HTTPSConnection("localhost", host.target.https_port, context=context, timeout=20)
    connection.request("POST", "/wsman", b"", {"Authorization": authorization, "Content-Length": "0"})
    status = connection.getresponse().status
    connection.close()
    return status


for _version in VERSIONS:

    @PART.check(f"sim-fleet: pypsrp and pywinrm log on with a certificate: {_version}")
    def _(stage: Stage, version: str = _version) -> None:
        with mapped(stage, version) as host:
            equal(run_command(pypsrp_by_certificate(host, stage.robot), "hostname")[0], 0)
            equal(winrm_run(pywinrm_by_certificate(host, stage.robot), "hostname")[0], 0)

    @PART.check(f"sim-fleet: 403 where the certificate is not mapped, 401 where none is shown or allowed: {_version}")
    def _(stage: Stage, version: str = _version) -> None:
        with mapped(stage, version) as host:
            equal(_by_hand(host, stage.robot, MUTUAL), 200)
            equal(_by_hand(host, stage.stranger, MUTUAL), 403)
            equal(_by_hand(host, None, MUTUAL), 401)
            equal(_by_hand(host, stage.robot, "Bearer x"), 401)
            error = raises(WinRMTransportError, lambda: run_command(pypsrp_by_certificate(host, stage.stranger), "hostname"))
            equal(error.code, 403)
            raises(winrm.exceptions.WinRMTransportError, lambda: winrm_run(pywinrm_by_certificate(host, stage.stranger), "hostname"))
        with mapped(stage, version, "never") as host:
            equal(_by_hand(host, stage.robot, MUTUAL), 401)
            raises(AuthenticationError, lambda: run_command(pypsrp_by_certificate(host, stage.robot), "hostname"))


def run(only: str) -> Count:
    """Runs the part."""
    for name in ("WINFLEET", "SIM_FLEET"):
        if not Path(os.environ.get(name, "")).is_file():
            return PART.not_run(f"no binary at {os.environ.get(name)}")
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), [("", LOCAL_USER, "never sent")])
        try:
            return PART.run(Stage(Site(fleet, Path(folder), Path(os.environ["WINFLEET"]))), only)
        finally:
            fleet.close()
