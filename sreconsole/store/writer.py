"""The one writer: a thread that owns the read-write connection and commits in groups.

Every job runs in a savepoint of its own; all jobs that are waiting when a transaction starts share its one fsync.
A job's future resolves only after that commit, so what was acknowledged is on disk.
"""

from __future__ import annotations

import os
import queue
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sreconsole.store import database, log
from sreconsole.store.event import Event

Result = TypeVar("Result")

Identity = tuple[int, int]
"""Device and inode of a file."""

RESERVE_BYTES = 2 * 1024 * 1024
"""Kept beside the store and given up when the disk is full, because SQLite then refuses even a DELETE."""

GROUP = 512
"""Jobs in one transaction at most, so that a flood does not delay the first of it."""

FOLD, FOLD_BUSY = 100, 2000
"""Pages in the write-ahead log, roughly, until it is checkpointed: when nothing waits, and in any case (8 MB)."""

LULL = 0.05
"""Seconds without a job after which nobody is taken to wait."""

MERGE, MERGES, MERGE_BUSY = 16, 32, 256
"""Pages of the full-text index merged then: in one step and in how many steps when nothing waits, else in one."""

NO_ROOM = frozenset((sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE))
"""What SQLite says when a disk, a quota (EDQUOT) or a size limit (EFBIG) is at its end."""


class Unwritable(Exception):
    """The store could not be written: nothing was recorded, and the message says why."""


class StoreFull(Unwritable):
    """The disk is full: nothing was written."""


class StoreBusy(Unwritable):
    """Another program holds the store's lock."""


class StoreLost(Unwritable):
    """The file that is open is not the store any more: removed, or replaced by another."""


@dataclass(slots=True)
class Tx:
    """What a job works with: the connection, inside a transaction, and the head of the chain.

    The transaction is the writer's: a job neither commits nor rolls back.
    """

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


Outcome = tuple[Any, BaseException | None]


