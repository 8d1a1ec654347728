"""An empty folder, simulated hosts, and both programs: winfleet.exe under Wine and the Linux one. The Linux program
looks at the same hosts and, once the other has ended, at the same journal: neither is judged by itself alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks import equal
from realms import NO_REALM

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
        self.no_realm = folder / "krb5.conf"
        self.no_realm.write_text(NO_REALM, encoding="utf-8")
        #: More of the environment, for both programs.
        self.environment: dict[str, str] = {}

    def inventory(self, settings: str, credential: str) -> Path:
        """All hosts, reached the given way. The authority's certificate is ``ca.pem``, beside the inventory."""
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

    def state(self) -> Path:
        """Where the Windows program keeps its journals by itself, emptied: ``%LOCALAPPDATA%\\winfleet``."""
        users = Path(os.environ["WINEPREFIX"]) / "drive_c" / "users"
        (local,) = (user / "AppData" / "Local" for user in users.iterdir() if user.name != "Public")
        shutil.rmtree(local / "winfleet", ignore_errors=True)
        return local / "winfleet"

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
            "WRONG_PASSWORD": "not " + PASSWORD,
            # Kerberos of this machine is not to be found, by neither program.
            "KRB5_CONFIG": str(self.no_realm),
            "KRB5CCNAME": f"FILE:{self.folder / 'none'}",
            **self.environment,
        }

    def _start(self, command: list[str]) -> Ran:
        # Files, not pipes: services that Wine starts beside the first program keep its pipes open after its end.
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            done = subprocess.run(
                command,
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                timeout=300,
                check=False,
            )
            stdout.seek(0)
            stderr.seek(0)
            said = [file.read().decode("utf-8", "replace") for file in (stdout, stderr)]
        ran = Ran(done.returncode, *said)
        assert "panicked at" not in ran.stderr, ran.stderr
        # Wine's report of a crash, which is pages long.
        crash = re.search(r"Unhandled exception.*?(?=Modules:|\Z)", ran.stdout + ran.stderr, re.DOTALL)
        assert not crash, crash and crash[0][-3000:]
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


#: A credential of the domain's, with its password.
ACCOUNT = f"username: 'CORP\\{USER}', password: {{ env: LAB_PASSWORD }}"
