"""The audit of the fleet log: walk its chain and name the first row that does not hold."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from json.encoder import encode_basestring as quoted
from time import monotonic
from typing import Any

from sreconsole.store import log, schema
from sreconsole.store.event import COLUMNS, GENESIS
from sreconsole.store.heads import Head, home, recorded
from sreconsole.store.retention import PRUNED

CHUNK = 5000
"""Rows read at once; between chunks no read transaction is open, so a long walk never holds up a checkpoint."""

NEAR = 10_000
"""How far around a bad row its old place is looked for."""

GUARDS = (
    "events_chained", "events_no_delete", "events_no_update", "floor_no_delete", "floor_no_update", "floor_rises",
    "heads_no_delete", "heads_no_replace", "heads_no_update",
)  # fmt: skip
"""The triggers that keep the log append-only."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The first row that does not hold: its seq, what was done (`what`, one word) and the same in a line."""

    seq: int
    what: str
    says: str


@dataclass(slots=True)
class Report:
    """What a walk found. `below` are heads of rows that retention has pruned: they cannot be checked any more."""

    first: int = 0
    last: int = 0
    entries: int = 0
    floor: int = 0
    head: str = GENESIS
    heads: int = 0
    below: int = 0
    seconds: float = 0.0
    problem: Problem | None = None
    missing_guards: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return self.problem is None and not self.missing_guards


class _Broken(Exception):
    def __init__(self, seq: int, what: str, says: str) -> None:
        super().__init__(says)
        self.problem = Problem(seq, what, says)


def verify(connection: sqlite3.Connection, heads: Iterable[Head] = ()) -> Report:
    """Check every link from the floor to the newest event, against the heads recorded in the store and those given.

    Reads in chunks, so it works while `serve` writes and prunes; what is appended meanwhile is not looked at. Names
    the first bad row for an edit, a deletion, an insertion, a reordering, a cut end, and a floor nothing speaks for.
    """
    began = monotonic()
    report = Report()
    report.missing_guards = _missing_guards(connection)
    heads, own = list(heads), home(connection)
    try:
        for head in heads:
            if head.home not in ("", own):
                says = f"the head {_said(head)} is of home {head.home}, this store is {own or 'without one'}: another store"
                raise _Broken(head.seq, "other store", says)
        _Walk(connection, report, heads).run()
    except _Broken as broken:
        report.problem = broken.problem
    report.seconds = monotonic() - began
    return report


def _missing_guards(connection: sqlite3.Connection) -> list[str]:
    """Guards that are gone, or are not what the schema made them."""
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    there = {name for name, sql in rows if sql in schema.FIRST or sql in schema.SECOND}
    return [name for name in GUARDS if name not in there]


