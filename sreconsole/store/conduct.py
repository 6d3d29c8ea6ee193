"""What sessions and agents have done so far, and the fingerprints of what they have seen, as rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

AT_ONCE = 500


def get(connection: sqlite3.Connection, subject: str) -> str:
    """The stored state (JSON) of `session:ID` or `agent:NAME`; "" if there is none."""
    row = connection.execute("SELECT state FROM conduct WHERE subject = ?", (subject,)).fetchone()
    return str(row[0]) if row else ""


def save(connection: sqlite3.Connection, subject: str, state: str, now: int) -> None:
    """Store a state, new or changed, inside the caller's transaction."""
    connection.execute(
        "INSERT INTO conduct VALUES (?, ?, ?) ON CONFLICT (subject) DO UPDATE SET at = excluded.at, state = excluded.state",
        (subject, now, state),
    )


def keep(
    connection: sqlite3.Connection, session: str, kind: str, marks: Iterable[str], seq: int, now: int, *, again: bool
) -> int:
    """Store fingerprints a session has seen; how many of them are new to it. `again` moves the known ones to now."""
    tail = " ON CONFLICT DO UPDATE SET at = excluded.at, seq = excluded.seq, kind = excluded.kind" if again else ""
    verb = "INSERT" if again else "INSERT OR IGNORE"
    new = 0
    for mark in marks:
        done = connection.execute(
            f"{verb} INTO fingerprints (mark, session, kind, seq, at) VALUES (?, ?, ?, ?, ?){tail}",
            (mark, session, kind, seq, now),
        )
        new += done.rowcount
    return new


def unknown(connection: sqlite3.Connection, session: str, marks: Sequence[str]) -> int:
    """How many of these fingerprints the session has not seen."""
    return len(marks) - sum(_count(connection, session, part) for part in _parts(marks))


def seen(connection: sqlite3.Connection, session: str, marks: Sequence[str], kind: str, since: int) -> bool:
    """Whether the session has seen one of them, as this kind, since then (UTC ms)."""
    return any(_count(connection, session, part, kind, since) for part in _parts(marks))


def prune(connection: sqlite3.Connection, before: int) -> None:
    """Forget what was last touched before then (UTC ms)."""
    connection.execute("DELETE FROM fingerprints WHERE at < ?", (before,))
    connection.execute("DELETE FROM conduct WHERE at < ?", (before,))


def _parts(marks: Sequence[str]) -> Iterable[Sequence[str]]:
    return (marks[start : start + AT_ONCE] for start in range(0, len(marks), AT_ONCE))


def _count(
    connection: sqlite3.Connection, session: str, marks: Sequence[str], kind: str = "", since: int | None = None
) -> int:
    holes = ",".join("?" * len(marks))
    tail, values = (" AND kind = ? AND at >= ?", (kind, since)) if since is not None else ("", ())
    row = connection.execute(
        f"SELECT count(*) FROM fingerprints WHERE session = ? AND mark IN ({holes}){tail}", (session, *marks, *values)
    ).fetchone()
    return int(row[0])
