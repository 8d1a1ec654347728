"""Our client against the Python endpoint: push, read back, push again, roll back, and everything that must stop it."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
from pypsrp.shell import WinRS

from checks import Count, Part, equal
from endpoint import names
from endpoint.dialect import AuthBody, Cbt, Dialect
from endpoint.faults import Fault
from endpoint.programs import CONNECTIONS
from endpoint.registry import multi_sz, sz
from endpoint.server import DOMAIN, Fleet, Host
from thirdparty import Account, Target
from workbench import (
    LOCAL_PASSWORD,
    LOCAL_USER,
    PASSWORD,
    PLAYBOOKS,
    PROXY,
    RAW_NTLM,
    SEALED,
    TLS_BASIC,
    TLS_NTLM,
    TLS_PIN,
    USER,
    Bench,
    Way,
)

PART = Part("winfleet")

POLICIES = r"SOFTWARE\Policies\Microsoft"
TELEMETRY = POLICIES + r"\Windows\DataCollection"
MARKERS = r"SOFTWARE\winfleet-run"
ANTIVIRUS = POLICIES + r"\Windows Defender"
#: Most HTTP requests that one host may cost, authentication and read-back included.
FIRST_PUSH, PUSH_AGAIN, EDR_PUSH = 20, 10, 12

Tree = dict[str, dict[str, dict[str, object]]]


class Site:
    """The fleet, and a fresh host and bench for each check."""

    def __init__(self, fleet: Fleet, folder: Path, binary: Path) -> None:
        self.fleet, self._folder, self._binary = fleet, folder, binary

    def host(
        self, dialect: Dialect | None = None, *, seed: Tree | None = None, keys: bool = True, **options: object
    ) -> Host:
        """A host nobody has touched. ``keys``: the policy keys are there, as after a first GPO."""
        name = f"pc-{len(self.fleet.hosts) + 1:04}.corp.example"
        host = self.fleet.add(name, dialect, **options)
        host.registry.seed({**({TELEMETRY: {}} if keys else {}), **(seed or {})})
        return host

    def bench(self, way: Way = SEALED) -> Bench:
        """An empty folder with the right password."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        password = LOCAL_PASSWORD if way.auth == "basic" else PASSWORD
        return Bench(self._binary, folder, self.fleet.authority.ca_file, password=password)


def wanted(before: Tree, host: Host, *, edr_only: bool = False) -> Tree:
    """The registry that the shipped playbook leaves: what was there, and the values it names."""
    after = {path: dict(values) for path, values in before.items()}

    def put(path: str, name: str, kind: int, data: bytes) -> None:
        parts = path.split("\\")
        for depth in range(1, len(parts) + 1):
            after.setdefault("\\".join(parts[:depth]), {})
        spelled = next((n for n in after[path] if n.casefold() == name.casefold()), name)
        after[path][spelled] = {"type": kind, "bytes": data.hex()}

    put(TELEMETRY, "DisableEnterpriseAuthProxy", 4, b"\1\0\0\0")
    put(TELEMETRY, "TelemetryProxyServer", 1, sz(PROXY))
    if not edr_only:
        put(ANTIVIRUS, "ProxyServer", 1, sz(f"http://{PROXY}"))
        server, bypass = PROXY.encode(), ";".join(shipped_bypass()).encode()
        blob = (
            host.dialect.winhttp_marker.to_bytes(4, "little")
            + bytes(4)
            + b"\3\0\0\0"
            + len(server).to_bytes(4, "little")
            + server
        )
        put(CONNECTIONS, "WinHttpSettings", 3, blob + len(bypass).to_bytes(4, "little") + bypass)
    return after


def shipped_bypass() -> list[str]:
    """The bypass list of full-proxy-set.yaml: read with a pattern, because a YAML library is not ours to need."""
    text = (PLAYBOOKS / "full-proxy-set.yaml").read_text(encoding="utf-8")
    lists: list[str] = re.findall(r"^[^#\n]*(?:bypass|default):\s*\[([^\]]*<local>[^\]]*)\]", text, re.M)
    assert len(lists) == 1, f"bypass lists in full-proxy-set.yaml: {lists}"
    return [item.strip().strip("'\"") for item in lists[0].split(",")]


