"""Kerberos with a real KDC on the third side: our client against the Python endpoint, whose tickets MIT Kerberos reads,
and pypsrp and pywinrm, whose tickets MIT Kerberos gets, against the simulated fleet."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pypsrp.exceptions import AuthenticationError
from spnego.exceptions import SpnegoError

import realms
from checks import Count, Part, equal, raises
from endpoint.dialect import Cbt, Dialect
from endpoint.server import DOMAIN, Fleet, Host
from part_sim_fleet import Simulated, simulated
from part_winfleet import Site, cycle
from realms import Realm
from realms.mit import AES_SHA2, RC4, MitRealm
from thirdparty import Account, Target, winrm_run
from thirdparty import run as run_command
from workbench import LOCAL_PASSWORD, LOCAL_USER, PASSWORD, USER, Bench, Ran, Way

PART = Part("kerberos")

#: What proves the account, by the names that the checks use.
PROOFS = ("password", "ticket cache", "keytab")
TRANSPORTS = {"http": "HTTP sealed", "https": "HTTPS, channel binding strict"}
#: The simulated host that takes tickets.
COMPUTER = "sim-0001.corp.example"


class KerberosSite(Site):
    """Hosts that take tickets, in a realm of their own."""

    def __init__(self, fleet: Fleet, folder: Path, binary: Path, realm: Realm, prefix: str = "pc-") -> None:
        super().__init__(fleet, folder, binary)
        self.realm, self.folder, self.binary, self._prefix = realm, folder, binary, prefix
        self.user = f"{USER}@{realm.name}"
        self.simulated: Path | None = None
        realm.add_user(USER, PASSWORD)
        self.keytab = realm.user_keytab(USER, folder / "rollout.keytab")
        self.cache = folder / "cache"
        realms.kinit(realm, self.user, PASSWORD, self.cache)

    def host(  # type: ignore[override]
        self, dialect: Dialect | None = None, *, service: bool = True, realm: Realm | None = None, **options: object
    ) -> Host:
        """A host nobody has touched; without ``service`` the KDC does not know it, and it takes NTLM alone."""
        name = f"{self._prefix}{len(self.fleet.hosts) + 1:04}.{self.realm.name.lower()}"
        keytab = (realm or self.realm).add_host(name) if service else None
        return super().host(dialect, keytab=keytab, **options)

    def proof(self, kind: str) -> tuple[str, ...]:
        """Lines of a credential."""
        return {
            "password": (f"username: '{self.user}'", "password: { env: INTEROP_PASSWORD }"),
            "ticket cache": (f"ccache: 'FILE:{self.cache}'",),
            "keytab": (f"username: '{self.user}'", f"keytab: '{self.keytab}'"),
        }[kind]

    def way(self, auth: str = "kerberos", transport: str = "http", proof: str = "password", *more: str) -> Way:
        """How the client reaches a host."""
        tls = ("ca_file: '{ca}'",) if transport == "https" else ()
        return Way(f"{auth}, {transport}, {proof}", transport, auth, (*tls, *more), self.proof(proof))


def dialect_of(transport: str) -> Dialect:
    """A host that is as strict as the transport lets it be."""
    return Dialect(cbt=Cbt.STRICT) if transport == "https" else Dialect()


def failed(bench: Bench, host: Host, way: Way, code: int = 3, **environment: str) -> tuple[dict[str, str], Ran]:
    """Pushes to one host, which has to fail with the exit code and nothing written; gives its entry in the report."""
    ran = bench.push(bench.inventory([host], way), bench.unlimited(), **environment).exits(code)
    equal((host.registry.writes, host.shells.created), (0, 0), "writes and shells")
    equal(bench.leaks(), [], "the password in clear")
    entry = ran.host()
    print(f"     {entry['outcome']}, {entry['reason']}: {entry['detail']}")
    return entry, ran


def says(entry: dict[str, str], reason: str, *texts: str) -> None:
    """The report's reason, and words of its detail."""
    equal(entry["reason"], reason, entry["detail"])
    for text in texts:
        assert text in entry["detail"], f"{text!r} is not in {entry['detail']!r}"


