"""The table of clients, proofs and transports: what is tried, what cannot be, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "orchestrator" / "docs" / "interop.md"

#: Columns, in this order: proof and transport.
COLUMNS = tuple((proof, transport) for proof in ("NTLM", "Kerberos", "Basic", "certificate") for transport in ("HTTP", "HTTPS"))

#: What cannot be, whoever tries: the protocol has no such thing, or nobody should do it.
NEVER = {
    ("Basic", "HTTP"): "Basic over HTTP sends the password in clear: neither the hosts here nor winfleet do it",
    ("certificate", "HTTP"): "a client certificate is shown in the TLS handshake: HTTP has none",
}

HEAD = """# Who talks to whom

Printed by the run that tries it: `tests/interop/run --write`. Every `yes` is a command, or a ping, that a client sent
and whose answer was right. The clients are others' programs, unmodified and pinned (`tests/interop/requirements.txt`);
the host behind `winfleet` is an independent one in Python on other people's cryptography (`tests/interop/endpoint`).

"""


@dataclass(frozen=True)
class Cell:
    """One client with one proof over one transport: a way to try it, or why that is not done."""

    client: str
    host: str
    proof: str
    transport: str
    attempt: Callable[[], None] | None = None
    why_not: str = ""

    @property
    def name(self) -> str:
        """For the line of the check."""
        return f"{self.client} to {self.host}: {self.proof} over {self.transport}"


@dataclass
class Matrix:
    """All cells, and what came of them."""

    cells: list[Cell] = field(default_factory=list)
    passed: set[Cell] = field(default_factory=set)

    def row(self, client: str, host: str, ways: dict[tuple[str, str], Callable[[], None] | str]) -> None:
        """Adds a client. A text says why a way is not tried."""
        for proof, transport in COLUMNS:
            way = NEVER.get((proof, transport)) or ways[(proof, transport)]
            attempt, why = (None, way) if isinstance(way, str) else (way, "")
            self.cells.append(Cell(client, host, proof, transport, attempt, why))

    def page(self) -> str:
        """The page for users. A cell that failed says so."""
        notes: list[str] = []
        rows: dict[tuple[str, str], list[str]] = {}
        for cell in self.cells:
            if cell.attempt is None:
                if cell.why_not not in notes:
                    notes.append(cell.why_not)
                text = f"- ({notes.index(cell.why_not) + 1})"
            else:
                text = "yes" if cell in self.passed else "**FAILED**"
            rows.setdefault((cell.client, cell.host), []).append(text)
        head = ["client", "host", *(f"{proof}, {transport}" for proof, transport in COLUMNS)]
        lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] * len(head)) + "|"]
        lines += ["| " + " | ".join([*key, *texts]) + " |" for key, texts in rows.items()]
        lines += ["", "Not tried:", ""]
        lines += [f"{number}. {note}." for number, note in enumerate(notes, 1)]
        return HEAD + "\n".join(lines) + "\n"
