"""The supervised workers that judge: restarted when they die, never given the same poison three times."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 5.0
"""Seconds a worker may take for one call; a stuck one is killed as if it had crashed."""

LINE = 64 * 1024 * 1024


class Poison(Exception):
    """This payload has killed two workers; it is refused and never parsed again."""


class PolicyBroken(Exception):
    """The policy could not be loaded; `problems` says why, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(slots=True)
class _Request:
    header: dict[str, Any]
    raw: bytes
    answered: asyncio.Future[dict[str, Any]]
    sha: str
    since: float = 0.0


class _Worker:
    """One worker process and the requests it has in hand, first in first out."""

    def __init__(self, lost: Callable[[_Worker, list[_Request]], None]) -> None:
        self.in_hand: deque[_Request] = deque()
        self.gone = False
        self._lost = lost
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "HOME") if name in os.environ}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sreconsole.serve.judge", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, env=environment, limit=LINE, start_new_session=True,
        )  # fmt: skip
        self._task = asyncio.create_task(self._read())

    def send(self, request: _Request) -> None:
        assert self._process and self._process.stdin
        request.since = asyncio.get_running_loop().time()
        self.in_hand.append(request)
        header = json.dumps({**request.header, "size": len(request.raw)}).encode()
        self._process.stdin.write(header + b"\n" + request.raw)

    def stuck(self, now: float) -> bool:
        return bool(self.in_hand) and now - self.in_hand[0].since > PATIENCE

    def kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
        self.kill()
        if self._process:
            await self._process.wait()

    async def _read(self) -> None:
        assert self._process and self._process.stdout
        try:
            while line := await self._process.stdout.readline():
                request = self.in_hand.popleft()
                if self.in_hand:
                    self.in_hand[0].since = asyncio.get_running_loop().time()
                if not request.answered.done():
                    request.answered.set_result(json.loads(line))
        except (ValueError, IndexError, OSError):
            # A worker that talks nonsense is as good as dead.
            self.kill()
        await self._process.wait()
        self.gone = True
        left, self.in_hand = list(self.in_hand), deque()
        self._lost(self, left)