def with_kdc(site: KerberosSite, port: int) -> Path:
    """A configuration of the same realm with its KDC at another port."""
    config = site.folder / f"krb5-{port}.conf"
    text = site.realm.config.read_text(encoding="utf-8")
    config.write_text(re.sub(r"kdc = \S+", f"kdc = 127.0.0.1:{port}", text), encoding="utf-8")
    return config


def without_kdc(site: KerberosSite) -> Path:
    """A configuration of the same realm whose KDC is a port where nobody listens."""
    return with_kdc(site, realms.free_port())


for _auth in ("kerberos", "negotiate"):
    for _transport, _label in TRANSPORTS.items():
        for _proof in PROOFS:

            @PART.check(f"winfleet x {_auth} by {_proof} x {_label}: push, push again, rollback")
            def _(
                site: KerberosSite, auth: str = _auth, transport: str = _transport, proof: str = _proof
            ) -> None:
                host = site.host(dialect_of(transport))
                cycle(site, host, site.way(auth, transport, proof))
                equal(set(host.logons.mechanisms), {"kerberos"}, "mechanisms")


@PART.check("the report says which authentication was used")
def _(site: KerberosSite) -> None:
    for auth in ("kerberos", "negotiate"):
        for transport, wanted in (("http", "kerberos (sealed)"), ("https", "kerberos+cbt (tls)")):
            way, bench = site.way(auth, transport), site.bench()
            ran = bench.push(bench.inventory([site.host(dialect_of(transport))], way)).exits(0)
            equal(ran.host()["auth"], wanted, way.label)
            equal(bench.report(ran.json()["run"]).host()["auth"], wanted, "the report afterwards")


@PART.check(
    "one ticket-granting ticket for each account, one ticket for each host, no other program; the user's cache as it was"
)
def _(site: KerberosSite) -> None:
    assert shutil.which("strace"), "the package strace is needed"
    for proof, granting in (("password", 1), ("ticket cache", 0), ("keytab", 1)):
        hosts, bench = [site.host() for _ in range(8)], site.bench()
        inventory = bench.inventory(hosts, site.way(proof=proof))
        cache, asked = site.cache.read_bytes(), len(site.realm.asked())
        trace = bench.folder / "trace"
        bench.under = ("strace", "-f", "-qq", "-e", "trace=execve,execveat,fork,vfork", "-o", str(trace))
        ran = bench.push(inventory).exits(0)
        equal(ran.json()["totals"]["ok"], len(hosts))
        lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
        started = [line for line in lines if "exec" in line or "fork" in line]
        equal(len(started), 1, f"programs started: {started}")
        issued = Counter(entry.kind for entry in site.realm.asked()[asked:] if entry.outcome == "ISSUE")
        equal((issued["AS"], issued["TGS"]), (granting, len(hosts)), f"tickets with a {proof}")
        services = {entry.service for entry in site.realm.asked()[asked:] if entry.kind == "TGS"}
        equal(services, {f"HTTP/{host.name}@{site.realm.name}" for host in hosts})
        equal(site.cache.read_bytes() == cache, True, "the user's cache is as it was")


@PART.check("a collection of caches (DIR), and the default cache of the environment: read, and left as they were")
def _(site: KerberosSite) -> None:
    folder = site.folder / "collection"
    folder.mkdir(mode=0o700)
    name = f"DIR:{folder}"
    realms.kinit(site.realm, site.user, PASSWORD, name)
    kept = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    assert len(kept) > 1, kept.keys()
    ways = [
        Way("named", auth="kerberos", credential=(f"ccache: '{name}'",)),
        Way("default", auth="kerberos", credential=("ccache: default",)),
        Way("logged on", auth="kerberos", credential=("logged_on: true",)),
    ]
    for way in ways:
        host, bench = site.host(), site.bench()
        ran = bench.push(bench.inventory([host], way), bench.unlimited(), KRB5CCNAME=name).exits(0)
        equal(ran.host()["auth"], "kerberos (sealed)", way.label)
        now = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        equal(now == kept, True, f"{way.label}: the user's caches are as they were")