def states(host: dict[str, Any]) -> list[str]:
    """The states of a host's steps, in order."""
    return [step["state"] for step in host["steps"]]


def same(found: Tree, right: Tree, what: str) -> None:
    """Compares two registries and names only what differs."""
    differs = [
        f"{path}\\{name}: found {found.get(path, {}).get(name)}, wanted {right.get(path, {}).get(name)}"
        for path in sorted({*found, *right})
        for name in sorted({*found.get(path, {}), *right.get(path, {})})
        if found.get(path, {}).get(name) != right.get(path, {}).get(name)
    ]
    differs += [f"key {path} is {'extra' if path in found else 'missing'}" for path in sorted({*found} ^ {*right})]
    assert not differs, f"{what}:\n" + "\n".join(differs)


def cycle(
    site: Site, host: Host, way: Way, playbook: str = "full-proxy-set.yaml", first_limit: int = FIRST_PUSH
) -> tuple[int, int]:
    """Push, push again, roll back; gives the requests of both pushes."""
    bench = site.bench(way)
    inventory = bench.inventory([host], way)
    before = host.registry.dump()
    full = playbook != "edr-only.yaml"

    ran = bench.push(inventory, playbook).exits(0)
    first = host.counters.requests
    report = ran.host()
    equal((report["outcome"], report["changed"]), ("ok", True))
    assert set(states(report)) <= {"changed", "skipped"} and "changed" in states(report), states(report)
    same(host.registry.dump(), wanted(before, host, edr_only=not full), "registry after the push")
    equal(host.shells.open, 0, "shells left open")
    equal(host.counters.connections, 1, "connections")
    assert first <= first_limit, (
        f"{first} requests for the first push, at most {first_limit}: {host.counters.operations}"
    )

    writes, shells = host.registry.writes, host.shells.created
    again = bench.push(inventory, playbook).exits(0)
    second = host.counters.requests - first
    equal((again.host()["outcome"], again.host()["changed"]), ("ok", False))
    assert set(states(again.host())) <= {"already", "skipped"}, states(again.host())
    equal((host.registry.writes, host.shells.created), (writes, shells), "writes and shells of the second push")
    assert second <= PUSH_AGAIN, f"{second} requests for the second push, at most {PUSH_AGAIN}"

    back = bench.rollback(ran.json()["run"]).exits(0)
    equal(back.host()["outcome"], "rolled_back")
    same(host.registry.dump(), before, "registry after the rollback")
    equal(host.shells.open, 0, "shells left open")
    equal(host.logons.refused, 0, "refused logons")
    equal(bench.leaks(), [], "the password in clear")
    print(
        f"     {host.name}: requests: {first} for the first push, {second} for the second, "
        f"{host.counters.requests - first - second} for the rollback"
    )
    return first, second


for _way, _dialect in (
    (SEALED, Dialect()),
    (RAW_NTLM, Dialect()),
    (TLS_NTLM, Dialect(cbt=Cbt.STRICT)),
    (TLS_BASIC, Dialect()),
    (TLS_PIN, Dialect(cbt=Cbt.STRICT, certificate_hash="sha384")),
):

    @PART.check(f"push, push again, rollback: {_way.label}")
    def _(site: Site, way: Way = _way, dialect: Dialect = _dialect) -> None:
        cycle(site, site.host(dialect), way)


@PART.check("edr-only.yaml: push, push again, rollback")
def _(site: Site) -> None:
    cycle(site, site.host(), SEALED, "edr-only.yaml", EDR_PUSH)


@PART.check("keys that were not there are gone again")
def _(site: Site) -> None:
    host = site.host(keys=False)
    cycle(site, host, SEALED, first_limit=FIRST_PUSH + 2)
    assert TELEMETRY not in host.registry.dump()


