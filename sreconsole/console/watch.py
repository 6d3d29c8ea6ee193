"""Following the store: one load at a time, at the pace the link can bear, and the bell for what is new."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from sreconsole.console.feed import UNREADABLE
from sreconsole.console.pace import FRAME, Pace

TICK = 1.0
"""Seconds between two looks at the clock, and at the store where no notice came."""


class Watch:
    """Loads whenever the store moved, and repaints as the pace allows; floods collapse into the newest state."""

    def __init__(
        self, load: Callable[[], Awaitable[None]], paint: Callable[[bool], None], cost: Callable[[], int]
    ) -> None:
        """`load()` reads, `paint(everything)` shows it (else only the bars), `cost()` counts bytes painted so far."""
        self._load, self._paint, self._cost = load, paint, cost
        self._pace = Pace(time.monotonic())
        self._moved = asyncio.Event()
        self._lock = asyncio.Lock()
        self._behind = False
        self.problem = ""

    def stir(self) -> None:
        """The store has moved."""
        self._moved.set()

    def tick(self) -> None:
        """A second has passed: show the time that did, and what was held back."""
        self._show()

    async def run(self) -> None:
        """Load after every stir; runs until it is cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), TICK if self._behind else None)
            if self._moved.is_set():
                self._moved.clear()
                await self.load()
            self._show()
            await asyncio.sleep(FRAME)

    async def now(self) -> None:
        """Load and paint at once, because a key asked for it."""
        await self.load()
        self._paint(True)

    async def load(self) -> None:
        """Read; what is wrong with the store is kept in `problem`."""
        async with self._lock:
            try:
                await self._load()
                self.problem = ""
            except UNREADABLE as error:
                self.problem = f"the store cannot be read: {error}"

    def _show(self) -> None:
        now = time.monotonic()
        self._behind = self._pace.wait(now) > 0
        before = self._cost()
        self._paint(not self._behind)
        self._pace.spent(self._cost() - before, now)


class Bell:
    """Rings once for each question that was not waiting the last time it was asked."""

    def __init__(self) -> None:
        self._known: frozenset[str] | None = None

    def heard(self, waiting: frozenset[str]) -> bool:
        """Whether to ring; never for what waited before the console was opened."""
        fresh = self._known is not None and bool(waiting - self._known)
        self._known = waiting if self._known is None else self._known | waiting
        return fresh
