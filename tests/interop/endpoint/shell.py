"""The cmd shell resource: Create, Command, Send, Receive, Signal, Delete, and the list of shells."""

from __future__ import annotations

import base64
import binascii
import threading
import time
import uuid
from dataclasses import dataclass, field

from lxml import etree

from . import faults, names
from .dialect import Dialect
from .faults import Fault
from .programs import Programs, Started
from .soap import Element, Request, duration, tag

MAX_SHELLS = 30


class Command:
    """One program under way: a thread that writes, a Receive that reads."""

    def __init__(self, line: str, programs: Programs, codepage: str, environment: dict[str, str]) -> None:
        self.id = str(uuid.uuid4()).upper()
        self.done_delivered = False
        self._codepage = codepage
        self._condition = threading.Condition()
        self._output: list[tuple[str, bytes]] = []
        self._stdin = bytearray()
        self._stdin_ended = False
        self._stopped = threading.Event()
        self._exit: int | None = None
        self._ended_streams_sent = False
        started = Started(self._read_stdin, self._write, self._stopped.is_set, environment)
        threading.Thread(target=self._run, args=(line, programs, started), daemon=True).start()

    def _run(self, line: str, programs: Programs, started: Started) -> None:
        code = programs.run(line, started)
        with self._condition:
            self._exit = code
            self._condition.notify_all()

    def _write(self, stream: str, text: str) -> None:
        with self._condition:
            self._output.append((stream, text.encode(self._codepage, "replace")))
            self._condition.notify_all()

    def _read_stdin(self) -> bytes:
        with self._condition:
            self._condition.wait_for(lambda: self._stdin_ended or self._stopped.is_set())
            return bytes(self._stdin)

    def feed(self, data: bytes, end: bool) -> None:
        """Bytes for the program's input."""
        with self._condition:
            self._stdin += data
            self._stdin_ended |= end
            self._condition.notify_all()

    def stop(self) -> None:
        """Ends the program as soon as it looks."""
        self._stopped.set()
        with self._condition:
            self._condition.notify_all()

    def collect(self, timeout: float) -> tuple[list[tuple[str, bytes]], int | None]:
        """Output since the last call and the exit code once there is one; raises TimeoutError when neither came."""
        with self._condition:
            if not self._condition.wait_for(lambda: self._output or self._exit is not None, timeout):
                raise TimeoutError
            output, self._output = self._output, []
            return output, self._exit


@dataclass
class Shell:
    """One shell of one user."""

    id: str
    owner: str
    client: str
    codepage: str
    idle: float
    environment: dict[str, str]
    input_streams: str
    output_streams: str
    created: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    commands: dict[str, Command] = field(default_factory=dict)


