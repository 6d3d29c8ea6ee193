"""Builds a store of N events with a valid chain, quickly, and measures what screens ask of it.

python tests/perf/big_store.py FOLDER --events 10000000 [--measure] [--keep]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sreconsole.store import database, log, schema
from sreconsole.store.event import COLUMNS, GENESIS, Event
from sreconsole.store.log import Filter
from sreconsole.store.writer import Writer

START = 1_780_000_000_000
BATCH = 20_000
COMMANDS = ("git status", "ls -la", "pytest -x", "kubectl get pods", "cat config.yaml", "npm run build", "rg TODO src")
SHAPES = (
    # kind, share of all, severity, its summary
    ("tool.passed", 70, 0, "Bash passed: {command} in /srv/app-{app}"),
    ("session.seen", 10, 0, "session of agent-{agent} seen, {n} calls"),
    ("tool.refused", 5, 1, "Bash refused: {command} by rule {rule}"),
    ("escalation.opened", 4, 2, "esc-{n:x} pending: {command} on production"),
    ("escalation.approved", 4, 1, "esc-{n:x} approved: {command} on production"),
    ("deploy.finished", 4, 0, "deploy {n} of app-{app} finished"),
    ("page.sent", 2, 1, "pg-{n:x} sent by webhook"),
    ("incident.opened", 1, 3, "incident {n}: error rate of app-{app} above threshold"),
)


def events(count: int, seed: int = 1) -> Iterator[Event]:
    """A fleet's life: 50 agents, sessions of some 500 events, of which one in a hundred is severe."""
    rng = random.Random(seed)
    shapes = rng.choices(SHAPES, [one[1] for one in SHAPES], k=4099)
    for n in range(count):
        kind, _, severity, summary = shapes[n % 4099]
        agent = n * 7919 % 50
        session = f"{n // 25_000:04x}{agent:04x}-0000-4000-8000-{agent:012x}"
        command, app = COMMANDS[n % 7], n % 23
        words = summary.format(command=command, app=app, agent=agent, n=n, rule=n % 31)
        data = {"tool": "Bash", "input": {"command": command, "description": "x" * 40}, "cwd": f"/srv/app-{app}",
                "version": 3, "why": "matches rule of the starter policy"}  # fmt: skip
        subject = f"esc-{n:x}" if kind.startswith("escalation") else ""
        yield Event(kind, START + n * 10, "gate", session, f"agent-{agent}", "serve", subject, 1, severity, words, data)


def build(path: Path, count: int) -> None:
    """Write the store: same schema, chain valid; indices and full text are built after the rows."""
    connection = database.open_writer(path)
    later = _put_off(connection)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-1000000")
    connection.execute("PRAGMA temp_store=FILE")
    prev, batch = GENESIS, list[tuple[object, ...]]()
    connection.execute("BEGIN IMMEDIATE")
    insert = f"INSERT INTO events ({COLUMNS}) VALUES ({','.join('?' * 15)})"
    encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
    for seq, event in enumerate(events(count), 1):
        data = encode(event.data)
        row = (seq, event.at, event.kind, event.source, event.session, event.agent, event.actor, event.subject,
               event.tier, event.severity, event.summary, data, event.uid)  # fmt: skip
        mark = hashlib.sha256(prev.encode() + encode(row).encode()).hexdigest()
        batch.append((*row, prev, mark))
        prev = mark
        if len(batch) == BATCH:
            connection.executemany(insert, batch)
            batch.clear()
    connection.executemany(insert, batch)
    connection.execute("COMMIT")
    for statement in later:
        connection.execute(statement)
    connection.execute("INSERT INTO events_fts(events_fts) VALUES ('rebuild')")
    connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, events_fts, row)")
    vocabulary = "SELECT term FROM temp.vocabulary WHERE length(term) BETWEEN 4 AND 24 AND term NOT GLOB '*[^a-z]*'"
    connection.execute(f"INSERT INTO words {vocabulary}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _put_off(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = 'events' AND sql IS NOT NULL "
        "AND (type = 'index' OR name IN ('events_indexed', 'events_chained'))"
    ).fetchall()
    for kind, name, _ in found:
        connection.execute(f"DROP {kind} {name}")
    return [row["sql"] for row in found]


