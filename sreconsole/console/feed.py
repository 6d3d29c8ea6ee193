"""What reaches the screen: notices from `serve`, and rows read from the store in a thread of their own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sreconsole.paths import Home
from sreconsole.serve.client import Feed, Refused, ServeDown, ensure
from sreconsole.store import database
from sreconsole.store.schema import NewerSchema

Result = TypeVar("Result")

PATIENCE = 10.0
"""Seconds an answer may take before it counts as lost."""

UNREADABLE = (sqlite3.Error, FileNotFoundError, NewerSchema)
"""What reading the store may raise; the banner says it."""

RETRY = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries to reach `serve` again; the last one repeats."""


class Reader:
    """A read-only connection in its own thread, so that a slow disk never blocks a key."""

    def __init__(self, path: Path, *, copied: bool = False) -> None:
        self.path, self._copied = path, copied
        self._pool = ThreadPoolExecutor(1, "reader")
        self._connection: sqlite3.Connection | None = None
        self._version = -1

    async def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a query in the reader's thread. Raises FileNotFoundError, schema.NewerSchema and sqlite3.Error."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, query)

    async def moved(self) -> bool:
        """Whether another connection has committed since the last time this was asked."""
        before, self._version = self._version, await self.read(_data_version)
        return before != self._version

    def close(self) -> None:
        """Close the connection; what runs is finished first."""
        self._pool.submit(self._close)
        self._pool.shutdown(wait=True)

    def _run(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        if self._connection is None:
            self._connection = database.open_reader(self.path, copied=self._copied)
        return query(self._connection)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


class Wire:
    """The line to `serve`: kept up, with words for what is wrong while it is down."""

    def __init__(self, home: Home, changed: Callable[[], None], turned: Callable[[], None], *, start: bool) -> None:
        """`changed()` when the store moved, `turned()` when the line came up or went down; both in the loop."""
        self._home, self._changed, self._turned, self._start = home, changed, turned, start
        self._feed: Feed | None = None
        self._again = asyncio.Event()
        self.hello: dict[str, Any] = {}
        self.why_down = "not connected yet"
        self.up = False

    async def keep(self) -> None:
        """Connect, and again whenever the line is lost; runs until it is cancelled."""
        tries = 0
        while True:
            if await self._connect():
                tries = 0
                self._again.clear()
                self._turned()
                await self._again.wait()
                self._turned()
            elif tries == 0:
                self._turned()
            await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
            tries += 1

    async def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Send one act to `serve`. Raises Refused and ServeDown, both with one line for the reader."""
        if self._feed is None or not self.up:
            raise ServeDown("serve is down; nothing was sent")
        try:
            return await asyncio.wait_for(self._feed.ask(do, **words), PATIENCE)
        except TimeoutError as error:
            raise ServeDown(f"serve has not answered for {PATIENCE:.0f} s; whether it was done is unknown") from error

    async def close(self) -> None:
        """Hang up."""
        if self._feed is not None:
            await self._feed.close()

    async def _connect(self) -> bool:
        feed = Feed(self._home, lambda seq: self._changed(), self._lost)
        try:
            if self._start:
                # Only once: somebody who stops serve later means it.
                self._start = False
                await asyncio.get_running_loop().run_in_executor(None, ensure, self._home)
            self.hello = await asyncio.wait_for(feed.connect(), PATIENCE)
        except (ServeDown, Refused) as error:
            self.why_down = str(error)
        except TimeoutError:
            self.why_down = "serve took the connection and did not answer"
        except (ImportError, OSError) as error:
            self.why_down = f"serve could not be started: {error}"
        else:
            self._feed, self.up = feed, True
            return True
        await feed.close()
        return False

    def _lost(self) -> None:
        if self.up:
            self.up = False
            self.why_down = "serve hung up"
            self._again.set()
