"""The audit names the first row that does not hold, whatever was done to the log."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sreconsole.store import audit, database, heads, log, retention, schema
from sreconsole.store.audit import verify
from sreconsole.store.event import Event, relink
from sreconsole.store.heads import BadHead, Head
from sreconsole.store.log import Tip
from sreconsole.store.writer import Writer

COUNT = 40


def event(n: int, **changes: object) -> Event:
    words = {
        "kind": "tool.passed",
        "at": 1_000 + n,
        "session": f"s-{n % 3}",
        "summary": f"entry {n} ünï",
        "data": {"n": n},
    }
    return Event(**{**words, **changes})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.db"
    writer = Writer(path)
    for n in range(COUNT):
        writer.do(lambda tx, n=n: tx.append(event(n))).result()
    writer.close()
    return path


def tamper(path: Path, *statements: str) -> None:
    """Change a store as somebody would who may write to the file: the triggers are taken out and put back."""
    connection = sqlite3.connect(path, isolation_level=None)
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.close()


def look(path: Path, sent: tuple[Head, ...] = ()) -> audit.Report:
    connection = database.open_reader(path)
    try:
        return verify(connection, sent)
    finally:
        connection.close()


def tip(path: Path) -> Tip:
    connection = database.open_reader(path)
    try:
        return log.tip(connection)
    finally:
        connection.close()


def rechain(path: Path, start: int) -> None:
    """Hash everything anew from a row on, as a careful forger would."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    entries = [entry for entry in log.every(connection) if entry.seq >= start - 1]
    connection.close()
    statements, prev = [], entries[0].hash
    for old in entries[1:]:
        entry = replace(old, prev=prev)
        prev = relink(entry)
        statements.append(f"UPDATE events SET prev = '{entry.prev}', hash = '{prev}' WHERE seq = {entry.seq}")
    tamper(path, *statements)


def test_an_untouched_log_holds(store: Path) -> None:
    report = look(store)
    assert report.ok and (report.first, report.last, report.entries) == (1, COUNT, COUNT)


def test_an_empty_log_holds(tmp_path: Path) -> None:
    Writer(tmp_path / "fleet.db").close()
    report = look(tmp_path / "fleet.db")
    assert report.ok and report.entries == 0


INSERT = (
    "INSERT INTO events SELECT {to}, at, kind, source, session, agent, actor, subject, tier, severity, 'forged', data, "
    "NULL, prev, hash FROM events WHERE seq = {like}"
)
SHIFT = ("UPDATE events SET seq = -(seq + {by}) WHERE seq >= {start}", "UPDATE events SET seq = -seq WHERE seq < 0")

