"""Retention takes what is old, keeps the chain's anchor, and goes on where a crash stopped it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sreconsole.store import database, heads, log, retention
from sreconsole.store.audit import verify
from sreconsole.store.event import Event
from sreconsole.store.log import Filter, Tip
from sreconsole.store.writer import Writer

COUNT = 3000


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    one = Writer(tmp_path / "fleet.db")
    for n in range(COUNT):
        one.do(
            lambda tx, n=n: tx.append(
                Event("tool.passed", n, session="s", summary=f"entry {n} bash", data={"x": "y" * 500})
            )
        )
    one.do(lambda tx: None).result()
    yield one
    one.close()


def horizon(writer: Writer, kept_from: int, sent: int | None = None) -> Tip | None:
    return writer.do(lambda tx: retention.horizon(tx.connection, kept_from, sent)).result()


def prune(writer: Writer, kept_from: int) -> None:
    while to := horizon(writer, kept_from):
        assert writer.do(lambda tx, to=to: retention.rise(tx, to, 10**10, 30)).result()
        while writer.do(retention.cut).result():
            continue


def test_what_is_old_goes_and_the_chain_still_holds(writer: Writer) -> None:
    size = writer.do(lambda tx: tx.connection.execute("PRAGMA page_count").fetchone()[0]).result()
    prune(writer, 2500)
    report = writer.do(lambda tx: verify(tx.connection)).result()
    assert report.ok and (report.floor, report.first, report.last) == (2500, 2501, COUNT + 1)
    newest = writer.do(lambda tx: log.before(tx.connection, None, Filter(kind="log.pruned"))).result()
    assert [one.summary for one in newest] == ["entries 1 to 2500 pruned: older than 30 days"]
    while writer.do(retention.give_back).result():
        continue
    assert writer.do(lambda tx: tx.connection.execute("PRAGMA page_count").fetchone()[0]).result() < size / 2


def test_the_full_text_index_forgets_with_the_log(writer: Writer) -> None:
    prune(writer, 2500)
    assert writer.do(lambda tx: len(log.before(tx.connection, None, Filter(words="bash"), 5000))).result() == 500
    assert writer.do(lambda tx: log.before(tx.connection, None, Filter(words="entry 12"))).result() == []
    check = "INSERT INTO events_fts(events_fts, rank) VALUES ('integrity-check', 1)"
    writer.do(lambda tx: tx.connection.execute(check)).result()


def test_nothing_younger_than_the_limit_goes_though_something_older_comes_after_it(writer: Writer) -> None:
    writer.do(lambda tx: tx.append(Event("late.news", 5))).result()
    assert horizon(writer, 100) == Tip(100, writer.do(lambda tx: log.one(tx.connection, 100)).result().hash)  # type: ignore[union-attr]
    assert horizon(writer, 0) is None


def test_nothing_above_an_unsent_head_goes(writer: Writer) -> None:
    assert horizon(writer, 2500, sent=0) is None
    to = horizon(writer, 2500, sent=700)
    assert to is not None and to.seq == 700


def test_one_round_is_bounded(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROUND", 800)
    to = horizon(writer, 2500)
    assert to is not None and to.seq == 800
    prune(writer, 2500)
    report = writer.do(lambda tx: verify(tx.connection)).result()
    assert report.ok and report.floor == 2500


def test_a_chunk_is_small_and_a_crash_in_between_is_mended(writer: Writer) -> None:
    to = horizon(writer, 2500)
    assert to is not None and writer.do(lambda tx: retention.rise(tx, to, 1, 30)).result()
    assert writer.do(retention.cut).result() == retention.CHUNK
    writer.close()
    again = Writer(writer.path)
    assert again.do(lambda tx: verify(tx.connection)).result().ok
    assert [again.do(retention.cut).result() for _ in range(5)] == [500, 500, 500, 500, 0]
    report = again.do(lambda tx: verify(tx.connection)).result()
    assert report.ok and report.first == 2501
    again.close()


def test_a_floor_does_not_rise_over_what_is_not_there(writer: Writer) -> None:
    assert not writer.do(lambda tx: retention.rise(tx, Tip(10, "x" * 64), 1, 30)).result()
    prune(writer, 1000)
    old = Tip(500, "x" * 64)
    assert not writer.do(lambda tx: retention.rise(tx, old, 1, 30)).result()


def test_heads_under_the_floor_are_forgotten_and_those_above_kept(writer: Writer) -> None:
    for place in ("file:/a", "syslog"):
        for seq in (100, 1000, 1500):
            mark = writer.do(lambda tx, seq=seq: log.one(tx.connection, seq)).result()
            assert mark is not None
            head = Tip(seq, mark.hash)
            writer.do(lambda tx, place=place, head=head: heads.record(tx.connection, place, head, 1)).result()
    prune(writer, 1000)
    assert writer.do(lambda tx: sorted(one.seq for one in heads.recorded(tx.connection))).result() == [
        1000,
        1000,
        1500,
        1500,
    ]
    report = writer.do(lambda tx: verify(tx.connection)).result()
    assert report.ok and report.heads == 4


def test_an_emptied_log_goes_on_from_its_floor(writer: Writer) -> None:
    prune(writer, 10**9)
    assert writer.do(lambda tx: tx.append(Event("x", 10**9))).result() == COUNT + 2
    assert writer.do(lambda tx: verify(tx.connection)).result().ok


def test_a_store_without_room_to_give_back_ends(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "fleet.db")
    assert writer.do(retention.give_back).result() == 0
    writer.close()
    connection = sqlite3.connect(tmp_path / "fleet.db")
    assert connection.execute("PRAGMA auto_vacuum").fetchone()[0] == 2
    connection.close()
    database.open_reader(tmp_path / "fleet.db").close()
