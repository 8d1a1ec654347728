"""Unmodified pypsrp and pywinrm against the simulated fleet: the same checks that the Python endpoint has passed."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import winrm.exceptions
from pypsrp.exceptions import AuthenticationError
from pypsrp.shell import WinRS

import clients
import thirdparty
from checks import Count, Part, equal, raises
from thirdparty import Account, Target, run_in, winrm_run
from thirdparty import run as run_command

PART = Part("sim-fleet")
clients.register(PART)

COMPUTER = "PC-0001"
DOMAIN_ACCOUNT = Account(r"CORP\svc-rollout", "Grün & 'ok' \"x\"")
LOCAL_ACCOUNT = Account("localadmin", "Basic:with:colons")


def spec(**more: Any) -> dict[str, Any]:
    """A fleet of two hosts. JSON is YAML, so no YAML library is needed."""
    domain, _, user = DOMAIN_ACCOUNT.username.partition("\\")
    return {
        "accounts": [
            {"domain": domain, "username": user, "password": DOMAIN_ACCOUNT.password},
            {"username": LOCAL_ACCOUNT.username, "password": LOCAL_ACCOUNT.password},
        ],
        "defaults": {"basic": True},
        "hosts": [{"name": "pc-0001.corp.example"}, {"name": "pc-0002.corp.example"}],
        **more,
    }


class Simulated:
    """A running sim-fleet as the shared checks see it: from outside, by its wire alone."""

    def __init__(self, ready: dict[str, Any]) -> None:
        def port(address: str) -> int:
            return int(address.rpartition(":")[2])

        self.target = Target(
            port(ready["http"]),
            port(ready["https"]),
            ready["ca_file"],
            DOMAIN_ACCOUNT,
            LOCAL_ACCOUNT,
            COMPUTER,
        )

    def failed_logons(self) -> None:
        """The wire does not tell; the lockout check below counts instead."""

    def open_shells(self) -> int:
        """Shells that nobody has deleted, as both users see them."""
        found = {
            *thirdparty.open_shells(self.target.wsman()),
            *thirdparty.open_shells(self.target.wsman("basic", "https")),
        }
        return len(found)


@contextmanager
def simulated(**more: Any) -> Iterator[Simulated]:
    """Starts the program and ends it by closing its standard input."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.yaml"
        file.write_text(json.dumps(spec(**more), ensure_ascii=False), encoding="utf-8")
        process = subprocess.Popen(
            [os.environ["SIM_FLEET"], "--spec", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, f"sim-fleet ended with {process.wait(10)} before it was ready"
            yield Simulated(json.loads(line))
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError("sim-fleet did not end when its standard input closed") from None


@PART.check("every refused logon is counted, whichever client and scheme: the third one locks the account")
def _(_: Simulated) -> None:
    wrong, local = Account(DOMAIN_ACCOUNT.username, "wrong"), Account(LOCAL_ACCOUNT.username, "wrong")
    with simulated(lockout_after=3) as host:
        raises(AuthenticationError, lambda: run_command(host.target.wsman(account=wrong), "hostname"))
        raises(
            winrm.exceptions.InvalidCredentialsError,
            lambda: winrm_run(host.target.protocol("ntlm", "https", wrong), "hostname"),
        )
        equal(
            run_command(host.target.wsman(), "hostname")[0], 0, "two refusals do not lock, a success counts from zero"
        )
        for _attempt in range(3):
            raises(AuthenticationError, lambda: run_command(host.target.wsman("ntlm", account=wrong), "hostname"))
        raises(AuthenticationError, lambda: run_command(host.target.wsman(), "hostname"))
        equal(run_command(host.target.wsman("basic", "https"), "hostname")[0], 0, "the other account")
        for _attempt in range(3):
            raises(AuthenticationError, lambda: run_command(host.target.wsman("basic", "https", local), "hostname"))
        raises(AuthenticationError, lambda: run_command(host.target.wsman("basic", "https"), "hostname"))


@PART.check("a shell left open by a client that vanished is found by the next one and deleted")
def _(host: Simulated) -> None:
    lost = WinRS(host.target.wsman(), codepage=65001)
    lost.open()
    lost.wsman.close()
    other = host.target.wsman()
    equal(thirdparty.open_shells(other), [lost.id])
    found = WinRS(other, id=None)
    found.id, found.opened, found._selector_set = lost.id, True, lost._selector_set
    equal(run_in(found, "echo still there")[1], b"still there\r\n")
    found.close()
    equal(host.open_shells(), 0)


@PART.check("a channel binding is wanted where the host says Strict")
def _(_: Simulated) -> None:
    with simulated(defaults={"basic": True, "channel_binding": "strict"}) as host:
        equal(run_command(host.target.wsman("negotiate", "https"), "hostname")[0], 0)
        equal(winrm_run(host.target.protocol("ntlm", "https"), "hostname")[0], 0)
        raises(
            AuthenticationError,
            lambda: run_command(host.target.wsman("negotiate", "https", negotiate_send_cbt=False), "hostname"),
        )


@PART.check("output in pieces of three bytes, one for each Receive, is put together again")
def _(_: Simulated) -> None:
    with simulated(defaults={"basic": True, "chunk": 3, "chunks_per_receive": 1}) as host:
        equal(run_command(host.target.wsman(), "echo Zażółć 漢字")[1].decode(), "Zażółć 漢字\r\n")
        equal(winrm_run(host.target.protocol(), "echo Zażółć 漢字")[1].decode(), "Zażółć 漢字\r\n")


@PART.check("a German host says the same in other words")
def _(_: Simulated) -> None:
    with simulated(defaults={"basic": True, "language": "de"}) as host:
        code, stdout, stderr = run_command(host.target.wsman(), r"reg query HKLM\SOFTWARE\NoSuchKey")
        assert code == 1 and not stdout and b"FEHLER" in stderr.upper(), (code, stdout, stderr)


@PART.check("quotas: one shell too many is refused by its code, and a deleted one makes room")
def _(_: Simulated) -> None:
    with simulated(defaults={"basic": True, "max_shells": 2}) as host:
        protocol = host.target.protocol()
        shells = [protocol.open_shell(), protocol.open_shell()]
        # A quota comes in the other of the two fault shapes, which pypsrp cannot read and pywinrm can.
        fault = raises(winrm.exceptions.WSManFaultError, protocol.open_shell)
        equal(fault.wmierror_code or fault.wsman_fault_code, 2150859173)
        protocol.close_shell(shells[0], close_session=False)
        protocol.close_shell(protocol.open_shell())


def run(only: str) -> Count:
    """Runs the part."""
    if not Path(os.environ.get("SIM_FLEET", "")).is_file():
        return PART.not_run(f"no binary at {os.environ.get('SIM_FLEET')}")
    try:
        with simulated() as host:
            thirdparty.open_shells(host.target.wsman())
    except Exception as error:  # whatever keeps it from serving, all checks are lost
        return PART.not_run(f"sim-fleet does not serve: {error}")
    with simulated() as host:
        return PART.run(host, only)
