"""A fleet's home with its own serve, and the commands under test as processes of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sreconsole import paths
from sreconsole.serve.client import Line
from sreconsole.store import database, escalations, log
from sreconsole.store.escalations import Escalation

ROOT = Path(__file__).parents[2]
DRIVER = "import typer; from sreconsole.cli import {0}; app = typer.Typer(); app.command()({0}.command); app()"


class Fleet:
    """One home and the serve that runs there."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sre-", dir="/tmp"))
        self.home = paths.at(self.folder)
        self.environment = {**os.environ, "SRECONSOLE_HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
        for name in ("CLAUDECODE", "CLAUDE_CODE_SESSION_ID", "SRECONSOLE_SCOPE"):
            self.environment.pop(name, None)
        self.serve: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start serve and wait until it answers."""
        self.serve = subprocess.Popen([sys.executable, "-m", "sreconsole", "serve"], env=self.environment, cwd="/",
                                      stderr=(self.folder / "serve.err").open("ab"))  # fmt: skip
        wait_for(lambda: self.home.operator_socket.exists() and self._answers(), "serve answers", 15)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End serve."""
        if self.serve:
            self.serve.send_signal(number)
            self.serve.wait(10)
            self.serve = None

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """One request of an operator's."""
        with Line(self.home) as line:
            return line.ask(do, **words)

    def command(self, noun: str, *words: str) -> list[str]:
        """The command line of `sreconsole NOUN …`."""
        return [sys.executable, "-c", DRIVER.format(noun), *words]

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """`sreconsole run …` to its end."""
        return subprocess.run(self.command("run", *words), env=self.environment, capture_output=True, text=True, timeout=30,
                              **{"stdin": subprocess.DEVNULL, **more})  # fmt: skip

    def start_command(self, noun: str, *words: str, **more: Any) -> subprocess.Popen[str]:
        """`sreconsole NOUN …`, not waited for."""
        env = {**self.environment, **more.pop("env", {})}
        return subprocess.Popen(self.command(noun, *words), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **more)  # fmt: skip

    def events(self, kind: str) -> list[Any]:
        """The events of a kind, the oldest first."""
        reader = database.open_reader(self.home.store)
        try:
            return [one for one in reversed(log.before(reader, None, log.Filter())) if one.kind == kind]
        finally:
            reader.close()

    def waiting(self, count: int = 1) -> list[Escalation]:
        """The open questions, once there are so many."""
        found: list[Escalation] = []

        def look() -> bool:
            reader = database.open_reader(self.home.store)
            try:
                found[:] = escalations.waiting(reader)
            finally:
                reader.close()
            # Paged, too: that moves the row once more, and what is decided must be what was looked at.
            return len(found) >= count and all(one.page_at is None for one in found)

        wait_for(look, f"{count} waiting", 30)
        return found

    def approve(self, e: Escalation, answer: Any = None) -> dict[str, Any]:
        """Say yes at once."""
        return self.ask(
            "approve", escalation=e.id, version=e.version, digest=e.digest, hold=0, answer=answer, reason="ok"
        )

    def _answers(self) -> bool:
        try:
            self.ask("hello")
        except OSError:
            return False
        except Exception as error:
            return "cannot be reached" not in str(error)
        return True


def wait_for(true: Any, what: str, seconds: float = 10.0) -> None:
    """Look again and again until it is so."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not in {seconds} s: {what}"
        time.sleep(0.02)


@pytest.fixture
def wait() -> Any:
    """Wait until something is so."""
    return wait_for


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A home with a serve and the agent `fixer`."""
    one = Fleet()
    try:
        one.start()
        one.ask("enroll", name="fixer", owner="dana")
        yield one
    finally:
        one.stop()
        shutil.rmtree(one.folder, ignore_errors=True)
