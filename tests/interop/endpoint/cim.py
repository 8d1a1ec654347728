"""A few CIM classes by Get, Enumerate and WQL."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

from . import faults, names
from .dialect import Dialect
from .faults import Fault
from .soap import Element, Request, Writer, tag

#: A property is text, a list of texts, None (nil), or a datetime.
Property = str | list[str] | None


@dataclass(frozen=True)
class Datetime:
    """A CIM datetime, which is a child element and not text."""

    text: str


@dataclass
class CimClass:
    """One class with its key properties and instances."""

    name: str
    keys: list[str]
    instances: list[dict[str, Property | Datetime]] = field(default_factory=list)


def windows_classes(computer: str, sensor_version: str | None, chassis: list[int]) -> list[CimClass]:
    """What a plain workstation shows."""
    files: list[dict[str, Property | Datetime]] = []
    if sensor_version is not None:
        path = r"C:\Program Files\Windows Defender Advanced Threat Protection\MsSense.exe"
        files.append(
            {"Name": path.lower(), "FileName": "MsSense", "Extension": "exe", "Version": sensor_version, "Drive": "c:"}
        )
    return [
        CimClass(
            "Win32_OperatingSystem",
            ["Name"],
            [
                {
                    "Name": r"Microsoft Windows 10 Enterprise|C:\Windows|\Device\Harddisk0\Partition2",
                    "CSName": computer,
                    "Caption": "Microsoft Windows 10 Enterprise",
                    "BuildNumber": "17763",
                    "Version": "10.0.17763",
                    "ProductType": "1",
                    "OSArchitecture": "64-bit",
                    "OSLanguage": "1033",
                    "MUILanguages": ["en-US", "de-DE"],
                    "CSDVersion": None,
                    "LastBootUpTime": Datetime("2026-11-20T07:08:09.5Z"),
                    "LocalDateTime": Datetime(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
                    "Manufacturer": "",
                }
            ],
        ),
        CimClass(
            "Win32_SystemEnclosure",
            ["Tag"],
            [
                {
                    "Tag": "System Enclosure 0",
                    "ChassisTypes": [str(number) for number in chassis],
                    "SerialNumber": "",
                    "Manufacturer": "Contoso",
                }
            ],
        ),
        CimClass(
            "Win32_ComputerSystem",
            ["Name"],
            [
                {
                    "Name": computer,
                    "Domain": "corp.example",
                    "DomainRole": "1",
                    "PartOfDomain": "true",
                }
            ],
        ),
        CimClass("CIM_DataFile", ["Name"], files),
    ]


_QUERY = re.compile(r"\s*select\s+(\*|[\w\s,]+?)\s+from\s+(\w+)(?:\s+where\s+(.+?))?\s*", re.I | re.S)
_CONDITION = re.compile(r"""\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\w+))\s*""", re.S)


class Cim:
    """The classes of ``root/cimv2`` of one host."""

    def __init__(self, classes: list[CimClass], dialect: Dialect, writer: Writer) -> None:
        self._classes = {c.name.casefold(): c for c in classes}
        self._dialect, self._writer = dialect, writer
        self._contexts: dict[str, list[Element]] = {}

    def handle(self, request: Request, namespace: str, target: str) -> list[Element]:
        """Get, Enumerate, Pull and Release on ``wmi/NAMESPACE/TARGET``."""
        verb = request.action
        if namespace.casefold() != "root/cimv2":
            raise faults.no_such_class(f"{namespace}: invalid namespace")
        if verb == names.TRANSFER + "/Get":
            return [self._get(request, target)]
        if verb == names.ENUMERATION + "/Enumerate":
            return [self._enumerate(request, target)]
        if verb == names.ENUMERATION + "/Pull":
            return [self._pull(request)]
        if verb == names.ENUMERATION + "/Release":
            self._contexts.pop(self._context_id(request), None)
            return []
        raise faults.action_not_supported(verb)

    def _class(self, name: str) -> CimClass:
        if name.casefold() not in self._classes:
            raise faults.no_such_class(f"{name}: invalid class")
        return self._classes[name.casefold()]

    def _get(self, request: Request, target: str) -> Element:
        cim_class = self._class(target)
        if request.body is not None:
            raise faults.invalid_body("Get has no body")
        unknown = set(request.selectors) - {key.casefold() for key in cim_class.keys}
        if unknown:
            raise Fault(2150858813, names.WSMAN, "InvalidSelectors", f"{sorted(unknown)}", detail="UnexpectedSelectors")
        for instance in cim_class.instances:
            if all(
                str(instance[key]).casefold() == request.selectors.get(key.casefold(), "").casefold()
                for key in cim_class.keys
            ):
                return self._instance(cim_class, instance, request.resource.rpartition("/")[0])
        if not request.selectors and len(cim_class.instances) == 1:
            return self._instance(cim_class, cim_class.instances[0], request.resource.rpartition("/")[0])
        raise faults.no_such_class(f"{target}: no such instance")

    def _enumerate(self, request: Request, target: str) -> Element:
        body = request.body
        if body is None or body.tag != tag(names.ENUMERATION, "Enumerate"):
            raise faults.invalid_body("n:Enumerate is wanted")
        known = {tag(names.WSMAN, n) for n in ("OptimizeEnumeration", "MaxElements", "Filter")}
        strange = [child.tag for child in body if child.tag not in known]
        if strange:
            raise faults.invalid_body(f"{strange[0]} in n:Enumerate")
        items = self._items(body.find(tag(names.WSMAN, "Filter")), request, target)
        reply = etree.Element(tag(names.ENUMERATION, "EnumerateResponse"))
        context = etree.SubElement(reply, tag(names.ENUMERATION, "EnumerationContext"))
        if body.find(tag(names.WSMAN, "OptimizeEnumeration")) is None:
            context.text = self._keep(items)
            return reply
        # A first optimised reply often holds one item, whatever was asked for.
        first, rest = items[:1], items[1:]
        etree.SubElement(reply, tag(names.WSMAN, "Items")).extend(first)
        if rest:
            context.text = self._keep(rest)
        else:
            etree.SubElement(reply, tag(names.WSMAN, "EndOfSequence"))
        return reply

    def _pull(self, request: Request) -> Element:
        body = request.body
        if body is None or body.tag != tag(names.ENUMERATION, "Pull"):
            raise faults.invalid_body("n:Pull is wanted")
        items = self._contexts.pop(self._context_id(request), None)
        if items is None:
            raise Fault(2150858779, names.ENUMERATION, "InvalidEnumerationContext", "no such context")
        wanted = int(body.findtext(tag(names.ENUMERATION, "MaxElements")) or "1")
        reply = etree.Element(tag(names.ENUMERATION, "PullResponse"))
        if items[wanted:]:
            etree.SubElement(reply, tag(names.ENUMERATION, "EnumerationContext")).text = self._keep(items[wanted:])
        etree.SubElement(reply, tag(names.ENUMERATION, "Items")).extend(items[:wanted])
        if not items[wanted:]:
            etree.SubElement(reply, tag(names.ENUMERATION, "EndOfSequence"))
        return reply

    def _keep(self, items: list[Element]) -> str:
        context = f"uuid:{str(uuid.uuid4()).upper()}"
        self._contexts[context] = items
        return context

    @staticmethod
    def _context_id(request: Request) -> str:
        if request.body is None:
            raise faults.invalid_body("no enumeration context")
        return (request.body.findtext(tag(names.ENUMERATION, "EnumerationContext")) or "").strip()

    def _items(self, filter_: Element | None, request: Request, target: str) -> list[Element]:
        base = request.resource.rpartition("/")[0]
        if filter_ is None:
            cim_class = self._class(target)
            return [self._instance(cim_class, i, base) for i in cim_class.instances]
        if filter_.get("Dialect") != names.WQL:
            raise Fault(2150858777, names.ENUMERATION, "FilterDialectRequestedUnavailable", str(filter_.get("Dialect")))
        if target != "*":
            raise Fault(2150859003, names.WSMAN, "InvalidParameter", "WQL needs the resource .../*")
        columns, cim_class, instances = self._query(filter_.text or "")
        if columns is None:
            return [self._instance(cim_class, i, base) for i in instances]
        return [self._fragment(columns, i) for i in instances]

    def _query(self, text: str) -> tuple[list[str] | None, CimClass, list[dict[str, Property | Datetime]]]:
        bad = Fault(
            2150858778,
            names.ENUMERATION,
            "CannotProcessFilter",
            f"WQL: {text}",
            provider=faults.WMI_PROVIDER,
            wmi_status=2147749911,
        )
        match = _QUERY.fullmatch(text)
        if not match or match.group(2).casefold() not in self._classes:
            raise bad
        cim_class = self._class(match.group(2))
        instances = cim_class.instances
        for condition in re.split(r"\s+and\s+", match.group(3), flags=re.I) if match.group(3) else ():
            parsed = _CONDITION.fullmatch(condition)
            if not parsed:
                raise bad
            wanted = re.sub(r"\\(.)", r"\1", parsed.group(2) or parsed.group(3) or parsed.group(4) or "").casefold()
            instances = [i for i in instances if str(_property(i, parsed.group(1))).casefold() == wanted]
        if match.group(1) == "*":
            return None, cim_class, instances
        return [column.strip() for column in match.group(1).split(",")], cim_class, instances

    def _instance(self, cim_class: CimClass, instance: dict[str, Property | Datetime], base: str) -> Element:
        space = f"{base}/{cim_class.name}"
        element = etree.Element(tag(space, cim_class.name), nsmap={"inst": space, "xsi": names.XSI, "cim": names.CIM})
        element.set(tag(names.XSI, "type"), f"inst:{cim_class.name}_Type")
        for name in sorted(instance):
            _append(element, tag(space, name), instance[name])
        return element

    def _fragment(self, columns: list[str], instance: dict[str, Property | Datetime]) -> Element:
        fragment = etree.Element(tag(names.WSMAN, "XmlFragment"))
        spelled = {name.casefold(): name for name in instance}
        for column in sorted(columns, key=str.casefold):
            name = spelled.get(column.casefold(), column)
            _append(fragment, name, instance.get(name))
        return fragment


def _property(instance: dict[str, Property | Datetime], name: str) -> object:
    return next((value for key, value in instance.items() if key.casefold() == name.casefold()), None)


def _append(parent: Element, name: str, value: Property | Datetime) -> None:
    if isinstance(value, Datetime):
        etree.SubElement(etree.SubElement(parent, name), tag(names.CIM, "Datetime")).text = value.text
    elif isinstance(value, list):
        for item in value:
            etree.SubElement(parent, name).text = item
    elif value is None:
        etree.SubElement(parent, name).set(tag(names.XSI, "nil"), "true")
    else:
        etree.SubElement(parent, name).text = value
