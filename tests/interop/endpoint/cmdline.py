"""The part of cmd.exe that stands between a command line and a program: expansion, operators, quoting."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass
class Stage:
    """One program start: its raw line, how it is joined to what came before, and where its output goes."""

    joined: str  # "", "&", "&&" or "||"
    line: str
    drop_stdout: bool = False
    drop_stderr: bool = False
    merge_stderr: bool = False
    no_stdin: bool = False


def expand(line: str, environment: dict[str, str]) -> str:
    """``%NAME%`` of set variables, even inside quotes; unset ones stay; ``^%`` outside quotes keeps a percent apart."""
    return re.sub(r"%([^%\r\n^]+)%", lambda found: environment.get(found.group(1).upper(), found.group(0)), line)


def stages(line: str) -> list[Stage]:
    """Cuts an expanded line at unquoted operators and takes the redirections out."""
    found: list[Stage] = []
    joined, text, quoted, index = "", "", False, 0

    def close() -> None:
        nonlocal text
        found.append(_redirections(joined, text))
        text = ""

    while index < len(line):
        char = line[index]
        if char == "^" and not quoted and index + 1 < len(line):
            text += "\0" + line[index + 1]  # marked: a metacharacter no more
            index += 2
            continue
        if char == '"':
            quoted = not quoted
        if not quoted and char in "&|" and not text.endswith(">"):
            operator = char * 2 if line[index : index + 2] == char * 2 else char
            close()
            joined, index = operator, index + len(operator)
            continue
        text += char
        index += 1
    close()
    return found


_REDIRECTION = re.compile(r"(?<!\0)(?:([12])?>{1,2}\s*(&1|nul)|<\s*(nul))(?=\s|$)", re.I)


def _redirections(joined: str, text: str) -> Stage:
    stage = Stage(joined, "")
    pieces, last = [], 0
    for found in _REDIRECTION.finditer(text):
        if text.count('"', 0, found.start()) % 2:
            continue
        pieces.append(text[last : found.start()])
        last = found.end()
        if found.group(3):
            stage.no_stdin = True
        elif found.group(2) == "&1":
            stage.merge_stderr = found.group(1) == "2"
        elif found.group(1) == "2":
            stage.drop_stderr = True
        else:
            stage.drop_stdout = True
    pieces.append(text[last:])
    stage.line = "".join(pieces).replace("\0", "").strip()
    return stage


def arguments(line: str) -> list[str]:
    """The C runtime's reading of a command line: backslashes count only before a quote."""
    found: list[str] = []
    current, quoted, started, index = "", False, False, 0
    while index < len(line):
        char = line[index]
        if char == "\\":
            run = len(line[index:]) - len(line[index:].lstrip("\\"))
            index += run
            started = True
            if index < len(line) and line[index] == '"':
                current += "\\" * (run // 2)
                if run % 2:
                    current += '"'
                    index += 1
            else:
                current += "\\" * run
            continue
        if char == '"':
            quoted, started = not quoted, True
        elif char in " \t" and not quoted:
            if started:
                found.append(current)
            current, started = "", False
        else:
            current, started = current + char, True
        index += 1
    return found + [current] if started else found
