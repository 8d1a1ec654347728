"""Proves the Python endpoint with others' clients before it may judge ours."""

from __future__ import annotations

import tempfile
from pathlib import Path

import clients
import strictness
from checks import Count, Part
from endpoint.dialect import Dialect
from endpoint.server import DOMAIN, Fleet, Host
from thirdparty import Account, Target

PART = Part("endpoint")
clients.register(PART)
strictness.register(PART)

USER, PASSWORD = "svc-rollout", "Grün & 'ok' \"x\""
LOCAL_USER, LOCAL_PASSWORD = "localadmin", "Basic:with:colons"


class EndpointHost:
    """A host of the endpoint as the shared checks see it."""

    def __init__(self, fleet: Fleet, host: Host) -> None:
        self.fleet, self.host = fleet, host
        self.target = Target(
            host.http_port,
            host.https_port,
            str(fleet.authority.ca_file),
            Account(f"{DOMAIN}\\{USER}", PASSWORD),
            Account(LOCAL_USER, LOCAL_PASSWORD),
            host.names.netbios,
        )

    def another(self, dialect: Dialect, **options: object) -> EndpointHost:
        """One more host of the same fleet."""
        return EndpointHost(
            self.fleet, self.fleet.add(f"pc-{len(self.fleet.hosts) + 1:04}.corp.example", dialect, **options)
        )

    def failed_logons(self) -> int:
        """Refused logons so far."""
        return self.host.logons.refused

    def open_shells(self) -> int:
        """Shells that nobody has deleted."""
        return self.host.shells.open


def run(only: str) -> Count:
    """Runs the part."""
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), [(DOMAIN, USER, PASSWORD), ("", LOCAL_USER, LOCAL_PASSWORD)])
        try:
            return PART.run(EndpointHost(fleet, fleet.add("pc-0001.corp.example")), only)
        finally:
            fleet.close()
