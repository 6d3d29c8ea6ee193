"""The review lane as rows: what tier 2 let through and a human looks at later."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from sreconsole.store import rows
from sreconsole.store.ids import spoken

MOST_SHOWN = 1000
"""Unread ones are counted up to here: a screen says "1000+"."""

CHUNK = 500
"""Rows deleted in one transaction."""


@dataclass(frozen=True, slots=True)
class Review:
    """One call that ran and awaits a look. `seq` is its event in the fleet log, `does` the policy's words for it.

    `state` is unread, ok or flagged; times are UTC milliseconds.
    """

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
    state: str = "unread"
    decided_by: str = ""
    decided_at: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The unread reviews of one rule: how many (at most `MOST_SHOWN`), and the newest of them."""

    rule: str
    count: int
    newest: Review


def add(
    connection: sqlite3.Connection, seq: int, session: str, agent: str, rule: str, tool: str, summary: str, does: str,
    at: int,
) -> Review:  # fmt: skip
    """Store one unread review, inside the transaction of its event."""
    n = int(connection.execute("SELECT coalesce(max(n), 0) + 1 FROM reviews").fetchone()[0])
    made = Review(n, spoken("rev", n), seq, session, agent, rule, tool, summary, does, at)
    rows.insert(connection, "reviews", made)
    return made


def get(connection: sqlite3.Connection, id: str) -> Review | None:
    """The review of that id."""
    found = rows.read(connection, "reviews", Review, "id = ?", (id,))
    return found[0] if found else None


def unread(connection: sqlite3.Connection, most: int = MOST_SHOWN) -> int:
    """How many are unread, counted up to `most`."""
    found = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM reviews WHERE state = 'unread' LIMIT ?)", (most,)
    ).fetchone()
    return int(found[0])


def groups(connection: sqlite3.Connection, most: int = MOST_SHOWN) -> list[Group]:
    """The unread ones by rule, the largest group first. One step of the index a rule, whatever the table holds."""
    found: list[Group] = []
    rule = ""
    while row := connection.execute(
        "SELECT min(rule) FROM reviews WHERE state = 'unread' AND rule > ?", (rule,)
    ).fetchone():
        if row[0] is None:
            break
        rule = str(row[0])
        newest = rows.read(
            connection, "reviews", Review, "state = 'unread' AND rule = ? ORDER BY n DESC LIMIT 1", (rule,)
        )[0]
        count = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM reviews WHERE state = 'unread' AND rule = ? LIMIT ?)", (rule, most)
        ).fetchone()[0]
        found.append(Group(rule, int(count), newest))
    return sorted(found, key=lambda group: (-group.count, group.rule))


def listing(
    connection: sqlite3.Connection, *, rule: str = "", session: str = "", agent: str = "", every: bool = False,
    before: int | None = None, limit: int = 200,
) -> list[Review]:  # fmt: skip
    """Reviews, newest first, unread only unless `every`; by key set: pass the `n` of the last one for the next page."""
    clauses, values = ["n < ?"], [before if before is not None else 1 << 62]
    found: list[object] = list(values)
    if not every:
        clauses.append("state = 'unread'")
    for column, value in (("rule", rule), ("session", session), ("agent", agent)):
        if value:
            clauses.append(f"{column} = ?")
            found.append(value)
    tail = f"{' AND '.join(clauses)} ORDER BY n DESC LIMIT {int(limit)}"
    return rows.read(connection, "reviews", Review, tail, tuple(found))


def chosen(
    connection: sqlite3.Connection, *, ids: Sequence[str] = (), rule: str = "", session: str = "",
    through: int | None = None, limit: int = 10_000,
) -> list[Review]:  # fmt: skip
    """The unread ones meant by ids, by a rule or by a session, oldest first; none newer than row `through`."""
    if ids:
        found = [one for id in dict.fromkeys(ids) if (one := get(connection, id)) and one.state == "unread"]
        return found[:limit]
    clauses, values = ["state = 'unread'", "n <= ?"], [through if through is not None else 1 << 62]
    wanted: list[object] = list(values)
    for column, value in (("rule", rule), ("session", session)):
        if value:
            clauses.append(f"{column} = ?")
            wanted.append(value)
    return rows.read(
        connection, "reviews", Review, f"{' AND '.join(clauses)} ORDER BY n LIMIT {int(limit)}", tuple(wanted)
    )


def decide(connection: sqlite3.Connection, review: Review, state: str, by: str, now: int, reason: str) -> bool:
    """Mark one, unless somebody else was first."""
    done = connection.execute(
        "UPDATE reviews SET state = ?, decided_by = ?, decided_at = ?, reason = ? WHERE id = ? AND state = ?",
        (state, by, now, reason, review.id, review.state),
    )
    return done.rowcount == 1


def cut(connection: sqlite3.Connection, floor: int) -> int:
    """Delete one chunk of the reviews whose event the log no longer holds (seq at or under `floor`); how many went.

    Reviews are as old as their events, so the oldest rows go first. The newest stays, so that no id comes twice.
    """
    done = connection.execute(
        "DELETE FROM reviews WHERE n IN (SELECT n FROM reviews ORDER BY n LIMIT ?) AND seq <= ? "
        "AND n < (SELECT max(n) FROM reviews)",
        (CHUNK, floor),
    )
    return done.rowcount