@PART.check("class and name of the service can be chosen")
def _(site: KerberosSite) -> None:
    host, other = site.host(), site.host()
    way = site.way("kerberos", "http", "password", f"spn_name: '{other.name}@{site.realm.name}'")
    entry, _ = failed(site.bench(), host, way)
    says(entry, "kerberos", "refused the ticket", f"HTTP/{other.name}@{site.realm.name}")
    bench, asked = site.bench(), len(site.realm.asked())
    way = site.way("kerberos", "http", "password", "spn_class: WSMAN")
    bench.push(bench.inventory([host], way)).exits(0)
    services = {entry.service for entry in site.realm.asked()[asked:] if entry.kind == "TGS"}
    equal(services, {f"WSMAN/{host.name}@{site.realm.name}"})


@PART.check("a wrong password is one: sent to the KDC once, never as NTLM")
def _(site: KerberosSite) -> None:
    for auth in ("kerberos", "negotiate"):
        hosts, bench, asked = [site.host() for _ in range(3)], site.bench(), len(site.realm.asked())
        bench.password = "not the password"
        ran = bench.push(bench.inventory(hosts, site.way(auth)), bench.unlimited())
        entry = next(entry for entry in ran.json()["hosts"] if entry["reason"] == "logon_refused")
        print(f"     exit {ran.code}: {entry['reason']}: {entry['detail']}")
        says(entry, "logon_refused", f"the KDC refused the password of {site.user}")
        assert ran.code in (3, 9), ran.code
        refused = [entry.outcome for entry in site.realm.asked()[asked:] if entry.outcome == "PREAUTH_FAILED"]
        equal(len(refused), 1, "wrong passwords that the KDC has seen")
        equal([host.logons.refused + host.logons.accepted for host in hosts], [0, 0, 0], "logons at the hosts")
        assert "correct the password" in ran.stdout + ran.stderr, ran.stderr[-1500:]
        equal(bench.leaks(), [], "the password in clear")


@PART.check("an unknown principal is one")
def _(site: KerberosSite) -> None:
    nobody = (f"username: 'nobody@{site.realm.name}'", site.proof("password")[1])
    way = Way("unknown", auth="kerberos", credential=nobody)
    entry, ran = failed(site.bench(), site.host(), way)
    says(entry, "logon_refused", "not found in Kerberos database")
    assert "nobody" in ran.stdout + ran.stderr


@PART.check("a service that the KDC does not know is named")
def _(site: KerberosSite) -> None:
    host = site.host(service=False)
    entry, ran = failed(site.bench(), host, site.way())
    says(entry, "kerberos", f"the KDC knows no service HTTP/{host.name}")
    assert "setspn" in ran.stdout + ran.stderr


@PART.check("a KDC that does not answer is one: unreachable, nothing sent to the host")
def _(site: KerberosSite) -> None:
    host = site.host()
    entry, ran = failed(site.bench(), host, site.way(), 4, KRB5_CONFIG=str(without_kdc(site)))
    equal(entry["outcome"], "unreachable")
    says(entry, "kerberos", "KDC")
    equal(host.counters.connections, 0, "connections")
    assert "port 88" in ran.stdout + ran.stderr


