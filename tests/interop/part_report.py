"""Reports as others read them: the HTML in a real browser, JUnit in lxml, CSV in Python, JSON against its schema."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import tempfile
import unicodedata
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from lxml import etree

from browser import Browser, Page
from checks import Count, Part, equal
from workbench import PLAYBOOKS, Bench

PART = Part("report")

HOSTS = 20_000
SAMPLES = PLAYBOOKS.parent / "orchestrator" / "rollout" / "events.samples.jsonl"


class Desk:
    """The browser, a made-up report full of hostile texts, and a rehearsed run."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.bench = Bench(Path(os.environ["WINFLEET"]), folder, folder)
        self.big = folder / "big.html"
        self.big.write_text(self.made_up("html", HOSTS), encoding="utf-8", newline="")
        self.hosts: list[dict[str, Any]] = json.loads(self.made_up("json", HOSTS))["hosts"]

    def made_up(self, form: str, hosts: int) -> str:
        """The made-up run in one of its forms."""
        done = subprocess.run([os.environ["MADE_UP"], form, str(hosts)], capture_output=True, check=True, timeout=60)
        return done.stdout.decode("utf-8")

    @contextmanager
    def page(self, file: Path | None = None, **size: int) -> Any:
        """A fresh tab; afterwards nothing may have been asked, complained or run."""
        page = Page(self.browser, file or self.big, **size)
        try:
            yield page
            equal(page.requests(), [], "asked of the network")
            equal(page.complaints(), [], "console")
            equal(page.value("typeof window.hacked"), "undefined", "a hostile text was run")
        finally:
            page.close()

    def rehearse(self, *more: object) -> None:
        """A small run in the bench's journal."""
        playbook = PLAYBOOKS / "full-proxy-set.yaml"
        self.bench.winfleet(
            "rehearse", "-p", playbook, "--journal", self.bench.journal, "--reason", "</script>CHG-1", "-q", *more
        )

    def report(self, *arguments: object) -> str:
        """``report last``."""
        return self.bench.winfleet("report", "last", "--journal", self.bench.journal, *arguments).exits(0).stdout

    def schema(self, name: str) -> jsonschema.Draft202012Validator:
        """``schema NAME`` as a validator that has checked the schema itself."""
        schema = json.loads(self.bench.winfleet("schema", name).exits(0).stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)


def count(page: Page) -> str:
    """What the page says about the number of hosts in the table."""
    return str(page.value("document.getElementById('count').textContent"))


def column(page: Page, number: int) -> list[str]:
    """The cells in sight of one column, from the top."""
    rows = page.value(
        "[...document.querySelectorAll('#space .row.body')].map(row => [...row.children].map(cell => cell.textContent))"
    )
    return [row[number] for row in rows]


def of(total: int) -> str:
    """The page's words for a part of all hosts."""
    return f"{total:,} of {HOSTS:,} hosts"


@PART.check("20,000 hosts with hostile texts open quickly, without a network and without a word on the console")
def _(desk: Desk) -> None:
    size = desk.big.stat().st_size
    assert size < 10_000_000, f"{size} bytes"
    with desk.page() as page:
        assert page.opened_in < 15, f"{page.opened_in:.1f} s"
        equal(count(page), f"{HOSTS:,} hosts")
        drawn = page.value("document.querySelectorAll('#space .row.body').length")
        assert 10 < drawn < 120, f"{drawn} rows exist"


@PART.check("hostile texts are shown as texts and make no element")
def _(desk: Desk) -> None:
    with desk.page() as page:
        made = page.value(
            "['img','iframe','object','embed','form','a[href^=java]','base','svg script','[onerror]','[onload]']"
            ".filter(one => document.querySelector(one))"
        )
        equal(made, [], "elements made of remote text")
        equal(page.value("document.scripts.length"), 2, "scripts")
        assert "<script>window.hacked=1</script>" in page.value("document.querySelector('h1').textContent")
        text = page.value("document.body.innerText + document.getElementById('data').textContent")
        bad = {c for c in text if (unicodedata.category(c) in {"Cc", "Cf"} and c not in "\n\t\xad") or c in "\u2028\u2029"}
        equal(bad, set(), "active characters")
        assert "<U+202E>gnp.exe" in text


