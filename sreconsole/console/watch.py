"""Following the store: one load at a time, at the pace the link can bear, and the bell for what is new."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable

from sreconsole.console.pace import Pace

TICK = 1.0
"""Seconds between two looks at the clock, and at the store where no notice came."""


class Watch:
    """Runs `load` whenever the store moved; floods collapse into the newest state."""

    def __init__(self, load: Callable[[], Awaitable[None]], cost: Callable[[], int]) -> None:
        """`load()` reads and paints, `cost()` is the count of cells painted so far."""
        self._load, self._cost = load, cost
        self._pace = Pace(time.monotonic())
        self._moved = asyncio.Event()
        self._lock = asyncio.Lock()
        self.problem = ""

    def stir(self) -> None:
        """The store has moved."""
        self._moved.set()

    async def run(self) -> None:
        """Load after every stir, no faster than the pace; runs until it is cancelled."""
        while True:
            await self._moved.wait()
            await asyncio.sleep(self._pace.wait(time.monotonic()))
            self._moved.clear()
            before = self._cost()
            await self.now()
            self._pace.spent(self._cost() - before, time.monotonic())

    async def now(self) -> None:
        """Load at once; what is wrong with the store is kept in `problem`."""
        async with self._lock:
            try:
                await self._load()
                self.problem = ""
            except (sqlite3.Error, FileNotFoundError) as error:
                self.problem = f"the store cannot be read: {error}"


class Bell:
    """Rings once for each question that was not waiting the last time it was asked."""

    def __init__(self) -> None:
        self._known: frozenset[str] | None = None

    def heard(self, waiting: frozenset[str]) -> bool:
        """Whether to ring; never for what waited before the console was opened."""
        fresh = self._known is not None and bool(waiting - self._known)
        self._known = waiting if self._known is None else self._known | waiting
        return fresh