def questions(last: int, rows: int = 200) -> dict[str, Callable[[sqlite3.Connection, random.Random], object]]:
    """Every query a screen asks of the log, with random places and values."""

    def page(where: Callable[[random.Random], Filter], deep: bool = False) -> Callable[..., object]:
        def ask(connection: sqlite3.Connection, rng: random.Random) -> object:
            return log.before(connection, rng.randrange(last // 4, last) if deep else None, where(rng), rows)

        return ask

    def session(rng: random.Random) -> str:
        return f"{rng.randrange(max(1, last // 25_000)):04x}{(a := rng.randrange(50)):04x}-0000-4000-8000-{a:012x}"

    some = {
        "newest": lambda rng: Filter(),
        "one session": lambda rng: Filter(session=session(rng)),
        "one agent": lambda rng: Filter(agent=f"agent-{rng.randrange(50)}"),
        "one kind": lambda rng: Filter(kind=rng.choice(SHAPES)[0]),
        "severe": lambda rng: Filter(severe=True),
        "agent + kind": lambda rng: Filter(agent=f"agent-{rng.randrange(50)}", kind="incident.opened"),
        "session + severe": lambda rng: Filter(session=session(rng), severe=True),
        "agent + kind + severe": lambda rng: Filter(agent="agent-7", kind="escalation.opened", severe=True),
        "common word": lambda rng: Filter(words=rng.choice(("passed", "production", "bash"))),
        "two common words": lambda rng: Filter(words="bash status"),
        "beginning of a common word": lambda rng: Filter(words=rng.choice(("pas", "pass", "prod", "appr", "kubect"))),
        "rare word": lambda rng: Filter(words=f"esc-{rng.randrange(last):x}"),
        "beginning of a number": lambda rng: Filter(words=f"incident {rng.randrange(1000, 9999)}"),
        "session + common word": lambda rng: Filter(session=session(rng), words="bash"),
        "agent + common word": lambda rng: Filter(agent=f"agent-{rng.randrange(50)}", words="production"),
        "kind + common words": lambda rng: Filter(kind="escalation.opened", words="pending production"),
        "severe + common word": lambda rng: Filter(severe=True, words="production"),
    }
    asked: dict[str, Callable[[sqlite3.Connection, random.Random], object]] = {}
    for name, where in some.items():
        asked[name] = page(where)
        asked[f"{name}, deep"] = page(where, deep=True)
    asked["never together: kind + word"] = page(lambda rng: Filter(kind="escalation.opened", words="passed"))
    asked["one entry"] = lambda connection, rng: log.one(connection, rng.randrange(1, last))
    asked["bounds"] = lambda connection, rng: log.bounds(connection)
    asked["follow"] = lambda connection, rng: log.after(connection, last - 10, Filter(), 200)
    asked["a question's history"] = lambda connection, rng: log.before(
        connection, None, Filter(subject=f"esc-{rng.randrange(last):x}"), 200
    )
    return asked


Timed = list[tuple[float, float]]
"""Wall and CPU seconds of each round: on a busy machine only the second is ours."""


def report(name: str, times: Timed) -> None:
    """Print p50 and p99 of wall and of CPU time, in ms."""
    columns = []
    for kind, seconds in zip(("wall", "cpu"), zip(*times, strict=True), strict=True):
        ordered = [one * 1000 for one in sorted(seconds)]
        middle, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        columns.append(f"{kind} p50 {middle:8.3f} p99 {high:8.3f}")
    print(f"{name:34} {'   '.join(columns)} ms", flush=True)


def measure(path: Path, rows: int, rounds: int = 200) -> None:
    """Print p50, p99 and max of every question, cold open, and a durable append into the store."""
    opened = time.perf_counter()
    connection = database.open_reader(path)
    first, last = log.bounds(connection)
    log.before(connection, None, Filter(), 200)
    print(f"open to first page      {(time.perf_counter() - opened) * 1000:8.1f} ms   ({first}..{last})", flush=True)
    rng = random.Random(2)
    for name, ask in questions(last, rows).items():
        times: Timed = []
        for _ in range(rounds):
            began, cpu = time.perf_counter(), time.thread_time()
            ask(connection, rng)
            times.append((time.perf_counter() - began, time.thread_time() - cpu))
        report(name, times)
    connection.close()
    opened = time.perf_counter()
    writer = Writer(path)
    print(f"writer open             {(time.perf_counter() - opened) * 1000:8.1f} ms")
    times = []
    for event in events(1000, seed=3):
        began, cpu = time.perf_counter(), time.process_time()
        writer.do(lambda tx, one=event: tx.append(one)).result()
        times.append((time.perf_counter() - began, time.process_time() - cpu))
    writer.close()
    report("durable append", times)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--page", type=int, default=200, help="rows of one page")
    parser.add_argument("--keep", action="store_true", help="leave the store there")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "fleet.db"
    if not path.exists():
        began = time.perf_counter()
        build(path, options.events)
        size = path.stat().st_size
        seconds = time.perf_counter() - began
        print(
            f"built {options.events} events (schema {schema.VERSION}) in {seconds:.1f} s, {size / 1e6:.0f} MB",
            flush=True,
        )
    if options.measure:
        measure(path, options.page)
    if not options.keep:
        shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
