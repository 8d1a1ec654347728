"""Runs all parts and counts. Called by ``run``, which has made the environment and built the binaries."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import tempfile
import traceback
from pathlib import Path

import realms
from checks import Count

PARTS = (
    "part_endpoint",
    "part_sim_fleet",
    "part_winfleet",
    "part_kerberos",
    "part_certificates",
    "part_matrix",
    "part_export",
    "part_report",
)
#: Asked for by name: provisioning a domain needs root.
SAMBA = "part_samba"


def part(name: str) -> str:
    """The module of a part, by its name with or without the prefix."""
    return name if name.startswith("part_") else f"part_{name}"


def main() -> int:
    """Zero only when every part ran and every check passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="run checks whose name contains this text")
    parser.add_argument("--part", action="append", type=part, choices=PARTS, help="run this part only; repeatable")
    parser.add_argument("--with-samba", action="store_true", help="run the part with Samba as a domain controller too")
    parser.add_argument("--write", action="store_true", help="write the table of the matrix into the documentation")
    arguments = parser.parse_args()
    logging.getLogger("pypsrp").setLevel(logging.CRITICAL)
    logging.getLogger("spnego").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        # Clients take Kerberos where they find a realm; the machine's own must not be one of them.
        nothing = Path(folder) / "krb5.conf"
        nothing.write_text(realms.NO_REALM, encoding="utf-8")
        os.environ["KRB5_CONFIG"] = str(nothing)
        return run_parts((*(arguments.part or PARTS), *([SAMBA] if arguments.with_samba else [])), arguments.only, arguments.write)


def run_parts(names: tuple[str, ...], only: str, write: bool) -> int:
    """Runs the parts, prints their counts and the total."""
    total = Count()
    for name in names:
        print(f"== {name}", flush=True)
        try:
            more = {"write": write} if name == "part_matrix" else {}
            count = importlib.import_module(name).run(only, **more)
        except Exception:  # a part that cannot run has failed, whatever the reason
            traceback.print_exc()
            print(f"FAIL {name}: could not run", flush=True)
            count = Count(failed=1)
        if not only and count.passed + count.failed == 0:
            print(f"FAIL {name}: no check ran", flush=True)
            count = Count(failed=1)
        print(f"== {name}: {count.passed} passed, {count.failed} failed", flush=True)
        total.passed += count.passed
        total.failed += count.failed
    print(f"{total.passed} passed, {total.failed} failed")
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
