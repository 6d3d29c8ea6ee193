"""The writer keeps what it acknowledged, refuses what it cannot keep, and never leaves anybody waiting."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sreconsole.store import database, log, schema
from sreconsole.store.audit import verify
from sreconsole.store.event import Event
from sreconsole.store.writer import StoreBusy, StoreFull, StoreLost, Tx, Unwritable, Writer


def event(n: int = 0, uid: str | None = None, size: int = 10) -> Event:
    return Event("test.made", n, summary="x" * size, uid=uid)


def add(n: int = 0, uid: str | None = None, size: int = 10) -> Any:
    return lambda tx: tx.append(event(n, uid, size))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    one = Writer(tmp_path / "fleet.db")
    yield one
    one.close()


class Blocked:
    """Holds the writer inside a job, so that what is put meanwhile becomes one group."""

    def __init__(self, writer: Writer) -> None:
        self._started, self._go = threading.Event(), threading.Event()
        self.done = writer.do(lambda tx: (self._started.set(), self._go.wait(10))[1])
        self._started.wait(10)

    def release(self) -> None:
        self._go.set()


def test_a_failing_job_leaves_no_trace_and_hurts_nobody(writer: Writer) -> None:
    blocked = Blocked(writer)

    def fails(tx: Tx) -> None:
        tx.append(event(2))
        tx.connection.execute("INSERT INTO cursors VALUES ('half', 1)")
        raise ValueError("no")

    before, bad, after = writer.do(add(1)), writer.do(fails), writer.do(add(3))
    blocked.release()
    assert (before.result(5), after.result(5)) == (1, 2)
    with pytest.raises(ValueError, match="no"):
        bad.result(5)
    rows = writer.do(lambda tx: [entry.at for entry in log.every(tx.connection)]).result(5)
    assert rows == [1, 3]
    assert writer.do(lambda tx: tx.connection.execute("SELECT count(*) FROM cursors").fetchone()[0]).result(5) == 0
    assert writer.do(lambda tx: verify(tx.connection).ok).result(5)


def test_a_future_cancelled_while_it_waits_is_not_run_and_does_not_stop_the_writer(writer: Writer) -> None:
    blocked = Blocked(writer)
    gone, running = writer.do(add(1)), writer.do(add(2))
    assert gone.cancel()
    blocked.release()
    assert running.result(5) == 1 and writer.do(add(3)).result(5) == 2


def test_a_listener_that_fails_does_not_stop_the_writer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def listener(seq: int) -> None:
        raise RuntimeError("gone")

    writer = Writer(tmp_path / "fleet.db", listener)
    assert [writer.do(add(n)).result(5) for n in range(3)] == [1, 2, 3]
    writer.close()
    assert "gone" in capsys.readouterr().err


def test_listeners_hear_of_changes_only(tmp_path: Path) -> None:
    heard: list[int] = []
    writer = Writer(tmp_path / "fleet.db", heard.append)
    writer.do(lambda tx: tx.connection.execute("SELECT 1").fetchone()).result(5)
    writer.do(add()).result(5)
    writer.do(lambda tx: tx.connection.execute("INSERT INTO cursors VALUES ('x', 1)")).result(5)
    writer.close()
    assert heard == [1, 1]


def test_after_closing_jobs_fail_at_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "fleet.db")
    writer.close()
    with pytest.raises(Unwritable, match="closed"):
        writer.do(add()).result(1)


def test_jobs_put_while_closing_are_all_answered(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "fleet.db")
    futures: list[Future[int]] = []
    thread = threading.Thread(target=lambda: futures.extend(writer.do(add(n)) for n in range(3000)))
    thread.start()
    time.sleep(0.01)
    writer.close()
    thread.join()
    outcomes = [type(one.exception(5)) for one in futures]
    kept = outcomes.count(type(None))
    connection = database.open_reader(tmp_path / "fleet.db")
    assert log.bounds(connection)[1] == kept and set(outcomes) <= {type(None), Unwritable}
    connection.close()


def test_a_foreign_lock_fails_jobs_in_time_and_later_ones_work(writer: Writer) -> None:
    other = sqlite3.connect(writer.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    first = writer.do(add(1))
    time.sleep(0.2)
    second = writer.do(add(2), vital=True)
    for future in (first, second):
        with pytest.raises(StoreBusy, match="another program holds its lock"):
            future.result(6)
    assert time.monotonic() - began < 5
    other.execute("ROLLBACK")
    other.close()
    assert writer.do(add(3)).result(5) == 1


def test_a_lock_held_briefly_is_waited_for(writer: Writer) -> None:
    other = sqlite3.connect(writer.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("ROLLBACK")).start()
    assert writer.do(add(1)).result(5) == 1


def test_an_entry_of_somebody_else_is_built_upon(writer: Writer) -> None:
    writer.do(add(1)).result(5)
    other = sqlite3.connect(writer.path, isolation_level=None)
    other.row_factory = sqlite3.Row
    other.execute("BEGIN IMMEDIATE")
    log.append(other, log.tip(other), event(2))
    other.execute("COMMIT")
    other.close()
    assert writer.do(add(3)).result(5) == 3
    assert writer.do(lambda tx: verify(tx.connection).ok).result(5)


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_store_that_was_taken_away_is_noticed(tmp_path: Path, suffix: str, how: str) -> None:
    writer = Writer(tmp_path / "fleet.db")
    writer.do(add(1)).result(5)
    file, aside = tmp_path / f"fleet.db{suffix}", tmp_path / "aside"
    file.rename(aside)
    if how == "replaced":
        shutil.copy(aside, file)
    for vital in (False, True):
        with pytest.raises(StoreLost, match="removed or replaced"):
            writer.do(add(2), vital=vital).result(5)
    os.replace(aside, file)
    assert writer.do(add(3)).result(5) == 2
    writer.close()


def test_a_store_replaced_during_a_commit_is_not_acknowledged(writer: Writer) -> None:
    def job(tx: Tx) -> int:
        writer.path.rename(writer.path.with_name("aside"))
        return tx.append(event(1))

    with pytest.raises(StoreLost):
        writer.do(job).result(5)
    writer.path.with_name("aside").rename(writer.path)


def test_fields_of_another_type_are_refused_before_they_break_the_chain(writer: Writer) -> None:
    wrong: list[dict[str, Any]] = [{"at": 1.0}, {"tier": True}, {"severity": "2"}, {"session": 7}, {"summary": None}]
    for words in wrong:
        with pytest.raises(TypeError, match=next(iter(words))):
            writer.do(lambda tx, words=words: tx.append(Event(**{"kind": "x", "at": 1, **words}))).result(5)
    with pytest.raises(ValueError, match="JSON"):
        writer.do(lambda tx: tx.append(Event("x", 1, data={"n": float("nan")}))).result(5)
    assert writer.do(lambda tx: verify(tx.connection)).result(5).entries == 0


class Model(RuleBasedStateMachine):
    """The writer against a list."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = Path(tempfile.mkdtemp(prefix="writer-"))
        self.writer = Writer(self.folder / "fleet.db")
        self.rows: list[tuple[int, str | None]] = []
        self.full = False

    def _expect(self, n: int, uid: str | None, vital: bool) -> int | None:
        """What an append answers: a seq, or None for StoreFull."""
        for place, (_, other) in enumerate(self.rows, 1):
            if uid is not None and other == uid:
                return place
        if self.full and not vital:
            return None
        self.rows.append((n, uid))
        return len(self.rows)

    jobs = st.lists(
        st.tuples(st.integers(0, 9), st.none() | st.sampled_from("abcd"), st.booleans(), st.booleans()),
        min_size=1,
        max_size=6,
    )

    @rule(jobs=jobs)
    def group(self, jobs: list[tuple[int, str | None, bool, bool]]) -> None:
        blocked = Blocked(self.writer)
        futures = []
        for n, uid, vital, fails in jobs:

            def work(tx: Tx, n: int = n, uid: str | None = uid, fails: bool = fails) -> int:
                seq = tx.append(event(n, uid))
                if fails:
                    raise ValueError("fails")
                return seq

            futures.append(self.writer.do(work, vital=vital))
        blocked.release()
        for future, (n, uid, vital, fails) in zip(futures, jobs, strict=True):
            if fails:
                assert isinstance(future.exception(5), ValueError)
                continue
            expected = self._expect(n, uid, vital)
            if expected is None:
                assert isinstance(future.exception(5), StoreFull)
            else:
                assert future.result(5) == expected

    @rule()
    def disk_fills(self) -> None:
        if not self.full:
            # No reserve, and no room to make one: a file stands where it would be, made and unmade in vain.
            self.writer._keep_reserve = lambda: False  # type: ignore[method-assign]
            self.writer.reserve.unlink(missing_ok=True)
            self.writer.full = self.full = True

    @rule()
    def disk_has_room(self) -> None:
        if self.full:
            del self.writer._keep_reserve  # type: ignore[attr-defined]
            self.full = False

    @rule()
    def reopen(self) -> None:
        if not self.full:
            self.writer.close()
            self.writer = Writer(self.folder / "fleet.db")

    @invariant()
    def same(self) -> None:
        def look(tx: Tx) -> tuple[list[tuple[int, str | None]], bool]:
            return [(one.at, one.uid) for one in log.every(tx.connection)], verify(tx.connection).ok

        assert self.writer.do(look).result(5) == (self.rows, True)

    def teardown(self) -> None:
        self.writer.close()
        shutil.rmtree(self.folder)