_dialects = {
    "absent out parameters left out": Dialect(omit_absent=True),
    "strange prefixes": Dialect(strange_prefixes=True),
    "no TAB in reply parts": Dialect(no_tab=True),
    "line ends of MIME around reply parts": Dialect(mime_lines=True),
    "faults of the sender with 400": Dialect(sender_400=True),
    "chunked replies with trailers": Dialect(chunked=True),
    "byte order mark": Dialect(bom=True),
    "German": Dialect(german=True),
    "schemes joined in one line": Dialect(joined_challenge=True),
    "old WinHttpSettings marker": Dialect(winhttp_marker=0x18),
    "other fault detail": Dialect(wmi_errors=True),
    "all at once": Dialect(
        omit_absent=True,
        strange_prefixes=True,
        no_tab=True,
        chunked=True,
        bom=True,
        german=True,
        joined_challenge=True,
        wmi_errors=True,
    ),
}
for _label, _dialect in _dialects.items():

    @PART.check(f"push, push again, rollback: dialect: {_label}")
    def _(site: Site, dialect: Dialect = _dialect) -> None:
        cycle(site, site.host(dialect), SEALED)


@PART.check("push, push again, rollback: dialect: replies over TLS do not say of which type they are")
def _(site: Site) -> None:
    cycle(site, site.host(Dialect(untyped=True, sender_400=True)), TLS_NTLM)


@PART.check("a fault that comes with 400 is a fault, with the first operation as with the others")
def _(site: Site) -> None:
    for way in (SEALED, TLS_NTLM, TLS_BASIC):
        host, bench = site.host(Dialect(sender_400=True)), site.bench(way)
        host.refuse_operations = Fault(5, names.WSMAN, "AccessDenied", "no")
        found = bench.winfleet("ping", "-i", bench.inventory([host], way), "-o", "json").exits(3).host()
        equal((way.label, found["reason"], found["checks"]["rights"]), (way.label, "access_denied", "failed"))
        equal(host.counters.operations, {"GetStringValue": 1}, way.label)


@PART.check("a shell whose creation was not answered is found among the host's shells and deleted; another one stays")
def _(site: Site) -> None:
    host, bench = site.host(), site.bench()
    account = Account(f"{DOMAIN}\\{USER}", PASSWORD)
    ports = (host.http_port, host.https_port)
    others = Target(*ports, str(site.fleet.authority.ca_file), account, account, host.names.netbios)
    with WinRS(others.wsman(), codepage=65001, environment={"WINFLEET_SHELL": "winfleet-of-somebody-else"}):
        host.lost_creates = 1
        bench.winfleet("ping", "-i", bench.inventory([host]), "-o", "json")
        equal((host.shells.created, host.shells.open), (2, 1), "shells made, shells open")


@PART.check("what closes each connection behind its answer is named, before anything is written; with Basic it does not matter")
def _(site: Site) -> None:
    for way in (SEALED, TLS_NTLM):
        host, bench = site.host(Dialect(unkept=True)), site.bench(way)
        found = bench.winfleet("ping", "-i", bench.inventory([host], way), "-o", "json").exits(4).host()
        equal((found["reason"], found["checks"]["rights"]), ("not_winrm", "failed"))
        assert "load balancer" in found["remedy"], found
        ran = bench.push(bench.inventory([host], way), bench.unlimited())
        equal((ran.host()["reason"], host.registry.writes, host.logons.refused), ("not_winrm", 0, 0))
    host, bench = site.host(Dialect(unkept=True)), site.bench(TLS_BASIC)
    bench.winfleet("ping", "-i", bench.inventory([host], TLS_BASIC), "-o", "json").exits(0)


@PART.check("push, push again, rollback: dialect: the exit code comes after the output")
def _(site: Site) -> None:
    cycle(site, site.host(Dialect(done_alone=True)), SEALED, first_limit=FIRST_PUSH + 2)


@PART.check("a host that takes the last token alone is served as well")
def _(site: Site) -> None:
    host, bench = site.host(Dialect(auth_body=AuthBody.IGNORED)), site.bench()
    before = host.registry.dump()
    ran = bench.push(bench.inventory([host])).exits(0)
    same(host.registry.dump(), wanted(before, host), "registry after the push")
    bench.rollback(ran.json()["run"]).exits(0)
    same(host.registry.dump(), before, "registry after the rollback")


