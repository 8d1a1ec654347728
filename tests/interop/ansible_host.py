"""Ansible, unmodified, with its `raw` module: every way to a host in one run, as one inventory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from thirdparty import Account, Target


def way(target: Target, connection: str, auth: str, scheme: str, account: Account) -> dict[str, Any]:
    """Variables of a host that is reached this way."""
    port = target.https_port if scheme == "https" else target.http_port
    common = {
        "ansible_host": "localhost",
        "ansible_port": port,
        "ansible_user": account.username,
        "ansible_password": account.password,
        "ansible_shell_type": "cmd",
        "ansible_connection": connection,
    }
    if connection == "winrm":
        return {
            **common,
            "ansible_winrm_scheme": scheme,
            "ansible_winrm_transport": auth,
            "ansible_winrm_ca_trust_path": target.ca_file,
            "ansible_winrm_message_encryption": "always" if scheme == "http" else "auto",
        }
    return {
        **common,
        "ansible_psrp_protocol": scheme,
        "ansible_psrp_auth": auth,
        "ansible_psrp_ca_cert": target.ca_file,
    }


def raw(folder: Path, hosts: dict[str, dict[str, Any]], line: str, more: dict[str, str] | None = None) -> dict[str, str]:
    """Runs a line by every way, all at once; what each gave back, as Ansible prints it."""
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    # Not that of whoever runs this.
    settings = folder / "ansible.cfg"
    settings.write_text("[defaults]\n", encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = {
        **clean,
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": "*",
        **(more or {}),
    }
    # As a module: its start script names the folder in which the environment was made.
    command = [sys.executable, "-m", "ansible", "adhoc", "all", "-i", str(inventory), "-m", "raw", "-a", line, "-f", str(len(hosts)), "-o"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    said: dict[str, str] = {}
    for text in done.stdout.splitlines():
        name, bar, rest = text.partition(" | ")
        if bar and name in hosts:
            said[name] = rest
    missing = [name for name in hosts if name not in said]
    assert not missing, f"nothing was said of {missing} (exit {done.returncode})\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return said