class _Walk:
    """One pass over the chain."""

    def __init__(self, connection: sqlite3.Connection, report: Report, heads: Iterable[Head]) -> None:
        self._connection, self._report = connection, report
        # The nearest last, to be taken off the end.
        self._due = sorted([*recorded(connection), *heads], key=lambda head: -head.seq)
        self._pruned: tuple[int, str] | None = None
        self._overtaken = False

    def run(self) -> None:
        """Walk; raises _Broken at the first row that does not hold."""
        report = self._report
        # The floor first: the event that tells of it is then surely among what is walked.
        report.floor, anchor = self._floor()
        stood = report.floor
        end = log.tip(self._connection)
        report.last, report.head = end.seq, end.hash
        expected, prev = self._start(report.floor, anchor)
        report.first = expected
        self._pass_over(expected, report.floor, anchor)
        while expected <= end.seq:
            rows = self._chunk(expected - 1, end.seq)
            if rows and rows[0][0] == expected:
                expected, prev = self._links(rows, expected, prev)
            else:
                expected, prev = self._gap(expected, rows[0][0] if rows else end.seq + 1)
                self._pass_over(expected, expected - 1, prev)
        if self._due:
            head = self._due[-1]
            says = f"the log ends at {end.seq}, but head {head.seq} was {_said(head)}: the end was cut off"
            raise _Broken(end.seq + 1, "truncated", says)
        self._speaks_for_floor(stood)

    def _links(self, rows: list[tuple[Any, ...]], expected: int, prev: str) -> tuple[int, str]:
        """Check rows that follow each other; the next seq to expect and the hash it must build on."""
        due = self._due[-1].seq if self._due else None
        for row in rows:
            seq, mark = row[0], row[14]
            if seq != expected:
                # A gap inside a chunk: the next one starts at it.
                break
            if row[13] != prev or _relink(row) != mark:
                raise self._wrong(row, prev)
            if seq == due:
                due = self._match(seq, mark)
            if row[2] == PRUNED and row[3] == "store":
                self._note_pruned(row[11])
            prev, expected = mark, seq + 1
        self._report.entries += expected - rows[0][0]
        return expected, prev

    def _match(self, seq: int, mark: str) -> int | None:
        """Hold the heads of this row against it; the seq of the next head."""
        while self._due and self._due[-1].seq == seq:
            head = self._due.pop()
            if head.hash != mark:
                says = (
                    f"seq {seq}: hash {mark[:16]}… is not that of the head {_said(head)} ({head.hash[:16]}…): rewritten"
                )
                raise _Broken(seq, "rewritten", says)
            self._report.heads += 1
        return self._due[-1].seq if self._due else None

    def _pass_over(self, expected: int, floor: int, anchor: str) -> None:
        """Heads under the rows there are: one of the floor is held against it, those of pruned rows are counted."""
        while self._due and self._due[-1].seq < expected:
            head = self._due.pop()
            if head.seq != floor or not floor:
                self._report.below += 1
            elif head.hash != anchor:
                raise _Broken(floor, "floor", f"the floor {floor} does not match the head {_said(head)}")
            else:
                self._report.heads += 1

    def _chunk(self, after: int, last: int) -> list[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        cursor.row_factory = None
        sql = f"SELECT {COLUMNS} FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT {CHUNK}"
        try:
            return cursor.execute(sql, (after, last)).fetchall()
        except sqlite3.Error as error:
            raise self._unreadable(after, error) from error

    def _unreadable(self, after: int, error: sqlite3.Error) -> _Broken:
        """Find the row of a chunk that cannot be read: text that is not UTF-8, or a damaged page."""
        sql = f"SELECT {COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT 1"
        for _ in range(CHUNK):
            try:
                row = self._connection.execute(sql, (after,)).fetchone()
            except sqlite3.Error as here:
                return _Broken(after + 1, "unreadable", f"seq {after + 1}: cannot be read: {here}")
            if row is None:
                break
            after = row[0]
        return _Broken(after + 1, "unreadable", f"after seq {after}: cannot be read: {error}")

    def _floor(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT seq, hash FROM floor ORDER BY seq DESC LIMIT 1").fetchone()
        return (row[0], row[1]) if row else (0, GENESIS)

    def _start(self, floor: int, anchor: str) -> tuple[int, str]:
        """Where to begin: above the floor, or below it where pruning is not done yet; then its row must be the floor's."""
        row = self._connection.execute("SELECT seq, prev FROM events ORDER BY seq LIMIT 1").fetchone()
        if row is None or row[0] > floor:
            return floor + 1, anchor
        self._due.append(Head(floor, anchor, where="the floor"))
        self._due.sort(key=lambda head: -head.seq)
        return row[0], row[1] if row[0] > 1 else GENESIS

    def _gap(self, expected: int, found: int) -> tuple[int, str]:
        """Rows are missing: pruned while we walked, or taken out."""
        floor, anchor = self._floor()
        if floor >= expected:
            self._report.floor, self._overtaken = floor, True
            return floor + 1, anchor
        which = f"seq {expected} is" if found == expected + 1 else f"seq {expected} to {found - 1} are"
        raise _Broken(expected, "deleted", f"{which} missing: deleted")

    def _note_pruned(self, data: str) -> None:
        try:
            facts = json.loads(data)
            self._pruned = (int(facts["seq"]), str(facts["hash"]))
        except (ValueError, KeyError, TypeError):
            self._pruned = None

    def _speaks_for_floor(self, stood: int) -> None:
        """The newest `log.pruned` event must be of a floor there is, not below the one that stood at the beginning."""
        if self._overtaken:
            # The event may have been among what went while we walked.
            return
        told = self._pruned
        query = "SELECT 1 FROM floor WHERE seq = ? AND hash = ?"
        if told and told[0] >= stood and self._connection.execute(query, told).fetchone():
            return
        if told or stood:
            tells = f"the newest tells of {told[0]}" if told else "there is none"
            says = (
                f"the floor {stood} is not what log.pruned events tell ({tells}): not retention removed what was below"
            )
            raise _Broken(stood, "floor", says)

    def _wrong(self, row: tuple[Any, ...], prev: str) -> _Broken:
        """Say what was done to the first row that does not hold."""
        seq, kind = row[0], row[2]
        if row[13] == prev:
            return _Broken(seq, "edited", f"seq {seq} ({kind}): its content does not match its hash: edited")
        if _relink(row) == row[14]:
            says = (
                f"does not follow from seq {seq - 1}: that one was edited or inserted and hashed anew, or rows are gone"
            )
            return _Broken(seq, "broken link", f"seq {seq} ({kind}): {says}")
        if old := self._old_place(row):
            says = f"stood at {old}: rows were reordered, inserted or removed and then renumbered"
            return _Broken(seq, "moved", f"seq {seq} ({kind}): {says}")
        after = self._chunk(seq, seq + 1)
        if after and self._old_place(after[0]) == seq:
            return _Broken(seq, "inserted", f"seq {seq} ({kind}): inserted; what stands at {seq + 1} stood here")
        return _Broken(
            seq, "replaced", f"seq {seq} ({kind}): neither its content nor its link holds: replaced or added"
        )

    def _old_place(self, row: tuple[Any, ...]) -> int | None:
        """The seq with which this row's hash comes out right."""
        near = range(max(1, row[0] - NEAR), row[0] + NEAR)
        return next((seq for seq in near if _relink((seq, *row[1:])) == row[14]), None)


def _relink(row: tuple[Any, ...]) -> str:
    """The hash a stored row should have: `event.link` of it, written out for speed."""
    seq, at, kind, source, session, agent, actor, subject, tier, severity, summary, data, uid, prev, _ = row
    try:
        body = (
            f"{prev}[{seq},{at},{quoted(kind)},{quoted(source)},{quoted(session)},{quoted(agent)},{quoted(actor)},"
            f"{quoted(subject)},{tier},{severity},{quoted(summary)},{quoted(data)},"
            f"{'null' if uid is None else quoted(uid)}]"
        )
    except TypeError:
        # A column of another type than its table's: only an edit of the schema itself leaves one.
        return ""
    return hashlib.sha256(body.encode()).hexdigest()


def _said(head: Head) -> str:
    return head.where or "given"