@PART.check("what was there before comes back byte for byte: other data, other types, odd WinHttpSettings")
def _(site: Site) -> None:
    blob = "18000000070000000300000003000000613a310000000000ffee"
    host = site.host(
        seed={
            TELEMETRY: {
                "telemetryPROXYserver": {"type": 1, "bytes": sz("old.example:3128").hex()},
                "DisableEnterpriseAuthProxy": {"type": 1, "bytes": sz("no").hex()},
                "AllowTelemetry": {"type": 4, "bytes": "03000000"},
            },
            ANTIVIRUS: {"ProxyServer": {"type": 7, "bytes": multi_sz(["a", "b"]).hex()}},
            CONNECTIONS: {
                "WinHttpSettings": {"type": 3, "bytes": blob},
                "DefaultConnectionSettings": {"type": 3, "bytes": "46000000"},
            },
        }
    )
    # The preflight looks at what is there and differs, and may take eight requests for it. The marker takes nine,
    # and what is read again under it takes four.
    cycle(site, host, SEALED, first_limit=FIRST_PUSH + 8 + 13)


@PART.check("a marker of another controller keeps ours away until it expires, and is taken over then")
def _(site: Site) -> None:
    def marked(until: str) -> Host:
        text = sz(f"{until}|bob@desk").hex()
        return site.host(seed={MARKERS: {"0other": {"type": 1, "bytes": text}}})

    host, bench = marked("2999-01-01T00:00:00Z"), site.bench()
    before = host.registry.dump()
    ran = bench.push(bench.inventory([host]), bench.unlimited()).exits(3)
    equal((ran.host()["outcome"], ran.host()["reason"]), ("failed", "held_by_another"))
    same(host.registry.dump(), before, "registry of a host that is held")
    only = ("resume", "last", "--only", "failed", "--yes", "--journal", bench.journal)
    bench.winfleet(*only, "--void-marker", "0other").exits(0)
    assert MARKERS not in host.registry.dump(), "the key of markers is left"

    host, bench = marked("2001-01-01T00:00:00Z"), site.bench()
    bench.push(bench.inventory([host]), bench.unlimited()).exits(0)
    assert MARKERS not in host.registry.dump(), "the key of markers is left"


@PART.check("a REG_EXPAND_SZ comes back unexpanded, or the push is refused before the first write")
def _(site: Site) -> None:
    host = site.host(
        seed={ANTIVIRUS: {"ProxyServer": {"type": 2, "bytes": sz(r"http://%PROXYHOST%.%SystemRoot%:80").hex()}}}
    )
    bench = site.bench()
    before = host.registry.dump()
    ran = bench.push(bench.inventory([host]), bench.unlimited())
    if ran.code == 3:
        equal(
            (ran.host()["outcome"], ran.host()["reason"], host.registry.writes), ("failed", "prior_not_restorable", 0)
        )
        return
    ran.exits(0)
    same(host.registry.dump(), wanted(before, host), "registry after the push")
    bench.rollback("last").exits(0)
    same(host.registry.dump(), before, "registry after the rollback")


@PART.check("a type that no channel can write is refused before the first write")
def _(site: Site) -> None:
    host = site.host(seed={ANTIVIRUS: {"ProxyServer": {"type": 8, "bytes": "00010203"}}})
    bench = site.bench()
    ran = bench.push(bench.inventory([host]), bench.unlimited()).exits(3)
    equal((ran.host()["outcome"], ran.host()["reason"]), ("failed", "prior_not_restorable"))
    equal((host.registry.writes, host.shells.open), (0, 0))


