"""Sessions and scopes as rows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.store import rows


@dataclass(frozen=True, slots=True)
class Session:
    """One run of an agent's client. `pid` with `started` (clock ticks since boot) and `boot` is its identity.

    `mapped_by` says how its agent was found, `provable` whether a scope of our own holds its processes,
    `parked_on` the question it is parked on, `stopped` why its intake is closed. Times are UTC milliseconds.
    """

    id: str
    client: str
    agent: str
    provable: int
    mapped_by: str
    uid: int
    pid: int
    started: int
    boot: str
    cwd: str
    transcript: str
    mode: str
    attended: int
    scope: str
    opened_at: int
    seen_at: int
    ended_at: int | None
    end_reason: str
    parked_on: str
    stopped: str
    calls: int
    refused: int
    asked: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What `sreconsole run` started: a cgroup, or a tree under a child subreaper (`kind`)."""

    id: str
    agent: str
    kind: str
    cgroup: str
    pid: int
    started: int
    boot: str
    uid: int
    command: str
    opened_at: int
    closed_at: int | None
    exit: int | None


def save(connection: sqlite3.Connection, session: Session) -> None:
    """Store a session, new or changed."""
    rows.insert(connection, "sessions", session, replace=True)


def get(connection: sqlite3.Connection, id: str) -> Session | None:
    """The session of that id."""
    found = rows.read(connection, "sessions", Session, "id = ?", (id,))
    return found[0] if found else None


def live(connection: sqlite3.Connection) -> list[Session]:
    """Sessions not known to have ended."""
    return rows.read(connection, "sessions", Session, "ended_at IS NULL")


def newest(connection: sqlite3.Connection, limit: int = 500) -> list[Session]:
    """The sessions seen last, newest first."""
    return rows.read(connection, "sessions", Session, f"1 ORDER BY seen_at DESC LIMIT {int(limit)}")


def save_scope(connection: sqlite3.Connection, scope: Scope) -> None:
    """Store a scope, new or changed."""
    rows.insert(connection, "scopes", scope, replace=True)


def scope_number(connection: sqlite3.Connection) -> int:
    """The number of the next scope: none is ever deleted."""
    return int(connection.execute("SELECT count(*) + 1 FROM scopes").fetchone()[0])


def scopes(connection: sqlite3.Connection) -> list[Scope]:
    """The scopes not closed."""
    return rows.read(connection, "scopes", Scope, "closed_at IS NULL")
