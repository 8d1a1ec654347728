"""The Windows program under Wine against the Linux sim-fleet. Called by ``run``, which has built everything."""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tickets
from checks import Part, equal
from desk import ACCOUNT, PASSWORD, PLAYBOOK, PROXY, ROOT, Desk, cycle, desk, windows

PART = Part("windows")


@PART.check("--version says what the Linux program says")
def _(at: Desk) -> None:
    equal(at.exe("--version").exits(0).stdout.strip(), at.native("--version").exits(0).stdout.strip())


@PART.check("--help names the same verbs and options as on Linux")
def _(at: Desk) -> None:
    for words in ((), ("push",), ("ping",), ("rollback",)):
        found = at.exe(*words, "--help").exits(0).stdout.replace("winfleet.exe", "winfleet")
        equal(found.split(), at.native(*words, "--help").exits(0).stdout.split())


@PART.check("check: the shipped files, and a mistake by line and column")
def _(at: Desk) -> None:
    at.exe("check", ROOT / "inventory" / "example.yaml", PLAYBOOK).exits(0)
    bad = at.folder / "bad.yaml"
    bad.write_bytes(b"version: 1\r\nhosts:\r\n  - { nmae: a }\r\n")
    ran = at.exe("check", bad).exits(1)
    assert re.search(r"bad\.yaml:3:\d+", ran.stderr), ran.stderr


@PART.check("rehearse --hosts 20 --then-rollback: engine, protocol and simulated hosts, all of it on Windows")
def _(at: Desk) -> None:
    state = at.state()
    at.exe("rehearse", "--hosts", 20, "--then-rollback", "--no-input").exits(0)
    equal(at.exe("runs", "-o", "json").exits(0).json()["runs"], [], "rehearsals have a journal of their own")
    rehearsed = at.native("runs", "--journal", state / "rehearsals.sqlite", "-o", "json").exits(0).json()
    equal([run["state"] for run in rehearsed["runs"]], ["succeeded"] * 2)


@PART.check("sealed NTLM over HTTP: push, push again, audit, rollback")
def _(at: Desk) -> None:
    cycle(at, at.inventory("auth: ntlm", ACCOUNT), "ntlm (sealed)")


@PART.check("without --journal it lies in %LOCALAPPDATA%, and the Linux program reads it")
def _(at: Desk) -> None:
    state, inventory = at.state(), at.inventory("auth: ntlm", ACCOUNT)
    run = at.exe("push", "-i", inventory, "-p", PLAYBOOK, "-e", PROXY, "--yes", "-o", "json").exits(0).json()
    at.native("verify", run["run"], "--journal", state / "journal.sqlite").exits(0)
    at.exe("rollback", "last", "--yes").exits(0)


@PART.check("negotiate without a domain controller: NTLM, and why not Kerberos")
def _(at: Desk) -> None:
    inventory = at.inventory("auth: negotiate", ACCOUNT)
    ran = at.exe("ping", "-i", inventory, "-o", "json").exits(0)
    assert re.search(r"ntlm \(sealed; no Kerberos: [^)]+\)", ran.stdout), ran.stdout


@PART.check("NTLM bound to TLS where the host demands it: push, push again, audit, rollback")
def _(_: Desk) -> None:
    with desk(defaults={"channel_binding": "strict"}) as at:
        absolute = windows(at.folder / "ca.pem")
        at.exe("ping", "-i", at.inventory(f"auth: ntlm, transport: https, ca_file: '{absolute}'", ACCOUNT)).exits(0)
        cycle(at, at.inventory("auth: ntlm, transport: https, ca_file: ca.pem", ACCOUNT), "ntlm+cbt (tls)")


@PART.check("a wrong password costs a bounded number of attempts")
def _(_: Desk) -> None:
    with desk(hosts=8) as at:
        wrong = ACCOUNT.replace("LAB_PASSWORD", "WRONG_PASSWORD")
        ran = at.exe("ping", "-i", at.inventory("auth: ntlm", wrong)).exits(9)
        assert "password" in ran.stdout + ran.stderr, ran


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


@PART.check("a password from a program of Windows")
def _(at: Desk) -> None:
    (at.folder / "secret.txt").write_text(PASSWORD + "\r\n", encoding="utf-8")
    account = ACCOUNT.replace("{ env: LAB_PASSWORD }", "{ command: [cmd.exe, /c, type, secret.txt] }")
    at.exe("ping", "-i", at.inventory("auth: ntlm", account)).exits(0)


#: Hosts so slow that a push of them is still under way when it is looked at.
SLOW = [{"hosts": "*", "set": {"latency": "1500ms"}}]


@contextmanager
def running(at: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """A push that is under way; in the end it is gone."""
    inventory = at.inventory("auth: ntlm", ACCOUNT)
    push = at.begin("push", "-i", inventory, "-p", PLAYBOOK, "-e", PROXY, "--yes", "--journal", at.journal)
    try:
        deadline = time.monotonic() + 120
        # By the Windows program: whose lock a run is under is only seen from inside of Wine.
        while '"running"' not in at.exe("runs", "--journal", at.journal, "-o", "json").stdout:
            assert push.poll() is None and time.monotonic() < deadline, push.poll()
        yield push
    finally:
        push.kill()
        push.wait(20)


def resumed(at: Desk) -> None:
    """The run goes on and ends well."""
    ran = at.exe("resume", "last", "--yes", "--journal", at.journal, "-o", "json").exits(0)
    equal({host["outcome"] for host in ran.json()["hosts"]}, {"ok"})
    at.native("verify", "last", "--journal", at.journal).exits(0)


@PART.check("one controller at a time: a second one is told who the first is; after its death the run goes on")
def _(_: Desk) -> None:
    with desk(faults=SLOW) as at:
        with running(at):
            ran = at.exe("resume", "last", "--yes", "--journal", at.journal).exits(8)
            assert "nothing was sent to any host" in ran.stderr and "process" in ran.stderr, ran.stderr
        resumed(at)


@PART.check("Ctrl-C: the hosts under way end, the exit code says it, and the run goes on later")
def _(_: Desk) -> None:
    with desk(faults=SLOW) as at:
        with running(at) as push:
            push.send_signal(signal.SIGINT)
            equal(push.wait(120), 130)
        resumed(at)


def main() -> int:
    """Zero only when every check passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="run checks whose name contains this text")
    arguments = parser.parse_args()
    with desk() as at:
        count = PART.run(at, arguments.only)
    tickets_count = tickets.run(arguments.only)
    passed, failed = count.passed + tickets_count.passed, count.failed + tickets_count.failed
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
