"""Runs one host by hand: ``python -m endpoint NAME [--seed FILE] [--dump FILE] [--user U --password P]``.

Prints one JSON line with ports and the CA file when it is ready, serves until its standard input closes, then prints
the counters and writes the registry to ``--dump``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from .dialect import Asks, AuthBody, Cbt, Dialect, Flaw
from .server import DOMAIN, Fleet


def main() -> None:
    """Reads arguments, serves, reports."""
    parser = argparse.ArgumentParser(prog="endpoint")
    parser.add_argument("name")
    parser.add_argument("--seed", type=Path, help="registry to add, in the form that --dump writes")
    parser.add_argument("--dump", type=Path, help="where the registry is written at the end")
    parser.add_argument("--user", default="svc-rollout")
    parser.add_argument("--password", default="Passw0rd!")
    parser.add_argument("--dialect", default="{}", help="JSON object with fields of Dialect")
    arguments = parser.parse_args()
    fields = json.loads(arguments.dialect)
    enums = {"auth_body": AuthBody, "cbt": Cbt, "client_certificate": Asks, "certificate_flaw": Flaw}
    for name, enum in enums.items():
        if name in fields:
            fields[name] = enum(fields[name])
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(
            Path(folder), [(DOMAIN, arguments.user, arguments.password), ("", arguments.user, arguments.password)]
        )
        host = fleet.add(arguments.name, Dialect(**fields))
        if arguments.seed:
            host.registry.load(arguments.seed)
        ready = {"http": host.http_port, "https": host.https_port, "ca_file": str(fleet.authority.ca_file)}
        print(json.dumps(ready), flush=True)
        sys.stdin.read()
        if arguments.dump:
            host.registry.save(arguments.dump)
        logons = {"accepted": host.logons.accepted, "refused": host.logons.refused}
        print(
            json.dumps({**dataclasses.asdict(host.counters), "logons": logons, "open_shells": host.shells.open}),
            flush=True,
        )


if __name__ == "__main__":
    main()
