"""The agent's command as our child: held until its scope is known, then run, its signals and its terminal minded."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from sreconsole.agents import terminal
from sreconsole.agents.person import Person, become
from sreconsole.agents.scope import PR_SET_PDEATHSIG, prctl
from sreconsole.agents.terminal import Terminal

FORWARDED = {
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
}
WATCHED = {*FORWARDED, signal.SIGCHLD, signal.SIGCONT, signal.SIGTSTP}
BLOCKED = {*WATCHED, signal.SIGTTOU}
"""SIGTTOU too: who is not in the foreground may then still take the terminal back."""

MOST_FILES = 1 << 20

NOT_FOUND, NOT_RUN = 127, 126
"""Exit codes of a command that is not there, or cannot be run, as shells give them."""


class NotStarted(Exception):
    """The command could not be started; `code` is the exit code for it."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Command:
    """One command, from before it runs to its exit code."""

    def __init__(self) -> None:
        """Fork. The child runs nothing until `start`; if we die first it ends by itself."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # A signal that was ignored for us (nohup) stays ignored for the command, and is not ours to act on.
        self._before: set[int] = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
        self.watched = {one for one in WATCHED if one is signal.SIGCHLD or signal.getsignal(one) is not signal.SIG_IGN}
        self._terminal: Terminal | None = terminal.controlling()
        self._ended: int | None = None
        wait, self._go = os.pipe()
        self._said, say = os.pipe()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go)
            os.close(self._said)
            self._become_command(wait, say, parent)
        os.close(wait)
        os.close(say)

    def start(self, command: Sequence[str], environment: Mapping[str, str], who: Person | None) -> None:
        """Let it run the command, as that user. Raises NotStarted."""
        if self._terminal:
            os.setpgid(self.pid, self.pid)
            self._terminal.lend(self.pid)
        order = {"command": list(command), "environment": dict(environment),
                 "who": [who.uid, who.gid, who.name, who.home, list(who.groups)] if who else None}  # fmt: skip
        with os.fdopen(self._go, "wb") as go:
            go.write(json.dumps(order).encode())
        with os.fdopen(self._said, "rb") as said:
            problem = said.read()
        if problem:
            self.wait()
            words = json.loads(problem)
            raise NotStarted(str(words["message"]), int(words["code"]))

    def abandon(self) -> None:
        """Never run it."""
        os.close(self._go)
        os.close(self._said)
        os.waitpid(self.pid, 0)

    def wait(self) -> int:
        """Mind the command until it ends; its exit code, 128 + n where signal n ended it."""
        while self._ended is None:
            info = signal.sigwaitinfo(self.watched)
            self._mind(info)
        if self._terminal:
            self._terminal.take_back(reset=self._ended > 128)
        return self._ended

    def reap(self, seconds: float) -> bool:
        """After the command has ended: reap what it left for so long; whether somebody asked us to end meanwhile."""
        info = signal.sigtimedwait(self.watched, seconds)
        self._reap()
        return info is not None and info.si_signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

    def _mind(self, info: signal.struct_siginfo) -> None:
        number = signal.Signals(info.si_signo)
        if number == signal.SIGCHLD:
            self._reap()
        elif number == signal.SIGCONT:
            self._resume()
        elif number == signal.SIGTSTP:
            # From the terminal the whole group got it, the command too; by hand only we did.
            self._signal(signal.SIGTSTP, only_if=info.si_code <= 0)
            terminal.suspend()
            self._resume()
        else:
            # What the terminal sends, it sends to the whole group: the command has had it.
            self._signal(number, only_if=self._terminal is not None or info.si_code <= 0)
            if number in (signal.SIGTERM, signal.SIGHUP):
                self._signal(signal.SIGCONT)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid != self.pid:
                continue
            if os.WIFSTOPPED(status):
                self._stopped(os.WSTOPSIG(status))
            else:
                code = os.waitstatus_to_exitcode(status)
                self._ended = code if code >= 0 else 128 - code

    def _stopped(self, number: int) -> None:
        """Ctrl-Z in the command's own group: to the shell it must look as if we had stopped."""
        if not self._terminal:
            return
        # A shell's `fg` does not say so to a job that runs: the command wanted the terminal and can have it.
        if number not in (signal.SIGTTIN, signal.SIGTTOU) or not self._terminal.ours():
            self._terminal.take_back()
            terminal.suspend()
        self._resume()

    def _resume(self) -> None:
        """Resumed by `fg` or `bg`: so is the command, with the terminal where it is ours to lend."""
        if self._terminal and self._terminal.ours():
            try:
                self._terminal.lend(self.pid)
            except OSError:
                return  # It has just ended; its group is gone.
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals, *, only_if: bool = True) -> None:
        if not only_if or self._ended is not None:
            return
        try:
            if self._terminal:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return  # Not reaped yet, but its group is gone.

    def _become_command(self, wait: int, say: int, parent: int) -> NoReturn:
        """In the child: wait for the order, then be the command. Never returns."""
        message, code = "", NOT_RUN
        try:
            with os.fdopen(wait, "rb") as source:
                order = source.read()
            if not order:
                os._exit(NOT_RUN)
            _execute(json.loads(order), say, parent, self._before, own_group=self._terminal is not None)
        except FileNotFoundError as error:
            message, code = f"{error.filename or 'command'}: not found", NOT_FOUND
        except BaseException as error:  # noqa: BLE001 - a forked child must not return into the caller's code
            message = f"cannot be run: {error}"
        os.write(say, json.dumps({"message": message, "code": code}).encode())
        os._exit(code)


def _execute(order: dict[str, object], say: int, parent: int, mask: set[int], *, own_group: bool) -> None:
    command, environment, who = order["command"], order["environment"], order["who"]
    assert isinstance(command, list) and isinstance(environment, dict)
    if own_group:
        os.setpgid(0, 0)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    if isinstance(who, list):
        uid, gid, name, home, groups = who
        become(Person(uid, gid, name, home, tuple(groups)))
        os.closerange(3, say)
        os.closerange(say + 1, MOST_FILES)
    # After the change of user, which resets it; and then look, in case we were orphaned in between.
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(NOT_RUN)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        os.execvpe(command[0], command, environment)
    except FileNotFoundError:
        raise FileNotFoundError(2, "not found", command[0]) from None
