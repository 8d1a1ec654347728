"""Shells: kept open, fed, timed out, listed, taken from others."""

from __future__ import annotations

import time

import winrm.exceptions
from pypsrp.exceptions import WSManFaultError
from pypsrp.shell import Process, SignalCode, WinRS

import thirdparty
from checks import Part, equal, raises
from clients.host import NO_SUCH_SHELL, SLOW, TIMED_OUT, HostUnderTest
from thirdparty import (
    run_in,
)


def register(part: Part) -> None:
    """Adds the checks of this group."""

    @part.check("pypsrp keeps a shell open over several commands")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            first = shell.id
            for number in range(8):
                equal(run_in(shell, f"echo {number}")[1], b"%d\r\n" % number)
            equal(shell.id, first)
        equal(host.open_shells(), 0, "shells left open")

    @part.check("pywinrm keeps a shell open over several commands, Ansible's way without closing the session between")
    def _(host: HostUnderTest) -> None:
        protocol = host.target.protocol()
        shell = protocol.open_shell(
            codepage=65001, idle_timeout="PT120S", working_directory=r"C:\Windows", env_vars={"A": "b"}
        )
        for number in range(5):
            command = protocol.run_command(shell, "echo", [str(number), "%A%"])
            equal(protocol.get_command_output(shell, command), (b"%d b\r\n" % number, b"", 0))
            protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)
        equal(host.open_shells(), 0, "shells left open")

    @part.check("pypsrp sends stdin in pieces and ends it")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            process = Process(shell, "sort")
            process.begin_invoke()
            process.send(b"pear\r\nap", end=False)
            process.send(b"ple\r\n", end=True)
            process.end_invoke()
            equal((process.rc, process.stdout), (0, b"apple\r\npear\r\n"))

    @part.check("pywinrm sends stdin")
    def _(host: HostUnderTest) -> None:
        protocol = host.target.protocol()
        shell = protocol.open_shell(codepage=65001)
        command = protocol.run_command(shell, "sort", console_mode_stdin=False)
        protocol.send_command_input(shell, command, b"b\r\na\r\n", end=True)
        equal(protocol.get_command_output(shell, command)[0], b"a\r\nb\r\n")
        protocol.close_shell(shell)

    @part.check("pypsrp hits the operation timeout, is told so, and goes on")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(operation_timeout=1), codepage=65001) as shell:
            process = Process(shell, SLOW)
            process.begin_invoke()
            started = time.monotonic()
            fault = raises(WSManFaultError, lambda: shell.receive("stdout stderr", process.id))
            equal(fault.code, TIMED_OUT)
            assert 0.8 < time.monotonic() - started < 2.5, "the fault came at the wrong time"
            process.end_invoke()
            equal(process.rc, 0)
            equal(run_in(shell, "echo after")[1], b"after\r\n")

    @part.check("pywinrm hits the operation timeout, is told so, and goes on")
    def _(host: HostUnderTest) -> None:
        protocol = host.target.protocol(operation_timeout_sec=1, read_timeout_sec=10)
        shell = protocol.open_shell(codepage=65001)
        command = protocol.run_command(shell, SLOW)
        raises(winrm.exceptions.WinRMOperationTimeoutError, lambda: protocol.get_command_output_raw(shell, command))
        equal(protocol.get_command_output(shell, command)[2], 0)
        protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)

    @part.check("terminate ends a running command")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            process = Process(shell, "ping -n 60 127.0.0.1")
            process.begin_invoke()
            process.signal(SignalCode.TERMINATE)
            equal(run_in(shell, "echo free")[1], b"free\r\n")

    @part.check("shells are listed, found by Get, deleted by a stranger connection of the same user")
    def _(host: HostUnderTest) -> None:
        opened = WinRS(host.target.wsman(), codepage=65001)
        opened.open()
        other = host.target.wsman()
        equal(thirdparty.open_shells(other), [opened.id])
        equal(opened._get_shell()["ShellId"], opened.id)
        left = WinRS(other, id=None)
        left.id, left.opened, left._selector_set = opened.id, True, opened._selector_set
        left.close()
        fault = raises(WSManFaultError, lambda: run_in(opened, "hostname"))
        equal(fault.code, NO_SUCH_SHELL)
        fault = raises(WSManFaultError, opened.close)
        equal(fault.code, NO_SUCH_SHELL, "second Delete")
        equal(host.open_shells(), 0, "shells left open")

    @part.check("a Receive without a command and for an unknown command are refused by their codes")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            equal(raises(WSManFaultError, lambda: shell.receive()).code, 87)
            unknown = "00000000-0000-0000-0000-000000000000"
            equal(raises(WSManFaultError, lambda: shell.receive(command_id=unknown)).code, NO_SUCH_SHELL)

    @part.check("one user's shell is not another's")
    def _(host: HostUnderTest) -> None:
        with WinRS(host.target.wsman(), codepage=65001) as shell:
            other = WinRS(host.target.wsman("basic", "https"))
            other.id, other.opened, other._selector_set = shell.id, True, shell._selector_set
            assert raises(WSManFaultError, lambda: run_in(other, "hostname")).code in (2150859177, 5, NO_SUCH_SHELL)
