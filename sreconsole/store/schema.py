"""The tables, as steps that only ever go forward."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

VERSION = 3
"""The newest schema this program knows; kept in `PRAGMA user_version`."""


class NewerSchema(Exception):
    """The store was written by a newer sreconsole; says which and what to do."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(
            f"{path}: schema {found} is newer than this sreconsole knows ({VERSION}); "
            "upgrade sreconsole, or restore the backup made before the upgrade"
        )


class NotReady(FileNotFoundError):
    """There is a file, but not yet a store this program can read; says what to do."""

    def __init__(self, path: Path, found: int) -> None:
        what = "no store here yet" if found == 0 else f"schema {found} is older than this sreconsole reads ({VERSION})"
        super().__init__(f"{path}: {what}; `sreconsole serve` brings it up to date")


class Foreign(sqlite3.DatabaseError):
    """A SQLite database, but not one of ours."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: holds another program's tables; move it away, or name another SRECONSOLE_HOME")


def version(connection: sqlite3.Connection) -> int:
    """The schema version of an open store (0: an empty file)."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Whether a reader can use this store. Raises NewerSchema and NotReady."""
    found = version(connection)
    if found > VERSION:
        raise NewerSchema(path, found)
    if found < VERSION:
        raise NotReady(path, found)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a store up to VERSION; a killed migration resumes at the step it was in.

    Each step and its number in `user_version` are one transaction. Raises NewerSchema for a store from the future
    and Foreign for another program's file.
    """
    found = version(connection)
    if found > VERSION:
        raise NewerSchema(path, found)
    if found == VERSION:
        return
    from sqlite_utils import Database

    if found == 0:
        if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            raise Foreign(path)
        # Before the first table, or it has no effect: lets retention give pages back.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
    database = Database(connection)
    for number, step in enumerate(STEPS, 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Read again under the lock: another process may have taken this step meanwhile.
            if version(connection) < number:
                # Inside a transaction sqlite-utils runs a script statement by statement; sqlite3 would commit first.
                step(database)
                connection.execute(f"PRAGMA user_version={number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _first(database: Database) -> None:
    database.executescript(FIRST)
    database.table("events").enable_fts(["summary"], create_triggers=False, tokenize="unicode61")
    database.executescript(FIRST_TRIGGERS)


def _second(database: Database) -> None:
    database.executescript(SECOND)


def _third(database: Database) -> None:
    database.executescript(THIRD)


FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, session TEXT NOT NULL,
  agent TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL, tier INTEGER NOT NULL, severity INTEGER NOT NULL,
  summary TEXT NOT NULL, data TEXT NOT NULL, uid TEXT, prev TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX events_uid ON events(uid) WHERE uid IS NOT NULL;
CREATE INDEX events_session ON events(session, seq) WHERE session <> '';
CREATE INDEX events_agent ON events(agent, seq) WHERE agent <> '';
CREATE INDEX events_kind ON events(kind, seq);
CREATE INDEX events_subject ON events(subject, seq) WHERE subject <> '';
-- (seq) and not (severity, seq): the planner would sort the whole range otherwise.
CREATE INDEX events_severe ON events(seq) WHERE severity >= 2;
CREATE INDEX events_at ON events(at, kind);

CREATE TABLE floor (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE heads (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL, sent_to TEXT NOT NULL) STRICT;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the fleet log is append-only'); END;
-- Only what lies at or under the recorded floor may go, so that the chain keeps its anchor.
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
  WHEN OLD.seq > coalesce((SELECT max(seq) FROM floor), 0)
  BEGIN SELECT RAISE(ABORT, 'the fleet log is append-only'); END;
-- REPLACE deletes without firing delete triggers unless recursive_triggers is on, so stop it here as well.
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
  WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq) OR EXISTS (SELECT 1 FROM events WHERE uid = NEW.uid)
  BEGIN SELECT RAISE(ABORT, 'the fleet log is append-only'); END;
CREATE TRIGGER floor_no_update BEFORE UPDATE ON floor BEGIN SELECT RAISE(ABORT, 'the floor only rises'); END;
CREATE TRIGGER floor_no_delete BEFORE DELETE ON floor BEGIN SELECT RAISE(ABORT, 'the floor only rises'); END;

CREATE TABLE escalations (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL,
  digest TEXT NOT NULL, asked TEXT NOT NULL, tier INTEGER NOT NULL,
  client TEXT NOT NULL, session TEXT NOT NULL, subagent TEXT NOT NULL, agent TEXT NOT NULL, call TEXT NOT NULL,
  tool TEXT NOT NULL, cwd TEXT NOT NULL, input TEXT NOT NULL, choices TEXT NOT NULL,
  verdict TEXT NOT NULL, policy TEXT NOT NULL, raw TEXT NOT NULL,
  opened_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, deadline INTEGER NOT NULL, next_at INTEGER,
  page_at INTEGER, hold_until INTEGER, hold_by TEXT NOT NULL, approvals TEXT NOT NULL,
  attached INTEGER NOT NULL, waiter TEXT NOT NULL,
  decided_by TEXT NOT NULL, decided_at INTEGER, decision TEXT NOT NULL, reason TEXT NOT NULL, answer TEXT NOT NULL,
  used_at INTEGER) STRICT;
CREATE INDEX escalations_open ON escalations(n) WHERE state IN ('pending', 'held', 'deferred');
CREATE INDEX escalations_next ON escalations(next_at) WHERE next_at IS NOT NULL;
CREATE INDEX escalations_session ON escalations(session, n);
CREATE INDEX escalations_call ON escalations(session, subagent, call, digest);

CREATE TABLE sessions (
  id TEXT PRIMARY KEY, client TEXT NOT NULL, agent TEXT NOT NULL, provable INTEGER NOT NULL, mapped_by TEXT NOT NULL,
  uid INTEGER NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL, boot TEXT NOT NULL, cwd TEXT NOT NULL,
  transcript TEXT NOT NULL, mode TEXT NOT NULL, attended INTEGER NOT NULL, scope TEXT NOT NULL,
  opened_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, ended_at INTEGER, end_reason TEXT NOT NULL,
  parked_on TEXT NOT NULL, stopped TEXT NOT NULL,
  calls INTEGER NOT NULL, refused INTEGER NOT NULL, asked INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_seen ON sessions(seen_at);
CREATE INDEX sessions_live ON sessions(pid) WHERE ended_at IS NULL;

CREATE TABLE agents (
  name TEXT PRIMARY KEY, owner TEXT NOT NULL, uid INTEGER, role TEXT NOT NULL, model TEXT NOT NULL, scope TEXT NOT NULL,
  rules TEXT NOT NULL, unattended TEXT NOT NULL, enrolled_at INTEGER NOT NULL, enrolled_by TEXT NOT NULL,
  revoked_at INTEGER, revoked_by TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE scopes (
  id TEXT PRIMARY KEY, agent TEXT NOT NULL, kind TEXT NOT NULL, cgroup TEXT NOT NULL, pid INTEGER NOT NULL,
  started INTEGER NOT NULL, boot TEXT NOT NULL, uid INTEGER NOT NULL, command TEXT NOT NULL,
  opened_at INTEGER NOT NULL, closed_at INTEGER, exit INTEGER) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, escalation TEXT NOT NULL, effect TEXT NOT NULL, tool TEXT NOT NULL,
  target TEXT NOT NULL, session TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL,
  until INTEGER NOT NULL, uses INTEGER NOT NULL, used INTEGER NOT NULL, reason TEXT NOT NULL,
  revoked_at INTEGER, revoked_by TEXT NOT NULL) STRICT;
CREATE INDEX grants_live ON grants(session, until) WHERE revoked_at IS NULL;

CREATE TABLE outbox (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE, channel TEXT NOT NULL,
  subject TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  next_at INTEGER, made_at INTEGER NOT NULL, sent_at INTEGER, error TEXT NOT NULL) STRICT;
CREATE INDEX outbox_next ON outbox(next_at) WHERE state = 'waiting';
CREATE INDEX outbox_subject ON outbox(subject, n);

CREATE TABLE cursors (consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE policies (
  version TEXT PRIMARY KEY, at INTEGER NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

FIRST_TRIGGERS = """
CREATE TRIGGER events_indexed AFTER INSERT ON events
  BEGIN INSERT INTO events_fts(rowid, summary) VALUES (NEW.seq, NEW.summary); END;