class Writer:
    """Owns the store's only read-write connection. `do` may be called from any thread."""

    def __init__(self, path: Path, committed: Callable[[int], None] = lambda seq: None) -> None:
        """Open (and migrate) the store; `committed(seq)` is called in the writer's thread after each commit that
        changed something.
        """
        self.path = path
        self.reserve = path.with_name(path.name + ".reserve")
        self.full = False
        self._committed = committed
        self._connection = database.open_writer(path)
        # Checkpoints are this class's own doing: SQLite would make them within a commit somebody waits for.
        self._connection.execute("PRAGMA wal_autocheckpoint=0")
        self._head = log.tip(self._connection)
        self._seen = self._foreign_writes()
        # SQLite puts its log beside the file a symbolic link leads to.
        self._log = Path(f"{path.resolve()}-wal")
        self._files = self._on_disk()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._unfolded = 0
        self.full = not self._keep_reserve()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[Tx], Result], *, vital: bool = False) -> Future[Result]:
        """Run `work` in a transaction. The future holds its result once that is durable, or its exception.

        `vital` jobs (decisions, refusals) may use the reserve of a full disk; all others get StoreFull if they write.
        On a full disk `work` may run again, after all it wrote was rolled back. A future cancelled while it waits is
        not run. Besides what `work` raises: StoreFull, StoreBusy, StoreLost and Unwritable: nothing was recorded.
        """
        done: Future[Result] = Future()
        self._jobs.put(_Job(work, done, vital))
        if self._closed:
            self._turn_away()
        return done

    def close(self) -> None:
        """Finish what waits, checkpoint, and close the store."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            group, last = self._gather()
            if not group:
                continue
            try:
                self._commit(group)
                if self._unfolded >= FOLD_BUSY:
                    self._fold(idle=False)
            except BaseException as error:  # noqa: BLE001 - this thread outlives any fault and leaves nobody waiting
                fault = f"{type(error).__name__}: {error}"
                _fail(group, Unwritable(f"{self.path}: {fault}; nothing is known to be recorded"))
        self._closed = True
        self._turn_away()
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            # What was acknowledged is in the log beside the store, and is found there at the next start.
            print(f"{self.path}: not checkpointed: {error}", file=sys.stderr)
        self._connection.close()

    def _gather(self) -> tuple[list[_Job], bool]:
        try:
            job = self._jobs.get(timeout=LULL if self._unfolded >= FOLD else None)
        except queue.Empty:
            self._fold(idle=True)
            return [], False
        group: list[_Job] = []
        while job is not None:
            # From here on it cannot be cancelled, so that its future surely takes a result.
            if job.done.set_running_or_notify_cancel():
                group.append(job)
            if len(group) == GROUP or self._jobs.empty():
                return group, False
            job = self._jobs.get()
        return group, True

    def _turn_away(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None and job.done.set_running_or_notify_cancel():
                job.done.set_exception(Unwritable(f"{self.path}: the store is closed; nothing was recorded"))

    def _commit(self, group: list[_Job]) -> None:
        if lost := self._lost():
            _fail(group, lost)
            return
        changes = self._connection.total_changes
        if self.full or not self.reserve.exists():
            # The reserve is for decisions: until it can be put back, nothing else may eat what space there is.
            self.full = not self._keep_reserve()
        outcomes = None if self.full else self._try(group)
        if outcomes is None:
            self.full = True
            group, outcomes = self._on_full_disk(group)
        # Asked again before anything is acknowledged: a commit into an unlinked file is none.
        if lost := self._lost():
            _fail(group, lost)
            return
        self._resolve(group, outcomes, changes)
        if changed := self._connection.total_changes - changes:
            # Pages that every commit touches, and those its rows fill.
            self._unfolded += 10 + changed // 5

    def _on_full_disk(self, group: list[_Job]) -> tuple[list[_Job], list[Outcome]]:
        """What only reads is answered, what is vital is kept if need be by giving up the reserve, the rest is refused."""
        rest = [job for job in group if not job.vital]
        vital = [job for job in group if job.vital]
        # Rolled back, not committed: even what was undone by savepoint would be written to the log.
        read = self._try(rest, keep=False) or [(None, self._no_room())] * len(rest)
        if not vital:
            return rest, read
        outcomes = self._try(vital)
        if outcomes is None:
            self._fold(idle=False)
            outcomes = self._try(vital)
        if outcomes is None:
            self.reserve.unlink(missing_ok=True)
            outcomes = self._try(vital) or [(None, self._no_room())] * len(vital)
        return [*rest, *vital], [*read, *outcomes]

    def _fold(self, *, idle: bool) -> None:
        """Tidy up when nobody waits: SQLite would do it within a commit that somebody waits for."""
        self._unfolded = 0
        pages, steps = (MERGE, MERGES) if idle else (MERGE_BUSY, 1)
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            for _ in range(0 if self.full else steps):
                changes = self._connection.total_changes
                self._connection.execute("INSERT INTO events_fts(events_fts, rank) VALUES ('merge', ?)", (pages,))
                # Fewer than two changes: nothing is left to merge (sqlite.org/fts5.html#the_merge_command).
                if self._connection.total_changes - changes < 2 or not self._jobs.empty():
                    return
        except sqlite3.Error as error:
            # Nothing is lost by leaving it for later, and the next job will say what is wrong to whoever waits.
            if not self.full:
                print(f"{self.path}: not tidied up: {error}", file=sys.stderr)

    def _resolve(self, group: list[_Job], outcomes: list[Outcome], changes: int) -> None:
        for job, (result, error) in zip(group, outcomes, strict=True):
            if error is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(error)
        if self._connection.total_changes != changes:
            try:
                self._committed(self._head.seq)
            except Exception as error:  # noqa: BLE001 - a listener's fault must not end the writer
                print(f"writer: whoever listens for commits failed: {error!r}", file=sys.stderr)

    def _try(self, group: list[_Job], *, keep: bool = True) -> list[Outcome] | None:
        """Run a group in one transaction; None when there was no room and nothing of it was kept."""
        connection, head = self._connection, self._head
        start = (head.seq, head.hash)
        outcomes: list[Outcome] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._follow_foreign_writes()
            start = (head.seq, head.hash)
            for job in group:
                outcomes.append(self._one(job))
            connection.execute("COMMIT" if keep else "ROLLBACK")
        except BaseException as error:
            head.seq, head.hash = start
            head.words.clear()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if not isinstance(error, sqlite3.Error):
                raise
            return None if _code(error) in NO_ROOM else [(None, self._reason(error))] * len(group)
        return outcomes

    def _one(self, job: _Job) -> Outcome:
        connection, head = self._connection, self._head
        start, changes = (head.seq, head.hash), connection.total_changes
        connection.execute("SAVEPOINT job")
        try:
            result = job.work(Tx(connection, head))
            if self.full and not job.vital and connection.total_changes != changes:
                raise self._no_room()
        except BaseException as error:
            # Whatever a job raises is its caller's, not the writer's.
            if isinstance(error, sqlite3.Error) and _code(error) in NO_ROOM:
                raise
            # Where SQLite has rolled all back by itself this fails, and with it the whole group.
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            head.seq, head.hash = start
            head.words.clear()
            return None, error
        connection.execute("RELEASE job")
        return result, None

    def _no_room(self) -> StoreFull:
        return StoreFull(f"{self.path.parent}: no space left; nothing was recorded")

    def _reason(self, error: sqlite3.Error) -> Unwritable:
        """What went wrong with a whole group, in a line that names the file and what to look at."""
        primary = _code(error) & 0xFF
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreBusy(f"{self.path}: another program holds its lock ({error}); only `serve` may write to it")
        if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
            return Unwritable(f"{self.path}: cannot be written ({error}); look at its rights and its disk's mount")
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return Unwritable(f"{self.path}: is damaged ({error}); stop serve, keep the file, restore a backup")
        if primary == sqlite3.SQLITE_IOERR:
            return Unwritable(f"{self.path}: its disk fails ({error}); look at the kernel's log")
        return Unwritable(f"{self.path}: {error}; nothing was recorded")

    def _foreign_writes(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _follow_foreign_writes(self) -> None:
        """Somebody else wrote to the store (they should not): go on from the head they left, or no append would fit."""
        if (seen := self._foreign_writes()) != self._seen:
            self._seen = seen
            tip = log.tip(self._connection)
            self._head.seq, self._head.hash = tip.seq, tip.hash
            self._head.words.clear()

    def _on_disk(self) -> tuple[Identity | None, Identity | None]:
        return _identity(self.path), _identity(self._log)

    def _lost(self) -> StoreLost | None:
        """Whether the names on disk still lead to the files that are open; two system calls."""
        if self._on_disk() == self._files:
            return None
        return StoreLost(
            f"{self.path}: it, or its -wal file, was removed or replaced while serve ran; "
            "nothing is recorded any more: put the file back, or restart serve"
        )

    def _keep_reserve(self) -> bool:
        """Make the reserve unless it is there; whether it is there now."""
        if self.reserve.exists():
            return True
        try:
            descriptor = os.open(self.reserve, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            # A disk this full has no room for a reserve either; the next commit tries again.
            self.reserve.unlink(missing_ok=True)
            return False
        return True


def _fail(group: list[_Job], error: Unwritable) -> None:
    for job in group:
        if not job.done.done():
            job.done.set_exception(error)


def _identity(path: Path) -> Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", None) or 0
