"""Named checks with one line each, and a count that cannot lie: what could not run has failed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Body = Callable[[Any], None]


@dataclass
class Count:
    """How many checks passed and failed."""

    passed: int = 0
    failed: int = 0


@dataclass
class Part:
    """A group of checks that share one fixture."""

    name: str
    checks: list[tuple[str, Body]] = field(default_factory=list)

    def check(self, name: str) -> Callable[[Body], Body]:
        """Registers a function as a check. It gets the fixture and passes unless it raises."""

        def register(body: Body) -> Body:
            self.checks.append((name, body))
            return body

        return register

    def run(self, fixture: Any, only: str = "") -> Count:
        """Runs every check whose name contains ``only``."""
        count = Count()
        for name, body in self.checks:
            if only not in f"{self.name}: {name}":
                continue
            started = time.monotonic()
            try:
                body(fixture)
            except Exception:  # a check may fail in any way; the next one still runs
                count.failed += 1
                print(f"FAIL {self.name}: {name} ({time.monotonic() - started:.2f} s)")
                print("     " + traceback.format_exc().rstrip().replace("\n", "\n     "), flush=True)
            else:
                count.passed += 1
                print(f"ok   {self.name}: {name} ({time.monotonic() - started:.2f} s)", flush=True)
        return count

    def not_run(self, why: str) -> Count:
        """The part could not start: each of its checks has failed."""
        print(f"FAIL {self.name}: could not run, {len(self.checks)} checks lost: {why}", flush=True)
        return Count(failed=max(1, len(self.checks)))


def equal(found: object, wanted: object, what: str = "") -> None:
    """Fails with both sides in the text."""
    assert found == wanted, f"{what + ': ' if what else ''}found {found!r}, wanted {wanted!r}"


E = TypeVar("E", bound=BaseException)


def raises(kind: type[E], call: Callable[[], object]) -> E:
    """The exception of the wanted kind; fails when there is none."""
    try:
        result = call()
    except kind as error:
        return error
    raise AssertionError(f"nothing was raised, the result is {result!r}")
