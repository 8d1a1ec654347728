"""Exported files as others read them: ``.reg`` by Wine's registry editor, ``registry.pol`` by the package registrypol.
Both have to yield the values that the playbook wants, and the same."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import registrypol

from checks import Count, Part, equal
from endpoint.registry import multi_sz, sz
from workbench import PLAYBOOKS, PROXY, Bench

PART = Part("export")

#: Key, value, registry type, bytes.
Value = tuple[str, str, int, bytes]

DATA_COLLECTION = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection"
ANTIVIRUS = r"SOFTWARE\Policies\Microsoft\Windows Defender"
SENSOR = r"SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection"
CONNECTIONS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"

ODD = r"""version: 1
name: odd
steps:
  - { name: A, registry: { key: 'HKLM\SOFTWARE\Policies\Odd', value: 'quo"te\', type: sz, data: 'C:\a "b" größe 名' } }
  - { name: B, registry: { key: 'HKLM\SOFTWARE\Policies\Odd', value: e, type: expand_sz, data: '%SystemRoot%\x' } }
  - { name: C, registry: { key: 'HKLM\SOFTWARE\Policies\Odd', value: m, type: multi_sz, data: ['one', 'two'] } }
  - { name: D, registry: { key: 'HKLM\SOFTWARE\Policies\Odd', value: q, type: qword, data: 4294967297 } }
  - { name: E, registry: { key: 'HKLM\SOFTWARE\Policies\Odd', value: b, type: binary, data: '""" + "00ff10" * 20 + r"""' } }
  - { name: F, registry: { key: 'HKLM\SOFTWARE\Policies\Odd\Deep\Er', value: d, type: dword, data: 4294967295 } }
"""


class Wine:
    """A Windows registry that is nobody's."""

    def __init__(self, folder: Path) -> None:
        self._program = os.environ["WINE"]
        self.folder = folder
        self._environment = {
            **os.environ,
            "WINEPREFIX": str(folder / "prefix"),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "LC_ALL": "C.UTF-8",
        }
        self._run("wineboot", "--init")
        # Its server ends with its last program and takes seconds to start: this one stays.
        self._stays = subprocess.Popen(
            [self._program, "cmd"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Wine:
        return self

    def __exit__(self, *_: object) -> None:
        self._stays.communicate(timeout=60)

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self._program, *words], env=self._environment, capture_output=True, timeout=120, check=False
        )

    def reg(self, *words: str) -> str:
        """``reg.exe``; fails where it does."""
        done = self._run("reg", *words)
        equal(done.returncode, 0, f"reg {' '.join(words)}: {done.stdout!r} {done.stderr!r}")
        return done.stdout.decode("utf-8")

    def values(self, key: str) -> list[Value]:
        """Everything below a key, from the file that Wine's own editor writes of it."""
        file = self.folder / "wine.reg"
        self.reg("export", "HKLM\\" + key, "Z:" + str(file).replace("/", "\\"), "/y")
        return written(file.read_bytes().decode("utf-16"))

    def forget(self) -> None:
        """Away with the keys of an earlier check."""
        self._run("reg", "delete", r"HKLM\SOFTWARE\Policies", "/f")


def export(wine: Wine, to: str, playbook: Path, *more: str) -> Path:
    """The file that the program writes."""
    folder = Path(tempfile.mkdtemp(dir=wine.folder))
    out = folder / ("out.reg" if to == "reg" else "registry.pol")
    bench = Bench(Path(os.environ["WINFLEET"]), folder, folder)
    bench.winfleet("export", "--to", to, "-p", playbook, "--out", out, *more).exits(0)
    return out


def written(text: str) -> list[Value]:
    """The values of a ``.reg`` file as Wine writes it."""
    found: list[Value] = []
    key = ""
    for line in text.replace("\\\r\n", "").splitlines():
        line = line.strip()
        if line.startswith("[HKEY_LOCAL_MACHINE\\"):
            key = line[len("[HKEY_LOCAL_MACHINE\\") : -1]
        elif line.startswith('"'):
            name, data = re.fullmatch(r'"((?:[^"\\]|\\.)*)"=(.*)', line).groups()
            found.append((key, unescaped(name), *typed(data)))
    return found


def unescaped(text: str) -> str:
    """Quotes and backslashes of a ``.reg`` file."""
    return re.sub(r"\\(.)", r"\1", text)


def typed(data: str) -> tuple[int, bytes]:
    """Type and bytes of what stands behind the equals sign."""
    if data.startswith('"'):
        return 1, sz(unescaped(data[1:-1]))
    if data.startswith("dword:"):
        return 4, int(data[6:], 16).to_bytes(4, "little")
    kind, _, numbers = data.partition(":")
    number = re.fullmatch(r"hex(?:\(([0-9a-f]+)\))?", kind).group(1)
    hexed = numbers.replace(",", "").replace(" ", "")
    return int(number or "3", 16), bytes.fromhex(hexed)


def by_wine(wine: Wine, file: Path, key: str = r"SOFTWARE\Policies") -> list[Value]:
    """The values below a key after an import."""
    wine.forget()
    wine.reg("import", "Z:" + str(file).replace("/", "\\"))
    return sorted(wine.values(key))


def by_reader(file: Path) -> list[Value]:
    """The instructions of a ``registry.pol``."""
    found: list[Value] = []
    with file.open("rb") as stream:
        policy = registrypol.load(stream)
    # The package gives back what it read: nothing was passed over.
    equal(policy.to_bytes(), file.read_bytes(), "registrypol")
    for value in policy.values:
        equal(value.size, len(value.data), "size")
        assert value.key.endswith("\0") and value.value.endswith("\0"), value.key
        found.append((value.key[:-1], value.value[:-1], value.type, value.data))
    return sorted(found)


def number(value: int) -> tuple[int, bytes]:
    """A REG_DWORD."""
    return 4, value.to_bytes(4, "little")


@PART.check("a playbook gives the same values as .reg in Wine and as registry.pol")
def _(wine: Wine) -> None:
    more = ("-e", f"proxy={PROXY}", "--with-step", "Prefer the static proxy for all requests of the sensor")
    wanted: list[Value] = sorted(
        [
            (DATA_COLLECTION, "DisableEnterpriseAuthProxy", *number(1)),
            (DATA_COLLECTION, "TelemetryProxyServer", 1, sz(PROXY)),
            (SENSOR, "PreferStaticProxyForHttpRequest", *number(1)),
            (ANTIVIRUS, "ProxyServer", 1, sz(f"http://{PROXY}")),
            (ANTIVIRUS + r"\Spynet", "SSLOptions", *number(2)),
        ]
    )
    playbook = PLAYBOOKS / "offline-devices.yaml"
    equal(by_reader(export(wine, "gpo", playbook, *more)), wanted)
    equal(by_wine(wine, export(wine, "reg", playbook, *more)), wanted)


@PART.check("odd names, texts and types survive both forms")
def _(wine: Wine) -> None:
    playbook = wine.folder / "odd.yaml"
    playbook.write_text(ODD, encoding="utf-8")
    key = r"SOFTWARE\Policies\Odd"
    wanted: list[Value] = sorted(
        [
            (key, 'quo"te\\', 1, sz('C:\\a "b" größe 名')),
            (key, "e", 2, sz("%SystemRoot%\\x")),
            (key, "m", 7, multi_sz(["one", "two"])),
            (key, "q", 11, (4294967297).to_bytes(8, "little")),
            (key, "b", 3, bytes.fromhex("00ff10" * 20)),
            (key + r"\Deep\Er", "d", *number(4294967295)),
        ]
    )
    equal(by_reader(export(wine, "gpo", playbook)), wanted)
    equal(by_wine(wine, export(wine, "reg", playbook)), wanted)


@PART.check("WinHttpSettings is imported with its marker, and refused for group policy")
def _(wine: Wine) -> None:
    playbook = PLAYBOOKS / "winhttp-only.yaml"
    more = ("-e", f"proxy={PROXY}", "-e", "include_portable=true")
    server, bypass = PROXY.encode(), b"<local>"
    for marker in (0x18, 0x28):
        numbers = [marker, 0, 3, len(server)]
        blob = b"".join(number.to_bytes(4, "little") for number in numbers) + server
        blob += len(bypass).to_bytes(4, "little") + bypass
        file = export(wine, "reg", playbook, *more, "--winhttp-marker", f"{marker:#x}")
        equal(by_wine(wine, file, CONNECTIONS), [(CONNECTIONS, "WinHttpSettings", 3, blob)])
    folder = Path(tempfile.mkdtemp(dir=wine.folder))
    bench = Bench(Path(os.environ["WINFLEET"]), folder, folder)
    out = folder / "registry.pol"
    ran = bench.winfleet("export", "--to", "gpo", "-p", playbook, *more, "--out", out).exits(1)
    assert "not below Policies" in ran.stderr and not out.exists(), ran.stderr


@PART.check("what is taken away is deleted by Wine and by **del.")
def _(wine: Wine) -> None:
    playbook = PLAYBOOKS / "remove-proxy.yaml"
    more = ("--without-step", "No machine-wide WinHTTP proxy")
    instructions = by_reader(export(wine, "gpo", playbook, *more))
    gone = [(DATA_COLLECTION, "TelemetryProxyServer"), (ANTIVIRUS + r"\Spynet", "SSLOptions")]
    for key, name in gone:
        assert (key, f"**del.{name}", 1, sz(" ")) in instructions, instructions
    wine.forget()
    for key, name in gone:
        wine.reg("add", "HKLM\\" + key, "/v", name, "/d", "old", "/f")
        wine.reg("add", "HKLM\\" + key, "/v", "stays", "/d", "1", "/f")
    file = export(wine, "reg", playbook, *more)
    wine.reg("import", "Z:" + str(file).replace("/", "\\"))
    left = sorted((key, name) for key, name, _, _ in wine.values(r"SOFTWARE\Policies"))
    equal(left, sorted((key, "stays") for key, _ in gone))


def run(only: str) -> Count:
    """All checks, in one registry."""
    if not os.environ.get("WINE"):
        return PART.not_run("there is no Wine")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with Wine(Path(folder)) as wine:
            return PART.run(wine, only)