class Judges:
    """A pool of workers under one policy."""

    def __init__(self, count: int, guarded: list[str], crashed: Callable[[str, int], None], key: bytes = b"") -> None:
        """`guarded` are the gate's own folders, `key` the home's for fingerprints of secrets; `crashed(sha, times)` is
        told of each payload that was in a worker's hand when it died."""
        self._guarded, self._key = guarded, key
        self.version = ""
        self.problems: list[str] = []
        self._count = count
        self._crashed = crashed
        self._workers: list[_Worker] = []
        self.paths: list[str] = []
        self._strikes: dict[str, int] = {}
        self._backlog: deque[_Request] = deque()
        self._watch: asyncio.Task[None] | None = None
        self._restarts: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self, paths: list[str] | None) -> None:
        """Start the workers and load the policy; a broken one leaves them refusing everything, with `problems` set.

        None is no policy at all: they refuse everything until one is loaded.
        """
        self.paths = paths or []
        for _ in range(self._count):
            worker = _Worker(self._lost)
            await worker.start()
            self._workers.append(worker)
        self._watch = asyncio.create_task(self._supervise())
        if paths is None:
            return
        try:
            await self.load(paths)
        except PolicyBroken as broken:
            self.problems = broken.problems

    async def close(self) -> None:
        """End the workers."""
        self._closing = True
        if self._watch:
            self._watch.cancel()
        for worker in self._workers:
            await worker.close()

    async def load(self, paths: list[str]) -> str:
        """Have every worker load the policy and return its version; raises PolicyBroken and keeps the good one."""
        told: dict[_Worker, dict[str, Any]] = {}
        # Workers may die and be replaced meanwhile: none may be left out.
        while left := [worker for worker in self._workers if worker not in told]:
            replies = await asyncio.gather(*(self._to(worker, self._policy(paths)) for worker in left))
            told.update(zip(left, replies, strict=True))
        problems = next((reply["problems"] for reply in told.values() if not reply["ok"]), None)
        versions = {reply["version"] for reply in told.values() if reply["ok"]}
        if problems is None and len(versions) != 1:
            problems = ["the policy changed while it was being read; it is read again at the next change"]
        if problems is not None:
            for worker in [one for one, reply in told.items() if reply["ok"] and one in self._workers]:
                await self._to(worker, self._policy(self.paths))
            raise PolicyBroken(problems)
        self.paths, self.problems = paths, []
        self.version = versions.pop()
        return self.version

    async def moved(self, paths: list[str]) -> None:
        """The files of the policy in force stand elsewhere now: where a new day finds them again."""
        self.paths = paths
        for worker in list(self._workers):
            await self._to(worker, {"do": "paths", "paths": paths})

    async def call(
        self, client: str, event: str, raw: bytes, home: str, remembered: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """What a worker makes of a hook's bytes; `home` is the folder of the agent's user, `remembered` scripts as the
        session wrote them, by path. Raises Poison."""
        header = {"do": "call", "client": client, "event": event, "home": home}
        return await self._ask({**header, "remembered": remembered} if remembered else header, raw)

    async def again(
        self, client: str, tool: str, arguments: dict[str, Any], cwd: str, home: str = ""
    ) -> dict[str, Any]:
        """The verdict of a stored or edited action under the policy of now. Raises Poison."""
        action = {"client": client, "tool": tool, "input": arguments, "cwd": cwd, "home": home}
        return await self._ask({"do": "again", **action}, b"")

    async def _ask(self, header: dict[str, Any], raw: bytes) -> dict[str, Any]:
        sha = hashlib.sha256(raw or json.dumps(header).encode()).hexdigest()
        while True:
            if self._strikes.get(sha, 0) >= 2:
                raise Poison(sha)
            request = _Request(header, raw, asyncio.get_running_loop().create_future(), sha)
            if self._workers:
                min(self._workers, key=lambda worker: len(worker.in_hand)).send(request)
            else:
                self._backlog.append(request)
            try:
                return await request.answered
            except ConnectionResetError:
                continue

    async def _to(self, worker: _Worker, header: dict[str, Any]) -> dict[str, Any]:
        request = _Request(header, b"", asyncio.get_running_loop().create_future(), "")
        worker.send(request)
        try:
            return await request.answered
        except ConnectionResetError:
            return {"ok": False, "problems": ["a worker died while it read the policy"]}

    def _policy(self, paths: list[str]) -> dict[str, Any]:
        return {"do": "policy", "paths": paths, "guarded": self._guarded, "key": self._key.hex()}

    def _lost(self, worker: _Worker, left: list[_Request]) -> None:
        if self._closing:
            return
        if worker in self._workers:
            self._workers.remove(worker)
        if left and left[0].sha:
            first = left[0].sha
            self._strikes[first] = self._strikes.get(first, 0) + 1
            self._crashed(first, self._strikes[first])
        restart = asyncio.create_task(self._restart())
        self._restarts.add(restart)
        restart.add_done_callback(self._restarts.discard)
        for request in left:
            if not request.answered.done():
                request.answered.set_exception(ConnectionResetError())

    async def _restart(self) -> None:
        worker = _Worker(self._lost)
        await worker.start()
        asked_for = None
        while self.version and asked_for != self.version:
            # Again where another policy came into force meanwhile: all judge by the same one.
            asked_for = self.version
            reply = await self._to(worker, self._policy(self.paths))
            if worker.gone:
                return
            if self.version == asked_for and (not reply["ok"] or reply["version"] != asked_for):
                # The file has changed since it was last loaded everywhere; all move together or none.
                self.version = ""
        if worker.gone:
            return
        self._workers.append(worker)
        while self._backlog:
            worker.send(self._backlog.popleft())

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            now = asyncio.get_running_loop().time()
            for worker in list(self._workers):
                if worker.stuck(now):
                    worker.kill()
