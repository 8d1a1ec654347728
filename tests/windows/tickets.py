"""Kerberos by SSPI, as Wine has it: Wine hands what a program asks of SSPI to the Linux Kerberos library, so that the
tickets are those of a real KDC. What Wine does not have stands in tests/README.md."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import realms
from checks import Count, Part, equal
from desk import PASSWORD, USER, Desk, cycle, desk
from realms.mit import MitRealm

PART = Part("windows tickets")

LOGGED_ON = "logged_on: true"


class Office:
    """A realm with the account, and hosts that take its tickets."""

    def __init__(self, realm: MitRealm, folder: Path) -> None:
        self.realm, self.folder = realm, folder
        realm.add_user(USER, PASSWORD)
        self.account = f"{USER}@{realm.name}"
        self.keytab = realm.add_host("pc-0001.corp.example")
        self._caches = 0

    @contextmanager
    def desk(self, config: Path | None = None, *, logged_on: bool = True) -> Iterator[Desk]:
        """One host; whoever is logged on has a ticket-granting ticket and no other."""
        self._caches += 1
        cache = self.folder / f"cache-{self._caches}"
        if logged_on:
            realms.kinit(self.realm, self.account, PASSWORD, cache)
        # The host does not know the password: what logs on with it has no ticket.
        accounts = [{"domain": "CORP", "username": USER, "password": "only the KDC knows it"}]
        kerberos = {"keytab": str(self.keytab)}
        with desk(hosts=1, kerberos=kerberos, accounts=accounts) as at:
            at.environment = {"KRB5_CONFIG": str(config or self.realm.config), "KRB5CCNAME": f"FILE:{cache}"}
            yield at

    def password(self, variable: str) -> str:
        """The account with a password. Not as user@REALM: to that Wine's Kerberos adds a second, empty realm."""
        return f"username: '{self.realm.name}\\{USER}', password: {{ env: {variable} }}"

    def without_kdc(self) -> Path:
        """A configuration of the same realm whose KDC is a port where nobody listens."""
        config = self.folder / "nobody.conf"
        text = self.realm.config.read_text(encoding="utf-8")
        config.write_text(text.replace(f":{self.realm.port}", f":{realms.free_port()}"), encoding="utf-8")
        return config


def refused(at: Desk, settings: str, credential: str, code: int, reason: str, *words: str) -> None:
    """A ping that fails, with a reason, words and a remedy."""
    (host,) = at.exe("ping", "-i", at.inventory(settings, credential), "-o", "json").exits(code).json()["hosts"]
    print(f"     {host['reason']}: {host['detail']} ({host['remedy']})")
    equal(host["reason"], reason, host["detail"])
    for word in words:
        assert word in host["detail"], host["detail"]
    assert host["remedy"], host


TLS = "auth: kerberos, transport: https, ca_file: ca.pem"
SEALED = "auth: kerberos"


@PART.check("whoever is logged on, over TLS: push, push again, audit, rollback")
def _(office: Office) -> None:
    with office.desk() as at:
        before = len(office.realm.asked())
        cycle(at, at.inventory(TLS, LOGGED_ON), "kerberos+cbt (tls)")
        asked = {(request.kind, request.service, request.outcome) for request in office.realm.asked()[before:]}
    equal(asked, {("TGS", f"HTTP/pc-0001.corp.example@{office.realm.name}", "ISSUE")})


@PART.check("an account with its password, over TLS: push, push again, audit, rollback")
def _(office: Office) -> None:
    with office.desk(logged_on=False) as at:
        before = len(office.realm.asked())
        cycle(at, at.inventory(TLS, office.password("LAB_PASSWORD")), "kerberos+cbt (tls)")
        proved = [(request.kind, request.outcome) for request in office.realm.asked()[before:]]
    assert ("AS", "ISSUE") in proved, "the password was not proved to the KDC"


@PART.check("a wrong password goes to the KDC once, and to no host")
def _(office: Office) -> None:
    with office.desk(logged_on=False) as at:
        before = len(office.realm.asked())
        # Wine has no code of its own for it, so that it is not called by its name here.
        refused(at, TLS, office.password("WRONG_PASSWORD"), 3, "kerberos", "AcquireCredentialsHandle")
        asked = [request.outcome for request in office.realm.asked()[before:]]
    equal(asked.count("PREAUTH_FAILED"), 1)


for _auth in ("kerberos", "negotiate"):

    @PART.check(f"{_auth} by whoever is logged on, without any ticket: an error with a remedy")
    def _(office: Office, auth: str = _auth) -> None:
        with office.desk(logged_on=False) as at:
            refused(at, f"auth: {auth}", LOGGED_ON, 3, "credential_unavailable", "SEC_E_NO_CREDENTIALS")


@PART.check("without a KDC: an error with a remedy")
def _(office: Office) -> None:
    with office.desk(office.without_kdc()) as at:
        refused(at, TLS, LOGGED_ON, 3, "kerberos", "InitializeSecurityContext")


@PART.check("a service that the KDC does not know: an error with a remedy")
def _(office: Office) -> None:
    with office.desk() as at:
        refused(at, TLS + ", spn_class: HOST", LOGGED_ON, 3, "kerberos", "InitializeSecurityContext")


@PART.check("where the system does not seal as WinRM wants it, nothing goes out in clear")
def _(office: Office) -> None:
    with office.desk() as at:
        before = at.seen(at.inventory(SEALED, LOGGED_ON))
        refused(at, SEALED, LOGGED_ON, 3, "sealing_refused", "EncryptMessage")
        equal(at.seen(at.inventory(SEALED, LOGGED_ON)), before)


def run(only: str) -> Count:
    """All checks with a realm of their own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            realm = MitRealm(folder / "realm")
        except Exception as error:  # whatever stands in the way: the checks are lost
            return PART.not_run(str(error))
        try:
            return PART.run(Office(realm, folder), only)
        finally:
            realm.close()
