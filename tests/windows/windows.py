"""The Windows program under Wine against the Linux sim-fleet. Called by ``run``, which has built everything. The Linux
program looks at the same hosts and at the same journal, so that neither is judged by itself alone."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks import Part, equal

PART = Part("windows")
ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = ROOT / "playbooks" / "full-proxy-set.yaml"
USER, PASSWORD = "svc-rollout", "Grün & 'ok' 100%"
PROXY = "proxy=10.0.0.6:8080"


#: What stands on the first host before, and less of it on each further one.
PRIOR = [
    {
        "key": r"SOFTWARE\Policies\Microsoft\Windows Defender",
        "value": "ProxyServer",
        "data": {"multi_sz": ["http://old:1", "Grün"]},
    },
    {
        "key": r"SOFTWARE\Policies\Microsoft\Windows\DataCollection",
        "value": "TelemetryProxyServer",
        "data": {"sz": "old.example:3128"},
    },
]


def windows(path: Path) -> str:
    """A path as Wine shows the whole file system."""
    return "Z:" + str(path).replace("/", "\\")


@dataclass
class Ran:
    """What one start of a program left behind."""

    code: int
    stdout: str
    stderr: str

    def exits(self, code: int) -> Ran:
        """Fails with the whole output unless the exit code is the wanted one."""
        assert self.code == code, f"exit {self.code}, wanted {code}\n{self.stdout[-3000:]}\n{self.stderr[-3000:]}"
        return self

    def json(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        return dict(json.loads(self.stdout))


class Desk:
    """An empty folder with an inventory, and both programs."""

    def __init__(self, folder: Path, fleet: dict[str, Any]) -> None:
        self.folder, self.fleet = folder, fleet
        self.journal = folder / "journal.sqlite"

    def inventory(self, settings: str, credential: str) -> Path:
        """All hosts, reached the given way. ``{ca}`` is the authority's file as the Windows program sees it."""
        port = self.fleet["https" if "https" in settings else "http"].rpartition(":")[2]
        shutil.copy(self.fleet["ca_file"], self.folder / "ca.pem")
        lines = [
            "version: 1",
            f"defaults: {{ {settings}, credential: it, address: 127.0.0.1, port: {port}, connect_timeout: 5s }}",
            f"credentials: {{ it: {{ {credential} }} }}",
            "hosts:",
            *(f"  - {{ name: {host['name']} }}" for host in self.fleet["hosts"]),
        ]
        path = self.folder / "inventory.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def exe(self, *arguments: object) -> Ran:
        """Starts winfleet.exe. Paths become Windows' own."""
        shown = [windows(a) if isinstance(a, Path) else str(a) for a in arguments]
        return self._start([os.environ["WINE"], os.environ["WINFLEET_EXE"], *shown])

    def native(self, *arguments: object) -> Ran:
        """Starts the Linux program."""
        return self._start([os.environ["WINFLEET"], *map(str, arguments)])

    def begin(self, *arguments: object) -> subprocess.Popen[bytes]:
        """Starts winfleet.exe and does not wait for it."""
        shown = [windows(a) if isinstance(a, Path) else str(a) for a in arguments]
        nothing = subprocess.DEVNULL
        command = [os.environ["WINE"], os.environ["WINFLEET_EXE"], *shown]
        return subprocess.Popen(
            command, env=self._environment(), cwd=self.folder, stdin=nothing, stdout=nothing, stderr=nothing
        )

    def _environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("WINFLEET")},
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "LAB_PASSWORD": PASSWORD,
        }

    def _start(self, command: list[str]) -> Ran:
        done = subprocess.run(
            command,
            env=self._environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
        assert "panicked at" not in ran.stderr, ran.stderr
        assert PASSWORD not in ran.stdout + ran.stderr, "the password in clear"
        return ran

    def seen(self, inventory: Path) -> dict[str, Any]:
        """What the hosts hold now, as the Linux program reads them with a plan: what there is to change, from what."""
        plan = self.native("plan", "-i", inventory, "-p", PLAYBOOK, "-e", PROXY, "-o", "json").exits(0).json()
        return {part: plan[part] for part in ("totals", "groups")}


@contextmanager
def fleet(hosts: int = 3, **more: Any) -> Iterator[dict[str, Any]]:
    """Starts sim-fleet and ends it by closing its standard input."""
    with tempfile.TemporaryDirectory() as folder:
        spec = {
            "accounts": [{"domain": "CORP", "username": USER, "password": PASSWORD}],
            "hosts": [{"name": f"pc-{number + 1:04}.corp.example", "registry": PRIOR[number:]} for number in range(hosts)],
            **more,
        }
        file = Path(folder) / "fleet.yaml"
        file.write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
        process = subprocess.Popen(
            [os.environ["SIM_FLEET"], "--spec", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, f"sim-fleet ended with {process.wait(10)} before it was ready"
            yield json.loads(line)
        finally:
            process.stdin.close()
            process.wait(10)


@contextmanager
def desk(**more: Any) -> Iterator[Desk]:
    """Hosts and an empty folder."""
    with fleet(**more) as running, tempfile.TemporaryDirectory() as folder:
        yield Desk(Path(folder), running)


def cycle(at: Desk, inventory: Path, auth: str) -> None:
    """Push, push again, audit, rollback by winfleet.exe; the hosts and the journal as the Linux program sees them."""
    before = at.seen(inventory)
    usual = ("-i", inventory, "-p", PLAYBOOK, "-e", PROXY, "--yes", "--journal", at.journal, "-o", "json")
    first = at.exe("push", *usual).exits(0).json()
    equal({(host["outcome"], host["changed"]) for host in first["hosts"]}, {("ok", True)})
    equal({host["auth"] for host in first["hosts"]}, {auth})
    assert at.seen(inventory) != before, "nothing is to be seen of the push"
    again = at.exe("push", *usual).exits(0).json()
    equal({(host["outcome"], host["changed"]) for host in again["hosts"]}, {("ok", False)})
    at.exe("audit", "--against", first["run"], "--journal", at.journal).exits(0)
    report = ("report", first["run"], "--format", "json", "--journal", at.journal)
    equal(at.native(*report).exits(0).json(), first, "the report, read from the journal by the other program")
    at.native("verify", first["run"], "--journal", at.journal).exits(0)
    back = at.exe("rollback", first["run"], "--yes", "--journal", at.journal, "-o", "json").exits(0).json()
    equal({host["outcome"] for host in back["hosts"]}, {"rolled_back"})
    equal(at.seen(inventory), before, "the hosts after the rollback")


ACCOUNT = f"username: 'CORP\\{USER}', password: {{ env: LAB_PASSWORD }}"


@PART.check("--version says what the Linux program says")
def _(at: Desk) -> None:
    equal(at.exe("--version").exits(0).stdout.strip(), at.native("--version").exits(0).stdout.strip())


@PART.check("check: the shipped files, and a mistake by line and column")
def _(at: Desk) -> None:
    at.exe("check", ROOT / "inventory" / "example.yaml", PLAYBOOK).exits(0)
    bad = at.folder / "bad.yaml"
    bad.write_bytes(b"version: 1\r\nhosts:\r\n  - { nmae: a }\r\n")
    ran = at.exe("check", bad).exits(1)
    assert re.search(r"bad\.yaml:3:\d+", ran.stderr), ran.stderr


@PART.check("rehearse --hosts 20 --then-rollback: engine, protocol and simulated hosts, all of it on Windows")
def _(at: Desk) -> None:
    at.exe("rehearse", "--hosts", 20, "--then-rollback", "--no-input").exits(0)
    runs = at.exe("runs", "-o", "json").exits(0).json()
    equal(runs["runs"], [], "rehearsals have a journal of their own, and the folder for it was found")


@PART.check("sealed NTLM over HTTP: push, push again, audit, rollback")
def _(at: Desk) -> None:
    cycle(at, at.inventory("auth: ntlm", ACCOUNT), "ntlm (sealed)")


@PART.check("negotiate without a domain controller: NTLM, and why not Kerberos")
def _(at: Desk) -> None:
    inventory = at.inventory("auth: negotiate", ACCOUNT)
    ran = at.exe("ping", "-i", inventory, "-o", "json").exits(0)
    assert re.search(r"ntlm \(sealed; no Kerberos: [^)]+\)", ran.stdout), ran.stdout


@PART.check("NTLM bound to TLS where the host demands it: push, push again, audit, rollback")
def _(_: Desk) -> None:
    with desk(defaults={"channel_binding": "strict"}) as at:
        cycle(at, at.inventory("auth: ntlm, transport: https, ca_file: ca.pem", ACCOUNT), "ntlm+cbt (tls)")


@PART.check("a wrong password costs a bounded number of attempts")
def _(_: Desk) -> None:
    with desk(hosts=8) as at:
        wrong = ACCOUNT.replace("LAB_PASSWORD", "HOME")
        ran = at.exe("ping", "-i", at.inventory("auth: ntlm", wrong)).exits(9)
        assert "password" in ran.stdout + ran.stderr, ran


@PART.check("logged_on: true goes to the system, and what it says has a remedy")
def _(at: Desk) -> None:
    inventory = at.inventory("auth: kerberos", "logged_on: true")
    ran = at.exe("ping", "-i", inventory)
    assert ran.code in (3, 4), ran
    assert "Kerberos" in ran.stdout and "SEC_E" not in ran.stdout, ran.stdout


@PART.check("a client certificate over TLS: push, push again, audit, rollback; a key of another is refused")
def _(_: Desk) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pem, key, other = (Path(folder) / name for name in ("client.pem", "client.key", "other.key"))
        for file in (other, key):
            make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            subprocess.run(
                [*make, "-subj", "/CN=robot", "-keyout", str(file), "-out", str(pem)], check=True, capture_output=True
            )
        der = subprocess.run(["openssl", "x509", "-in", str(pem), "-outform", "der"], check=True, capture_output=True)
        sha256 = hashlib.sha256(der.stdout).hexdigest()
        account = {"domain": "CORP", "username": "robot", "password": PASSWORD, "certificates": [sha256]}
        with desk(accounts=[account], defaults={"tls": {"client_certificate": "handshake"}}) as at:
            for file in (pem, key, other):
                shutil.copy(file, at.folder / file.name)
            settings = "auth: certificate, transport: https, ca_file: ca.pem"
            cycle(at, at.inventory(settings, "certificate: client.pem, key: client.key"), "certificate (tls)")
            ran = at.exe("ping", "-i", at.inventory(settings, "certificate: client.pem, key: other.key")).exits(1)
            assert "is not the key of" in ran.stderr, ran.stderr


@PART.check("a password file is read where it is private, and refused where others may read it")
def _(at: Desk) -> None:
    inventory = at.inventory("auth: ntlm", ACCOUNT.replace("{ env: LAB_PASSWORD }", "{ file: pw.txt }"))
    file = at.folder / "pw.txt"
    file.write_text(PASSWORD + "\r\n", encoding="utf-8")
    file.chmod(0o600)
    at.exe("ping", "-i", inventory).exits(0)
    file.chmod(0o644)
    ran = at.exe("ping", "-i", inventory).exits(1)
    assert "can be read by others" in ran.stderr and "icacls" in ran.stderr, ran.stderr


@PART.check("one controller at a time: a second one is told who the first is; after its death the run goes on")
def _(_: Desk) -> None:
    with desk(faults=[{"hosts": "*", "set": {"latency": "1500ms"}}]) as at:
        inventory = at.inventory("auth: ntlm", ACCOUNT)
        usual = ("-i", inventory, "-p", PLAYBOOK, "-e", PROXY, "--yes", "--journal", at.journal)
        push = at.begin("push", *usual)
        try:
            deadline = time.monotonic() + 120
            while '"running"' not in at.native("runs", "--journal", at.journal, "-o", "json").stdout:
                assert push.poll() is None and time.monotonic() < deadline, push.poll()
                time.sleep(0.1)
            ran = at.exe("resume", "last", "--yes", "--journal", at.journal).exits(8)
            assert "nothing was sent to any host" in ran.stderr and "process" in ran.stderr, ran.stderr
        finally:
            push.kill()
            push.wait(20)
        ran = at.exe("resume", "last", "--yes", "--journal", at.journal, "-o", "json").exits(0)
        equal({host["outcome"] for host in ran.json()["hosts"]}, {"ok"})
        at.native("verify", "last", "--journal", at.journal).exits(0)


def main() -> int:
    """Zero only when every check passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="run checks whose name contains this text")
    arguments = parser.parse_args()
    with desk() as at:
        count = PART.run(at, arguments.only)
    print(f"{count.passed} passed, {count.failed} failed")
    return 0 if count.failed == 0 and count.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
