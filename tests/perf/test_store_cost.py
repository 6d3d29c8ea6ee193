"""What the store costs beside the floor under it, in one run: a bare SQLite batch, and a bare fdatasync."""

from __future__ import annotations

import os
import sqlite3
import statistics
import threading
import time
from pathlib import Path

import pytest
from big_store import events

from sreconsole.store import retention
from sreconsole.store.audit import verify
from sreconsole.store.event import COLUMNS
from sreconsole.store.writer import GROUP, Writer

COUNT = 20_000

pytestmark = pytest.mark.perf


def bare(path: Path) -> float:
    """Rows a second into the bare table: same columns, no index, no full text, no hash; durable batches of one group."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"CREATE TABLE events (seq INTEGER PRIMARY KEY, {COLUMNS.removeprefix('seq, ')})")
    rows = [(n, one.at, one.kind, one.source, one.session, one.agent, one.actor, one.subject, one.tier, one.severity,
             one.summary, str(one.data), None, "0" * 64, "0" * 64) for n, one in enumerate(events(COUNT), 1)]  # fmt: skip
    began = time.perf_counter()
    for start in range(0, COUNT, GROUP):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO events VALUES ({','.join('?' * 15)})", rows[start : start + GROUP])
        connection.execute("COMMIT")
    rate = COUNT / (time.perf_counter() - began)
    connection.close()
    return rate


def fdatasync(path: Path, count: int = 300) -> list[float]:
    """Seconds of a 4 KB write made durable."""
    descriptor, times = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), []
    for n in range(count):
        began = time.perf_counter()
        os.pwrite(descriptor, b"x" * 4096, n * 4096)
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - began)
    os.close(descriptor)
    return times


def p(times: list[float]) -> tuple[float, float]:
    """p50 and p99 in ms."""
    cuts = statistics.quantiles(times, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


def test_events_a_second_beside_a_bare_batch(tmp_path: Path) -> None:
    floor = bare(tmp_path / "bare.db")
    writer, all_wait = Writer(tmp_path / "fleet.db"), threading.Event()
    writer.do(lambda tx: all_wait.wait())
    futures = [writer.do(lambda tx, one=one: tx.append(one)) for one in events(COUNT)]
    began, cpu = time.perf_counter(), time.process_time()
    all_wait.set()
    futures[-1].result()
    rate, alone = COUNT / (time.perf_counter() - began), COUNT / (time.process_time() - cpu)
    report = writer.do(lambda tx: verify(tx.connection)).result()
    writer.close()
    print(f"\nbare batch {floor:,.0f}/s, writer {rate:,.0f} events/s ({alone:,.0f} a CPU second), ratio {floor / rate:.1f}, "
          f"verify {report.entries / report.seconds:,.0f} entries/s")  # fmt: skip
    assert report.ok and report.entries == COUNT


def test_one_durable_append_beside_fdatasync(tmp_path: Path) -> None:
    writer, times = Writer(tmp_path / "fleet.db"), []
    floor = fdatasync(tmp_path / "floor")
    for one in events(1500):
        began = time.perf_counter()
        writer.do(lambda tx, one=one: tx.append(one)).result()
        times.append(time.perf_counter() - began)
    writer.close()
    floor += fdatasync(tmp_path / "floor")
    (middle, high), (low, edge) = p(times), p(floor)
    print(f"\nfdatasync p50 {low:.3f} p99 {edge:.3f} ms, append p50 {middle:.3f} p99 {high:.3f} ms, "
          f"ratio p50 {middle / low:.1f} p99 {high / edge:.1f}")  # fmt: skip
    assert len(times) == 1500


def test_a_chunk_of_pruning(tmp_path: Path) -> None:
    writer, times = Writer(tmp_path / "fleet.db"), []
    for one in events(COUNT):
        writer.do(lambda tx, one=one: tx.append(one))
    to = writer.do(lambda tx: retention.horizon(tx.connection, 2**62)).result()
    assert to is not None
    writer.do(lambda tx: retention.rise(tx, to, 2**50, 30)).result()
    deleted = retention.CHUNK
    while deleted:
        began = time.perf_counter()
        deleted = writer.do(retention.cut).result()
        times.append(time.perf_counter() - began)
    writer.close()
    middle, high = p(times)
    print(
        f"\nchunk of {retention.CHUNK}: p50 {middle:.1f} p99 {high:.1f} ms, {retention.CHUNK / middle * 1000:,.0f} rows/s"
    )
    assert len(times) == COUNT / retention.CHUNK + 1
