"""Scopes whose root is gone (killed, or the host restarted): closed once they are empty, and said so."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

from sreconsole.agents import scope as groups
from sreconsole.agents.processes import Process, every
from sreconsole.serve import peers
from sreconsole.serve.clock import Clock
from sreconsole.store import rows, sessions
from sreconsole.store.event import NOTICE, WARN, Event
from sreconsole.store.sessions import Scope
from sreconsole.store.writer import Tx, Writer

KILLED = 137
"""The exit code recorded for a scope whose root cannot tell: as if SIGKILL had ended it, which is how a root goes."""


class Caretaker:
    """Looks after scopes nobody else can close any more."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer, self._clock = writer, clock
        self._told: set[str] = set()

    async def tidy(self, open_: Sequence[Scope]) -> bool:
        """Close those whose root is gone and that are empty; whether any was closed.

        A control group still names what lives in it, so it stays open, and bars from deciding, until it is empty.
        Without one nothing holds the orphans together any more: the scope is closed, and those that carry its mark
        in their environment are named.
        """
        closed = False
        for scope in open_:
            here = scope.boot == peers.boot()
            if here and peers.alive(scope.pid, scope.started):
                continue
            left = await asyncio.to_thread(_left, scope) if here else []
            if left and scope.kind == "cgroup":
                await self._tell(scope, left)
                continue
            await self._close(scope, left, "its root is gone" if here else "the host was restarted")
            closed = True
        return closed

    async def _tell(self, scope: Scope, left: list[Process]) -> None:
        if scope.id in self._told:
            return
        self._told.add(scope.id)
        words = f"{scope.id}: its root is gone, but alive in it: {_names(left)}"
        await self._append(Event("scope.orphaned", self._clock.now(), "serve", agent=scope.agent, actor="serve", subject=scope.id,
                                 severity=WARN, summary=words, data={"left": [one.pid for one in left]}))  # fmt: skip

    async def _close(self, scope: Scope, left: list[Process], why: str) -> None:
        now = self._clock.now()
        words = f"{scope.id} closed: {why}{f', alive with its mark: {_names(left)}' if left else ''}"
        event = Event("scope.closed", now, "serve", agent=scope.agent, actor="serve", subject=scope.id,
                      severity=WARN if left else NOTICE, summary=words,
                      data={"exit": KILLED, "why": why, "left": [one.pid for one in left]})  # fmt: skip

        if scope.kind == "cgroup":
            await asyncio.to_thread(_remove, scope.cgroup)

        def work(tx: Tx) -> None:
            if any(one.id == scope.id for one in sessions.scopes(tx.connection)):
                sessions.save_scope(tx.connection, rows.changed(scope, closed_at=now, exit=KILLED))
                tx.append(event)

        await asyncio.wrap_future(self._writer.do(work, vital=True))
        self._told.discard(scope.id)

    async def _append(self, event: Event) -> None:
        await asyncio.wrap_future(self._writer.do(lambda tx: tx.append(event)))


def _remove(group: str) -> None:
    """Remove an empty group; one whose last process is still on its way out is busy for a moment."""
    tree = groups.tree()
    for _ in range(20):
        if tree is None or not tree.folder(group).is_dir():
            return
        tree.remove(group)
        time.sleep(0.02)


def _left(scope: Scope) -> list[Process]:
    if scope.kind == "cgroup":
        tree = groups.tree()
        return tree.inside(scope.cgroup) if tree else []
    mark = f"SRECONSOLE_SCOPE={scope.id}".encode()
    return [one for one in every() if one.pid != os.getpid() and mark in _environment(one.pid)]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _names(left: Sequence[Process]) -> str:
    return ", ".join(map(str, left[:20]))
