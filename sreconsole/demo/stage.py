"""Where the night is played: a home that is thrown away, its serve, and one client process a session."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sreconsole import paths
from sreconsole.agents.scope import PR_SET_PDEATHSIG, prctl
from sreconsole.demo import story
from sreconsole.demo.story import Agent, Beat
from sreconsole.gate.wiring import EVENTS, Wire
from sreconsole.serve.client import Line, Refused, ServeDown

HERE = Path(__file__).parent
START = 15.0
"""Seconds serve may take to answer."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a call: whether the tool ran, and what the client was told."""

    ran: bool
    reason: str


class Client:
    """One session: a process of its own that plays the agent's client and runs the hooks."""

    def __init__(self, agent: Agent, folder: Path, commands: Mapping[str, str]) -> None:
        """Start it and its session."""
        self.agent, self.session = agent, f"demo-{agent.name}"
        self._project, self._n = folder / agent.project, 0
        self._volume = folder / story.VOLUME
        self._one = threading.Lock()
        python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
        self._process = subprocess.Popen(
            [python, "-I", "-S", str(HERE / "client.py"), json.dumps(dict(commands))], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=self._project, start_new_session=True,
        )  # fmt: skip
        self._ask("SessionStart", {"source": "startup"})
        self._ask("UserPromptSubmit", {"prompt": agent.prompt})

    def call(self, beat: Beat) -> Future[Played]:
        """Start a tool call; its end comes when the gate, or a human, has answered."""
        self._n += 1
        payload = {
            "tool_name": beat.tool,
            "tool_input": self._placed(beat.input),
            "tool_use_id": f"toolu_{self.session}_{self._n}",
        }
        end: Future[Played] = Future()

        def wait() -> None:
            try:
                end.set_result(self._ask("PreToolUse", payload, str(self._volume) if beat.deletes else ""))
            except (OSError, ValueError) as gone:
                end.set_exception(gone)

        threading.Thread(target=wait, daemon=True).start()
        return end

    def finish(self) -> None:
        """The session's own end."""
        self._ask("SessionEnd", {"reason": "other"})

    def kill(self) -> None:
        """End the client with whatever hook still waits in it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _ask(self, event: str, payload: Mapping[str, Any], deletes: str = "") -> Played:
        common = {"hook_event_name": event, "session_id": self.session, "cwd": str(self._project),
                  "transcript_path": str(self._project / "transcript.jsonl"), "permission_mode": "bypassPermissions"}  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._one:
            self._process.stdin.write(
                json.dumps({"event": event, "payload": {**common, **payload}, "deletes": deletes}) + "\n"
            )
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        return Played(bool(answer["ran"]), str(answer["reason"]))

    def _placed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with their paths in this project, absolute as the client sends them."""
        return {
            name: str(self._project / value) if name in ("file_path", "path") else value
            for name, value in given.items()
        }


class Stage:
    """The home, its serve and its clients; a context manager that leaves nothing behind."""

    def __init__(self, wait: float) -> None:
        """`wait` is how many seconds the question nobody answers may wait. Makes the home; starts nothing."""
        self.folder = Path(tempfile.mkdtemp(prefix="sre-demo-", dir=_short()))
        self.home = paths.at(self.folder / "home")
        self.clients: dict[str, Client] = {}
        self._serve: subprocess.Popen[bytes] | None = None
        self.home.config.mkdir()
        self.home.policy.write_text(story.POLICY.format(wait=f"{wait:g}"))
        (self.folder / story.VOLUME).write_text("the production volume\n")
        for agent in story.AGENTS:
            _project(self.folder / agent.project)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A second Ctrl-C must not stop the cleaning up; only the main thread may say so, and only it gets one.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        for client in self.clients.values():
            client.kill()
        if self._serve is not None:
            self._serve.terminate()
            try:
                self._serve.wait(10)
            except subprocess.TimeoutExpired:
                self._serve.kill()
                self._serve.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @property
    def volume_stands(self) -> bool:
        """Whether the production volume has survived so far."""
        return (self.folder / story.VOLUME).exists()

    def open(self) -> str:
        """Start serve and enroll the agents; why decisions are refused here ("" if they are not). Raises ServeDown."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SRECONSOLE_")}
        root = str(HERE.parent.parent)
        known = os.pathsep.join(one for one in (root, kept.get("PYTHONPATH", "")) if one)
        log = self.folder / "serve.log"
        with log.open("wb") as sink:
            self._serve = subprocess.Popen(
                [sys.executable, "-m", "sreconsole", "serve"], stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd="/",
                env={**kept, "PYTHONPATH": known, "SRECONSOLE_HOME": str(self.home.config)}, start_new_session=True,
                preexec_fn=_end_with_us,  # noqa: PLW1509 - no thread has been started yet
            )  # fmt: skip
        until = time.monotonic() + START
        while True:
            try:
                hello = self.ask("hello")
                break
            except ServeDown as down:
                if self._serve.poll() is not None or time.monotonic() > until:
                    last = log.read_text(errors="replace").strip().splitlines()[-1:]
                    raise ServeDown(f"the demo's serve did not start: {last[0] if last else down}") from down
                time.sleep(0.02)
        if not hello["can_decide"]:
            return str(hello["why_not"])
        for agent in story.AGENTS:
            rules = [{"folder": str(self.folder / agent.project)}]
            self.ask("enroll", name=agent.name, owner=agent.owner, role="coder", rules=rules)
        return ""

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """One request at the demo's own desk. Raises Refused and ServeDown."""
        with Line(self.home) as line:
            return line.ask(do, **words)

    def start_clients(self, agents: Iterable[Agent] = story.AGENTS) -> None:
        """Begin the sessions."""
        hook = self.home.hooks / "sreconsole-hook-1.py"
        self.home.hooks.mkdir(exist_ok=True)
        shutil.copy(HERE.parent / "hook.py", hook)
        wire = Wire(Path(sys.executable), hook, self.home.hook_socket, os.getuid())
        commands = {event: wire.command("claude-code", event) for event in EVENTS}
        for agent in agents:
            self.clients[agent.name] = Client(agent, self.folder, commands)

    def decide(self, id: str, do: str, look: Any, **words: Any) -> dict[str, Any]:
        """Decide a question as it stands now; looked at again if it has only moved meanwhile. Raises Refused."""
        for left in (4, 3, 2, 1, 0):
            e = look(id)
            try:
                return self.ask(do, escalation=id, version=e.version, digest=e.digest, **words)
            except Refused as refused:
                if not left or refused.reply.get("late", True):
                    raise
        raise AssertionError("unreachable")


def _end_with_us() -> None:
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _short() -> str:
    """A folder for a home whose sockets' names stay within 100 bytes."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= 40 else "/tmp"


def _project(folder: Path) -> None:
    """A project as the gate looks at it: on its main branch."""
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / ".git" / "config").write_text(f'[remote "origin"]\n\turl = git@git.example.org:acme/{folder.name}.git\n')
    (folder / "src").mkdir()
    (folder / "src" / "invoice.py").write_text("def total(x):\n    return round(x, 2)\n")
    (folder / ".env").write_text("RAILWAY_TOKEN=staging\n")
