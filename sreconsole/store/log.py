"""The fleet log: append, read by key set, search."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from sreconsole.store.event import COLUMNS, GENESIS, Entry, Event, link
from sreconsole.text.canonical import canonical

COMPLETIONS = 64
"""Words that a beginning is spelled out to; the index merges more of them first, which costs with all they occur in."""

BEGINNING = 3
"""Characters from which a search's last word may be a beginning; the full-text index keeps those of this length."""


LETTERS = re.compile(r"(?<![^\W_])[a-z]{4,24}(?![^\W_])")
"""Words of letters in lower-case text, as the index's tokenizer finds them: what a search may give the beginning of."""

MOST_WORDS = 100_000
"""Words remembered as stored already; beyond it they are asked for again."""


@dataclass(slots=True)
class Tip:
    """The newest link of the chain; the writer keeps it in memory and the store in its last row.

    `words` are those known to be in the vocabulary; a roll-back must empty it.
    """

    seq: int
    hash: str
    words: set[str] = field(default_factory=set, compare=False, repr=False)


def tip(connection: sqlite3.Connection) -> Tip:
    """The head of the chain: its last event, else the floor retention left, else the genesis."""
    row = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    row = row or connection.execute("SELECT seq, hash FROM floor ORDER BY seq DESC LIMIT 1").fetchone()
    return Tip(row["seq"], row["hash"]) if row else Tip(0, GENESIS)


def append(connection: sqlite3.Connection, head: Tip, event: Event) -> int:
    """Append one event inside the caller's transaction, move `head`, return its seq.

    An event whose `uid` is already stored is not appended again; its seq is returned. Raises TypeError for a field of
    another type than Event says (the store would keep it as something else than was hashed), ValueError for data that
    is not JSON.
    """
    _typed(event)
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
    _learn(connection, head, event.summary)
    return seq


def _learn(connection: sqlite3.Connection, head: Tip, summary: str) -> None:
    """Put a summary's new words into the vocabulary."""
    new = set(LETTERS.findall(summary.lower())) - head.words
    if new:
        connection.executemany("INSERT OR IGNORE INTO words VALUES (?)", [(word,) for word in new])
        if len(head.words) > MOST_WORDS:
            head.words.clear()
        head.words |= new


def _typed(event: Event) -> None:
    for name in ("at", "tier", "severity"):
        value = getattr(event, name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"event {event.kind}: {name} is {type(value).__name__}, must be int")
    for name in ("kind", "source", "session", "agent", "actor", "subject", "summary"):
        if not isinstance(getattr(event, name), str):
            raise TypeError(f"event {event.kind}: {name} is {type(getattr(event, name)).__name__}, must be str")


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
    return _entries(connection, *query(connection, where, "<", seq, limit))


def after(connection: sqlite3.Connection, seq: int, where: Filter, limit: int = 1000) -> list[Entry]:
    """Up to `limit` entries newer than `seq`, oldest first: what a follower or a consumer reads."""
    return _entries(connection, *query(connection, where, ">", seq, limit))


def one(connection: sqlite3.Connection, seq: int) -> Entry | None:
    """The entry with this seq."""
    found = _entries(connection, f"SELECT {COLUMNS} FROM events WHERE seq = ?", [seq])
    return found[0] if found else None


def bounds(connection: sqlite3.Connection) -> tuple[int, int]:
    """First and last seq (0, 0 for an empty log); cheap at any size."""
    row = connection.execute(
        "SELECT (SELECT seq FROM events ORDER BY seq LIMIT 1) a, (SELECT seq FROM events ORDER BY seq DESC LIMIT 1) b"
    ).fetchone()
    return (row["a"] or 0, row["b"] or 0)


def count_estimate(connection: sqlite3.Connection) -> int:
    """How many entries there are, from first and last seq: exact while retention is not at work, cheap at any size."""
    first, last = bounds(connection)
    return last - first + 1 if last else 0


def every(connection: sqlite3.Connection, chunk: int = 5000) -> Iterator[Entry]:
    """All entries, oldest first, without holding a read transaction open between chunks."""
    seq = -1
    while page := after(connection, seq, Filter(), chunk):
        yield from page
        seq = page[-1].seq


def match(words: str) -> str:
    """A full-text query for what a person typed: every word must occur, the last may be a beginning."""
    quoted = [_quoted(word) for word in _words(words)]
    return " AND ".join(quoted) + "*" * bool(quoted) if quoted else ""


