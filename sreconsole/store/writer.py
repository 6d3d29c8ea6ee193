"""The one writer: a thread that owns the read-write connection and commits in groups.

Every job runs in a savepoint of its own; all jobs that are waiting when a transaction starts share its one fsync.
A job's future resolves only after that commit, so what was acknowledged is on disk.
"""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sreconsole.store import database, log
from sreconsole.store.event import Event

Result = TypeVar("Result")

RESERVE_BYTES = 2 * 1024 * 1024
"""Kept beside the store and given up when the disk is full, because SQLite then refuses even a DELETE."""

GROUP = 512
"""Jobs in one transaction at most, so that a flood does not delay the first of it."""


class StoreFull(Exception):
    """The disk is full: nothing was written."""


@dataclass(slots=True)
class Tx:
    """What a job works with: the connection, inside a transaction, and the head of the chain."""

    connection: sqlite3.Connection
    head: log.Tip

    def append(self, event: Event) -> int:
        """Append an event to the fleet log in this transaction."""
        return log.append(self.connection, self.head, event)


@dataclass(slots=True)
class _Job:
    work: Callable[[Tx], Any]
    done: Future[Any]
    vital: bool


class Writer:
    """Owns the store's only read-write connection. `do` may be called from any thread."""

    def __init__(self, path: Path, committed: Callable[[int], None] = lambda seq: None) -> None:
        """Open (and migrate) the store; `committed(seq)` is called in the writer's thread after each commit."""
        self.path = path
        self.reserve = path.with_name(path.name + ".reserve")
        self.full = False
        self._committed = committed
        self._connection = database.open_writer(path)
        self._head = log.tip(self._connection)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._keep_reserve()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[Tx], Result], *, vital: bool = False) -> Future[Result]:
        """Run `work` in a transaction. The future holds its result once that is durable, or its exception.

        `vital` jobs (decisions, refusals) may use the reserve of a full disk; all others get StoreFull.
        """
        done: Future[Result] = Future()
        self._jobs.put(_Job(work, done, vital))
        return done

    def close(self) -> None:
        """Finish what waits, checkpoint, and close the store."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            group, last = self._gather()
            if group:
                self._commit(group)
            if last:
                break
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _gather(self) -> tuple[list[_Job], bool]:
        job = self._jobs.get()
        group: list[_Job] = []
        while job is not None:
            group.append(job)
            if len(group) == GROUP or self._jobs.empty():
                return group, False
            job = self._jobs.get()
        return group, True

    def _commit(self, group: list[_Job]) -> None:
        outcomes = self._try(group)
        if outcomes is None:
            vital = [job for job in group if job.vital]
            self._refuse([job for job in group if not job.vital])
            if not vital:
                return
            self.reserve.unlink(missing_ok=True)
            outcomes, group = self._try(vital), vital
            if outcomes is None:
                self._refuse(vital)
                return
        elif self.full or not self.reserve.exists():
            self._keep_reserve()
        self._committed(self._head.seq)
        for job, (result, error) in zip(group, outcomes, strict=True):
            if error is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(error)

    def _try(self, group: list[_Job]) -> list[tuple[Any, BaseException | None]] | None:
        """Run a group in one transaction; None when the disk was full and nothing of it was kept."""
        connection, head = self._connection, self._head
        start = (head.seq, head.hash)
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in group:
                outcomes.append(self._one(job))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            head.seq, head.hash = start
            if _is_full(error):
                self.full = True
                return None
            return [(None, error)] * len(group)
        self.full = False
        return outcomes

    def _one(self, job: _Job) -> tuple[Any, BaseException | None]:
        connection, head = self._connection, self._head
        start = (head.seq, head.hash)
        connection.execute("SAVEPOINT job")
        try:
            result = job.work(Tx(connection, head))
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and _is_full(error):
                raise
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            head.seq, head.hash = start
            return None, error
        connection.execute("RELEASE job")
        return result, None

    def _refuse(self, group: list[_Job]) -> None:
        for job in group:
            job.done.set_exception(StoreFull(f"{self.path.parent}: no space left; nothing was recorded"))

    def _keep_reserve(self) -> None:
        if self.reserve.exists():
            return
        try:
            descriptor = os.open(self.reserve, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            # A disk this full has no room for a reserve either; the next commit tries again.
            self.reserve.unlink(missing_ok=True)
            self.full = True


def _is_full(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or "disk I/O" in str(error)