@PART.check("report RUN --format json is what push printed, with exact bytes before and after")
def _(site: Site) -> None:
    host, bench = (
        site.host(seed={ANTIVIRUS: {"ProxyServer": {"type": 1, "bytes": sz("http://old:1").hex()}}}),
        site.bench(),
    )
    pushed = bench.push(bench.inventory([host])).exits(0).json()
    report = bench.report(pushed["run"]).exits(0).json()
    equal(report, pushed, "report")
    equal((report["exit_code"], report["totals"]["ok"], [h["name"] for h in report["hosts"]]), (0, 1, [host.name]))
    changes = [change for step in report["hosts"][0]["steps"] for change in step["changes"]]
    by_name = {str(change["target"]).rpartition(": ")[2]: change for change in changes}
    antivirus = by_name["ProxyServer"]
    equal(
        {k: antivirus["before"][k] for k in ("state", "type", "bytes")},
        {"state": "present", "type": 1, "bytes": sz("http://old:1").hex()},
    )
    equal(
        {k: antivirus["after"][k] for k in ("state", "type", "bytes")},
        {"state": "present", "type": 1, "bytes": sz(f"http://{PROXY}").hex()},
    )
    equal(by_name["TelemetryProxyServer"]["before"]["state"], "value_absent")
    winhttp = next(change for name, change in by_name.items() if name == "WinHttpSettings")
    equal(winhttp["after"]["bytes"], host.registry.dump()[CONNECTIONS]["WinHttpSettings"]["bytes"])
    listed = bench.winfleet("runs", "--journal", bench.journal, "-o", "json").exits(0).json()["runs"]
    equal([(run["id"], run["verb"]) for run in listed], [(pushed["run"], "push")])
    csv = bench.winfleet("report", "last", "--format", "csv", "--journal", bench.journal).exits(0).stdout
    assert host.name in csv and "\n" in csv.strip(), csv


@PART.check("the inventory as CSV and several hosts at once")
def _(site: Site) -> None:
    hosts, bench = [site.host() for _ in range(5)], site.bench()
    before = [host.registry.dump() for host in hosts]
    yaml = bench.folder / "defaults.yaml"
    yaml.write_text(
        "version: 1\ncredentials:\n  rollout: { username: 'CORP\\"
        + USER
        + "', password: { env: INTEROP_PASSWORD } }\n",
        encoding="utf-8",
    )
    csv = bench.folder / "hosts.csv"
    rows = [f"{host.name};127.0.0.1;{host.http_port};http;rollout;paris|laptops" for host in hosts]
    csv.write_text("\r\n".join(["name;address;port;transport;credential;groups", *rows]) + "\r\n", encoding="utf-8-sig")
    ran = bench.push(csv, "full-proxy-set.yaml", "-i", yaml).exits(0)
    equal(ran.json()["totals"]["ok"], 5)
    for host, old in zip(hosts, before, strict=True):
        same(host.registry.dump(), wanted(old, host), host.name)
    bench.rollback("last").exits(0)
    for host, old in zip(hosts, before, strict=True):
        same(host.registry.dump(), old, host.name)


@PART.check("a value that somebody changed since is a conflict, unless forced")
def _(site: Site) -> None:
    host, bench = site.host(), site.bench()
    before = host.registry.dump()
    run = bench.push(bench.inventory([host])).exits(0).json()["run"]
    foreign = sz("somebody.else:1")
    key = host.registry.find(TELEMETRY)
    assert key is not None
    host.registry.set(key, "TelemetryProxyServer", 1, foreign)
    ran = bench.rollback(run).exits(3)
    equal(ran.host()["outcome"], "conflict")
    equal(host.registry.dump()[TELEMETRY]["TelemetryProxyServer"]["bytes"], foreign.hex())
    bench.rollback(run, "--on-conflict", "force").exits(0)
    same(host.registry.dump(), before, "registry after the forced rollback")


@PART.check("rollback --mode delete removes the playbook's values, and can be rolled back itself")
def _(site: Site) -> None:
    host, bench = site.host(), site.bench()
    inventory = bench.inventory([host])
    before = host.registry.dump()
    bench.push(inventory).exits(0)
    pushed = host.registry.dump()
    ran = bench.rollback(
        "--mode", "delete", "-i", inventory, "-p", PLAYBOOKS / "full-proxy-set.yaml", "-e", f"proxy={PROXY}"
    ).exits(0)
    left = host.registry.dump()
    winhttp = left[CONNECTIONS].pop("WinHttpSettings", {"bytes": ""})
    assert str(winhttp["bytes"])[16:24] in ("", "01000000"), f"WinHTTP is not direct: {winhttp}"
    same(left, before, "registry after the deletion")
    bench.rollback(ran.json()["run"]).exits(0)
    same(host.registry.dump(), pushed, "registry after the rollback of the deletion")