def query(
    connection: sqlite3.Connection, where: Filter, side: str, seq: int | None, limit: int
) -> tuple[str, list[object]]:
    """The SQL that reads one page by key set, and its values; `side` is "<" (newest first) or ">" (oldest first).

    A filter with words, or with two or more of kind, session, agent and severity, is answered inside the full-text
    index, whose lists of rows are met in order: neither a common word nor two common filters sort or scan the log.
    """
    order = "DESC" if side == "<" else "ASC"
    indexed = _matching(connection, where)
    clauses, values = [], list[object]()
    if where.subject:
        # The literal inequality lets the planner use the partial index.
        clauses.append("events.subject = ? AND events.subject <> ''")
        values.append(where.subject)
    if indexed:
        clauses.append("events_fts MATCH ?")
        values.append(indexed)
    else:
        simple, more = _alone(where)
        clauses += simple
        values += more
    # One subject has few events, so there its index leads; else the full-text index does.
    key = "events_fts.rowid" if indexed and not where.subject else "events.seq"
    if seq is not None:
        clauses.append(f"{key} {side} ?")
        values.append(seq)
    source = "events"
    if indexed:
        joined = ("events", "events_fts") if where.subject else ("events_fts", "events")
        source = f"{joined[0]} CROSS JOIN {joined[1]} ON events.seq = events_fts.rowid"
    columns = ", ".join(f"events.{name}" for name in COLUMNS.split(", ")) if indexed else COLUMNS
    tail = f"{' AND '.join(clauses) or '1'} ORDER BY {key} {order} LIMIT {int(limit)}"
    return f"SELECT {columns} FROM {source} WHERE {tail}", values


def _alone(where: Filter) -> tuple[list[str], list[object]]:
    """The clauses of a filter that its own index answers (the rest of a subject's is looked up row by row)."""
    clauses, values = [], list[object]()
    for column in ("kind", "session", "agent"):
        if value := getattr(where, column):
            # Where a subject leads, + keeps another index from being chosen for it.
            plus = "+" if where.subject else ""
            clauses.append(f"{plus}{column} = ?" if column == "kind" or plus else f"{column} = ? AND {column} <> ''")
            values.append(value)
    if where.severe:
        clauses.append("severity >= 2")
    return clauses, values


def _matching(connection: sqlite3.Connection, where: Filter) -> str:
    """The full-text query for a filter; "" if a plain index answers it."""
    words = _words(where.words)
    marks = [
        f'"{chr(0xE000 + place)}{getattr(where, column).encode().hex().upper()}"'
        for place, column in enumerate(("kind", "session", "agent"))
        if getattr(where, column)
    ]
    if where.severe:
        marks.append(f'"{chr(0xE003)}"')
    if not words and (len(marks) < 2 or where.subject):
        return ""
    parts = [f"marks : {mark}" for mark in marks]
    parts += [f"summary : {_quoted(word)}" for word in words[:-1]]
    if words:
        parts.append(_beginning(connection, words[-1]))
    return " AND ".join(parts)


def _beginning(connection: sqlite3.Connection, word: str) -> str:
    """The last word of a search: itself, or what it may be the beginning of, spelled out where that is few words."""
    if len(word) < BEGINNING:
        return f"summary : {_quoted(word)}"
    stem = word.lower()
    if not (stem.isascii() and stem.isalpha()):
        # A number or a name of several tokens (esc-04f2): its beginnings are few.
        return f"summary : {_quoted(word)} *"
    rows = connection.execute(
        "SELECT word FROM words WHERE word >= ? AND word < ? LIMIT ?", (stem, stem + "{", COMPLETIONS + 1)
    )
    found = [row[0] for row in rows]
    if len(found) > COMPLETIONS:
        return f"summary : {_quoted(word)} *"
    return f"summary : ({' OR '.join(_quoted(one) for one in sorted({stem, *found}))})"


def _words(typed: str) -> list[str]:
    """What of a search can be found: words with a letter or a digit in them."""
    return [word for word in typed.replace("\x00", " ").split() if any(letter.isalnum() for letter in word)]


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _entries(connection: sqlite3.Connection, sql: str, values: list[object]) -> list[Entry]:
    return [Entry(*row) for row in connection.execute(sql, values)]