@PART.check("the policy is in force: nothing loads, and no other script runs")
def _(desk: Desk) -> None:
    page = Page(desk.browser, desk.big)
    try:
        equal(page.value("fetch('data:text/plain,x').then(() => 'sent', () => 'refused')"), "refused")
        page.value(
            "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
            " const b = document.createElement('button'); b.setAttribute('onclick', 'window.ran = 2');"
            " document.body.append(b); b.click(); })()"
        )
        equal(page.value("typeof window.ran"), "undefined", "an injected script ran")
        assert any("Content Security Policy" in complaint for complaint in page.complaints()), page.complaints()
    finally:
        page.close()


@PART.check("search finds by name, cause and value while one types")
def _(desk: Desk) -> None:
    with desk.page() as page:
        page.key("/")
        page.type("pc-00042.emea")
        equal(count(page), of(1))
        equal(column(page, 0), ["pc-00042.emea.corp.example"])
        page.click("#clear")
        equal(count(page), f"{HOSTS:,} hosts")
        page.type("WRONG_HOST pilot")
        wanted = [h for h in desk.hosts if h["reason"] == "wrong_host" and h["ring"] == "pilot"]
        equal(count(page), of(len(wanted)))
        page.click("#clear")
        page.type("</script><script>")
        assert not count(page).startswith("0 "), count(page)
        page.type("no such text")
        equal(count(page), of(0))


@PART.check("columns sort both ways, and by number where they hold numbers")
def _(desk: Desk) -> None:
    with desk.page() as page:
        page.click('[data-column="name"] button')
        page.click('[data-column="name"] button')
        equal(page.value("document.querySelector('[data-column=name]').getAttribute('aria-sort')"), "descending")
        equal(column(page, 0)[0], "pc-19998.emea.corp.example")
        page.click('[data-column="requests"] button')
        equal(set(column(page, 7)), {"10"}, "fewest requests first")
        page.click('[data-column="requests"] button')
        equal(set(column(page, 7)), {"18"}, "most requests first")
        page.click('[data-column="cause"] button')
        assert column(page, 4)[0].startswith("access_denied"), "hosts without a cause come last"


@PART.check("filters by ring, outcome, change and cause count what the JSON report counts")
def _(desk: Desk) -> None:
    def total(**wanted: object) -> int:
        return sum(all(host[name] == value for name, value in wanted.items()) for host in desk.hosts)

    def choose(page: Page, name: str, key: str) -> None:
        page.value(f"document.getElementById('{name}').focus()")
        page.key(key, ord(key.upper()))

    with desk.page() as page:
        choose(page, "ring", "p")
        equal(count(page), of(total(ring="pilot")))
        choose(page, "outcome", "f")
        equal(count(page), of(total(ring="pilot", outcome="failed")))
        page.click("#legend li:first-child button")
        equal(count(page), of(total(outcome="ok")))
        choose(page, "changed", "n")
        equal(count(page), of(total(outcome="ok", changed=False)))
        page.click("#causes li:first-child button")
        largest = page.value("document.querySelector('#causes .n').firstChild.textContent")
        equal(count(page), f"{largest} of {HOSTS:,} hosts")
        equal(page.value("document.getElementById('chip').hidden"), False)


@PART.check("the keyboard alone reaches the last host, its values and the way back")
def _(desk: Desk) -> None:
    with desk.page() as page:
        page.value("document.getElementById('grid').focus()")
        for key, code in (("End", 35), ("ArrowUp", 38), ("ArrowDown", 40), ("PageUp", 33), ("End", 35)):
            page.key(key, code)
        equal(page.value("document.getElementById('grid').getAttribute('aria-activedescendant')"), f"row-{HOSTS - 1}")
        equal(column(page, 0)[-1], page.value("document.querySelector('.row.active').firstChild.textContent"))
        page.key("Enter", 13)
        equal(page.value("document.activeElement.id"), "detail")
        name = page.value("document.querySelector('#detail h2').textContent")
        assert name.endswith(str(HOSTS - 1)), name
        page.key("Escape", 27)
        equal(page.value("document.getElementById('detail').hidden"), True)
        equal(page.value("document.activeElement.id"), "grid")
        page.key("Home", 36)
        equal(page.value("document.getElementById('grid').getAttribute('aria-activedescendant')"), "row-0")


