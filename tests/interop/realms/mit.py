"""MIT Kerberos' KDC with a database in a scratch folder, on a free port."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from . import Asked, free_port, run

_CONFIG = """[libdefaults]
 default_realm = {name}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
{more}
[realms]
 {name} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 .{domain} = {name}
"""
_KDC = """[kdcdefaults]
 kdc_listen = ""
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {name} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  supported_enctypes = {enctypes}
  default_principal_flags = +preauth
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
 default = FILE:{folder}/other.log
"""
#: The keys that Active Directory gives out.
AES_SHA1 = "aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal"
#: Those of RFC 8009: checksums, and so seals, of another length.
AES_SHA2 = "aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal"
#: What a domain has whose accounts are older than its functional level.
RC4 = "arcfour-hmac:normal"
_LINE = re.compile(r"(AS|TGS)_REQ .*? [\d.]+: ([A-Z_]+): .*?(\S+@\S+) for ([^\s,]+)")


class MitRealm:
    """A realm, from an empty folder to a listening KDC."""

    def __init__(
        self,
        folder: Path,
        name: str = "CORP.EXAMPLE",
        *,
        shift: str | None = None,
        more: str = "",
        enctypes: str = AES_SHA1,
    ) -> None:
        """``shift`` is faketime's offset of the KDC's clock, ``more`` are lines for ``[libdefaults]``."""
        folder.mkdir(parents=True)
        self.name, self.folder, self._shift = name, folder, shift
        self.config = folder / "krb5.conf"
        self._log = folder / "kdc.log"
        self._more, self._enctypes = more, enctypes
        self._kdc: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._configure(free_port())
        run(
            self._program("kdb5_util"),
            *("create", "-s", "-r", name, "-P", "test-master-key"),
            environment=self._environment,
        )
        self._start()

    def _configure(self, port: int) -> None:
        self.port = port
        values = {"name": self.name, "port": port, "folder": self.folder, "more": self._more, "enctypes": self._enctypes}
        self.config.write_text(_CONFIG.format(domain=self.name.lower(), **values), encoding="utf-8")
        (self.folder / "kdc.conf").write_text(_KDC.format(**values), encoding="utf-8")

    @property
    def _environment(self) -> dict[str, str]:
        # The rest of /usr/sbin is not on everybody's path.
        return {
            "KRB5_CONFIG": str(self.config),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin",
        }

    def _program(self, name: str) -> str:
        found = shutil.which(name, path=self._environment["PATH"])
        assert found, f"no {name}: the packages krb5-kdc, krb5-admin-server and krb5-user are needed"
        return found

    def _admin(self, *words: object) -> None:
        run(self._program("kadmin.local"), "-r", self.name, *words, environment=self._environment)

    def _start(self) -> None:
        shifted = [self._program("faketime"), "-f", self._shift] if self._shift else []
        for _attempt in range(5):
            self._kdc = subprocess.Popen(
                [*shifted, self._program("krb5kdc"), "-n"],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if self._listens():
                return
            # Somebody took the port in between.
            self._kdc.kill()
            self._kdc.wait()
            self._configure(free_port())
        raise AssertionError("krb5kdc does not listen: " + self._log.read_text(encoding="utf-8")[-1500:])

    def _listens(self) -> bool:
        assert self._kdc is not None
        end = time.monotonic() + 20
        while time.monotonic() < end and self._kdc.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False

    def add_user(self, name: str, password: str) -> None:
        """An account that has to prove itself before it gets a ticket, as in Active Directory."""
        self._admin("addprinc", "-pw", password, name)

    def add_host(self, name: str) -> Path:
        """``HTTP/NAME`` and ``WSMAN/NAME`` with random keys, and a keytab with them alone."""
        keytab = self.folder / f"{name}.keytab"
        for kind in ("HTTP", "WSMAN"):
            self._admin("addprinc", "-randkey", f"{kind}/{name}")
            self._admin("ktadd", "-k", keytab, f"{kind}/{name}")
        return keytab

    def change_keys(self, host: str) -> None:
        """Gives a service the next keys: who has the old ones reads no new tickets."""
        self._admin("cpw", "-randkey", f"HTTP/{host}")

    def user_keytab(self, name: str, path: Path) -> Path:
        """The account's present keys."""
        self._admin("ktadd", "-norandkey", "-k", path, name)
        return path

    def asked(self) -> list[Asked]:
        """What the KDC has written about requests."""
        found = []
        for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines():
            if match := _LINE.search(line):
                kind, outcome, client, service = match.groups()
                found.append(Asked(kind, client, service, outcome))
        return found

    def close(self) -> None:
        """Ends the KDC."""
        if self._kdc is not None:
            self._kdc.terminate()
            try:
                self._kdc.wait(10)
            except subprocess.TimeoutExpired:
                self._kdc.kill()
                self._kdc.wait()
