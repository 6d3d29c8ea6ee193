"""Retention: old entries of the fleet log go, the chain keeps its anchor.

First the floor rises and a `log.pruned` event says so, in one transaction; then what lies at or under the floor is
deleted in chunks. A crash in between leaves rows under the floor, which the next chunk takes.
"""

from __future__ import annotations

import sqlite3

from sreconsole.store import heads, reviews
from sreconsole.store.event import NOTICE, Event
from sreconsole.store.log import Tip
from sreconsole.store.writer import Tx

PRUNED = "log.pruned"
"""The kind of the event that tells of a floor; its source is "store"."""

CHUNK = 500
"""Rows deleted in one transaction: what another job waits for at most."""

ROUND = 50_000
"""Entries one floor rises over at most."""

PAGES = 256
"""Pages given back to the disk in one transaction (1 MB)."""


def horizon(connection: sqlite3.Connection, kept_from: int, sent: int | None = None) -> Tip | None:
    """How far the floor may rise now: the newest entry that is, like all before it, older than `kept_from` (UTC ms).

    Never above `sent`, the newest head that is known off the box (None: heads are sent nowhere); at most ROUND entries
    above the present floor; None if nothing may go. Reads in chunks and is meant for a reader's connection.
    """
    floor = _floor(connection)
    last = floor + ROUND if sent is None else min(floor + ROUND, sent)
    found: Tip | None = None
    while True:
        start = found.seq if found else floor
        rows = connection.execute(
            "SELECT seq, at, hash FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT 2000", (start, last)
        ).fetchall()
        if not rows:
            return found
        for seq, at, mark in rows:
            if at >= kept_from:
                return found
            found = Tip(seq, mark)


def rise(tx: Tx, to: Tip, now: int, days: int) -> bool:
    """Raise the floor, and say so in the log. False if that entry is not there, or not above the floor, any more."""
    connection = tx.connection
    first = _floor(connection) + 1
    if (
        to.seq < first
        or not connection.execute("SELECT 1 FROM events WHERE seq = ? AND hash = ?", (to.seq, to.hash)).fetchone()
    ):
        return False
    connection.execute("INSERT INTO floor (seq, hash, at) VALUES (?,?,?)", (to.seq, to.hash, now))
    heads.forget(connection, to.seq)
    tx.append(Event(PRUNED, now, "store", actor="serve", severity=NOTICE,
                    summary=f"entries {first} to {to.seq} pruned: older than {days} days",
                    data={"first": first, "seq": to.seq, "hash": to.hash, "days": days}))  # fmt: skip
    return True


def cut(tx: Tx) -> int:
    """Delete one chunk of what lies at or under the floor; how many rows went."""
    floor = _floor(tx.connection)
    row = tx.connection.execute("SELECT seq FROM events ORDER BY seq LIMIT 1").fetchone()
    if row is None or row[0] > floor:
        return 0
    done = tx.connection.execute("DELETE FROM events WHERE seq <= ?", (min(floor, row[0] + CHUNK - 1),))
    return done.rowcount


def forget_reviews(tx: Tx) -> int:
    """Delete one chunk of the review lane's rows whose event is gone; how many went."""
    return reviews.cut(tx.connection, _floor(tx.connection))


def give_back(tx: Tx) -> int:
    """Return some free pages to the disk; how many more can be."""
    before = _free(tx.connection)
    tx.connection.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
    left = _free(tx.connection)
    return left if left < before else 0


def _free(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _floor(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM floor ORDER BY seq DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0
