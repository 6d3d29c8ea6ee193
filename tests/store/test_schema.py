"""The store's tables: made, brought forward, refused, and append-only whoever writes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sreconsole.store import database, log, schema
from sreconsole.store.audit import verify
from sreconsole.store.event import Event
from sreconsole.store.writer import Writer

V1 = Path(__file__).with_name("schema_v1.sql")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as version 1 left it."""
    path = tmp_path / "fleet.db"
    connection = sqlite3.connect(path)
    connection.executescript(V1.read_text())
    connection.close()
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.db"
    writer = Writer(path)
    for n in range(10):
        writer.do(lambda tx, n=n: tx.append(Event("test.made", n, summary=f"entry {n}", uid=f"u{n}"))).result()
    writer.close()
    return path


def whole(path: Path) -> tuple[int, int, int]:
    connection = database.open_writer(path)
    try:
        connection.execute("INSERT INTO events_fts(events_fts, rank) VALUES ('integrity-check', 1)")
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert verify(connection).ok
        heads = connection.execute("SELECT count(*) FROM heads").fetchone()[0]
        return schema.version(connection), log.bounds(connection)[1], heads
    finally:
        connection.close()


def test_the_first_version_is_brought_forward_with_all_it_holds(old: Path) -> None:
    assert whole(old) == (schema.VERSION, 12, 1)
    writer = Writer(old)
    assert writer.do(lambda tx: tx.append(Event("test.made", 1, summary="new"))).result() == 13
    found = writer.do(
        lambda tx: [e.seq for e in log.before(tx.connection, None, log.Filter(words="numb", agent="agent-1"))]
    )
    assert found.result() == [12, 10, 8, 6, 4, 2]
    writer.close()


def test_a_store_made_new_is_the_same_as_one_brought_forward(old: Path, tmp_path: Path) -> None:
    made = tmp_path / "new.db"
    database.open_writer(made).close()
    database.open_writer(old).close()

    def tables(path: Path) -> set[tuple[str, str, str]]:
        connection = sqlite3.connect(path)
        rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
        connection.close()
        return {(kind, name, "".join(sql.split()).replace('"', "").lower()) for kind, name, sql in rows}

    ours = {one for one in tables(made) if one[0] != "table"}
    assert ours == {one for one in tables(old) if one[0] != "table"}
    assert {one[1] for one in tables(made)} == {one[1] for one in tables(old)}