@PART.check("a wrong password: exit 9 (3 with local accounts, which count per host), a bounded number of attempts, nothing written")
def _(site: Site) -> None:
    for way in (SEALED, TLS_NTLM, TLS_BASIC):
        hosts, bench = [site.host() for _ in range(6)], site.bench(way)
        bench.password = "not the password"
        # Without ring limits: a breach would stop the run before the guard does.
        local = way.auth == "basic"
        ran = bench.push(bench.inventory(hosts, way), bench.unlimited()).exits(3 if local else 9)
        refused = sum(host.logons.refused for host in hosts)
        limit = 3 * len(hosts) if local else 3
        assert 1 <= refused <= limit, f"{refused} attempts over {way.label}, at most {limit}"
        equal(sum(host.registry.writes for host in hosts), 0, "writes")
        equal({host["outcome"] for host in ran.json()["hosts"]} - {"failed", "not_started"}, set())
        equal(bench.leaks(), [], "the password in clear")


@PART.check("another machine answers under the name: wrong_host, nothing written")
def _(site: Site) -> None:
    for way in (SEALED, TLS_NTLM):
        host, bench = site.host(calls_itself=f"other-{len(site.fleet.hosts)}.corp.example"), site.bench(way)
        ran = bench.push(bench.inventory([host], way), bench.unlimited()).exits(3)
        equal((ran.host()["outcome"], ran.host()["reason"]), ("failed", "wrong_host"), way.label)
        equal((host.registry.writes, host.shells.created), (0, 0))


@PART.check("rollback on a machine with another MachineGuid: wrong_host, nothing written")
def _(site: Site) -> None:
    host, bench = site.host(), site.bench()
    bench.push(bench.inventory([host])).exits(0)
    key = host.registry.find(r"SOFTWARE\Microsoft\Cryptography")
    assert key is not None
    host.registry.set(key, "MachineGuid", 1, sz("99999999-0000-0000-0000-000000000000"))
    writes = host.registry.writes
    ran = bench.rollback("last").exits(3)
    equal((ran.host()["outcome"], ran.host()["reason"], host.registry.writes), ("failed", "wrong_host", writes))


@PART.check("an unknown authority or a wrong pin is refused before any logon")
def _(site: Site) -> None:
    for way in (
        Way("no CA", "https"),
        Way("no CA, Basic", "https", "basic"),
        Way("wrong pin", "https", settings=("cert_sha256: '" + "ab" * 32 + "'",)),
    ):
        host, bench = site.host(), site.bench(way)
        ran = bench.push(bench.inventory([host], way), bench.unlimited()).exits(3)
        equal(ran.host()["outcome"], "failed", way.label)
        equal((host.logons.accepted, host.logons.refused, host.registry.writes), (0, 0, 0), way.label)


@PART.check("Basic over HTTP is refused before any host is contacted")
def _(site: Site) -> None:
    way = Way("Basic over HTTP", "http", "basic")
    host, bench = site.host(), site.bench(way)
    bench.push(bench.inventory([host], way)).exits(1)
    equal(host.counters.connections, 0)


@PART.check("access denied on a later step: failed with the code, and the rollback takes the rest back")
def _(site: Site) -> None:
    host, bench = site.host(denied=[ANTIVIRUS]), site.bench()
    before = host.registry.dump()
    ran = bench.push(bench.inventory([host]), bench.unlimited()).exits(3)
    equal(ran.host()["outcome"], "failed")
    assert "failed" in states(ran.host()), states(ran.host())
    equal(host.shells.open, 0, "shells left open")
    bench.rollback("last").exits(0)
    same(host.registry.dump(), before, "registry after the rollback")