@PART.check("a KDC that takes connections and says nothing costs the deadline and no more")
def _(site: KerberosSite) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = with_kdc(site, silent.getsockname()[1])
        host, started = site.host(), time.monotonic()
        way = site.way("kerberos", "http", "password", "request_timeout: 2s")
        entry, _ = failed(site.bench(), host, way, 4, KRB5_CONFIG=str(config))
        took = time.monotonic() - started
    equal(entry["outcome"], "unreachable")
    says(entry, "kerberos", "no answer from a KDC within the deadline")
    equal(host.counters.connections, 0, "connections")
    # The library has a patience of its own for a call that is under way; a run may not wait longer than for that.
    assert took < 60, f"{took:.1f} s"


@PART.check("a KDC with another time is one: clock skew")
def _(site: KerberosSite) -> None:
    # Without `kdc_timesync = 0` MIT's library goes by the KDC's clock, and the next check is what a user sees.
    realm = MitRealm(site.folder / "ahead", site.realm.name, shift="+2h", more=" kdc_timesync = 0")
    try:
        realm.add_user(USER, PASSWORD)
        host = site.host()
        realm.add_host(host.name)
        entry, ran = failed(site.bench(), host, site.way(), KRB5_CONFIG=str(realm.config))
        says(entry, "kerberos", "skew")
        assert "clock" in ran.stdout + ran.stderr
    finally:
        realm.close()


@PART.check("keys of AES-SHA2, whose seals are longer: both schemes x HTTP sealed and HTTPS")
def _(site: KerberosSite) -> None:
    realm = MitRealm(site.folder / "sha2", site.realm.name, enctypes=AES_SHA2)
    try:
        realm.add_user(USER, PASSWORD)
        for auth in ("kerberos", "negotiate"):
            for transport in TRANSPORTS:
                host, bench = site.host(dialect_of(transport), realm=realm), site.bench()
                way = site.way(auth, transport)
                ran = bench.push(bench.inventory([host], way), bench.unlimited(), KRB5_CONFIG=str(realm.config)).exits(0)
                assert ran.host()["auth"].startswith("kerberos"), ran.host()["auth"]
                equal(set(host.logons.mechanisms), {"kerberos"})
        tickets = (realm.folder / "kdc.log").read_text(encoding="utf-8")
        assert "aes256-cts-hmac-sha384-192" in tickets, "the realm gave out other keys"
    finally:
        realm.close()


@PART.check("keys of RC4: over HTTP refused with reason and remedy and nothing written, over HTTPS taken")
def _(site: KerberosSite) -> None:
    # The master key is no account's. A client that offers other keys for the session too would get those.
    realm = MitRealm(site.folder / "rc4", site.realm.name, enctypes=RC4, more=" allow_rc4 = true")
    old = realm.folder / "client.conf"
    lines = realm.config.read_text(encoding="utf-8")
    only = "[libdefaults]\n permitted_enctypes = arcfour-hmac\n"
    old.write_text(lines.replace("[libdefaults]\n", only), encoding="utf-8")
    try:
        realm.add_user(USER, PASSWORD)
        for auth in ("kerberos", "negotiate"):
            host = site.host(realm=realm)
            entry, ran = failed(site.bench(), host, site.way(auth), KRB5_CONFIG=str(old))
            says(entry, "sealing_refused", "RC4")
            assert "msDS-SupportedEncryptionTypes" in ran.stdout + ran.stderr
            with realms.used(realm):
                host, bench = site.host(dialect_of("https"), realm=realm), site.bench()
                way = site.way(auth, "https")
                ran = bench.push(bench.inventory([host], way), bench.unlimited(), KRB5_CONFIG=str(old)).exits(0)
            equal(ran.host()["auth"], "kerberos+cbt (tls)")
        tickets = (realm.folder / "kdc.log").read_text(encoding="utf-8")
        assert re.search(r"tkt=\S*arcfour-hmac\S*, ses=\S*arcfour-hmac", tickets), "the realm gave out other keys"
    finally:
        realm.close()


