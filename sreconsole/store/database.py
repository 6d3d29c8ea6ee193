"""Opening the store: one writer, many readers, the right pragmas."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sreconsole.store import schema

SAFE_SQLITE = (3, 51, 3)
"""First SQLite without the WAL-reset bug (sqlite.org/wal.html#walresetbug)."""

PATIENCE_MS = 2000
"""How long a writer waits for a lock: a job waits for its group and the one before, so for less than five seconds."""

WAL_BYTES = 64 * 1024 * 1024
"""What the write-ahead log shrinks back to after a long reader (a backup) made it grow."""


def open_writer(path: Path) -> sqlite3.Connection:
    """The one read-write connection, owned by `serve`. Creates and migrates the file; mode 0640 less the umask.

    Raises schema.NewerSchema, OSError, sqlite3.DatabaseError (not a database, another program's, locked).
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o640))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE_MS / 1000)
    connection.row_factory = sqlite3.Row
    for pragma in (
        f"busy_timeout={PATIENCE_MS}",
        "synchronous=FULL",
        "recursive_triggers=ON",
        "foreign_keys=ON",
        "cache_size=-65536",
        "temp_store=MEMORY",
        f"journal_size_limit={WAL_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    try:
        schema.migrate(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path, *, copied: bool = False) -> sqlite3.Connection:
    """A read-only connection for screens and the command line: never writes, never checkpoints.

    `copied` opens a file nobody writes (a backup), also on a read-only disk. Raises FileNotFoundError
    (schema.NotReady for one not yet created or migrated) and schema.NewerSchema.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no store here yet; start it with `sreconsole serve`")
    flags = "mode=ro&immutable=1" if copied else "mode=ro"
    connection = sqlite3.connect(address(path, flags), uri=True, isolation_level=None, timeout=2.0,
                                 check_same_thread=False)  # fmt: skip
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        schema.check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def address(path: Path, flags: str) -> str:
    """A file as the URI SQLite opens it by, after sqlite.org/uri.html."""
    from urllib.parse import quote

    return f"file:{quote(str(path.absolute()))}?{flags}"
