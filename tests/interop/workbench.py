"""An admin's desk for one check: inventory, journal, environment, and the winfleet binary."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endpoint.server import DOMAIN, Host
from endpoint.tls import ClientIdentity

USER, PASSWORD = "svc-rollout", "Grün & 'ok' \"x\" 100%"
LOCAL_USER, LOCAL_PASSWORD = "localadmin", "Basic:with:colons"
PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
PROXY = "10.0.0.6:8080"


@dataclass(frozen=True)
class Way:
    """How the client reaches a host."""

    label: str
    transport: str = "http"
    auth: str = "negotiate"
    #: ``{ca}`` is the authority's file, ``{pin}`` the certificate's SHA-256.
    settings: tuple[str, ...] = ()
    #: Lines of the credential; without any it is the domain account, or with Basic the local one, with its password.
    credential: tuple[str, ...] = ()


SEALED = Way("NTLM sealed over HTTP")
RAW_NTLM = Way("auth ntlm over HTTP", auth="ntlm")
TLS_NTLM = Way("NTLM over HTTPS", "https", settings=("ca_file: '{ca}'",))
TLS_BASIC = Way("Basic over HTTPS", "https", "basic", ("ca_file: '{ca}'",))
CERTIFICATE = Way("certificate over HTTPS", "https", "certificate", ("ca_file: '{ca}'",))
CERTIFICATE_PIN = Way("certificate over HTTPS, certificate pinned", "https", "certificate", ("cert_sha256: '{pin}'",))
TLS_PIN = Way("NTLM over HTTPS, certificate pinned", "https", settings=("cert_sha256: '{pin}'",))


@dataclass
class Ran:
    """What one start of the program left behind."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        try:
            return dict(json.loads(self.stdout))
        except ValueError as error:
            raise AssertionError(
                f"no JSON on stdout (exit {self.code}): {self.stdout[:500]!r}\n{self.stderr[-2000:]}"
            ) from error

    def host(self, name: str | None = None) -> dict[str, Any]:
        """One host of the JSON document; the only one when no name is given."""
        hosts = [h for h in self.json()["hosts"] if name in (None, h["name"])]
        assert len(hosts) == 1, f"{len(hosts)} hosts in the report"
        return dict(hosts[0])

    def exits(self, code: int) -> Ran:
        """Fails with the whole output unless the exit code is the wanted one."""
        assert self.code == code, f"exit {self.code}, wanted {code}\n{self.stdout[-3000:]}\n{self.stderr[-3000:]}"
        return self


@dataclass
class Bench:
    """Files and settings of one check."""

    binary: Path
    folder: Path
    ca_file: Path
    environment: dict[str, str] = field(default_factory=dict)
    password: str = PASSWORD
    #: The client certificate that stands in the inventory in place of a password.
    identity: ClientIdentity | None = None
    outputs: list[str] = field(default_factory=list)
    #: A program that starts the binary and watches it.
    under: tuple[str, ...] = ()

    @property
    def journal(self) -> Path:
        """The journal of all runs of this check."""
        return self.folder / "journal.sqlite"

    def inventory(
        self, hosts: list[Host], way: Way = SEALED, file: str = "inventory.yaml", names: list[str] | None = None
    ) -> Path:
        """Writes an inventory in which every host is reached the given way."""
        user = LOCAL_USER if way.auth == "basic" else f"{DOMAIN}\\{USER}"
        proof = way.credential or (f"username: '{user}'", "password: { env: INTEROP_PASSWORD }")
        if self.identity is not None:
            proof = (f"certificate: '{self.identity.certificate}'", f"key: '{self.identity.key}'")
        lines = [
            "version: 1",
            "defaults:",
            f"  transport: {way.transport}",
            f"  auth: {way.auth}",
            "  credential: rollout",
            "  connect_timeout: 5s",
            "credentials:",
            "  rollout:",
            *("    " + line for line in proof),
            "hosts:",
        ]
        for number, host in enumerate(hosts):
            port = host.https_port if way.transport == "https" else host.http_port
            lines += [
                f"  - name: {names[number] if names else host.name}",
                "    address: 127.0.0.1",
                f"    port: {port}",
            ]
            pin = host.pin
            lines += ["    " + setting.format(ca=self.ca_file, pin=pin) for setting in way.settings]
        path = self.folder / file
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def winfleet(self, *arguments: object, **environment: str) -> Ran:
        """Starts the program without a terminal and waits for it."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not re.fullmatch(r"(?i).*_proxy|WINFLEET_.*|LM_COMPAT_LEVEL|NTLM_USER_FILE", name)
        }
        full = {
            **clean,
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "INTEROP_PASSWORD": self.password,
            **self.environment,
            **environment,
        }
        done = subprocess.run(
            [*self.under, str(self.binary), *map(str, arguments)],
            env=full,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=180,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
        self.outputs += [ran.stdout, ran.stderr]
        assert "panicked at" not in ran.stderr, ran.stderr
        return ran

    def push(
        self,
        inventory: Path,
        playbook: str | Path = "full-proxy-set.yaml",
        *more: object,
        proxy: str = PROXY,
        **environment: str,
    ) -> Ran:
        """``push -o json`` of a shipped playbook, or of a file of the check."""
        path = PLAYBOOKS / playbook if isinstance(playbook, str) else playbook
        return self.winfleet(
            "push",
            "-i",
            inventory,
            "-p",
            path,
            "-e",
            f"proxy={proxy}",
            "--yes",
            "--journal",
            self.journal,
            "-o",
            "json",
            *more,
            **environment,
        )

    def unlimited(self, playbook: str = "full-proxy-set.yaml") -> Path:
        """A shipped playbook without its rings and limits, so that one host that fails is one host that failed and not
        a breach of the limit of a ring of one."""
        text = (PLAYBOOKS / playbook).read_text(encoding="utf-8")
        path = self.folder / playbook
        path.write_text(text.partition("\nrollout:")[0] + "\n", encoding="utf-8")
        return path

    def rollback(self, *arguments: object) -> Ran:
        """``rollback -o json``."""
        return self.winfleet("rollback", *arguments, "--yes", "--journal", self.journal, "-o", "json")

    def report(self, run: str) -> Ran:
        """``report RUN --format json``."""
        return self.winfleet("report", run, "--format", "json", "--journal", self.journal)

    def leaks(self) -> list[str]:
        """Where the password stands in clear: outputs, journal, anything in the folder."""
        needles = [self.password.encode(), self.password.encode("utf-16-le")]
        found = ["output" for text in self.outputs if self.password in text]
        for path in self.folder.rglob("*"):
            if path.is_file() and any(needle in path.read_bytes() for needle in needles):
                found.append(path.name)
        return found