@PART.check("a host that has other keys than the KDC thinks refuses the ticket")
def _(site: KerberosSite) -> None:
    host = site.host()
    site.realm.change_keys(host.name)
    for auth in ("kerberos", "negotiate"):
        entry, _ = failed(site.bench(), host, site.way(auth))
        says(entry, "kerberos", "refused the ticket")
    equal(host.logons.accepted, 0)


@PART.check("no ticket in the cache, and a keytab of somebody else: each says so")
def _(site: KerberosSite) -> None:
    host = site.host()
    way = Way("no cache", auth="kerberos", credential=(f"ccache: 'FILE:{site.folder / 'nothing'}'",))
    entry, ran = failed(site.bench(), host, way)
    says(entry, "credential_unavailable")
    assert "kinit" in ran.stdout + ran.stderr
    way = Way("keytab", auth="kerberos", credential=(f"username: '{site.user}'", f"keytab: '{host.keytab}'"))
    entry, ran = failed(site.bench(), host, way)
    says(entry, "credential_unavailable", f"holds keys of HTTP/{host.name}@", f"none of {site.user}")
    junk = site.folder / "junk.keytab"
    junk.write_bytes(b"no keys at all")
    way = Way("junk", auth="kerberos", credential=(f"username: '{site.user}'", f"keytab: '{junk}'"))
    entry, ran = failed(site.bench(), host, way)
    says(entry, "credential_unavailable", "is no keytab")


@PART.check("tickets whose time is over say so")
def _(site: KerberosSite) -> None:
    cache = site.folder / "short"
    realms.kinit(site.realm, site.user, PASSWORD, cache, "-l", "1s")
    time.sleep(1.5)
    way = Way("expired", auth="kerberos", credential=(f"ccache: 'FILE:{cache}'",))
    entry, ran = failed(site.bench(), site.host(), way)
    says(entry, "credential_unavailable", "expired")
    assert "kinit" in ran.stdout + ran.stderr


@PART.check("negotiate takes NTLM where Kerberos cannot be, says why, and does not where NTLM is not allowed")
def _(site: KerberosSite) -> None:
    unknown, bench = site.host(service=False), site.bench()
    ran = bench.push(bench.inventory([unknown], site.way("negotiate"))).exits(0)
    equal(ran.host()["auth"], "ntlm (sealed; no Kerberos: the KDC does not know the host's service)")
    equal(set(unknown.logons.mechanisms), {"ntlm"})
    refusing = site.host(service=False)
    entry, _ = failed(site.bench(), refusing, site.way("negotiate", "http", "password", "allow_ntlm: false"))
    says(entry, "kerberos", "knows no service")
    equal((refusing.logons.accepted, refusing.logons.refused), (0, 0), "logons")
    # Tickets and keytabs are no passwords: there is nothing to take for NTLM.
    for proof in ("ticket cache", "keytab"):
        entry, _ = failed(site.bench(), site.host(service=False), site.way("negotiate", "http", proof))
        says(entry, "kerberos", "knows no service")


@PART.check("negotiate takes NTLM without a KDC, and only where that is allowed")
def _(site: KerberosSite) -> None:
    config = without_kdc(site)
    host, bench = site.host(), site.bench()
    ran = bench.push(bench.inventory([host], site.way("negotiate")), KRB5_CONFIG=str(config)).exits(0)
    equal(ran.host()["auth"], "ntlm (sealed; no Kerberos: no KDC)")
    way = site.way("negotiate", "http", "password", "allow_ntlm: false")
    entry, _ = failed(site.bench(), site.host(), way, 4, KRB5_CONFIG=str(config))
    equal(entry["outcome"], "unreachable")


# --- others' clients ------------------------------------------------------------------------------------------------