CREATE TRIGGER events_unindexed AFTER DELETE ON events
  BEGIN INSERT INTO events_fts(events_fts, rowid, summary) VALUES ('delete', OLD.seq, OLD.summary); END;
"""


MARKS = (
    "char(57344) || hex({row}kind) || ' ' || char(57345) || hex({row}session) || ' ' || "
    "char(57346) || hex({row}agent) || CASE WHEN {row}severity >= 2 THEN ' ' || char(57347) ELSE '' END"
)
"""What an event is filed under, as words of the full-text index: so that words and filters meet inside it.

A word is a private-use character (which nobody types) for the column, then the value in hexadecimal, one token whatever
is in it.
"""

SECOND = f"""
INSERT INTO meta VALUES ('home', lower(hex(randomblob(8))));

DROP TRIGGER events_no_replace;
-- Before an insert, because REPLACE deletes without firing delete triggers unless recursive_triggers is on.
CREATE TRIGGER events_chained BEFORE INSERT ON events
  WHEN NEW.seq IS NOT 1 + coalesce((SELECT max(seq) FROM events), (SELECT max(seq) FROM floor), 0)
    OR NEW.prev IS NOT coalesce((SELECT hash FROM events WHERE seq = NEW.seq - 1),
                                (SELECT hash FROM floor WHERE seq = NEW.seq - 1), '{"0" * 64}')
    OR EXISTS (SELECT 1 FROM events WHERE uid = NEW.uid)
  BEGIN SELECT RAISE(ABORT, 'the fleet log is append-only'); END;
