"""`sreconsole run` at a terminal: the command has it, the shell gets it back."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import termios
import time
from collections.abc import Iterator
from typing import Any

import pytest


class Screen:
    """An interactive shell in a pseudo terminal."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.text = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe(
                "bash", ["bash", "--norc", "--noprofile", "-i"], {**environment, "PS1": "READY> ", "TERM": "dumb"}
            )
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        self.wait_for(r"READY> $")

    def type(self, text: str) -> None:
        """Press keys."""
        self.text = ""
        os.write(self.master, text.encode())

    def wait_for(self, pattern: str, seconds: float = 15.0) -> re.Match[str]:
        """Read until it stands on the screen."""
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < until, f"{pattern!r} not in {self.text!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace").replace("\r\n", "\n")
        return found

    def resize(self, rows: int, columns: int) -> None:
        """Change the window's size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def close(self) -> None:
        """Hang up."""
        os.close(self.master)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def screen(fleet: Any) -> Iterator[Screen]:
    one = Screen(fleet.environment)
    yield one
    one.close()


def line(fleet: Any, script: str) -> str:
    return shlex.join(fleet.command("run", "fixer", "--", "bash", "-c", script)) + "\n"


def test_command_is_in_the_foreground_and_reads_the_terminal(fleet: Any, screen: Screen) -> None:
    screen.type(line(fleet, 'echo fg $(ps -o tpgid= -p $$) $$; read -p "name? " x; echo "hello, $x"'))
    found = screen.wait_for(r"fg +(\d+) (\d+)\n")
    assert found[1] == found[2]
    screen.wait_for(r"name\? ")
    screen.type("dana\n")
    screen.wait_for(r"hello, dana\nREADY> $")


def test_ctrl_c_goes_to_the_command_and_not_to_run(fleet: Any, screen: Screen) -> None:
    screen.type(line(fleet, "trap 'echo caught; exit 9' INT; echo up; while :; do sleep 0.05; done"))
    screen.wait_for(r"\nup\n")
    screen.type("\x03")
    screen.wait_for(r"caught\nREADY> $")
    screen.type("echo code $?\n")
    screen.wait_for(r"\ncode 9\n")
    assert len(fleet.events("scope.closed")) == 1


def test_ctrl_c_of_a_command_without_a_trap(fleet: Any, screen: Screen) -> None:
    screen.type(line(fleet, "echo up; exec sleep 60"))
    screen.wait_for(r"\nup\n")
    screen.type("\x03")
    screen.wait_for(r"READY> $")
    screen.type("echo code $?\n")
    screen.wait_for(r"\ncode 130\n")


def test_window_size_reaches_the_command(fleet: Any, screen: Screen) -> None:
    screen.type(line(fleet, "trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.05; done"))
    screen.wait_for(r"\nup\n")
    screen.resize(33, 111)
    screen.wait_for(r"33 111\n")


def test_stop_and_continue_like_any_job(fleet: Any, screen: Screen) -> None:
    screen.type(line(fleet, 'echo up; read x; echo "then $x"'))
    screen.wait_for(r"\nup\n")
    screen.type("\x1a")
    screen.wait_for(r"Stopped[^\n]*\n[^\n]*READY> $")
    screen.type("echo still here\n")
    screen.wait_for(r"\nstill here\nREADY> $")
    screen.type("fg\n")
    time.sleep(0.3)
    screen.type("word\n")
    screen.wait_for(r"then word\nREADY> $")


def test_background_then_foreground(fleet: Any, screen: Screen) -> None:
    screen.type(line(fleet, 'echo up; for n in $(seq 60); do sleep 0.05; done; read x; echo "then $x"'))
    screen.wait_for(r"\nup\n")
    screen.type("\x1a")
    screen.wait_for(r"Stopped[^\n]*\n[^\n]*READY> $")
    screen.type("bg\n")
    screen.wait_for(r"&\n[^\n]*READY> $")
    screen.type("fg\n")
    time.sleep(0.3)
    screen.type("word\n")
    screen.wait_for(r"then word\nREADY> $")


def test_raw_mode_of_a_killed_command_is_undone(fleet: Any, screen: Screen) -> None:
    screen.type(line(fleet, "stty raw -echo; echo up; kill -9 $$"))
    screen.wait_for(r"READY> $")
    screen.type("stty -a | tr ' ' '\\n' | grep -x -e -icanon -e icanon\n")
    screen.wait_for(r"\nicanon\n")


def test_in_a_pipeline_the_other_programs_keep_the_terminal(fleet: Any, screen: Screen) -> None:
    screen.type(line(fleet, "echo out; exit 3").strip() + " | sed s/out/through/; echo codes ${PIPESTATUS[@]}\n")
    screen.wait_for(r"\nthrough\ncodes 3 0\n")


def test_ctrl_c_in_a_pipeline_reaches_the_command_once(fleet: Any, screen: Screen) -> None:
    screen.type(
        line(fleet, "trap 'echo caught >&2' INT; echo up >&2; for n in $(seq 30); do sleep 0.05; done").strip()
        + " | cat\n"
    )
    screen.wait_for(r"\nup\n")
    screen.type("\x03")
    screen.wait_for(r"READY> $")
    assert screen.text.count("caught") == 1


def test_hang_up_ends_the_scope(fleet: Any, screen: Screen, wait: Any) -> None:
    screen.type(line(fleet, "echo up; exec sleep 60"))
    screen.wait_for(r"\nup\n")
    os.kill(screen.pid, signal.SIGHUP)
    wait(lambda: fleet.events("scope.closed"), "the scope is closed", 15)
    assert "exit 129" in fleet.events("scope.closed")[0].summary