TAMPERED: list[tuple[str, tuple[str, ...], int, str]] = [
    *((f"edit {column}", (f"UPDATE events SET {column} = {value} WHERE seq = 17",), 17, "edited")
      for column, value in (
          ("at", "5"), ("kind", "'x'"), ("source", "'x'"), ("session", "'x'"), ("agent", "'x'"), ("actor", "'x'"),
          ("subject", "'x'"), ("tier", "4"), ("severity", "3"), ("summary", "'x'"), ("data", "'{}'"), ("uid", "'x'"),
      )),
    ("edit a hash", ("UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'f') WHERE seq = 17",
                     "UPDATE events SET hash = 'a' || substr(hash, 2) WHERE seq = 17"), 17, "edited"),
    ("edit a prev", ("UPDATE events SET prev = hash WHERE seq = 17",), 17, "replaced"),
    ("edit the first", ("UPDATE events SET summary = 'x' WHERE seq = 1",), 1, "edited"),
    ("edit the last", (f"UPDATE events SET summary = 'x' WHERE seq = {COUNT}",), COUNT, "edited"),
    ("delete one", ("DELETE FROM events WHERE seq = 17",), 17, "deleted"),
    ("delete some", ("DELETE FROM events WHERE seq BETWEEN 17 AND 20",), 17, "deleted"),
    ("delete the first", ("DELETE FROM events WHERE seq = 1",), 1, "deleted"),
    ("delete and renumber", ("DELETE FROM events WHERE seq = 17", *(one.format(by=-1, start=18) for one in SHIFT)), 17, "moved"),
    ("insert and renumber", (*(one.format(by=1, start=17) for one in SHIFT), INSERT.format(to=17, like=16)), 17, "inserted"),
    ("swap two", ("UPDATE events SET seq = -17 WHERE seq = 17", "UPDATE events SET seq = 17 WHERE seq = 23",
                  "UPDATE events SET seq = 23 WHERE seq = -17"), 17, "moved"),
    ("append a forged one", (INSERT.format(to=COUNT + 1, like=COUNT),), COUNT + 1, "replaced"),
    ("raise the floor", ("INSERT INTO floor SELECT seq, hash, 1 FROM events WHERE seq = 9", "DELETE FROM events WHERE seq <= 9"),
     9, "floor"),
    ("a floor of another hash", ("INSERT INTO floor SELECT 9, prev, 1 FROM events WHERE seq = 9",
                                 "DELETE FROM events WHERE seq <= 9"), 10, "broken link"),
    ("not UTF-8", ("UPDATE events SET summary = CAST(x'ff41' AS TEXT) WHERE seq = 17",), 17, "unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("statements", "seq", "what"), [case[1:] for case in TAMPERED], ids=[case[0] for case in TAMPERED]
)
def test_tampering_is_named(store: Path, statements: tuple[str, ...], seq: int, what: str) -> None:
    tamper(store, *statements)
    problem = look(store).problem
    assert problem is not None
    assert (problem.seq, problem.what) == (seq, what), problem.says
    assert f"{seq}" in problem.says


def test_a_row_hashed_anew_breaks_the_link_of_the_next(store: Path) -> None:
    connection = sqlite3.connect(store)
    connection.row_factory = sqlite3.Row
    entry = log.one(connection, 17)
    connection.close()
    assert entry is not None
    forged = replace(entry, summary="forged")
    tamper(store, f"UPDATE events SET summary = 'forged', hash = '{relink(forged)}' WHERE seq = 17")
    problem = look(store).problem
    assert problem is not None and (problem.seq, problem.what) == (18, "broken link")


def test_a_log_rewritten_to_its_end_is_caught_by_a_head(store: Path) -> None:
    before = tip(store)
    tamper(store, "UPDATE events SET summary = 'forged' WHERE seq = 17")
    rechain(store, 17)
    assert look(store).ok
    problem = look(store, (Head(before.seq, before.hash),)).problem
    assert problem is not None and (problem.seq, problem.what) == (COUNT, "rewritten")


def test_a_cut_end_is_caught_by_a_head(store: Path) -> None:
    before = tip(store)
    tamper(store, "DELETE FROM events WHERE seq > 30")
    assert look(store).ok
    problem = look(store, (Head(before.seq, before.hash),)).problem
    assert problem is not None and (problem.seq, problem.what) == (31, "truncated")


def test_heads_the_store_remembers_are_held_against_it(store: Path) -> None:
    writer = Writer(store)
    head = writer.do(lambda tx: Tip(tx.head.seq, tx.head.hash)).result()
    writer.do(lambda tx: heads.record(tx.connection, "file:/x", head, 5)).result()
    writer.close()
    assert look(store).heads == 1
    tamper(store, "DELETE FROM events WHERE seq > 30")
    problem = look(store).problem
    assert problem is not None and problem.what == "truncated" and "file:/x" in problem.says


def test_an_emptied_log_is_caught_by_a_head(store: Path) -> None:
    before = tip(store)
    tamper(store, "DELETE FROM events")
    problem = look(store, (Head(before.seq, before.hash),)).problem
    assert problem is not None and problem.what == "truncated"


def test_a_head_of_another_store_does_not_pass(store: Path) -> None:
    before = tip(store)
    problem = look(store, (Head(before.seq, before.hash, home="elsewhere"),)).problem
    assert problem is not None and problem.what == "other store"


@pytest.mark.parametrize("name", audit.GUARDS)
def test_a_guard_that_is_gone_or_hollow_is_named(store: Path, name: str) -> None:
    connection = sqlite3.connect(store)
    table = connection.execute("SELECT tbl_name FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0]
    connection.execute(f"DROP TRIGGER {name}")
    connection.close()
    assert look(store).missing_guards == [name]
    connection = sqlite3.connect(store)
    connection.execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} BEGIN SELECT 1; END")
    connection.close()
    assert look(store).missing_guards == [name]


def test_a_walk_passes_while_others_append_and_prune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "CHUNK", 50)
    monkeypatch.setattr(retention, "ROUND", 60)
    path = tmp_path / "fleet.db"
    writer = Writer(path)
    for n in range(1200):
        writer.do(lambda tx, n=n: tx.append(event(n)))
    writer.do(lambda tx: None).result()
    stop = threading.Event()

    def busy() -> None:
        connection, n = database.open_reader(path), 1200
        while not stop.is_set():
            writer.do(lambda tx, n=n: tx.append(event(n))).result()
            to = retention.horizon(connection, 1_000 + n - 600)
            if to:
                writer.do(lambda tx, to=to: retention.rise(tx, to, 1, 1)).result()
                while writer.do(retention.cut).result():
                    continue
            n += 1

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        until, walks = time.monotonic() + 2, 0
        while time.monotonic() < until:
            report = look(path)
            assert report.ok, report.problem
            walks += 1
    finally:
        stop.set()
        thread.join()
        writer.close()
    assert walks > 3 and look(path).floor > 0


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(text, text, text, st.integers(-(2**62), 2**62), st.none() | text), min_size=1, max_size=8))
def test_whatever_is_appended_verifies(rows: list[tuple[str, str, str, int, str | None]]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection, Path("memory"))
    head = log.tip(connection)
    for kind, session, summary, at, uid in rows:
        log.append(
            connection, head, Event(kind, at, session=session, summary=summary, data={summary: [at, uid]}, uid=uid)
        )
    assert verify(connection).ok
    assert all(relink(entry) == entry.hash for entry in log.every(connection))


