"""Escalations as rows: open, read, compare and set."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sreconsole.store import rows
from sreconsole.store.ids import spoken

OPEN = ("pending", "held", "deferred")
"""States that still wait for a human."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """One question that waits, or waited, for a human. Times are UTC milliseconds; JSON columns are text.

    `verdict` holds the policy's Verdict as JSON, `input` the redacted arguments, `raw` the SHA-256 of the bytes the
    hook sent, `asked` the hash of tool and input, `attached` whether a hook is waiting on the line right now
    (`waiter`: that process, as pid:start:boot),
    `approvals` a JSON list of those who said yes so far, `answer` what goes back with an approval (choices, edited
    arguments) as JSON, `radius` the measured blast radius as JSON ("" until it is measured), `alike` the same for
    questions that may be decided together.
    """

    n: int
    id: str
    kind: str
    state: str
    version: int
    digest: str
    asked: str
    tier: int
    client: str
    session: str
    subagent: str
    agent: str
    call: str
    tool: str
    cwd: str
    input: str
    choices: str
    verdict: str
    policy: str
    raw: str
    opened_at: int
    changed_at: int
    deadline: int
    next_at: int | None
    page_at: int | None
    hold_until: int | None
    hold_by: str
    approvals: str
    attached: int
    waiter: str
    decided_by: str
    decided_at: int | None
    decision: str
    reason: str
    answer: str
    used_at: int | None
    radius: str = ""
    alike: str = ""


def number(connection: sqlite3.Connection) -> tuple[int, str]:
    """The next row number and its spoken id."""
    n = int(connection.execute("SELECT coalesce(max(n), 0) + 1 FROM escalations").fetchone()[0])
    return n, spoken("esc", n)


def add(connection: sqlite3.Connection, escalation: Escalation) -> None:
    """Store a new escalation, inside the caller's transaction."""
    rows.insert(connection, "escalations", escalation)


BESIDE = {"page_at", "attached", "waiter", "radius"}
"""Columns that change beside the question: whoever looks at it need not look again."""


def after(before: Escalation, changes: Mapping[str, Any]) -> int:
    """The version an escalation has after such changes."""
    return before.version if changes.keys() <= BESIDE else before.version + 1


def change(connection: sqlite3.Connection, before: Escalation, **changes: Any) -> bool:
    """Compare and set: change the row only if state, version and digest are still those of `before`."""
    changes["version"] = after(before, changes)
    sets = ", ".join(f"{name} = ?" for name in changes)
    done = connection.execute(
        f"UPDATE escalations SET {sets} WHERE id = ? AND state = ? AND version = ? AND digest = ?",
        [*changes.values(), before.id, before.state, before.version, before.digest],
    )
    return done.rowcount == 1


def get(connection: sqlite3.Connection, id: str) -> Escalation | None:
    """The escalation of that id."""
    found = _read(connection, "id = ?", [id])
    return found[0] if found else None


def same_call(connection: sqlite3.Connection, session: str, subagent: str, call: str, asked: str) -> Escalation | None:
    """The newest escalation of the same tool call: what a hook that presents itself again is asking about."""
    found = _read(
        connection,
        # + keeps the planner from walking the session's whole past, newest first, to find none.
        "n = (SELECT max(+n) FROM escalations WHERE session = ? AND subagent = ? AND call = ? AND asked = ?)",
        [session, subagent, call, asked],
    )
    return found[0] if found else None


def waiting(connection: sqlite3.Connection) -> list[Escalation]:
    """All that still wait for a human, the soonest deadline first."""
    return _read(connection, "state IN ('pending', 'held', 'deferred') ORDER BY deadline, n", [])


def of_session(connection: sqlite3.Connection, session: str) -> list[Escalation]:
    """The open ones of one session."""
    return _read(connection, "session = ? AND state IN ('pending', 'held', 'deferred') ORDER BY n", [session])


def of_call(connection: sqlite3.Connection, session: str, subagent: str, call: str) -> list[Escalation]:
    """The open ones of one tool call, whatever its arguments."""
    where = "session = ? AND subagent = ? AND call = ? AND state IN ('pending', 'held', 'deferred')"
    return _read(connection, where, [session, subagent, call])


def due(connection: sqlite3.Connection, now: int, limit: int = 500) -> list[Escalation]:
    """Those whose `next_at` has come."""
    return _read(connection, "next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?", [now, limit])


def nearest(connection: sqlite3.Connection) -> int | None:
    """The soonest `next_at` there is (UTC milliseconds), or None."""
    found = connection.execute("SELECT min(next_at) FROM escalations WHERE next_at IS NOT NULL").fetchone()[0]
    return None if found is None else int(found)


def newest(
    connection: sqlite3.Connection, before: int | None = None, limit: int = 200, state: str = ""
) -> list[Escalation]:
    """The newest escalations, by key set: pass the `n` of the last one seen for the next page."""
    clause, values = "1", list[object]()
    if before is not None:
        clause, values = "n < ?", [before]
    if state:
        clause += " AND state = ?"
        values.append(state)
    return _read(connection, f"{clause} ORDER BY n DESC LIMIT {int(limit)}", values)


def _read(connection: sqlite3.Connection, tail: str, values: list[Any]) -> list[Escalation]:
    return rows.read(connection, "escalations", Escalation, tail, tuple(values))


def to_page(connection: sqlite3.Connection, now: int, limit: int = 100) -> list[Escalation]:
    """Open ones whose time to page has come; `page_at` is emptied when the page is in the outbox."""
    tail = "state IN ('pending', 'held', 'deferred') AND page_at IS NOT NULL AND page_at <= ? ORDER BY page_at LIMIT ?"
    return _read(connection, tail, [now, limit])


def shift(connection: sqlite3.Connection, milliseconds: int) -> None:
    """Move every open time by as much as the wall clock was set; versions stay, since nothing was decided."""
    connection.execute(
        "UPDATE escalations SET deadline = deadline + ?1, next_at = next_at + ?1, hold_until = hold_until + ?1, "
        "page_at = page_at + ?1 WHERE state IN ('pending', 'held', 'deferred')",
        (milliseconds,),
    )