@pytest.mark.parametrize("point", range(1, 24))
def test_a_migration_killed_anywhere_resumes(old: Path, point: int) -> None:
    program = (
        "import os, signal, sqlite3, sys\n"
        "from pathlib import Path\n"
        "from sreconsole.store import schema\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "left = [int(sys.argv[2])]\n"
        "def count(sql):\n"
        "    left[0] -= 1\n"
        "    if not left[0]: os.kill(os.getpid(), signal.SIGKILL)\n"
        "connection.set_trace_callback(count)\n"
        "schema.migrate(connection, Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(old), str(point)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    connection = sqlite3.connect(old)
    assert schema.version(connection) == 1
    assert connection.execute("SELECT count(*) FROM events").fetchone()[0] == 12
    connection.close()
    assert whole(old) == (schema.VERSION, 12, 1)


def test_a_failing_step_leaves_the_version_before(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(database: object) -> None:
        schema._second(database)  # type: ignore[arg-type]
        raise RuntimeError("halfway")

    monkeypatch.setattr(schema, "STEPS", [schema._first, breaks])
    with pytest.raises(RuntimeError):
        database.open_writer(old)
    monkeypatch.undo()
    assert whole(old) == (schema.VERSION, 12, 1)


def test_two_processes_bring_a_store_forward_at_once(old: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom sreconsole.store import database\n"
        "database.open_writer(Path(sys.argv[1])).close()\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, str(old)], stderr=subprocess.PIPE) for _ in range(2)]
    assert [one.communicate()[1] for one in both] == [b"", b""]
    assert whole(old) == (schema.VERSION, 12, 1)


def test_a_newer_schema_is_refused_with_the_remedy(store: Path) -> None:
    connection = sqlite3.connect(store)
    connection.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    connection.close()
    for opens in (database.open_writer, database.open_reader):
        with pytest.raises(schema.NewerSchema, match="upgrade sreconsole, or restore the backup") as caught:
            opens(store)
        assert str(store) in str(caught.value) and "\n" not in str(caught.value)


def test_a_reader_says_in_one_line_what_is_not_ready(tmp_path: Path, old: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    for path, said in (
        (tmp_path / "none.db", "no store here yet"),
        (empty, "no store here yet"),
        (old, "schema 1 is older"),
    ):
        with pytest.raises(FileNotFoundError, match=said) as caught:
            database.open_reader(path)
        assert "sreconsole serve" in str(caught.value) and "\n" not in str(caught.value)
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"not a database, but long enough to look at" * 100)
    for opens in (database.open_reader, database.open_writer):
        with pytest.raises(sqlite3.DatabaseError, match="not a database"):
            opens(garbage)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(schema.Foreign, match="another program's tables"):
        database.open_writer(path)
    connection = sqlite3.connect(path)
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_schema")] == ["theirs"]
    connection.close()


@pytest.mark.parametrize(("mask", "readable"), [(0o077, 0o600), (0o027, 0o640), (0o000, 0o640)])
def test_the_store_is_its_owners_and_at_most_its_groups_to_read(tmp_path: Path, mask: int, readable: int) -> None:
    before = os.umask(mask)
    try:
        writer = Writer(tmp_path / "fleet.db")
        modes = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}
        writer.close()
    finally:
        os.umask(before)
    assert modes.pop("fleet.db.reserve") == 0o600
    assert modes and set(modes.values()) == {readable}, modes


PRAGMAS = (
    "recursive_triggers=OFF", "recursive_triggers=ON", "foreign_keys=OFF", "ignore_check_constraints=ON",
    "trusted_schema=OFF", "defer_foreign_keys=ON", "legacy_alter_table=ON", "synchronous=OFF", "case_sensitive_like=ON",
    "reverse_unordered_selects=ON",
)  # fmt: skip

ROW = "at, kind, source, session, agent, actor, subject, tier, severity, summary, data"
WRITES = (
    "UPDATE events SET summary = 'x' WHERE seq = 5",
    "UPDATE events SET seq = 50 WHERE seq = 5",
    "UPDATE events SET rowid = 50 WHERE seq = 5",
    "UPDATE OR REPLACE events SET seq = 5 WHERE seq = 6",
    "UPDATE OR IGNORE events SET summary = 'x'",
    "DELETE FROM events WHERE seq = 5",
    "DELETE FROM events",
    "INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 5",
    "REPLACE INTO events SELECT * FROM events WHERE seq = 10",
    f"INSERT OR REPLACE INTO events SELECT 11, {ROW}, uid, (SELECT hash FROM events WHERE seq = 10), 'h' FROM events WHERE seq = 5",
    "INSERT INTO events SELECT * FROM events WHERE seq = 5 ON CONFLICT(seq) DO UPDATE SET summary = 'x'",
    f"INSERT INTO events SELECT 0, {ROW}, NULL, prev, hash FROM events WHERE seq = 1",
    f"INSERT INTO events SELECT -1, {ROW}, NULL, prev, hash FROM events WHERE seq = 1",
    f"INSERT INTO events SELECT 12, {ROW}, NULL, prev, hash FROM events WHERE seq = 10",
    f"INSERT INTO events SELECT NULL, {ROW}, NULL, prev, hash FROM events WHERE seq = 10",
    f"INSERT INTO events SELECT 11, {ROW}, NULL, prev, hash FROM events WHERE seq = 10",
    "INSERT INTO floor VALUES (5, 'of nothing', 1)",
    "INSERT INTO floor SELECT 99, hash, 1 FROM events WHERE seq = 5",
    "INSERT INTO floor SELECT 3, hash, 1 FROM events WHERE seq = 3",
    "INSERT OR REPLACE INTO floor SELECT 4, hash, 1 FROM events WHERE seq = 4",
    "UPDATE floor SET seq = 9",
    "DELETE FROM floor",
    "UPDATE heads SET hash = 'x'",
    "DELETE FROM heads",
    "INSERT OR REPLACE INTO heads VALUES ('file:/x', 8, 'x', 1)",
)


@pytest.mark.parametrize("pragma", PRAGMAS)
def test_no_statement_changes_what_was_logged_under_any_pragma(store: Path, pragma: str) -> None:
    connection = sqlite3.connect(store, isolation_level=None)
    connection.execute("INSERT INTO floor SELECT seq, hash, 1 FROM events WHERE seq = 4")
    connection.execute("INSERT INTO heads SELECT 'file:/x', seq, hash, 1 FROM events WHERE seq = 8")
    connection.execute(f"PRAGMA {pragma}")

    def contents() -> list[object]:
        return [
            connection.execute(f"SELECT * FROM {one} ORDER BY 1").fetchall() for one in ("events", "floor", "heads")
        ]

    before = contents()
    for write in WRITES:
        # With trusted_schema=OFF some versions refuse every write that the full-text index would hear of.
        with pytest.raises(sqlite3.Error, match=r"append-only|only rises|heads stay|unsafe use of virtual"):
            connection.execute(write)
        assert contents() == before, write
    # What lies at or under the floor may go, and only that.
    connection.execute("PRAGMA trusted_schema=ON")
    assert connection.execute("DELETE FROM events WHERE seq <= 4").rowcount == 4
    connection.close()
