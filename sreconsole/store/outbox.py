"""What must leave this machine: rows with an idempotency key, retried until done or dead."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.store import rows
from sreconsole.store.ids import spoken


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to deliver. `state` is waiting, sent, dead or dropped; `body` is JSON text; times UTC milliseconds."""

    n: int
    id: str
    key: str
    channel: str
    subject: str
    body: str
    state: str
    attempts: int
    next_at: int | None
    made_at: int
    sent_at: int | None
    error: str


def put(connection: sqlite3.Connection, key: str, channel: str, subject: str, body: str, now: int) -> str | None:
    """Queue a letter and return its id; None if one with this key is already there."""
    if connection.execute("SELECT 1 FROM outbox WHERE key = ?", (key,)).fetchone():
        return None
    n = int(connection.execute("SELECT coalesce(max(n), 0) + 1 FROM outbox").fetchone()[0])
    letter = Letter(n, spoken("pg", n), key, channel, subject, body, "waiting", 0, now, now, None, "")
    rows.insert(connection, "outbox", letter)
    return letter.id


def due(connection: sqlite3.Connection, now: int, limit: int = 50) -> list[Letter]:
    """Letters to try now, the oldest first."""
    tail = "state = 'waiting' AND next_at <= ? ORDER BY next_at LIMIT ?"
    return rows.read(connection, "outbox", Letter, tail, (now, limit))


def of_subject(connection: sqlite3.Connection, subject: str) -> list[Letter]:
    """Every letter about one thing."""
    return rows.read(connection, "outbox", Letter, "subject = ? ORDER BY n", (subject,))


def newest(connection: sqlite3.Connection, limit: int = 200) -> list[Letter]:
    """The newest letters."""
    return rows.read(connection, "outbox", Letter, f"1 ORDER BY n DESC LIMIT {int(limit)}")


def sent(connection: sqlite3.Connection, letter: Letter, now: int) -> None:
    """Mark a letter delivered."""
    rows.update(connection, "outbox", "id", letter.id, state="sent", sent_at=now, next_at=None,
                attempts=letter.attempts + 1, error="")  # fmt: skip


def shift(connection: sqlite3.Connection, milliseconds: int) -> None:
    """Move the next tries by as much as the wall clock was set."""
    connection.execute("UPDATE outbox SET next_at = next_at + ? WHERE state = 'waiting'", (milliseconds,))


def failed(connection: sqlite3.Connection, letter: Letter, error: str, next_at: int | None) -> None:
    """Note a failed try; `next_at` None gives it up as dead."""
    rows.update(connection, "outbox", "id", letter.id, state="waiting" if next_at else "dead", next_at=next_at,
                attempts=letter.attempts + 1, error=error)  # fmt: skip