HEADS: list[tuple[str, Callable[[], object]]] = [
    ("no hash", lambda: heads.one_head("12")),
    ("short hash", lambda: heads.one_head("12:abc")),
    ("not hex", lambda: heads.one_head("12:" + "g" * 64)),
    ("no number", lambda: heads.one_head("x:" + "a" * 64)),
    ("an empty file", lambda: heads.read_heads("", "heads.jsonl")),
    ("a file of something else", lambda: heads.read_heads("hello\n[]\n1\n", "heads.jsonl")),
    ("a deep file", lambda: heads.read_heads('{"seq":' + "[" * 100_000, "heads.jsonl")),
]


@pytest.mark.parametrize("read", [case[1] for case in HEADS], ids=[case[0] for case in HEADS])
def test_a_bad_head_is_one_clear_line(read: Callable[[], object]) -> None:
    with pytest.raises(BadHead) as caught:
        read()
    assert "\n" not in str(caught.value) and "64 hex" in str(caught.value)


def test_heads_are_read_from_a_journal_with_a_torn_line() -> None:
    line = heads.head_line(Tip(7, "a" * 64), 5, "home")
    found, others = heads.read_heads(f"{line}\n{line[:30]}\n\nNov 20 host sreconsole[1]: {line}\n", "journal")
    assert [(one.seq, one.home, one.where) for one in found] == [(7, "home", "journal:1"), (7, "home", "journal:4")]
    assert others == 1 and json.loads(line)["seq"] == 7


@pytest.fixture
def pruned(store: Path) -> Iterator[Path]:
    writer = Writer(store)
    to = writer.do(lambda tx: retention.horizon(tx.connection, 1_000 + 20)).result()
    assert to is not None and to.seq == 20
    assert writer.do(lambda tx: retention.rise(tx, to, 9, 30)).result()
    yield store
    writer.close()


def test_a_floor_raised_but_not_yet_cut_holds_and_is_checked(pruned: Path) -> None:
    report = look(pruned)
    assert report.ok and report.floor == 20 and report.first == 1
    tamper(pruned, "UPDATE events SET summary = 'x' WHERE seq = 20")
    assert not look(pruned).ok


def test_a_forged_event_cannot_speak_for_a_floor(store: Path) -> None:
    writer = Writer(store)
    head = writer.do(lambda tx: log.one(tx.connection, 9)).result()
    assert head is not None
    facts = {"seq": 9, "hash": head.hash}
    writer.do(lambda tx: tx.append(event(99, kind="log.pruned", source="emit", data=facts))).result()
    writer.close()
    tamper(
        store, "INSERT INTO floor SELECT seq, hash, 1 FROM events WHERE seq = 9", "DELETE FROM events WHERE seq <= 9"
    )
    problem = look(store).problem
    assert problem is not None and problem.what == "floor"