class Ticketing(Simulated):
    """A simulated host as pypsrp and pywinrm see it: the account is the realm's."""

    def __init__(self, inner: Simulated, account: Account) -> None:
        self.target = inner.target
        self.account = account

    def pypsrp(self, auth: str, scheme: str, **options: object) -> bytes:
        """The output of one command by pypsrp."""
        wsman = self.target.wsman(
            auth, scheme, self.account, negotiate_hostname_override=COMPUTER, negotiate_service="HTTP", **options
        )
        return run_command(wsman, "hostname")[1]

    def pywinrm(self, scheme: str) -> bytes:
        """The output of one command by pywinrm."""
        protocol = self.target.protocol(
            "kerberos", scheme, self.account, kerberos_hostname_override=COMPUTER, service="HTTP"
        )
        return winrm_run(protocol, "hostname")[1]


@contextmanager
def taking_tickets(
    site: KerberosSite, keytab: Path | None = None, more: dict | None = None, **options: object
) -> Iterator[Ticketing]:
    """The simulated fleet with the keys of its first host, which may speak a dialect."""
    host: dict[str, object] = {"name": COMPUTER}
    if "dialect" in (more or {}):
        host["dialect"] = more.pop("dialect")
    with simulated(
        **(more or {}),
        kerberos={"keytab": str(keytab or simulated_keytab(site))},
        hosts=[host],
        accounts=[{"domain": DOMAIN, "username": USER, "password": "only the KDC knows it"}],
        defaults=options,
    ) as inner:
        yield Ticketing(inner, Account(site.user, PASSWORD))


def simulated_keytab(site: KerberosSite) -> Path:
    """The keys of the simulated host's service."""
    if site.simulated is None:
        site.simulated = site.realm.add_host(COMPUTER)
    return site.simulated


for _auth in ("kerberos", "negotiate"):
    for _scheme, _label in TRANSPORTS.items():

        @PART.check(f"pypsrp x {_auth} x {_label} against sim-fleet")
        def _(site: KerberosSite, auth: str = _auth, scheme: str = _scheme) -> None:
            with taking_tickets(site, channel_binding="strict") as host:
                equal(host.pypsrp(auth, scheme), b"sim-0001\r\n")


for _scheme, _label in TRANSPORTS.items():

    @PART.check(f"pywinrm x kerberos x {_label.partition(',')[0]} against sim-fleet")
    def _(site: KerberosSite, scheme: str = _scheme) -> None:
        # requests-kerberos inside of pywinrm binds its tickets to no channel unless it can see the certificate.
        cache = realms.kinit(site.realm, site.user, PASSWORD, site.folder / "pywinrm-cache")
        before = os.environ.get("KRB5CCNAME")
        os.environ["KRB5CCNAME"] = cache
        try:
            with taking_tickets(site) as host:
                equal(host.pywinrm(scheme), b"sim-0001\r\n")
        finally:
            del os.environ["KRB5CCNAME"]
            if before is not None:
                os.environ["KRB5CCNAME"] = before


@PART.check("pypsrp x the scheme Kerberos x HTTP sealed against sim-fleet: bodies have the name of that scheme")
def _(site: KerberosSite) -> None:
    with taking_tickets(site, negotiate=False) as host:
        equal(host.pypsrp("kerberos", "http"), b"sim-0001\r\n")


@PART.check("sim-fleet wants the channel binding where it is strict, not where it is relaxed, and refuses other keys")
def _(site: KerberosSite) -> None:
    with taking_tickets(site, channel_binding="strict") as host:
        raises(AuthenticationError, lambda: host.pypsrp("kerberos", "https", negotiate_send_cbt=False))
    with taking_tickets(site, channel_binding="relaxed") as host:
        equal(host.pypsrp("kerberos", "https", negotiate_send_cbt=False), b"sim-0001\r\n")
    other = site.realm.add_host("elsewhere.corp.example")
    with taking_tickets(site, other) as host:
        # The host says why, and MIT Kerberos on the other side understands it.
        error = raises(SpnegoError, lambda: host.pypsrp("kerberos", "http"))
        assert "Message stream modified" in str(error), error


