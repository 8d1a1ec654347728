"""Samba's Active Directory domain controller, as far as it is a KDC: the directory in a scratch folder, on a free port.

Only its KDC is started, so no port of the machine is needed that others use. Provisioning sets access rights that need
root.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

from . import Asked, free_port, run

_CONFIG = """[libdefaults]
 default_realm = {name}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {name} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 .{domain} = {name}
"""
_LINE = re.compile(r"Kerberos: (AS|TGS)-REQ (?:ERR_)?([A-Z_]+) \S+ (\S+@\S+) (\S+@\S+)")


class SambaRealm:
    """A domain, from an empty folder to a listening KDC."""

    def __init__(self, folder: Path, name: str = "CORP.EXAMPLE") -> None:
        folder.mkdir(parents=True)
        self.name, self.folder = name, folder
        self.config = folder / "krb5.conf"
        self._smb, self._directory = folder / "etc/smb.conf", folder / "private/sam.ldb"
        self._base = ",".join(f"DC={label}" for label in name.lower().split("."))
        self._output = folder / "samba.log"
        self._server: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.config.write_text(_CONFIG.format(name=name, port=self.port, domain=name.lower()), encoding="utf-8")
        self._provision()
        self._start()

    def _provision(self) -> None:
        # Provisioning takes over what the machine's own configuration says; an empty one says nothing.
        empty = self.folder / "empty.conf"
        empty.write_text("[global]\n", encoding="utf-8")
        options = {
            "interfaces": "lo",
            "bind interfaces only": "yes",
            "dns forwarder": "",
            "server services": "kdc",
            "krb5 port": self.port,
            "kpasswd port": free_port(),
            # One machine may run several.
            "winbindd socket directory": self.folder / "wb",
            "ncalrpc dir": self.folder / "ncalrpc",
            "pid directory": self.folder / "run",
        }
        for folder in ("wb", "run"):
            (self.folder / folder).mkdir()
        run(
            *("samba-tool", "domain", "provision", f"--configfile={empty}", f"--realm={self.name}"),
            *(f"--domain={self.name.partition('.')[0]}", "--server-role=dc", "--dns-backend=NONE"),
            *("--adminpass=Adm1n!" + uuid.uuid4().hex, "--host-name=dc1", "--host-ip=127.0.0.1"),
            f"--targetdir={self.folder}",
            *(f"--option={key}={value}" for key, value in options.items()),
        )

    def _start(self) -> None:
        with self._output.open("wb") as output:
            self._server = subprocess.Popen(
                ["samba", "-i", "-M", "single", f"--configfile={self._smb}", "--option=log level=1 kerberos:3"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Its children are of its group, and outlive it otherwise.
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while time.monotonic() < end and self._server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("samba does not listen: " + self._text()[-1500:])

    def _tool(self, *words: object) -> None:
        run("samba-tool", *words, f"--configfile={self._smb}")

    def _export(self, principal: str, keytab: Path) -> None:
        self._tool("domain", "exportkeytab", keytab, f"--principal={principal}")

    def _text(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def add_user(self, name: str, password: str) -> None:
        """An account of the domain."""
        self._tool("user", "create", name, password, "-H", self._directory)

    def add_host(self, name: str) -> Path:
        """A computer account with the services that a member has, and AES keys."""
        short = name.partition(".")[0]
        password = base64.b64encode(f'"Machine!{uuid.uuid4().hex}"'.encode("utf-16-le")).decode()
        lines = [
            f"dn: CN={short.upper()},CN=Computers,{self._base}",
            "changetype: add",
            "objectClass: computer",
            f"sAMAccountName: {short.upper()}$",
            "userAccountControl: 4096",
            # Without it the keys would be RC4's.
            "msDS-SupportedEncryptionTypes: 24",
            f"dNSHostName: {name}",
            *(f"servicePrincipalName: {kind}/{name}" for kind in ("HOST", "HTTP", "WSMAN")),
            f"unicodePwd:: {password}",
        ]
        entry = self.folder / f"{short}.ldif"
        entry.write_text("\n".join(lines) + "\n", encoding="utf-8")
        run("ldbmodify", "-H", self._directory, f"--configfile={self._smb}", entry)
        keytab = self.folder / f"{name}.keytab"
        for kind in ("HTTP", "WSMAN"):
            self._export(f"{kind}/{name}", keytab)
        return keytab

    def change_keys(self, host: str) -> None:
        """A computer that has a new password: who has the old keys reads no new tickets."""
        account = host.partition(".")[0].upper() + "$"
        password = f"--newpassword=Machine!{uuid.uuid4().hex}"
        self._tool("user", "setpassword", account, password, "-H", self._directory)

    def user_keytab(self, name: str, path: Path) -> Path:
        """The account's present keys."""
        self._export(name, path)
        return path

    def asked(self) -> list[Asked]:
        """What the KDC has written about requests, in MIT Kerberos' words for the outcome."""
        found = []
        for kind, outcome, client, service in _LINE.findall(self._text()):
            found.append(Asked(kind, client, service, "ISSUE" if outcome == "SUCCESS" else outcome))
        return found

    def close(self) -> None:
        """Ends the server and what it has started."""
        if self._server is None:
            return
        for ask in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._server.pid, ask)
            except ProcessLookupError:
                return
            try:
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                continue
