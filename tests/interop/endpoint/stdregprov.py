"""The StdRegProv class of WMI: registry methods by WS-Management Invoke."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from . import faults, names, registry
from .dialect import Dialect
from .faults import Fault
from .registry import Key, Registry
from .soap import Element, Request, local, tag

HKLM = 2147483650
#: Hives that exist but are empty here.
OTHER_HIVES = {2147483648, 2147483649, 2147483651, 2147483653}
DONE, ABSENT, NOT_FOUND, DENIED, BAD_HANDLE, BAD_PARAMETER = 0, 1, 2, 5, 6, 87
TYPE_MISMATCH = 2147749893

#: What the WMI service has in its own environment, for reads of REG_EXPAND_SZ.
ENVIRONMENT = {
    "SYSTEMROOT": r"C:\Windows",
    "WINDIR": r"C:\Windows",
    "SYSTEMDRIVE": "C:",
    "PROGRAMFILES": r"C:\Program Files",
    "PROGRAMDATA": r"C:\ProgramData",
    "TEMP": r"C:\Windows\TEMP",
}

Out = list[tuple[str, list[str] | None]]


def expand(text: str) -> str:
    """``%NAME%`` of known variables; unknown ones stay as they are."""
    return re.sub(r"%([^%]+)%", lambda found: ENVIRONMENT.get(found.group(1).upper(), found.group(0)), text)


@dataclass
class Call:
    """The typed parameters of one method call."""

    hive: int
    subkey: str | None
    name: str
    text: list[str]
    numbers: list[str]
    required: int


class StdRegProv:
    """The class over one registry."""

    def __init__(self, hive: Registry, dialect: Dialect, denied: list[str]) -> None:
        self._registry, self._dialect = hive, dialect
        #: Key paths below which writing is refused.
        self._denied = [path.casefold() for path in denied]
        kinds: dict[str, tuple[int, Callable[[Call], bytes], Callable[[bytes], list[str]], str]] = {
            "DWORD": (
                registry.REG_DWORD,
                lambda c: struct.pack("<I", _number(c, 32)),
                lambda d: [str(struct.unpack("<I", d)[0])],
                "uValue",
            ),
            "QWORD": (
                registry.REG_QWORD,
                lambda c: struct.pack("<Q", _number(c, 64)),
                lambda d: [str(struct.unpack("<Q", d)[0])],
                "uValue",
            ),
            "String": (registry.REG_SZ, lambda c: registry.sz(_one(c.text)), lambda d: [registry.text_of(d)], "sValue"),
            "ExpandedString": (
                registry.REG_EXPAND_SZ,
                lambda c: registry.sz(_one(c.text)),
                lambda d: [expand(registry.text_of(d))],
                "sValue",
            ),
            "MultiString": (registry.REG_MULTI_SZ, lambda c: registry.multi_sz(c.text), registry.items_of, "sValue"),
            "Binary": (
                registry.REG_BINARY,
                lambda c: bytes(_octet(n) for n in c.numbers),
                lambda d: [str(octet) for octet in d],
                "uValue",
            ),
        }
        self._methods: dict[str, tuple[set[str], Callable[[Call], tuple[int, Out]]]] = {
            "CreateKey": (set(), self._create_key),
            "DeleteKey": (set(), self._delete_key),
            "DeleteValue": ({"sValueName"}, self._delete_value),
            "EnumKey": (set(), self._enum_key),
            "EnumValues": (set(), self._enum_values),
            "CheckAccess": ({"uRequired"}, self._check_access),
        }
        for name, (kind, encode, decode, parameter) in kinds.items():
            self._methods[f"Set{name}Value"] = ({"sValueName", parameter}, self._setter(kind, encode))
            self._methods[f"Get{name}Value"] = ({"sValueName"}, self._getter(kind, decode, parameter))

    def invoke(self, request: Request) -> list[Element]:
        """Carries out one method; registry failures are return values, wrong requests are faults."""
        method = request.action[len(request.resource) + 1 :]
        if request.selectors:
            raise Fault(
                faults.UNEXPECTED_SELECTORS,
                names.WSMAN,
                "InvalidSelectors",
                "StdRegProv methods are static",
                detail="UnexpectedSelectors",
            )
        if request.action != f"{request.resource}/{method}" or method not in self._methods:
            raise faults.action_not_supported(request.action)
        allowed, carry_out = self._methods[method]
        call = _read(request, method, allowed)
        with self._registry.lock:
            code, out = carry_out(call)
        return [self._output(request.resource, method, code, out)]

    def _output(self, space: str, method: str, code: int, out: Out) -> Element:
        nsmap = {None: space} if self._dialect.strange_prefixes else {"p": space, "xsi": names.XSI, "cim": names.CIM}
        element = etree.Element(tag(space, f"{method}_OUTPUT"), nsmap=nsmap)
        if not self._dialect.strange_prefixes:
            element.set(tag(names.XSI, "type"), f"p:{method}_OUTPUT_Type")
        for name, values in sorted([*out, ("ReturnValue", [str(code)])], key=lambda pair: pair[0]):
            if values is None and not self._dialect.omit_absent:
                etree.SubElement(element, tag(space, name)).set(tag(names.XSI, "nil"), "true")
            for value in values or ():
                etree.SubElement(element, tag(space, name)).text = re.sub("[\x01-\x08\x0b\x0c\x0e-\x1f]", "?", value)
        return element

    def _key(self, call: Call) -> tuple[int, Key | None]:
        if call.hive not in OTHER_HIVES | {HKLM}:
            return BAD_HANDLE, None
        if call.hive != HKLM:
            return NOT_FOUND, None
        try:
            key = self._registry.find(call.subkey or "")
        except ValueError:
            return BAD_PARAMETER, None
        return (DONE, key) if key is not None else (NOT_FOUND, None)

    def _writable(self, call: Call) -> bool:
        path = (call.subkey or "").casefold()
        return not any(path == denied or path.startswith(denied + "\\") for denied in self._denied)

    def _create_key(self, call: Call) -> tuple[int, Out]:
        code, _ = self._key(call)
        if code in (BAD_HANDLE, BAD_PARAMETER):
            return code, []
        if call.hive != HKLM or not self._writable(call):
            return DENIED, []
        self._registry.create(call.subkey or "")
        return DONE, []

    def _delete_key(self, call: Call) -> tuple[int, Out]:
        code, key = self._key(call)
        if key is None:
            return code, []
        if key.keys or not self._writable(call) or "\\" not in (call.subkey or ""):
            return DENIED, []
        self._registry.delete_key(call.subkey or "")
        return DONE, []

    def _delete_value(self, call: Call) -> tuple[int, Out]:
        code, key = self._key(call)
        if key is None:
            return code, []
        if not self._writable(call):
            return DENIED, []
        return (DONE if self._registry.delete_value(key, call.name) else NOT_FOUND), []

    def _enum_key(self, call: Call) -> tuple[int, Out]:
        code, key = self._key(call)
        names_ = [key.keys[folded].name for folded in sorted(key.keys)] if key else []
        return code, [("sNames", names_ or None)]

    def _enum_values(self, call: Call) -> tuple[int, Out]:
        code, key = self._key(call)
        found = list(key.values.values()) if key else []
        return code, [("sNames", [v.name for v in found] or None), ("Types", [str(v.kind) for v in found] or None)]

    def _check_access(self, call: Call) -> tuple[int, Out]:
        code, key = self._key(call)
        writes = call.required & (2 | 4 | 32 | 65536 | 262144 | 524288)
        granted = key is not None and (not writes or self._writable(call))
        return (code if key is None or granted else DENIED), [("bGranted", ["true" if granted else "false"])]

    def _setter(self, kind: int, encode: Callable[[Call], bytes]) -> Callable[[Call], tuple[int, Out]]:
        def carry_out(call: Call) -> tuple[int, Out]:
            data = encode(call)
            code, key = self._key(call)
            if key is None:
                return code, []
            if not self._writable(call):
                return DENIED, []
            self._registry.set(key, call.name, kind, data)
            return DONE, []

        return carry_out

    def _getter(
        self, kind: int, decode: Callable[[bytes], list[str]], parameter: str
    ) -> Callable[[Call], tuple[int, Out]]:
        def carry_out(call: Call) -> tuple[int, Out]:
            code, key = self._key(call)
            if key is None:
                return code, [(parameter, None)]
            value = key.values.get(call.name.casefold())
            if value is None:
                return ABSENT, [(parameter, None)]
            if value.kind != kind:
                return TYPE_MISMATCH, [(parameter, None)]
            try:
                items = decode(value.data)
            except struct.error:
                return TYPE_MISMATCH, [(parameter, None)]
            array = kind in (registry.REG_MULTI_SZ, registry.REG_BINARY)
            return DONE, [(parameter, None if array and not items else items)]

        return carry_out


_COMMON = {"hDefKey", "sSubKeyName"}


def _read(request: Request, method: str, allowed: set[str]) -> Call:
    """Names are case-sensitive and live in the namespace of the resource; anything else is a fault."""
    body = request.body
    if body is None or body.tag != tag(request.resource, f"{method}_INPUT"):
        raise faults.invalid_parameter(f"the body of {method} is {method}_INPUT in the namespace of the resource")
    found: dict[str, list[str]] = {}
    for child in body:
        name = local(child)
        if child.tag != tag(request.resource, name) or name not in _COMMON | allowed or len(child):
            raise faults.invalid_parameter(f"parameter {child.tag}")
        nil = child.get(tag(names.XSI, "nil")) in ("true", "1")
        if not nil:
            found.setdefault(name, []).append(child.text or "")
    for name, values in found.items():
        if len(values) > 1 and name not in ("sValue", "uValue"):
            raise faults.invalid_parameter(f"{name} twice")
    if "sSubKeyName" not in found:
        raise faults.invalid_parameter("sSubKeyName is missing")
    if "sValueName" in allowed and "sValueName" not in found:
        raise faults.invalid_parameter("sValueName is missing")
    return Call(
        hive=_unsigned(found.get("hDefKey", [str(HKLM)])[0], 32),
        subkey=found["sSubKeyName"][0],
        name=found.get("sValueName", [""])[0],
        text=found.get("sValue", []),
        numbers=found.get("uValue", []),
        required=_unsigned(found.get("uRequired", ["3"])[0], 32),
    )


def _unsigned(text: str, bits: int) -> int:
    if not re.fullmatch(r"[0-9]{1,20}", text) or int(text) >= 1 << bits:
        raise faults.invalid_parameter(f"{text!r} is not an unsigned number of {bits} bits")
    return int(text)


def _octet(text: str) -> int:
    return _unsigned(text, 8)


def _number(call: Call, bits: int) -> int:
    # The default of the declaration is 3, not 0: a client that forgets the parameter writes nonsense.
    return _unsigned(_one(call.numbers or ["3"]), bits)


def _one(values: list[str]) -> str:
    if len(values) != 1:
        raise faults.invalid_parameter(f"{len(values)} values where one is wanted")
    return values[0]