CREATE TRIGGER floor_rises BEFORE INSERT ON floor
  WHEN NEW.seq <= (SELECT max(seq) FROM floor)
    OR NOT EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq AND hash = NEW.hash)
  BEGIN SELECT RAISE(ABORT, 'the floor only rises'); END;

ALTER TABLE heads RENAME TO heads_1;
CREATE TABLE heads (
  sent_to TEXT NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (sent_to, seq)) STRICT, WITHOUT ROWID;
INSERT INTO heads SELECT sent_to, seq, hash, at FROM heads_1;
DROP TABLE heads_1;
CREATE TRIGGER heads_no_update BEFORE UPDATE ON heads BEGIN SELECT RAISE(ABORT, 'sent heads stay'); END;
CREATE TRIGGER heads_no_replace BEFORE INSERT ON heads
  WHEN EXISTS (SELECT 1 FROM heads WHERE sent_to = NEW.sent_to AND seq = NEW.seq)
  BEGIN SELECT RAISE(ABORT, 'sent heads stay'); END;
CREATE TRIGGER heads_no_delete BEFORE DELETE ON heads
  WHEN OLD.seq >= coalesce((SELECT max(seq) FROM floor), 0)
  BEGIN SELECT RAISE(ABORT, 'sent heads stay'); END;

DROP TRIGGER events_indexed;
DROP TRIGGER events_unindexed;
DROP TABLE events_fts;
CREATE VIEW events_text AS SELECT seq, summary, {MARKS.format(row="")} AS marks FROM events;
CREATE VIRTUAL TABLE events_fts USING fts5(
  summary, marks, content='events_text', content_rowid='seq', tokenize='unicode61', prefix='3');
-- The writer merges the index when nobody waits; by itself it does within a commit, for 40 ms at ten million entries.
INSERT INTO events_fts(events_fts, rank) VALUES ('automerge', 0);
INSERT INTO events_fts(events_fts) VALUES ('rebuild');
-- The words of letters in summaries: what a search may give the beginning of.
CREATE TABLE words (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, events_fts, row);
INSERT INTO words SELECT term FROM temp.vocabulary WHERE length(term) BETWEEN 4 AND 24 AND term NOT GLOB '*[^a-z]*';
DROP TABLE temp.vocabulary;
CREATE TRIGGER events_indexed AFTER INSERT ON events
  BEGIN INSERT INTO events_fts(rowid, summary, marks) VALUES (NEW.seq, NEW.summary, {MARKS.format(row="NEW.")}); END;
CREATE TRIGGER events_unindexed AFTER DELETE ON events
  BEGIN INSERT INTO events_fts(events_fts, rowid, summary, marks)
    VALUES ('delete', OLD.seq, OLD.summary, {MARKS.format(row="OLD.")}); END;
"""

THIRD = """
-- What a session or an agent has done so far against its budgets, and its streak of denials: one JSON document each.
CREATE TABLE conduct (subject TEXT PRIMARY KEY, at INTEGER NOT NULL, state TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Keyed hashes of secrets a session has seen, never the secrets.
CREATE TABLE fingerprints (
  mark TEXT NOT NULL, session TEXT NOT NULL, kind TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (session, mark)) STRICT, WITHOUT ROWID;
CREATE INDEX fingerprints_at ON fingerprints(at);

CREATE TABLE reviews (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, session TEXT NOT NULL, agent TEXT NOT NULL,
  rule TEXT NOT NULL, tool TEXT NOT NULL, summary TEXT NOT NULL, does TEXT NOT NULL, at INTEGER NOT NULL,
  state TEXT NOT NULL, decided_by TEXT NOT NULL, decided_at INTEGER, reason TEXT NOT NULL) STRICT;
CREATE INDEX reviews_unread ON reviews(rule, n) WHERE state = 'unread';
CREATE INDEX reviews_session ON reviews(session, n);

ALTER TABLE escalations ADD COLUMN radius TEXT NOT NULL DEFAULT '';
ALTER TABLE escalations ADD COLUMN alike TEXT NOT NULL DEFAULT '';
CREATE INDEX escalations_alike ON escalations(alike) WHERE state IN ('pending', 'held', 'deferred') AND alike <> '';
"""

STEPS = [_first, _second, _third]
