"""Measures open questions beside the gate: one worker process, read-only, killed when it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sreconsole.gate.escalation import OPEN
from sreconsole.serve.clock import Clock
from sreconsole.store import escalations
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import INFO, Event
from sreconsole.store.writer import Tx, Unwritable, Writer
from sreconsole.text.redact import redact_value
from sreconsole.text.safe import safe

PATIENCE = 1.5
"""Seconds one measurement may take, in a process that is killed then."""

START = 10.0
"""Seconds a worker may take to start."""

BACKLOG = 500
"""Questions that wait for their measurement; more at once are not measured, and say so."""

LINE = 8 * 1024 * 1024

LARGEST_COMMAND = 64 * 1024


class Surveyor:
    """Fills in `escalations.radius` of questions that have just been opened. Never in the gate's way."""

    def __init__(self, writer: Writer, clock: Clock, databases: Callable[[], dict[str, str]]) -> None:
        """`databases()` are the read-only connections an operator has configured for counting rows."""
        self._writer, self._clock, self._databases = writer, clock, databases
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    def begin(self, e: Escalation) -> None:
        """Measure a question soon, if it is one about a tool's call and was not measured yet."""
        if e.kind != "tool" or e.radius or e.state not in OPEN:
            return
        self._waiting.append(
            (e.id, {**question(e), "databases": self._databases()} if len(self._waiting) < BACKLOG else {})
        )
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """End the worker."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._kill()

    async def _work(self) -> None:
        while self._waiting:
            id, asked = self._waiting.popleft()
            try:
                found = await self._measure(asked) if asked else _not("too many questions at once")
            except TimeoutError:
                self._kill()
                found = _not("it took too long")
            except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                self._kill()
                found = _not("the measurement failed")
            # A store that cannot be written leaves the question as it was: not measured.
            with suppress(Unwritable):
                await self._record(id, found)

    async def _measure(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One answer of the worker. Raises TimeoutError, OSError, ValueError, IncompleteReadError."""
        process = await self._started()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            await process.stdin.drain()
            found = json.loads(await process.stdout.readuntil(b"\n"))
        if not isinstance(found, dict):
            raise ValueError("no object")
        return found

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "HOME") if name in os.environ}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sreconsole.policy.radius", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, env=environment, cwd="/", limit=LINE, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout
        async with asyncio.timeout(START):
            if await self._process.stdout.readuntil(b"\n") != b"ready\n":
                raise ValueError("not ready")
        return self._process

    def _kill(self) -> None:
        """End the worker and the git it may have started: they are alone in their session."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None

    async def _record(self, id: str, found: dict[str, Any]) -> None:
        now = self._clock.now()
        clean, _ = redact_value(found)
        clean["words"] = str(safe(clean.get("words", "")))[:1000]
        clean["unmeasured"] = str(safe(clean.get("unmeasured", "")))[:1000]

        def work(tx: Tx) -> None:
            e = escalations.get(tx.connection, id)
            if e is None or e.state not in OPEN or e.radius:
                return
            if escalations.change(tx.connection, e, radius=json.dumps(clean, sort_keys=True)):
                tx.append(Event("escalation.measured", now, "gate", e.session, e.agent, "serve", e.id, e.tier, INFO,
                                f"{e.id}: {clean['words']}", {**clean, "version": e.version}))  # fmt: skip

        await asyncio.wrap_future(self._writer.do(work))


def question(e: Escalation) -> dict[str, Any]:
    """What the worker is told of a question: its effects, its command line, its folder."""
    arguments = json.loads(e.input)
    command = next((arguments[name] for name in ("command", "cmd") if isinstance(arguments.get(name), str)), "")
    effects = json.loads(e.verdict).get("effects") or []
    return {"effects": effects[:2000], "command": command[:LARGEST_COMMAND], "cwd": e.cwd}


def _not(why: str) -> dict[str, Any]:
    return {"words": f"not measurable: {why}", "unmeasured": why, "undo": ""}
