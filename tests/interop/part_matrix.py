"""Every client with every proof over every transport; the table that comes of it is a page of the documentation."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import ansible_host
import thirdparty
from checks import Count, equal
from endpoint.server import DOMAIN, Fleet
from matrix import PAGE, Matrix
from part_sim_fleet import COMPUTER, Simulated, simulated
from thirdparty import WinrmTransport, winrm_run
from workbench import LOCAL_PASSWORD, LOCAL_USER, PASSWORD, TLS_BASIC, TLS_NTLM, USER, Bench, Way

SIM = "sim-fleet"
ENDPOINT = "Python endpoint"

#: What is not tried yet, said plainly.
NO_KERBEROS = "Kerberos is not tried here yet"
NO_CERTIFICATE = "client certificates are not tried here yet"
PSRP = "the psrp plugin speaks PowerShell remoting only, whatever the shell type is; the simulated hosts have cmd"

Ways = dict[tuple[str, str], "Callable[[], None] | str"]
OPEN: Ways = {
    ("Kerberos", "HTTP"): NO_KERBEROS,
    ("Kerberos", "HTTPS"): NO_KERBEROS,
    ("certificate", "HTTPS"): NO_CERTIFICATE,
}


def said_its_name(code: int | None, stdout: bytes) -> None:
    """The command `hostname` did what it does."""
    equal((code, stdout.decode().strip().upper()), (0, COMPUTER))


def pypsrp_ways(host: Simulated) -> Ways:
    """By pypsrp, in a cmd shell."""

    def by(auth: str, scheme: str) -> Callable[[], None]:
        return lambda: said_its_name(*thirdparty.run(host.target.wsman(auth, scheme), "hostname")[:2])

    return {
        **OPEN,
        ("NTLM", "HTTP"): by("ntlm", "http"),
        ("NTLM", "HTTPS"): by("ntlm", "https"),
        ("Basic", "HTTPS"): by("basic", "https"),
    }


def pywinrm_ways(host: Simulated) -> Ways:
    """By pywinrm."""

    def by(transport: WinrmTransport, scheme: str) -> Callable[[], None]:
        return lambda: said_its_name(*winrm_run(host.target.protocol(transport, scheme), "hostname")[:2])

    return {
        **OPEN,
        ("NTLM", "HTTP"): by("ntlm", "http"),
        ("NTLM", "HTTPS"): by("ntlm", "https"),
        ("Basic", "HTTPS"): by("ssl", "https"),
    }


def ansible_ways(host: Simulated, folder: Path) -> Ways:
    """By Ansible: started once, when the first cell asks."""
    target = host.target
    asked = {
        ("NTLM", "HTTP"): ("ntlm", "http", target.domain_account),
        ("NTLM", "HTTPS"): ("ntlm", "https", target.domain_account),
        ("Basic", "HTTPS"): ("basic", "https", target.local_account),
    }
    said: dict[str, str] = {}

    def by(proof: str, transport: str) -> Callable[[], None]:
        def attempt() -> None:
            if not said:
                hosts = {
                    f"{p}-{t}": ansible_host.way(target, "winrm", auth, scheme, account)
                    for (p, t), (auth, scheme, account) in asked.items()
                }
                said.update(ansible_host.raw(folder, hosts, "hostname"))
            text = said[f"{proof}-{transport}"]
            assert "rc=0" in text and COMPUTER in text.upper(), text

        return attempt

    return {**OPEN, **{key: by(*key) for key in asked}}


def winfleet_ways(bench: Callable[[Way], tuple[Bench, Path]]) -> Ways:
    """By our program: a ping logs on, and reads sealed where there is no TLS."""

    def by(way: Way, auth: str) -> Callable[[], None]:
        def attempt() -> None:
            desk, inventory = bench(way)
            found = desk.winfleet("ping", "-i", inventory, "-o", "json").exits(0).host()
            assert str(found["auth"]).startswith(auth), found

        return attempt

    return {
        **OPEN,
        ("NTLM", "HTTP"): by(Way("NTLM sealed", auth="ntlm"), "ntlm (sealed"),
        ("NTLM", "HTTPS"): by(TLS_NTLM, "ntlm+cbt (tls"),
        ("Basic", "HTTPS"): by(TLS_BASIC, "basic (tls"),
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
    with tempfile.TemporaryDirectory() as name, simulated() as host:
        folder = Path(name)
        fleet = Fleet(folder, [(DOMAIN, USER, PASSWORD), ("", LOCAL_USER, LOCAL_PASSWORD)])
        try:
            judge = fleet.add("pc-0001.corp.example")

            def bench(way: Way) -> tuple[Bench, Path]:
                password = LOCAL_PASSWORD if way.auth == "basic" else PASSWORD
                desk = Bench(binary, Path(tempfile.mkdtemp(dir=folder)), fleet.authority.ca_file, password=password)
                return desk, desk.inventory([judge], way)

            matrix = Matrix()
            matrix.row("pywinrm", SIM, pywinrm_ways(host))
            matrix.row("pypsrp", SIM, pypsrp_ways(host))
            matrix.row("Ansible `raw`, winrm", SIM, ansible_ways(host, folder))
            matrix.row("Ansible `raw`, psrp", SIM, dict.fromkeys(pypsrp_ways(host), PSRP))
            matrix.row("winfleet", ENDPOINT, winfleet_ways(bench))
            count = tried(matrix, only)
        finally:
            fleet.close()
    # A choice of cells makes no page.
    if not only:
        right = compared(matrix, write)
        count.passed += right
        count.failed += not right
    return count
