"""A registry hive that keeps what a real one keeps: type number and raw bytes, names in any case but one spelling."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_QWORD = 1, 2, 3, 4, 7, 11
TYPE_NAMES = {
    0: "REG_NONE",
    1: "REG_SZ",
    2: "REG_EXPAND_SZ",
    3: "REG_BINARY",
    4: "REG_DWORD",
    7: "REG_MULTI_SZ",
    11: "REG_QWORD",
}


@dataclass
class Value:
    """One value: the name as it was first written, the type number, the bytes including terminators."""

    name: str
    kind: int
    data: bytes


@dataclass
class Key:
    """One key. ``values`` and ``keys`` are indexed by the folded name."""

    name: str
    values: dict[str, Value] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)


def sz(text: str) -> bytes:
    """The bytes of a terminated string."""
    return (text + "\0").encode("utf-16-le")


def multi_sz(items: list[str]) -> bytes:
    """The bytes of a list of strings, each terminated, and an empty one at the end."""
    return "".join(item + "\0" for item in items).encode("utf-16-le") + b"\0\0"


def text_of(data: bytes) -> str:
    """The text before the first terminator; an odd last byte is not part of any character."""
    return data[: len(data) // 2 * 2].decode("utf-16-le", "surrogatepass").split("\0", 1)[0]


def items_of(data: bytes) -> list[str]:
    """The strings of a REG_MULTI_SZ up to the empty one that ends it."""
    items: list[str] = []
    for item in data[: len(data) // 2 * 2].decode("utf-16-le", "surrogatepass").split("\0"):
        if not item:
            break
        items.append(item)
    return items


class Registry:
    """One hive tree below HKEY_LOCAL_MACHINE. All access goes through ``lock``: requests come from several threads."""

    def __init__(self) -> None:
        self.root = Key("HKEY_LOCAL_MACHINE")
        self.lock = threading.RLock()
        #: How many changes were asked for and carried out. A read-only or idempotent run leaves it alone.
        self.writes = 0

    @staticmethod
    def parts(path: str) -> list[str]:
        """The components of ``A\\B\\C``; raises on a path that no client should send."""
        if path.startswith("\\") or path.endswith("\\") or "\\\\" in path:
            raise ValueError(f"malformed key path {path!r}")
        return path.split("\\") if path else []

    def find(self, path: str) -> Key | None:
        """The key, or None."""
        key: Key | None = self.root
        for part in self.parts(path):
            key = key.keys.get(part.casefold()) if key else None
        return key

    def create(self, path: str) -> Key:
        """The key, made with all missing parents."""
        key = self.root
        for part in self.parts(path):
            if part.casefold() not in key.keys:
                key.keys[part.casefold()] = Key(part)
                self.writes += 1
            key = key.keys[part.casefold()]
        return key

    def set(self, key: Key, name: str, kind: int, data: bytes) -> None:
        """Writes a value; an existing one keeps the spelling of its name."""
        old = key.values.get(name.casefold())
        key.values[name.casefold()] = Value(old.name if old else name, kind, data)
        self.writes += 1

    def delete_value(self, key: Key, name: str) -> bool:
        """True when there was such a value."""
        gone = key.values.pop(name.casefold(), None) is not None
        self.writes += gone
        return gone

    def delete_key(self, path: str) -> None:
        """Removes a key with its values. The caller has made sure that it has no subkeys."""
        parts = self.parts(path)
        parent = self.find("\\".join(parts[:-1]))
        assert parent is not None
        del parent.keys[parts[-1].casefold()]
        self.writes += 1

    def walk(self) -> Iterator[tuple[str, Key]]:
        """Every key with its path, depth first, in the order of the folded names."""

        def below(path: str, key: Key) -> Iterator[tuple[str, Key]]:
            yield path, key
            for folded in sorted(key.keys):
                child = key.keys[folded]
                yield from below(f"{path}\\{child.name}" if path else child.name, child)

        yield from below("", self.root)

    def dump(self) -> dict[str, dict[str, dict[str, object]]]:
        """The whole tree as plain data: key path to value name to type and lower-case hex. Two equal dumps mean two
        registries that nobody can tell apart."""
        with self.lock:
            return {
                path: {
                    key.values[folded].name: {"type": key.values[folded].kind, "bytes": key.values[folded].data.hex()}
                    for folded in sorted(key.values)
                }
                for path, key in self.walk()
            }

    def seed(self, tree: dict[str, dict[str, dict[str, object]]]) -> None:
        """Adds keys and values in the form that ``dump`` writes. Seeding is not counted as writing."""
        with self.lock:
            for path, values in tree.items():
                key = self.create(path)
                for name, value in values.items():
                    self.set(key, name, int(str(value["type"])), bytes.fromhex(str(value["bytes"])))
            self.writes = 0

    def save(self, path: Path) -> None:
        """Writes the dump as a JSON file."""
        path.write_text(json.dumps(self.dump(), indent=1, ensure_ascii=False, sort_keys=True), encoding="utf-8")

    def load(self, path: Path) -> None:
        """Seeds from a JSON file."""
        self.seed(json.loads(path.read_text(encoding="utf-8")))