class Shells:
    """All shells of one host."""

    def __init__(self, programs: Programs, dialect: Dialect) -> None:
        self._programs, self._dialect = programs, dialect
        self._shells: dict[str, Shell] = {}
        self._lock = threading.Lock()
        #: How many shells were ever made.
        self.created = 0

    @property
    def open(self) -> int:
        """Shells that nobody has deleted yet."""
        with self._lock:
            self._expire()
            return len(self._shells)

    def handle(self, request: Request, user: str, client: str) -> list[Element]:
        """One verb on ``windows/shell/cmd`` or ``windows/shell``."""
        verb = request.action.rpartition("/")[2]
        if request.resource.casefold() == names.SHELL.casefold():
            listing = {names.TRANSFER + "/Get": self._get, names.ENUMERATION + "/Enumerate": self._enumerate}
            if request.action not in listing:
                raise faults.action_not_supported(request.action)
            return listing[request.action](request, user)
        if request.action == names.TRANSFER + "/Create":
            return self._create(request, user, client)
        verbs = {"Command": self._command, "Send": self._send, "Receive": self._receive, "Signal": self._signal}
        if request.action == names.TRANSFER + "/Delete":
            return self._delete(request, user)
        if request.action != f"{names.SHELL}/{verb}" or verb not in verbs:
            raise faults.action_not_supported(request.action)
        return verbs[verb](self._shell(request, user), request)

    def _expire(self) -> None:
        for shell in [s for s in self._shells.values() if time.monotonic() - s.used > s.idle]:
            del self._shells[shell.id]

    def _shell(self, request: Request, user: str) -> Shell:
        if set(request.selectors) != {"shellid"}:
            raise Fault(
                2150858842, names.WSMAN, "InvalidSelectors", "exactly ShellId is wanted", detail="InsufficientSelectors"
            )
        with self._lock:
            self._expire()
            shell = self._shells.get(request.selectors["shellid"].upper())
        if shell is None:
            raise faults.unexpected_selectors("the shell was not found")
        if shell.owner.casefold() != user.casefold():
            raise Fault(2150859177, names.WSMAN, "AccessDenied", "another user's shell")
        shell.used = time.monotonic()
        return shell

    def _create(self, request: Request, user: str, client: str) -> list[Element]:
        body = request.body
        if body is None or body.tag != tag(names.SHELL, "Shell") or request.selectors:
            raise faults.invalid_body("Create wants rsp:Shell and no selectors")
        allowed = {
            "Environment",
            "WorkingDirectory",
            "Lifetime",
            "IdleTimeOut",
            "InputStreams",
            "OutputStreams",
            "Name",
        }
        strange = [c.tag for c in body if c.tag not in {tag(names.SHELL, name) for name in allowed}]
        if strange:
            raise faults.schema(f"{strange[0]} in rsp:Shell")
        shell = Shell(
            id=str(uuid.uuid4()).upper(),
            owner=user,
            client=client,
            codepage=_codepage(request.options.get("winrs_codepage")),
            idle=max(60.0, _duration(body, "IdleTimeOut") or 7200.0),
            environment=_environment(body),
            input_streams=_streams(body, "InputStreams", "stdin"),
            output_streams=_streams(body, "OutputStreams", "stdout stderr"),
        )
        _duration(body, "Lifetime")
        with self._lock:
            self._expire()
            if sum(s.owner.casefold() == user.casefold() for s in self._shells.values()) >= MAX_SHELLS:
                raise Fault(2150859173, names.WSMAN, "QuotaLimit", "shells for this user", sender=False)
            self._shells[shell.id] = shell
            self.created += 1
        created = etree.Element(tag(names.TRANSFER, "ResourceCreated"))
        etree.SubElement(created, tag(names.ADDRESSING, "Address")).text = request.to
        parameters = etree.SubElement(created, tag(names.ADDRESSING, "ReferenceParameters"))
        etree.SubElement(parameters, tag(names.WSMAN, "ResourceURI")).text = names.SHELL_CMD
        selectors = etree.SubElement(parameters, tag(names.WSMAN, "SelectorSet"))
        etree.SubElement(selectors, tag(names.WSMAN, "Selector"), Name="ShellId").text = shell.id
        return [created, _described(shell)]

    def _command(self, shell: Shell, request: Request) -> list[Element]:
        body = request.body
        if body is None or body.tag != tag(names.SHELL, "CommandLine"):
            raise faults.invalid_body("Command wants rsp:CommandLine")
        words = [
            child.text or ""
            for child in body
            if child.tag in (tag(names.SHELL, "Command"), tag(names.SHELL, "Arguments"))
        ]
        if len(words) != len(body) or len(body) == 0 or body[0].tag != tag(names.SHELL, "Command"):
            raise faults.invalid_body("one rsp:Command, then rsp:Arguments")
        line = " ".join(words)
        if len(line) > 32767:
            raise Fault(2147942606, names.WSMAN, "InternalError", "the line is too long", sender=False)
        if any(not command.done_delivered for command in shell.commands.values()):
            raise Fault(170, names.WSMAN, "InternalError", "a command is under way in this shell", sender=False)
        command = Command(
            line,
            self._programs,
            "cp850" if self._dialect.german and shell.codepage == "cp437" else shell.codepage,
            {**shell.environment, "SYSTEMROOT": r"C:\Windows", "WINDIR": r"C:\Windows"},
        )
        shell.commands[command.id] = command
        response = etree.Element(tag(names.SHELL, "CommandResponse"))
        etree.SubElement(response, tag(names.SHELL, "CommandId")).text = command.id
        return [response]

    @staticmethod
    def _known(shell: Shell, command_id: str | None) -> Command:
        if not command_id:
            raise faults.invalid_parameter("a cmd shell needs a CommandId", 87)
        command = shell.commands.get(command_id.upper())
        if command is None:
            raise faults.unexpected_selectors("the command was not found")
        return command

    def _send(self, shell: Shell, request: Request) -> list[Element]:
        stream = _only_child(request, "Send", "Stream")
        if stream.get("Name") != "stdin":
            raise faults.invalid_parameter(f"stream {stream.get('Name')!r}")
        command = self._known(shell, stream.get("CommandId"))
        try:
            data = base64.b64decode("".join((stream.text or "").split()), validate=True)
        except binascii.Error as error:
            raise faults.schema("Send is not base64") from error
        command.feed(data, (stream.get("End") or "false").casefold() in ("true", "1"))
        return [etree.Element(tag(names.SHELL, "SendResponse"))]

    def _receive(self, shell: Shell, request: Request) -> list[Element]:
        wanted = _only_child(request, "Receive", "DesiredStream")
        if not set((wanted.text or "").split()) <= {"stdout", "stderr"}:
            raise Fault(2150859149, names.WSMAN, "InvalidParameter", f"streams {wanted.text!r}")
        command = self._known(shell, wanted.get("CommandId"))
        try:
            output, code = command.collect(request.timeout)
        except TimeoutError:
            raise faults.timed_out() from None
        response = etree.Element(tag(names.SHELL, "ReceiveResponse"))
        for stream, data in output:
            # A cut after the first byte goes through a character as soon as there is one of two bytes.
            for piece in (data[:1], data[1:]):
                if piece:
                    _stream(response, stream, command.id).text = base64.b64encode(piece).decode()
        if code is not None and self._dialect.done_alone and output:
            code = None  # it waits for the next Receive
        if code is not None:
            for stream in ("stdout", "stderr"):
                _stream(response, stream, command.id).set("End", "true")
            command.done_delivered = True
        state = etree.SubElement(
            response,
            tag(names.SHELL, "CommandState"),
            CommandId=command.id,
            State=names.COMMAND_STATE + ("Done" if code is not None else "Running"),
        )
        if code is not None:
            etree.SubElement(state, tag(names.SHELL, "ExitCode")).text = str(code)
        return [response]

    def _signal(self, shell: Shell, request: Request) -> list[Element]:
        body = request.body
        if body is None or body.tag != tag(names.SHELL, "Signal"):
            raise faults.invalid_body("Signal wants rsp:Signal")
        command = self._known(shell, body.get("CommandId"))
        code = (body.findtext(tag(names.SHELL, "Code")) or "").strip()
        if code.casefold() not in {f"{names.SHELL}/signal/{name}" for name in ("terminate", "ctrl_c", "ctrl_break")}:
            raise faults.invalid_parameter(f"signal {code!r}")
        command.stop()
        if code.casefold().endswith("terminate"):
            del shell.commands[command.id]
        return [etree.Element(tag(names.SHELL, "SignalResponse"))]

    def _delete(self, request: Request, user: str) -> list[Element]:
        shell = self._shell(request, user)
        if request.body is not None:
            raise faults.invalid_body("Delete has no body")
        with self._lock:
            self._shells.pop(shell.id, None)
        for command in shell.commands.values():
            command.stop()
        return []

    def _get(self, request: Request, user: str) -> list[Element]:
        return [_described(self._shell(request, user), state=True)]

    def _enumerate(self, request: Request, user: str) -> list[Element]:
        with self._lock:
            self._expire()
            shells = [s for s in self._shells.values() if s.owner.casefold() == user.casefold()]
        response = etree.Element(tag(names.ENUMERATION, "EnumerateResponse"))
        etree.SubElement(response, tag(names.ENUMERATION, "EnumerationContext"))
        etree.SubElement(response, tag(names.WSMAN, "Items")).extend(_described(s, state=True) for s in shells)
        etree.SubElement(response, tag(names.WSMAN, "EndOfSequence"))
        return [response]