Model.TestCase.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
TestModel = Model.TestCase


class Disk:
    """A disk of twelve megabytes, and a file that fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, leave: int = 0) -> None:
        with (self.folder / "ballast").open("ab", buffering=0) as file:
            for size in (65536, 4096, 512):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
            if leave:
                file.truncate(max(0, file.tell() - leave))

    def free(self) -> None:
        (self.folder / "ballast").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("only root may mount a small disk")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_keeps_what_was_acknowledged_and_lets_decisions_use_the_reserve(disk: Disk) -> None:
    writer = Writer(disk.folder / "fleet.db")
    kept = [writer.do(add(n, size=2000)).result(5) for n in range(100)]
    assert writer.reserve.stat().st_blocks * 512 >= 2 * 1024 * 1024
    # A lull, in which the writer folds its log, as it has between any two events of a fleet.
    time.sleep(0.3)
    disk.fill()
    refused = [writer.do(add(1000 + n, size=2000)).exception(5) for n in range(400)]
    lost = [one for one in refused if one is not None]
    assert lost and all(isinstance(one, StoreFull) for one in lost) and "no space left" in str(lost[0])
    kept += [0] * refused.count(None)
    assert writer.full
    # Reading is no writing: timers go on.
    assert writer.do(lambda tx: log.bounds(tx.connection)[1]).result(5) == len(kept)
    for n in range(20):
        kept.append(writer.do(add(2000 + n), vital=True).result(5))
    assert not writer.reserve.exists()
    # What the reserve gave is for decisions only.
    with pytest.raises(StoreFull):
        writer.do(add(3000)).result(5)
    disk.free()
    assert writer.do(add(4000)).result(5) == len(kept) + 1
    assert not writer.full and writer.reserve.exists()
    writer.close()
    connection = database.open_reader(disk.folder / "fleet.db")
    assert log.bounds(connection) == (1, len(kept) + 1) and verify(connection).ok
    connection.close()


def test_when_the_reserve_is_used_up_decisions_are_refused_and_nothing_breaks(disk: Disk) -> None:
    writer = Writer(disk.folder / "fleet.db")
    disk.fill()
    kept, refused = 0, 0
    for n in range(3000):
        error = writer.do(add(n, size=3000), vital=True).exception(5)
        kept, refused = kept + (error is None), refused + isinstance(error, StoreFull)
        assert error is None or isinstance(error, StoreFull)
        if refused > 5:
            break
        disk.fill()
    assert refused > 5 and kept > 0
    assert writer.do(lambda tx: verify(tx.connection)).result(5).entries == kept
    disk.free()
    assert writer.do(add()).result(5) == kept + 1
    writer.close()


def test_a_disk_mounted_read_only_is_one_clear_error(disk: Disk) -> None:
    path = disk.folder / "fleet.db"
    writer = Writer(path)
    writer.do(add()).result(5)
    writer.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk.folder)], check=True)
    with pytest.raises(OSError, match=r"Read-only file system: .*fleet\.db"):
        Writer(path)
    reader = database.open_reader(path, copied=True)
    assert log.bounds(reader) == (1, 1)
    reader.close()


def test_a_failing_disk_is_named(writer: Writer) -> None:
    class Failing:
        """A connection whose commits fail as those of a dying disk do."""

        def __init__(self, connection: sqlite3.Connection, code: int, words: str) -> None:
            self._connection, self.code, self.words = connection, code, words

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

        def execute(self, sql: str, *values: Any) -> Any:
            if sql == "COMMIT":
                error = sqlite3.OperationalError(self.words)
                error.sqlite_errorcode = self.code
                raise error
            return self._connection.execute(sql, *values)

    whole = writer._connection
    for code, words, said in (
        (sqlite3.SQLITE_IOERR_FSYNC, "disk I/O error", "its disk fails"),
        (sqlite3.SQLITE_READONLY, "attempt to write a readonly database", "cannot be written"),
        (sqlite3.SQLITE_CORRUPT, "database disk image is malformed", "is damaged"),
    ):
        writer._connection = Failing(whole, code, words)  # type: ignore[assignment]
        with pytest.raises(Unwritable, match=said):
            writer.do(add(), vital=True).result(5)
    writer._connection = whole
    assert writer.do(add()).result(5) == 1


LOAD = """
import os, sys, threading
from pathlib import Path
from sreconsole.store.event import Event
from sreconsole.store.writer import Writer
writer = Writer(Path(sys.argv[1]))
def client(name):
    for n in range(100_000):
        uid = f"{sys.argv[2]}-{name}-{n}"
        seq = writer.do(lambda tx: tx.append(Event("load", n, summary=f"entry {uid}", uid=uid))).result()
        os.write(1, f"{seq} {uid}\\n".encode())
