"""Real Kerberos realms of other people's making, each in a folder of its own and gone afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

#: A configuration without any realm: what has to run without Kerberos must not find the machine's own.
NO_REALM = "[libdefaults]\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"


@dataclass(frozen=True)
class Asked:
    """One request that a KDC has answered."""

    #: ``AS`` or ``TGS``.
    kind: str
    client: str
    service: str
    #: ``ISSUE`` where a ticket was given, otherwise the KDC's word for why not.
    outcome: str


class Realm(Protocol):
    """What the checks need of a realm."""

    name: str
    #: ``krb5.conf``: what ``KRB5_CONFIG`` is to name.
    config: Path

    def add_user(self, name: str, password: str) -> None:
        """An account with AES keys."""

    def add_host(self, name: str) -> Path:
        """A machine with the services ``HTTP/NAME`` and ``WSMAN/NAME``; gives a keytab with their keys alone."""

    def change_keys(self, host: str) -> None:
        """Gives a machine the next keys; the keytab has the old ones."""

    def user_keytab(self, name: str, path: Path) -> Path:
        """A keytab with which the account gets tickets; its password stays."""

    def asked(self) -> list[Asked]:
        """What was asked of the KDC so far."""

    def close(self) -> None:
        """Ends the KDC."""


def run(*command: object, input: str | None = None, environment: dict[str, str] | None = None) -> str:
    """A program of the realm's, which has to succeed; gives what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        input=input,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout[-1500:] + done.stderr[-1500:]
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {said}"
    return done.stdout


def kinit(realm: Realm, principal: str, password: str, cache: Path | str, *options: str) -> str:
    """Fills a credential cache (a file, or what has that name) as a user would, with ``options`` of kinit; gives its name."""
    name = cache if isinstance(cache, str) else f"FILE:{cache}"
    settings = {"KRB5_CONFIG": str(realm.config)}
    run("kinit", *options, "-c", name, principal, input=password + "\n", environment=settings)
    return name


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def used(realm: Realm) -> Iterator[None]:
    """Makes a realm the one of this process: libraries in it read ``KRB5_CONFIG`` whenever they start."""
    before = os.environ.get("KRB5_CONFIG")
    os.environ["KRB5_CONFIG"] = str(realm.config)
    try:
        yield
    finally:
        if before is None:
            del os.environ["KRB5_CONFIG"]
        else:
            os.environ["KRB5_CONFIG"] = before
