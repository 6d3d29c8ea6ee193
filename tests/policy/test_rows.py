"""Rows are told by the database itself, and nothing of the agent's is run for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sreconsole.policy import rows
from sreconsole.policy.radius import measure

PORT_ROLE = "readonly"


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found and shutil.which("psql") else None


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """A real PostgreSQL on a socket of its own: an owner with data, and a user who may only read."""
    binaries = _binaries()
    if binaries is None:
        why = "PostgreSQL is not installed: apt-get install postgresql"
        pytest.fail(why) if os.environ.get("SRECONSOLE_REQUIRE") == "all" else pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="sc-pg-", dir="/tmp"))
    wrap: list[str] = []
    if os.getuid() == 0:
        # PostgreSQL refuses to run as root.
        os.chown(folder, 65534, 65534)
        wrap = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "cwd": "/"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    subprocess.run([*wrap, str(binaries / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "owner"], **quiet)
    options = f"-k {folder} -p {port} -c listen_addresses='' -c fsync=off"
    subprocess.run([*wrap, str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-o", options, "-w", "start"], **quiet)
    owner = f"host={folder} port={port} user=owner dbname=postgres"
    sql = (
        "CREATE TABLE users(id int, plan text); INSERT INTO users SELECT n, 'free' FROM generate_series(1, 1204) n;"
        "CREATE TABLE touched(at int); ANALYZE;"
        "CREATE FUNCTION trap() RETURNS int LANGUAGE sql AS 'INSERT INTO touched VALUES (1) RETURNING at';"
        f"CREATE ROLE {PORT_ROLE} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {PORT_ROLE};"
        f"GRANT UPDATE, DELETE ON users TO {PORT_ROLE};"
    )
    subprocess.run(["psql", "-X", "-q", "-d", owner, "-c", sql], **quiet)
    yield {"owner": owner, "reader": owner.replace("user=owner", f"user={PORT_ROLE}"), "folder": str(folder)}
    subprocess.run([*wrap, str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"], **quiet)
    shutil.rmtree(folder, ignore_errors=True)


def effect(command: str, kind: str = "db.write", **more: Any) -> tuple[dict[str, Any], str]:
    start = command.index('"')
    return {"kind": kind, "span": [start, len(command)], "resolved": "$PROD_DATABASE_URL", **more}, command


def found(server: dict[str, str], statement: str, kind: str = "db.write", who: str = "reader") -> tuple[int, bool]:
    one, command = effect(f'psql $PROD_DATABASE_URL -c "{statement}"', kind)
    return rows.count(one, command, {"PROD_DATABASE_URL": server[who]}, time.monotonic() + 5)


def held(server: dict[str, str], table: str) -> int:
    done = subprocess.run(["psql", "-X", "-A", "-t", "-d", server["owner"], "-c", f"SELECT count(*) FROM {table}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    return int(done.stdout)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [("DELETE FROM users", "db.write"), ("UPDATE users SET plan='pro'", "db.write"), ("TRUNCATE users", "db.destroy"),
     ("DROP TABLE users", "db.destroy"), ("truncate table public.users;", "db.destroy")],
)  # fmt: skip
def test_a_whole_table_is_counted(server: dict[str, str], statement: str, kind: str) -> None:
    assert found(server, statement, kind) == (1204, False)
    assert held(server, "users") == 1204


def test_a_condition_is_planned_and_said_to_be_an_estimate(server: dict[str, str]) -> None:
    count, estimated = found(server, "DELETE FROM users WHERE id <= 600")
    assert estimated
    assert 500 < count < 700
    assert held(server, "users") == 1204


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM users; DROP TABLE users", "DELETE FROM users WHERE id = 1; SELECT trap()", "SELECT trap()", "CALL x()",
     "DELETE FROM nowhere", "WITH x AS (SELECT trap()) DELETE FROM users", "DELETE FROM users WHERE id = $X",
     "DELETE FROM users WHERE note = '[REDACTED:password]'", "COPY users TO PROGRAM 'id'", "DELETE FROM users WHERE",
     "EXPLAIN ANALYZE DELETE FROM users", "", "\\\\! id"],
)  # fmt: skip
def test_what_cannot_be_told_is_said_and_nothing_happens(server: dict[str, str], statement: str) -> None:
    with pytest.raises(rows.Uncountable):
        found(server, statement, who="owner")
    assert (held(server, "users"), held(server, "touched")) == (1204, 0)


def test_a_function_in_a_condition_is_not_run(server: dict[str, str]) -> None:
    found(server, "DELETE FROM users WHERE id = trap()", who="owner")
    assert (held(server, "users"), held(server, "touched")) == (1204, 0)


def test_without_a_connection_it_says_so() -> None:
    one, command = effect('psql $PROD_DATABASE_URL -c "DELETE FROM users"')
    with pytest.raises(rows.Uncountable, match="no connection is configured"):
        rows.count(one, command, {}, time.monotonic() + 1)


def test_a_database_that_is_away_is_no_fault(server: dict[str, str]) -> None:
    one, command = effect('psql $PROD_DATABASE_URL -c "DELETE FROM users"')
    with pytest.raises(rows.Uncountable, match="would not say"):
        rows.count(one, command, {"PROD_DATABASE_URL": "host=/nowhere port=1"}, time.monotonic() + 3)


def test_the_card_reads_rows(server: dict[str, str]) -> None:
    one, command = effect("psql -h db1.prod -c \"UPDATE users SET plan='pro'\"", host="db1.prod", environment="prod")
    question = {"effects": [one], "command": command, "cwd": "/", "databases": {"db1.prod": server["reader"]}}
    record = measure(question, time.monotonic() + 5)
    assert record["rows"] == 1204
    assert "1,204 rows" in record["words"]
    assert record["unmeasured"] == ""