for name in range(4):
    threading.Thread(target=client, args=(name,)).start()
"""


@pytest.mark.torture
def test_nothing_acknowledged_is_lost_over_sixty_kills(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "fleet.db", dict[str, int]()
    for round in range(60):
        child = subprocess.Popen([sys.executable, "-c", LOAD, str(path), str(round)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        first = child.stdout.readline()
        threading.Timer(round % 12 * 0.02, child.kill).start()
        lines = [first, *child.stdout.read().splitlines(keepends=True)]
        child.wait()
        for line in lines:
            if line.endswith(b"\n"):
                seq, uid = line.decode().split()
                acknowledged[uid] = int(seq)
    writer = Writer(path)
    stored = writer.do(lambda tx: [(one.uid, one.seq) for one in log.every(tx.connection)]).result()
    report = writer.do(lambda tx: verify(tx.connection)).result()
    fine = writer.do(lambda tx: tx.connection.execute("PRAGMA integrity_check").fetchone()[0]).result()
    writer.close()
    print(f"60 kills, {len(acknowledged)} acknowledged, {len(stored)} stored")
    assert report.ok and fine == "ok"
    assert len(stored) == len(dict(stored)) and len(acknowledged) > 1000
    assert all(dict(stored).get(uid) == seq for uid, seq in acknowledged.items())


def test_the_schema_is_the_newest(writer: Writer) -> None:
    assert writer.do(lambda tx: schema.version(tx.connection)).result() == schema.VERSION