@PART.check("a click shows before and after of every value, with type and bytes")
def _(desk: Desk) -> None:
    with desk.page() as page:
        host = next(h for h in desk.hosts if h["name"].startswith("<script>") and h["changed"])
        page.key("/")
        page.type(host["name"])
        page.click("#space .row.body")
        shown = page.value("document.getElementById('detail').textContent")
        change = host["steps"][0]["changes"][0]
        for side in ("before", "after"):
            assert change[side]["bytes"] in shown, f"{side} bytes"
        assert "REG_SZ (1)" in shown and "window.hacked=1" in shown
        page.click("#close")


@PART.check("dark, light, narrow and printed")
def _(desk: Desk) -> None:
    with desk.page() as page:
        colour = "getComputedStyle(document.body).backgroundColor"
        page.media(scheme="light")
        light = page.value(colour)
        page.media(scheme="dark")
        assert page.value(colour) != light, "dark is light"
        page.click("#theme")  # from the system's to light
        equal(page.value(colour), light, "the choice wins over the system")
        page.media()
        pdf = page.pdf()
        assert pdf.startswith(b"%PDF") and len(pdf) > 100_000, f"{len(pdf)} bytes of PDF"
    with desk.page(width=380, height=800) as page:
        assert page.value("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


@PART.check("CSV: no cell is a formula, no character acts")
def _(desk: Desk) -> None:
    rows = list(csv.reader(io.StringIO(desk.made_up("csv", 2000), newline="")))
    assert len(rows) > 2000
    for row in rows:
        equal(len(row), len(rows[0]))
        for cell in row:
            assert not re.match(r"\s*[=+@|%]|\s*-(?!\d+$)|[\t\r\n]", cell), repr(cell)
            assert not any(unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} for c in cell), repr(cell)


@PART.check("terminal: no escape sequence and no reordering character leaves a summary")
def _(desk: Desk) -> None:
    text = desk.made_up("table", 2000)
    assert "window.hacked" in text
    bad = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} and c != "\n"}
    equal(bad, set())


@PART.check("JUnit: lxml reads it, and its counts are those of the run")
def _(desk: Desk) -> None:
    hosts = json.loads(desk.made_up("json", 2000))["hosts"]
    root = etree.fromstring(desk.made_up("junit", 2000).encode())
    outcomes = [host["outcome"] for host in hosts]
    wanted = {
        "tests": len(hosts),
        "failures": outcomes.count("failed"),
        "errors": outcomes.count("unreachable") + outcomes.count("indeterminate"),
        "skipped": outcomes.count("not_started"),
    }
    equal({name: int(root.get(name)) for name in wanted}, wanted)
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        equal(len(root.findall(f"testsuite/testcase/{tag}" if tag != "testcase" else "testsuite/testcase")), wanted[name])
        equal(sum(int(suite.get(name)) for suite in root), wanted[name], name)
    equal(len(root), 3, "a suite per ring")
    assert any(float(case.get("time")) > 0 for case in root.iter("testcase"))


@PART.check("a rehearsed run: its page opens, its events and report keep to the published schemas")
def _(desk: Desk) -> None:
    events = desk.folder / "events.jsonl"
    desk.rehearse("--hosts", 6, "--events", events, "--then-rollback")
    page_file = desk.folder / "run.html"
    desk.report("--format", "html", "--out", page_file)
    report = json.loads(desk.report("--format", "json"))
    with desk.page(page_file) as page:
        facts = page.value("document.getElementById('facts').textContent")
        for fact in ("run", "playbook_sha256", "operator", "reason", "source_run", "chain_head"):
            assert report[fact] in facts, fact
        equal(count(page), "6 hosts")
        # Each component's proxies, and on how many hosts nothing is known of it, make up all hosts.
        rows = page.value(
            "[...document.querySelectorAll('#proxies tbody tr')].map(row => [...row.children].map(cell => cell.textContent))"
        )
        hosts: dict[str, int] = {}
        title = ""
        for name, _, number in rows:
            title = name or title
            hosts[title] = hosts.get(title, 0) + int(number)
        equal(hosts, {"EDR sensor": 6, "Defender Antivirus": 6, "WinHTTP": 6})
    schema = desk.schema("events")
    lines = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    assert len(lines) > 20
    for line in lines:
        schema.validate(line)
    desk.schema("report").validate(report)
    etree.fromstring(desk.report("--format", "junit").encode())
    name = report["hosts"][0]["name"]
    trail = [json.loads(line) for line in desk.report("--host", name, "-o", "jsonl").splitlines()]
    kinds = [line["event"] for line in trail]
    equal((kinds[0], kinds[-1]), ("host_started", "host_finished"))
    for line in trail:
        schema.validate(line)
    assert any(value["act"] == "read_back" for line in trail for value in line["values"])


