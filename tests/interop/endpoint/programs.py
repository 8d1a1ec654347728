"""The programs a rollout starts on a host: reg, netsh winhttp, and enough of cmd's own words to test a shell with."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from . import cmdline, registry
from .dialect import Dialect
from .registry import Registry, Value

CONNECTIONS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
_NUMBERS = {name: number for number, name in registry.TYPE_NAMES.items()}


@dataclass
class Started:
    """What a running program is given."""

    read_stdin: Callable[[], bytes]
    write: Callable[[str, str], None]  # stream name, text
    stopped: Callable[[], bool]
    environment: dict[str, str] = field(default_factory=dict)


class Programs:
    """Runs command lines against the registry of one host."""

    def __init__(self, hive: Registry, dialect: Dialect, computer: str) -> None:
        self._registry, self._dialect, self._computer = hive, dialect, computer
        self._programs: dict[str, Callable[[str, list[str], Started], int]] = {
            "reg": self._reg,
            "netsh": self._netsh,
            "echo": self._echo,
            "exit": self._exit,
            "hostname": self._hostname,
            "sort": self._sort,
            "more": self._more,
            "ping": self._ping,
            "cmd": self._cmd,
            "rem": lambda *_: 0,
            "ver": self._ver,
        }

    def run(self, line: str, started: Started) -> int:
        """The whole line through cmd; the exit code is that of the last program that ran."""
        if len(line) > 8191:
            started.write(
                "stderr", self._say("The command line is too long.", "Die Befehlszeile ist zu lang.") + "\r\n"
            )
            return 1
        code = 0
        for stage in cmdline.stages(cmdline.expand(line, started.environment)):
            if stage.joined == "|":
                started.write("stderr", "pipes are not part of this host\r\n")
                return 255
            if (stage.joined == "&&" and code) or (stage.joined == "||" and not code) or started.stopped():
                continue
            code = self._stage(stage, started)
        return code & 0xFFFFFFFF

    def _stage(self, stage: cmdline.Stage, started: Started) -> int:
        def write(stream: str, text: str) -> None:
            stream = "stdout" if stage.merge_stderr and stream == "stderr" else stream
            if not (stage.drop_stdout if stream == "stdout" else stage.drop_stderr):
                started.write(stream, text)

        inner = Started(
            (lambda: b"") if stage.no_stdin else started.read_stdin, write, started.stopped, started.environment
        )
        word = re.match(r'"([^"]*)"|[^\s/(]+', stage.line)
        if not word:
            return 0
        name = (word.group(1) or word.group(0)).rpartition("\\")[2].casefold().removesuffix(".exe")
        program = self._programs.get(name)
        if program is None:
            write(
                "stderr",
                f"'{name}' is not recognized as an internal or external command.\r\n",
            )
            return 1
        return program(stage.line[word.end() :], cmdline.arguments(stage.line)[1:], inner)

    def _say(self, english: str, german: str) -> str:
        return german if self._dialect.german else english

    # --- words of cmd ------------------------------------------------------------------------------------------

    def _echo(self, raw: str, _arguments: list[str], started: Started) -> int:
        started.write("stdout", raw[1:] + "\r\n")
        return 0

    def _exit(self, _raw: str, arguments: list[str], _started: Started) -> int:
        numbers = [a for a in arguments if a.casefold() != "/b"]
        return int(numbers[0]) if numbers and re.fullmatch(r"-?\d+", numbers[0]) else 0

    def _cmd(self, raw: str, _arguments: list[str], started: Started) -> int:
        switches = re.match(r"(?:\s*/[dsqu](?=\s))*\s*/c\s*", raw, re.I)
        if not switches:
            return 1
        inner = raw[switches.end() :].strip()
        if inner.startswith('"') and inner.endswith('"') and len(inner) > 1:
            inner = inner[1:-1]
        return self.run(inner, started)

    def _hostname(self, _raw: str, _arguments: list[str], started: Started) -> int:
        started.write("stdout", self._computer + "\r\n")
        return 0

    def _ver(self, _raw: str, _arguments: list[str], started: Started) -> int:
        started.write("stdout", "\r\nMicrosoft Windows [Version 10.0.17763.1]\r\n")
        return 0

    def _sort(self, _raw: str, _arguments: list[str], started: Started) -> int:
        lines = started.read_stdin().decode("utf-8", "replace").splitlines()
        started.write("stdout", "".join(line + "\r\n" for line in sorted(lines, key=str.casefold)))
        return 0

    def _more(self, _raw: str, _arguments: list[str], started: Started) -> int:
        started.write("stdout", started.read_stdin().decode("utf-8", "replace"))
        return 0

    def _ping(self, _raw: str, arguments: list[str], started: Started) -> int:
        """The usual way to wait on a host without a console: one reply for each second."""
        count = int(arguments[arguments.index("-n") + 1]) if "-n" in arguments else 4
        for number in range(count):
            if number and not _wait(1.0, started.stopped):
                return 0xC000013A
        started.write("stdout", f"{count} replies\r\n")
        return 0

    # --- netsh -------------------------------------------------------------------------------------------------

    def _netsh(self, _raw: str, arguments: list[str], started: Started) -> int:
        words = [a.casefold() for a in arguments[:3]]
        if words[:1] != ["winhttp"]:
            return 1
        if words[1:] == ["reset", "proxy"]:
            self._store("", "")
        elif words[1:] == ["set", "proxy"]:
            wanted = _named(arguments[3:], ["proxy-server", "bypass-list"])
            if wanted is None or not wanted.get("proxy-server"):
                started.write(
                    "stdout",
                    self._say("The syntax supplied for this command is not valid.", "Die Syntax ist falsch.") + "\r\n",
                )
                return 1
            self._store(wanted["proxy-server"], wanted.get("bypass-list", ""))
        elif words[1:] != ["show", "proxy"]:
            started.write(
                "stdout",
                self._say("The following command was not found.", "Der folgende Befehl wurde nicht gefunden.") + "\r\n",
            )
            return 1
        started.write(
            "stdout",
            "\r\n"
            + self._say("Current WinHTTP proxy settings:", "Aktuelle WinHTTP-Proxyeinstellungen für Größe:")
            + "\r\n\r\n",
        )
        return 0

    def _store(self, proxy: str, bypass: str) -> None:
        flags = 3 if proxy else 1
        server, exceptions = proxy.encode("cp1252"), bypass.encode("cp1252")
        blob = struct.pack("<IIII", self._dialect.winhttp_marker, 0, flags, len(server)) + server
        blob += struct.pack("<I", len(exceptions)) + exceptions
        with self._registry.lock:
            self._registry.set(self._registry.create(CONNECTIONS), "WinHttpSettings", registry.REG_BINARY, blob)

    # --- reg ---------------------------------------------------------------------------------------------------

    def _reg(self, _raw: str, arguments: list[str], started: Started) -> int:
        verbs = {"query": self._query, "add": self._add, "delete": self._delete}
        verb = verbs.get(arguments[0].casefold()) if arguments else None
        switches = _switches(arguments[2:]) if verb and len(arguments) > 1 else None
        path = (
            re.fullmatch(r"(?:HKLM|HKEY_LOCAL_MACHINE)(?:\\(.+?))?\\?", arguments[1], re.I)
            if switches is not None
            else None
        )
        if verb is None or switches is None or path is None:
            return self._error(started, "ERROR: Invalid syntax.", "FEHLER: Ungültige Syntax.")
        with self._registry.lock:
            return verb(path.group(1) or "", switches, started)

    def _error(self, started: Started, english: str, german: str) -> int:
        started.write("stderr", self._say(english, german) + "\r\n")
        return 1

    def _missing(self, started: Started) -> int:
        return self._error(
            started,
            "ERROR: The system was unable to find the specified registry key or value.",
            "FEHLER: Der angegebene Registrierungsschlüssel bzw. Wert wurde nicht gefunden.",
        )

    def _query(self, path: str, switches: dict[str, str], started: Started) -> int:
        key = self._registry.find(path)
        if key is None:
            return self._missing(started)
        name = "" if "/ve" in switches else switches.get("/v")
        shown = list(key.values.values()) if name is None else [v for v in [key.values.get(name.casefold())] if v]
        if name is not None and not shown:
            return self._missing(started)
        full = "HKEY_LOCAL_MACHINE" + (f"\\{path}" if path else "")
        text = "\r\n" + (full + "\r\n" if shown else "")
        text += "".join(self._row(value, "/z" in switches, switches.get("/se", "\\0")) for value in shown)
        if name is None:
            text += ("\r\n" if shown else "") + "".join(f"{full}\\{child.name}\r\n" for child in key.keys.values())
        started.write("stdout", text + ("\r\n" if name is not None else ""))
        return 0

    def _row(self, value: Value, numbers: bool, separator: str) -> str:
        kind = registry.TYPE_NAMES.get(value.kind, "REG_NONE") + (f" ({value.kind})" if numbers else "")
        name = value.name or self._say("(Default)", "(Standard)")
        return f"    {name}    {kind}    {_shown(value, separator)}\r\n"

    def _add(self, path: str, switches: dict[str, str], started: Started) -> int:
        if "/f" not in switches:
            return self._error(started, "ERROR: nobody is here to say yes.", "FEHLER: niemand sagt ja.")
        try:
            kind = _NUMBERS[switches.get("/t", "REG_SZ").upper()]
            data = _parsed(kind, switches.get("/d", ""), switches.get("/s", "\\0"))
        except (KeyError, ValueError):
            return self._error(started, "ERROR: Invalid syntax.", "FEHLER: Ungültige Syntax.")
        key = self._registry.create(path)
        if "/v" in switches or "/ve" in switches:
            self._registry.set(key, switches.get("/v", ""), kind, data)
        started.write(
            "stdout",
            self._say("The operation completed successfully.", "Der Vorgang wurde erfolgreich beendet.") + "\r\n",
        )
        return 0

    def _delete(self, path: str, switches: dict[str, str], started: Started) -> int:
        key = self._registry.find(path)
        if key is None:
            return self._missing(started)
        if "/f" not in switches:
            return self._error(started, "ERROR: nobody is here to say yes.", "FEHLER: niemand sagt ja.")
        if "/v" in switches or "/ve" in switches:
            if not self._registry.delete_value(key, switches.get("/v", "")):
                return self._missing(started)
        else:  # real reg.exe takes the whole tree with it: a client that does this has lost
            self._registry.delete_key(path)
        started.write(
            "stdout",
            self._say("The operation completed successfully.", "Der Vorgang wurde erfolgreich beendet.") + "\r\n",
        )
        return 0


def _wait(seconds: float, stopped: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if stopped():
            return False
        time.sleep(0.02)
    return True


def _named(arguments: list[str], order: list[str]) -> dict[str, str] | None:
    """netsh: ``name=value`` or by position."""
    found: dict[str, str] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and name.casefold() in order:
            found[name.casefold()] = value
        else:
            free = [name for name in order if name not in found]
            if not free:
                return None
            found[free[0]] = argument
    return found


def _switches(arguments: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    rest: Iterator[str] = iter(arguments)
    for argument in rest:
        switch = argument.casefold()
        if switch in ("/v", "/t", "/d", "/s", "/se"):
            value = next(rest, None)
            if value is None:
                return None
            found[switch] = value
        elif switch in ("/f", "/ve", "/z", "/reg:64"):
            found[switch] = ""
        else:
            return None
    return found


def _shown(value: Value, separator: str) -> str:
    if value.kind in (registry.REG_SZ, registry.REG_EXPAND_SZ):
        return registry.text_of(value.data)
    if value.kind == registry.REG_MULTI_SZ:
        return separator.join(registry.items_of(value.data))
    if value.kind in (registry.REG_DWORD, registry.REG_QWORD) and len(value.data) in (4, 8):
        return hex(int.from_bytes(value.data, "little"))
    return value.data.hex().upper()


def _parsed(kind: int, text: str, separator: str) -> bytes:
    if kind in (registry.REG_SZ, registry.REG_EXPAND_SZ):
        return registry.sz(text)
    if kind == registry.REG_MULTI_SZ:
        return registry.multi_sz(text.split(separator)) if text else registry.multi_sz([])
    if kind in (registry.REG_DWORD, registry.REG_QWORD):
        return int(text, 0).to_bytes(4 if kind == registry.REG_DWORD else 8, "little")
    return bytes.fromhex(text)