@PART.check("pypsrp x kerberos x both transports against the endpoint, so that it may judge")
def _(site: KerberosSite) -> None:
    host = site.host(Dialect(cbt=Cbt.STRICT))
    account = Account(site.user, PASSWORD)
    target = Target(host.http_port, host.https_port, str(site.fleet.authority.ca_file), account, account, "")

    def hostname(scheme: str, **options: object) -> bytes:
        name = {"negotiate_hostname_override": host.name, "negotiate_service": "HTTP"}
        wsman = target.wsman("kerberos", scheme, **name, **options)
        return run_command(wsman, "hostname")[1]

    name = host.names.netbios.encode()
    equal((hostname("http").strip(), hostname("https").strip()), (name, name))
    raises(AuthenticationError, lambda: hostname("https", negotiate_send_cbt=False))
    equal(set(host.logons.mechanisms), {"kerberos"})


@PART.check("winfleet x kerberos against sim-fleet: both schemes and transports, and answers that all have number 0")
def _(site: KerberosSite) -> None:
    for transport in TRANSPORTS:
        for options in ({}, {"kerberos_zero_sequence": True}, {"negotiate": False}):
            with taking_tickets(site, channel_binding="strict", **options) as host:
                pushed = push_to(site, host, site.way("negotiate", transport))
                ran = pushed.exits(0).host(COMPUTER)
                equal((ran["outcome"], ran["auth"].split(" ")[0].split("+")[0]), ("ok", "kerberos"), str(options))


@PART.check("winfleet x kerberos against sim-fleet: in every dialect, and where the first 401 closes the connection")
def _(site: KerberosSite) -> None:
    closed = {"dialect": {"logon": {"bare_challenge": "closed"}}}
    for transport in TRANSPORTS:
        for more in (closed, *({"dialect_seed": seed} for seed in range(1, 7))):
            with taking_tickets(site, None, dict(more), channel_binding="strict") as host:
                pushed = push_to(site, host, site.way("negotiate", transport))
                ran = pushed.exits(0).host(COMPUTER)
                equal((ran["outcome"], ran["auth"].split(" ")[0].split("+")[0]), ("ok", "kerberos"), str(more))


@PART.check("winfleet x kerberos against sim-fleet: a host with another time says clock skew")
def _(site: KerberosSite) -> None:
    for auth in ("kerberos", "negotiate"):
        with taking_tickets(site, clock_ahead=7200) as host:
            entry = push_to(site, host, site.way(auth)).exits(3).host(COMPUTER)
            print(f"     {entry['outcome']}, {entry['reason']}: {entry['detail']}")
            says(entry, "kerberos", "skew")


def push_to(site: KerberosSite, host: Simulated, way: Way) -> Ran:
    """Pushes to the first simulated host."""

    class Place:
        name = COMPUTER
        http_port, https_port, pin = host.target.http_port, host.target.https_port, ""

    bench = site.bench()
    bench.ca_file = Path(host.target.ca_file)
    return bench.push(bench.inventory([Place()], way), bench.unlimited())  # type: ignore[list-item]


def run(only: str) -> Count:
    """Runs the part."""
    return run_in(PART, MitRealm, only)


def run_in(part: Part, start: Callable[[Path], Realm], only: str) -> Count:
    """Runs a part in a realm of its own."""
    binary = Path(os.environ.get("WINFLEET", ""))
    if not binary.is_file():
        return part.not_run(f"no binary at {binary}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        realm = start(folder / "realm")
        try:
            with realms.used(realm):
                # NTLM sends user@REALM as it is, without a domain.
                names = [(DOMAIN, USER, PASSWORD), ("", f"{USER}@{realm.name}", PASSWORD)]
                fleet = Fleet(folder, [*names, ("", LOCAL_USER, LOCAL_PASSWORD)])
                try:
                    return part.run(KerberosSite(fleet, folder, binary, realm), only)
                finally:
                    fleet.close()
        finally:
            realm.close()
