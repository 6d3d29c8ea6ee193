"""Grants as rows: an approval bounded in scope, time and uses."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.store import rows
from sreconsole.store.ids import spoken


@dataclass(frozen=True, slots=True)
class Grant:
    """What a human allowed ahead: `effect` of `tool` on `target`s (a pattern) in one session, `uses` times, `until`."""

    n: int
    id: str
    escalation: str
    effect: str
    tool: str
    target: str
    session: str
    made_by: str
    made_at: int
    until: int
    uses: int
    used: int
    reason: str
    revoked_at: int | None
    revoked_by: str


def number(connection: sqlite3.Connection) -> tuple[int, str]:
    """The next row number and its spoken id."""
    n = int(connection.execute("SELECT coalesce(max(n), 0) + 1 FROM grants").fetchone()[0])
    return n, spoken("gr", n)


def add(connection: sqlite3.Connection, grant: Grant) -> None:
    """Store a new grant."""
    rows.insert(connection, "grants", grant)


def get(connection: sqlite3.Connection, id: str) -> Grant | None:
    """The grant of that id."""
    found = rows.read(connection, "grants", Grant, "id = ?", (id,))
    return found[0] if found else None


def live(connection: sqlite3.Connection, session: str, now: int) -> list[Grant]:
    """Grants of a session that still have time and uses."""
    tail = "session = ? AND until > ? AND revoked_at IS NULL AND used < uses ORDER BY n"
    return rows.read(connection, "grants", Grant, tail, (session, now))


def newest(connection: sqlite3.Connection, limit: int = 200) -> list[Grant]:
    """The newest grants."""
    return rows.read(connection, "grants", Grant, f"1 ORDER BY n DESC LIMIT {int(limit)}")


def spend(connection: sqlite3.Connection, grant: Grant) -> bool:
    """Count one use, unless somebody else spent the last one or it was revoked."""
    done = connection.execute(
        "UPDATE grants SET used = used + 1 WHERE id = ? AND used = ? AND revoked_at IS NULL", (grant.id, grant.used)
    )
    return done.rowcount == 1


def shift(connection: sqlite3.Connection, milliseconds: int, before: int) -> None:
    """Move the ends of live grants by as much as the wall clock was set; `before` is the time it showed until then.

    One that was over stays over.
    """
    connection.execute(
        "UPDATE grants SET until = CASE WHEN until > ?2 THEN until + ?1 ELSE min(until, ?2 + ?1) END "
        "WHERE until > min(?2, ?2 + ?1) AND revoked_at IS NULL",
        (milliseconds, before),
    )


def revoke(connection: sqlite3.Connection, id: str, now: int, by: str) -> bool:
    """End a grant now; False if it was not live any more."""
    done = connection.execute(
        "UPDATE grants SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL", (now, by, id)
    )
    return done.rowcount == 1