@PART.check("nobody listens, and 503: unreachable, exit 4")
def _(site: Site) -> None:
    gone, busy, bench = site.host(), site.host(), site.bench()
    gone.close()
    busy.refuse_everything = True
    ran = bench.push(bench.inventory([gone, busy]), bench.unlimited()).exits(4)
    equal([host["outcome"] for host in ran.json()["hosts"]], ["unreachable", "unreachable"])


@PART.check("the limits of the shipped playbook stop the run: exit 6, the next ring untouched")
def _(site: Site) -> None:
    bad, good, bench = site.host(denied=[POLICIES]), site.host(), site.bench()
    inventory = bench.inventory([bad, good])
    text = inventory.read_text(encoding="utf-8").replace(
        f"  - name: {bad.name}\n", f"  - name: {bad.name}\n    ring: canary\n"
    )
    inventory.write_text(text, encoding="utf-8")
    ran = bench.push(inventory).exits(6)
    equal((ran.host(bad.name)["outcome"], ran.host(good.name)["outcome"]), ("failed", "not_started"))
    equal((good.counters.connections, good.registry.writes), (0, 0))


@PART.check("the controller's proxy variables divert nothing")
def _(site: Site) -> None:
    host, bench = site.host(), site.bench()
    nowhere = "http://127.0.0.1:9"
    ran = bench.push(
        bench.inventory([host]),
        HTTP_PROXY=nowhere,
        http_proxy=nowhere,
        HTTPS_PROXY=nowhere,
        ALL_PROXY=nowhere,
        NO_PROXY="",
    ).exits(0)
    equal((ran.host()["outcome"], host.counters.connections), ("ok", 1))


@PART.check("facts and conditions: offline-devices.yaml reads the sensor and the gate decides")
def _(site: Site) -> None:
    for version, gated in (("10.8210.17763.3650", True), ("10.8049.17763.1", False)):
        gate = POLICIES + r"\Windows Advanced Threat Protection"
        host, bench = (
            site.host(sensor_version=version, seed={gate: {"OnboardingInfo": {"type": 1, "bytes": sz("{}").hex()}}}),
            site.bench(),
        )
        before = host.registry.dump()
        ran = bench.push(bench.inventory([host]), "offline-devices.yaml").exits(0)
        equal(ran.host()["outcome"], "ok")
        values = host.registry.dump()[gate]
        equal("PreferStaticProxyForHttpRequest" in values, gated, f"sensor {version}")
        bench.rollback("last").exits(0)
        same(host.registry.dump(), before, "registry after the rollback")


@PART.check("ping reads and changes nothing")
def _(site: Site) -> None:
    host, bench = site.host(), site.bench()
    ran = bench.winfleet("ping", "-i", bench.inventory([host]), "--journal", bench.journal).exits(0)
    assert host.name in ran.stdout, ran.stdout
    equal((host.logons.accepted, host.counters.connections), (1, 1))
    equal((host.registry.writes, host.shells.open), (0, 0))


@PART.check("explain: what was pushed is what each component uses, and what the host does not tell is said")
def _(site: Site) -> None:
    host, bench = site.host(), site.bench()
    inventory = bench.inventory([host])
    bench.push(inventory).exits(0)
    before = host.registry.dump()
    found = bench.winfleet("explain", host.name, "-i", inventory, "-o", "json").exits(0).json()
    schema = json.loads(bench.winfleet("schema", "explain").exits(0).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(found)
    uses = {route["component"]: route["uses"] for route in found["hosts"][0]["components"]}
    equal(uses["edr"]["address"], PROXY)
    equal(uses["winhttp"]["address"], PROXY)
    equal(uses["antivirus"]["address"], f"http://{PROXY}")
    equal(host.registry.dump(), before, "nothing is written")


def run(only: str) -> Count:
    """Runs the part."""
    binary = Path(os.environ.get("WINFLEET", ""))
    if not binary.is_file():
        return PART.not_run(f"no binary at {binary}")
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), [(DOMAIN, USER, PASSWORD), ("", LOCAL_USER, LOCAL_PASSWORD)])
        try:
            return PART.run(Site(fleet, Path(folder), binary), only)
        finally:
            fleet.close()
