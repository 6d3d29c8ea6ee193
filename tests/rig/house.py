"""A fleet of one's own for a test: a home, its `serve`, hooks that call it, and a desk that decides."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sreconsole import paths
from sreconsole.serve.client import Line, ServeDown
from sreconsole.store import database, escalations, log
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import Entry

ROOT = Path(__file__).parent.parent.parent
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
CLIENT = [PYTHON, "-I", "-S", str(ROOT / "tests/rig/client.py")]
Found = TypeVar("Found")

POLICY = """
version: 1
rules:
  - {id: t.ask, tier: 3, match: {tool: Bash, command: ["touch"]}, why: "writes a file"}
  - {id: t.push, tier: 3, match: {tool: Bash, command: ["git push"]}, why: "leaves the machine", wait: 2s}
  - {id: t.later, tier: 3, match: {tool: Bash, command: ["make deploy"]}, why: "deploys", wait: 2s, then: defer}
  - {id: t.never, tier: 4, match: {tool: Bash, command: ["mkfs"]}, why: "formats a disk", instead: "ask a human"}
"""


class House:
    """A home in a short temporary folder (unix sockets have short names) with helpers around it."""

    def __init__(self, policy: str = POLICY, config: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sc-", dir="/tmp"))
        self.home = paths.at(self.folder / "h")
        self.home.config.mkdir()
        self.home.policy.write_text(policy)
        if config:
            self.home.settings.write_text(config)
        self.project = self.folder / "project"
        self.project.mkdir()
        self.serve: subprocess.Popen[bytes] | None = None
        self._calls = 0
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, pointed at this home."""
        marks = ("CLAUDECODE", "CLAUDE_CODE_SESSION_ID")
        kept = {name: value for name, value in os.environ.items() if name not in marks}
        return {**kept, "SRECONSOLE_HOME": str(self.home.config), "PYTHONPATH": str(ROOT)}

    def start(self) -> House:
        """Start `serve` and wait until it answers."""
        log = open(self.folder / "serve.log", "ab")
        self.serve = subprocess.Popen(
            [sys.executable, "-m", "sreconsole", "serve"], env=self.environment, stdout=log, stderr=log, cwd="/"
        )
        wait_for(lambda: self._answers(), 15, "serve did not start")
        return self

    def kill(self) -> None:
        """kill -9 `serve`."""
        assert self.serve
        self.serve.send_signal(signal.SIGKILL)
        self.serve.wait()

    def stop(self) -> None:
        """End `serve` in order."""
        if self.serve and self.serve.poll() is None:
            self.serve.terminate()
            self.serve.wait(15)

    def close(self) -> None:
        """End everything and remove the home."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def hook(
        self,
        payload: dict[str, Any] | bytes,
        event: str = "PreToolUse",
        seconds: float = 100,
        client: str = "claude-code",
    ) -> subprocess.Popen[bytes]:
        """Start a hook under a client of its own; its answer comes by `answer`."""
        command = [PYTHON, "-I", "-S", str(ROOT / "sreconsole/hook.py"), str(self.home.hook_socket), str(os.getuid())]
        environment = {**self.environment, "CLAUDE_CODE_SESSION_ATTENDED": "0"}
        process = subprocess.Popen(
            [*CLIENT, *command, client, event, str(seconds)], env=environment, cwd=self.project,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._started.append(process)
        assert process.stdin
        process.stdin.write(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def bash(self, command: str, session: str = "s-1", **more: Any) -> dict[str, Any]:
        """The payload of a Bash call."""
        self._calls += 1
        return {
            "session_id": session, "transcript_path": str(self.folder / "t.jsonl"), "cwd": str(self.project),
            "permission_mode": "bypassPermissions", "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": command}, "tool_use_id": f"toolu_{self._calls}", **more,
        }  # fmt: skip

    def waiting(self, count: int = 1, timeout: float = 15) -> list[Escalation]:
        """The open questions, once there are `count`."""
        return wait_for(lambda: found if len(found := self.read(escalations.waiting)) >= count else None, timeout,
                        f"{count} open questions")  # fmt: skip

    def became(self, id: str, state: str, timeout: float = 15) -> Escalation:
        """The escalation, once it has this state."""

        def look() -> Escalation | None:
            found = self.read(lambda c: escalations.get(c, id))
            return found if found and found.state == state else None

        return wait_for(look, timeout, f"{id} to be {state}, it is {self.read(lambda c: escalations.get(c, id))}")

    def events(self, kind: str = "") -> list[Entry]:
        """The fleet log, oldest first."""
        return self.read(lambda c: log.after(c, 0, log.Filter(kind=kind), 100_000))

    def read(self, look: Callable[[Any], Found]) -> Found:
        """One look into the store."""
        connection = database.open_reader(self.home.store)
        try:
            return look(connection)
        finally:
            connection.close()

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """One request of an operator."""
        with Line(self.home) as line:
            return line.ask(do, **words)

    def decide(self, do: str, e: Escalation, **words: Any) -> dict[str, Any]:
        """Approve or deny what was seen."""
        extra = {"hold": 0, **words} if do == "approve" else words
        return self.ask(do, escalation=e.id, version=e.version, digest=e.digest, **extra)

    def _answers(self) -> bool:
        assert self.serve
        assert self.serve.poll() is None, (self.folder / "serve.log").read_text()
        try:
            self.ask("hello")
        except ServeDown:
            return False
        return True


def answer(process: subprocess.Popen[bytes], timeout: float = 30) -> tuple[str, str]:
    """What a hook said: (decision, reason); decision is "none" for no opinion, "exit 2" for a plain refusal."""
    out, err = process.communicate(timeout=timeout)
    if process.returncode == 2:
        return "exit 2", err.decode()
    assert process.returncode == 0, (process.returncode, err)
    if not out.strip():
        return "none", ""
    said = json.loads(out)["hookSpecificOutput"]
    return said["permissionDecision"], said.get("permissionDecisionReason", "")


def wait_for(look: Callable[[], Found | None], timeout: float, what: str) -> Found:
    """The first true thing `look` finds, or an assertion that names what was waited for."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout:.0f} s for {what}")
