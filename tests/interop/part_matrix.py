"""Every client with every proof over every transport; the table that comes of it is a page of the documentation."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_host
import realms
import thirdparty
from checks import Count, equal
from endpoint.dialect import Asks, Dialect
from endpoint.server import DOMAIN, Fleet
from matrix import PAGE, Matrix
from part_certificates import Stage, mapped, pypsrp_by_certificate, pywinrm_by_certificate
from part_kerberos import COMPUTER as TICKETED
from part_kerberos import KerberosSite, Ticketing, taking_tickets
from part_sim_fleet import COMPUTER, Simulated, simulated
from realms.mit import MitRealm
from thirdparty import WinrmTransport, winrm_run
from workbench import CERTIFICATE, LOCAL_PASSWORD, LOCAL_USER, PASSWORD, TLS_BASIC, TLS_NTLM, USER, Way

SIM = "sim-fleet"
ENDPOINT = "Python endpoint"
PSRP = "the psrp plugin speaks PowerShell remoting only, whatever the shell type is; the simulated hosts have cmd"
TLS_VERSION = "TLSv1_3"

Attempt = Callable[[], None]
Ways = dict[tuple[str, str], Attempt | str]


@dataclass
class Hosts:
    """What is there to log on to."""

    site: KerberosSite
    stage: Stage
    plain: Simulated
    ticketing: Ticketing
    certified: Simulated
    folder: Path
    #: A ticket cache for the clients that take nothing else.
    cache: str


def said_its_name(code: int | None, stdout: bytes, computer: str = COMPUTER) -> None:
    """The command `hostname` did what it does."""
    equal((code, stdout.decode().strip().upper()), (0, computer.partition(".")[0].upper()))


def pypsrp_ways(hosts: Hosts) -> Ways:
    """By pypsrp, in a cmd shell."""

    def by(auth: str, scheme: str) -> Attempt:
        return lambda: said_its_name(*thirdparty.run(hosts.plain.target.wsman(auth, scheme), "hostname")[:2])

    def by_ticket(scheme: str) -> Attempt:
        return lambda: said_its_name(0, hosts.ticketing.pypsrp("kerberos", scheme), TICKETED)

    def by_certificate() -> None:
        wsman = pypsrp_by_certificate(hosts.certified, hosts.stage.robot)
        said_its_name(*thirdparty.run(wsman, "hostname")[:2])

    return {
        ("NTLM", "HTTP"): by("ntlm", "http"),
        ("NTLM", "HTTPS"): by("ntlm", "https"),
        ("Kerberos", "HTTP"): by_ticket("http"),
        ("Kerberos", "HTTPS"): by_ticket("https"),
        ("Basic", "HTTPS"): by("basic", "https"),
        ("certificate", "HTTPS"): by_certificate,
    }


def pywinrm_ways(hosts: Hosts) -> Ways:
    """By pywinrm."""

    def by(transport: WinrmTransport, scheme: str) -> Attempt:
        return lambda: said_its_name(*winrm_run(hosts.plain.target.protocol(transport, scheme), "hostname")[:2])

    def by_ticket(scheme: str) -> Attempt:
        return lambda: said_its_name(0, hosts.ticketing.pywinrm(scheme), TICKETED)

    def by_certificate() -> None:
        protocol = pywinrm_by_certificate(hosts.certified, hosts.stage.robot)
        said_its_name(*winrm_run(protocol, "hostname")[:2])

    return {
        ("NTLM", "HTTP"): by("ntlm", "http"),
        ("NTLM", "HTTPS"): by("ntlm", "https"),
        ("Kerberos", "HTTP"): by_ticket("http"),
        ("Kerberos", "HTTPS"): by_ticket("https"),
        ("Basic", "HTTPS"): by("ssl", "https"),
        ("certificate", "HTTPS"): by_certificate,
    }


def ansible_ways(hosts: Hosts) -> Ways:
    """By Ansible: started once, when the first cell asks."""
    plain, tickets, certified = hosts.plain.target, hosts.ticketing.target, hosts.certified.target
    domain, local, principal = plain.domain_account, plain.local_account, hosts.ticketing.account
    ticket = {"ansible_winrm_kinit_mode": "manual", "ansible_winrm_kerberos_hostname_override": TICKETED}
    robot = hosts.stage.robot
    shown = {"ansible_winrm_cert_pem": str(robot.certificate), "ansible_winrm_cert_key_pem": str(robot.key)}
    asked: dict[tuple[str, str], dict[str, Any]] = {
        ("NTLM", "HTTP"): ansible_host.way(plain, "winrm", "ntlm", "http", domain),
        ("NTLM", "HTTPS"): ansible_host.way(plain, "winrm", "ntlm", "https", domain),
        ("Kerberos", "HTTP"): {**ansible_host.way(tickets, "winrm", "kerberos", "http", principal), **ticket},
        ("Kerberos", "HTTPS"): {**ansible_host.way(tickets, "winrm", "kerberos", "https", principal), **ticket},
        ("Basic", "HTTPS"): ansible_host.way(plain, "winrm", "basic", "https", local),
        ("certificate", "HTTPS"): {**ansible_host.way(certified, "winrm", "certificate", "https", domain), **shown},
    }
    said: dict[str, str] = {}

    def by(proof: str, transport: str) -> Attempt:
        def attempt() -> None:
            if not said:
                named = {f"{p}-{t}": variables for (p, t), variables in asked.items()}
                said.update(ansible_host.raw(hosts.folder, named, "hostname", {"KRB5CCNAME": hosts.cache}))
            text = said[f"{proof}-{transport}"]
            computer = TICKETED.partition(".")[0] if proof == "Kerberos" else COMPUTER
            assert "rc=0" in text and computer.upper() in text.upper(), text

        return attempt

    return {key: by(*key) for key in asked}


def winfleet_ways(hosts: Hosts) -> Ways:
    """By our program: a ping logs on, and reads sealed where there is no TLS."""
    site = hosts.site

    def by(way: Way, auth: str, dialect: Dialect | None = None) -> Attempt:
        def attempt() -> None:
            desk = site.bench(way)
            desk.identity = hosts.stage.robot if way.auth == "certificate" else None
            inventory = desk.inventory([site.host(dialect)], way)
            found = desk.winfleet("ping", "-i", inventory, "-o", "json").exits(0).host()
            assert str(found["auth"]).startswith(auth), found

        return attempt

    return {
        ("NTLM", "HTTP"): by(Way("NTLM sealed", auth="ntlm"), "ntlm (sealed"),
        ("NTLM", "HTTPS"): by(Way("NTLM", "https", "ntlm", TLS_NTLM.settings), "ntlm+cbt (tls"),
        ("Kerberos", "HTTP"): by(site.way("kerberos", "http"), "kerberos (sealed"),
        ("Kerberos", "HTTPS"): by(site.way("kerberos", "https"), "kerberos+cbt (tls"),
        ("Basic", "HTTPS"): by(TLS_BASIC, "basic (tls"),
        ("certificate", "HTTPS"): by(
            CERTIFICATE, "certificate (tls", Dialect(client_certificate=Asks.HANDSHAKE, tls_version=TLS_VERSION)
        ),
    }


def tried(matrix: Matrix, only: str) -> Count:
    """Tries each cell that can be tried."""
    count = Count()
    for cell in matrix.cells:
        if cell.attempt is None or only not in f"matrix: {cell.name}":
            continue
        started = time.monotonic()
        try:
            cell.attempt()
        except Exception:  # a cell may fail in any way; the next one is still tried
            count.failed += 1
            print(f"FAIL matrix: {cell.name} ({time.monotonic() - started:.2f} s)")
            print("     " + traceback.format_exc().rstrip().replace("\n", "\n     "), flush=True)
        else:
            count.passed += 1
            matrix.passed.add(cell)
            print(f"ok   matrix: {cell.name} ({time.monotonic() - started:.2f} s)", flush=True)
    return count


def compared(matrix: Matrix, write: bool) -> bool:
    """The committed page is what ran; or is written so that it is."""
    page = matrix.page()
    if write:
        PAGE.write_text(page, encoding="utf-8")
    committed = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    if committed.replace("\r\n", "\n") == page:
        print("ok   matrix: the page is what ran", flush=True)
        return True
    print(f"FAIL matrix: {PAGE.name} is not what ran; tests/interop/run --part part_matrix --write prints it anew")
    print("     " + page.replace("\n", "\n     "), flush=True)
    return False


def run(only: str, write: bool = False) -> Count:
    """Runs the part."""
    binary = Path(os.environ.get("WINFLEET", ""))
    if not binary.is_file():
        print(f"FAIL matrix: no binary at {binary}", flush=True)
        return Count(failed=1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        realm = MitRealm(folder / "realm")
        stack.callback(realm.close)
        stack.enter_context(realms.used(realm))
        fleet = Fleet(folder, [(DOMAIN, USER, PASSWORD), ("", LOCAL_USER, LOCAL_PASSWORD)])
        stack.callback(fleet.close)
        site = KerberosSite(fleet, folder, binary, realm)
        stage = Stage(site)
        hosts = Hosts(
            site,
            stage,
            stack.enter_context(simulated()),
            stack.enter_context(taking_tickets(site)),
            stack.enter_context(mapped(stage, TLS_VERSION)),
            folder,
            realms.kinit(realm, site.user, PASSWORD, folder / "others-cache"),
        )
        # pywinrm inside this process takes the cache from its environment, as Ansible's workers do.
        os.environ["KRB5CCNAME"] = hosts.cache
        stack.callback(os.environ.pop, "KRB5CCNAME", None)
        matrix = Matrix()
        matrix.row("pywinrm", SIM, pywinrm_ways(hosts))
        matrix.row("pypsrp", SIM, pypsrp_ways(hosts))
        matrix.row("Ansible `raw`, winrm", SIM, ansible_ways(hosts))
        matrix.row("Ansible `raw`, psrp", SIM, dict.fromkeys(pypsrp_ways(hosts), PSRP))
        matrix.row("winfleet", ENDPOINT, winfleet_ways(hosts))
        count = tried(matrix, only)
    # A choice of cells makes no page.
    if not only:
        right = compared(matrix, write)
        count.passed += right
        count.failed += not right
    return count