@PART.check("the schema of events takes a sample of every kind, and nothing else")
def _(desk: Desk) -> None:
    schema = desk.schema("events")
    samples = [json.loads(line) for line in SAMPLES.read_text("utf-8").splitlines()]
    for sample in samples:
        schema.validate(sample)
    by_kind = {sample["event"]: sample for sample in samples}
    broken = [
        {**by_kind["host_started"], "event": "host_vanished"},
        {**by_kind["host_started"], "seq": -1},
        {**by_kind["host_started"], "time": "yesterday"},
        {**by_kind["host_finished"], "outcome": "great"},
        {name: value for name, value in by_kind["limit_breached"].items() if name != "allowed"},
        {name: value for name, value in by_kind["run_finished"].items() if name != "event"},
        json.loads(json.dumps(by_kind["prior_recorded"]).replace('"bytes": "', '"bytes": "0x')),
    ]
    taken = [event for event in broken if schema.is_valid(event)]
    equal(taken, [], "events that are none")


@PART.check("the schema of the report takes the made-up run, and not a broken one")
def _(desk: Desk) -> None:
    schema = desk.schema("report")
    report = json.loads(desk.made_up("json", 300))
    schema.validate(report)
    for name in ("schema", "run", "hosts", "totals", "exit_code"):
        assert not schema.is_valid({key: value for key, value in report.items() if key != name}), name
    report["hosts"][0]["outcome"] = "fine"
    assert not schema.is_valid(report)


@PART.check("the schemas of inventories and playbooks take every shipped file, and refuse what the program refuses")
def _(desk: Desk) -> None:
    inventory, playbook = desk.schema("inventory"), desk.schema("playbook")
    inventories = sorted((PLAYBOOKS.parent / "inventory").glob("*.yaml"))
    playbooks = sorted(PLAYBOOKS.glob("*.yaml"))
    assert inventories and len(playbooks) >= 6, "no shipped files"
    for path in inventories:
        inventory.validate(yaml.safe_load(path.read_text("utf-8")))
    for path in playbooks:
        playbook.validate(yaml.safe_load(path.read_text("utf-8")))
    good = {"version": 1, "name": "x", "steps": [{"edr_proxy": {"server": "10.0.0.6:8080"}}]}
    playbook.validate(good)
    ring = {"name": "a", "select": "all"}
    for bad in (
        {**good, "stepz": []},
        {**good, "steps": [{"edr_proxy": {"server": "a:1"}, "av_proxy": {"server": "a:1"}}]},
        {**good, "steps": [{"registry": {"key": "HKLM\\SOFTWARE\\X", "type": "dword", "data": 1}}]},
        {**good, "rollout": {"rings": [{**ring, "max_parallel": 0}]}},
        {**good, "rollout": {"rings": [{**ring, "max_faild": 1}]}},
    ):
        assert not playbook.is_valid(bad), bad
    for wrong in (
        {"version": 1, "hosts": [{"name": "a", "port": 0}]},
        {"version": 1, "hosts": [{"ring": "a"}]},
        {"version": 1, "hosts": [{"name": "a", "colour": "red"}]},
        {"version": 1, "credentials": {"c": {"username": "u", "password": "secret"}}},
    ):
        assert not inventory.is_valid(wrong), wrong


def run(only: str) -> Count:
    """Runs the part."""
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser()
        try:
            return PART.run(Desk(browser, Path(folder)), only)
        finally:
            browser.close()