def _only_child(request: Request, outer: str, inner: str) -> Element:
    body = request.body
    if body is None or body.tag != tag(names.SHELL, outer) or [c.tag for c in body] != [tag(names.SHELL, inner)]:
        raise faults.invalid_body(f"rsp:{outer} with one rsp:{inner} is wanted")
    return body[0]


def _stream(response: Element, name: str, command_id: str) -> Element:
    return etree.SubElement(response, tag(names.SHELL, "Stream"), Name=name, CommandId=command_id)


def _described(shell: Shell, state: bool = False) -> Element:
    element = etree.Element(tag(names.SHELL, "Shell"))
    fields = [
        ("ShellId", shell.id),
        ("ResourceUri", names.SHELL_CMD),
        ("Owner", shell.owner),
        ("ClientIP", shell.client),
        ("IdleTimeOut", f"PT{shell.idle:.3f}S"),
        ("InputStreams", shell.input_streams),
        ("OutputStreams", shell.output_streams),
        ("ShellRunTime", "P0DT0H0M0S"),
        ("ShellInactivity", "P0DT0H0M0S"),
    ]
    for name, text in fields + ([("State", "Connected")] if state else []):
        # A host says the environment back that it was asked for, in its place in the schema.
        if name == "IdleTimeOut" and shell.environment:
            variables = etree.SubElement(element, tag(names.SHELL, "Environment"))
            for variable, value in shell.environment.items():
                etree.SubElement(variables, tag(names.SHELL, "Variable"), Name=variable).text = value
        etree.SubElement(element, tag(names.SHELL, name)).text = text
    return element


def _codepage(option: str | None) -> str:
    if option is None:
        return "cp437"
    if not option.isdigit():
        raise Fault(2150858809, names.WSMAN, "InvalidOptions", f"WINRS_CODEPAGE {option!r}", detail="InvalidValue")
    return "utf-8" if option == "65001" else f"cp{option}"


def _duration(body: Element, name: str) -> float | None:
    text = body.findtext(tag(names.SHELL, name))
    if text is None:
        return None
    try:
        return duration(text)
    except ValueError as error:
        raise faults.schema(f"{name} {text!r} is not a duration") from error


def _environment(body: Element) -> dict[str, str]:
    return {
        (variable.get("Name") or "").upper(): variable.text or ""
        for variable in body.iterfind(f"{tag(names.SHELL, 'Environment')}/{tag(names.SHELL, 'Variable')}")
    }


def _streams(body: Element, name: str, known: str) -> str:
    text = body.findtext(tag(names.SHELL, name), known)
    if not set(text.split()) <= set(known.split()):
        raise Fault(2150859149, names.WSMAN, "InvalidParameter", f"{name} {text!r}")
    return text
