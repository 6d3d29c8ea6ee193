"""The fleet log: append, read by key set, search."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from sreconsole.store.event import COLUMNS, GENESIS, Entry, Event, link
from sreconsole.text.canonical import canonical


@dataclass(slots=True)
class Tip:
    """The newest link of the chain; the writer keeps it in memory and the store in its last row."""

    seq: int
    hash: str


def tip(connection: sqlite3.Connection) -> Tip:
    """The head of the chain: its last event, else the floor retention left, else the genesis."""
    row = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    row = row or connection.execute("SELECT seq, hash FROM floor ORDER BY seq DESC LIMIT 1").fetchone()
    return Tip(row["seq"], row["hash"]) if row else Tip(0, GENESIS)


def append(connection: sqlite3.Connection, head: Tip, event: Event) -> int:
    """Append one event inside the caller's transaction, move `head`, return its seq.

    An event whose `uid` is already stored is not appended again; its seq is returned.
    """
    if event.uid is not None:
        row = connection.execute("SELECT seq FROM events WHERE uid = ?", (event.uid,)).fetchone()
        if row:
            return int(row["seq"])
    seq = head.seq + 1
    data = canonical(dict(event.data)).decode()
    mark = link(head.hash, seq, event, data)
    connection.execute(
        f"INSERT INTO events ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            seq, event.at, event.kind, event.source, event.session, event.agent, event.actor, event.subject,
            event.tier, event.severity, event.summary, data, event.uid, head.hash, mark,
        ),
    )  # fmt: skip
    head.seq, head.hash = seq, mark
    return seq


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the log to read. Empty fields match all; `words` is searched as full text in summaries."""

    kind: str = ""
    session: str = ""
    agent: str = ""
    subject: str = ""
    severe: bool = False
    words: str = ""


def before(connection: sqlite3.Connection, seq: int | None, where: Filter, limit: int = 200) -> list[Entry]:
    """The newest `limit` entries older than `seq` (None: the newest of all), newest first."""
    clause, values = _where(where)
    if seq is not None:
        clause += " AND seq < ?"
        values.append(seq)
    return _entries(connection, f"{clause} ORDER BY seq DESC LIMIT {int(limit)}", values)


def after(connection: sqlite3.Connection, seq: int, where: Filter, limit: int = 1000) -> list[Entry]:
    """Up to `limit` entries newer than `seq`, oldest first: what a follower or a consumer reads."""
    clause, values = _where(where)
    values.append(seq)
    return _entries(connection, f"{clause} AND seq > ? ORDER BY seq LIMIT {int(limit)}", values)


def one(connection: sqlite3.Connection, seq: int) -> Entry | None:
    """The entry with this seq."""
    found = _entries(connection, "seq = ?", [seq])
    return found[0] if found else None


def bounds(connection: sqlite3.Connection) -> tuple[int, int]:
    """First and last seq (0, 0 for an empty log); cheap at any size."""
    row = connection.execute(
        "SELECT (SELECT seq FROM events ORDER BY seq LIMIT 1) a, (SELECT seq FROM events ORDER BY seq DESC LIMIT 1) b"
    ).fetchone()
    return (row["a"] or 0, row["b"] or 0)


def every(connection: sqlite3.Connection, chunk: int = 5000) -> Iterator[Entry]:
    """All entries, oldest first, without holding a read transaction open between chunks."""
    seq = -1
    while page := _entries(connection, f"seq > ? ORDER BY seq LIMIT {chunk}", [seq]):
        yield from page
        seq = page[-1].seq


def match(words: str) -> str:
    """A full-text query for what a person typed: every word must occur, the last may be a beginning."""
    quoted = ['"' + word.replace('"', '""') + '"' for word in words.split()]
    return " ".join(quoted) + "*" if quoted else ""


def _where(where: Filter) -> tuple[str, list[object]]:
    clauses, values = [], list[object]()
    for column in ("kind", "session", "agent", "subject"):
        value = getattr(where, column)
        if value:
            # The literal inequality lets the planner use the partial index.
            clauses.append(f"{column} = ?" if column == "kind" else f"{column} = ? AND {column} <> ''")
            values.append(value)
    if where.severe:
        clauses.append("severity >= 2")
    if where.words.strip():
        clauses.append("seq IN (SELECT rowid FROM events_fts WHERE events_fts MATCH ? ORDER BY rowid DESC LIMIT 5000)")
        values.append(match(where.words))
    return " AND ".join(clauses) or "1", values


def _entries(connection: sqlite3.Connection, tail: str, values: list[object]) -> list[Entry]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM events WHERE {tail}", values)
    return [Entry(*row) for row in rows]
