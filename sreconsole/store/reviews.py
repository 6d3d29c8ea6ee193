"""The review lane as rows: what tier 2 let through, until a human has said ok or flagged it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.store import rows

STATES = ("unread", "ok", "flagged")


@dataclass(frozen=True, slots=True)
class Review:
    """One act that ran and is looked at later; `seq` is its entry of the fleet log. Times are UTC milliseconds."""

    n: int
    id: str
    seq: int
    session: str
    agent: str
    rule: str
    tool: str
    summary: str
    does: str
    at: int
    state: str
    decided_by: str
    decided_at: int | None
    reason: str


def get(connection: sqlite3.Connection, id: str) -> Review | None:
    """The review of that id."""
    found = rows.read(connection, "reviews", Review, "id = ?", (id,))
    return found[0] if found else None


def unread_count(connection: sqlite3.Connection) -> int:
    """How many nobody has looked at."""
    return int(connection.execute("SELECT count(*) FROM reviews WHERE state = 'unread'").fetchone()[0])


def by_rule(connection: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """Unread ones by rule: (rule, how many, when the newest ran), most first."""
    found = connection.execute(
        "SELECT rule, count(*), max(at) FROM reviews WHERE state = 'unread' GROUP BY rule ORDER BY 2 DESC, 1"
    )
    return [(str(rule), int(count), int(at)) for rule, count, at in found]


def newest(
    connection: sqlite3.Connection, before: int | None = None, limit: int = 200, rule: str = "", state: str = "unread"
) -> list[Review]:
    """The newest of a state (any if empty) and a rule (any if empty); pass the last `n` seen for the next page."""
    clauses, values = ["1"], list[object]()
    for clause, value in (("state = ?", state), ("rule = ?", rule), ("n < ?", before)):
        if value not in ("", None):
            clauses.append(clause)
            values.append(value)
    tail = f"{' AND '.join(clauses)} ORDER BY n DESC LIMIT {int(limit)}"
    return rows.read(connection, "reviews", Review, tail, tuple(values))
