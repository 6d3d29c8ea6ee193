"""A copy of the store, made while it is in use."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sreconsole.store import database, heads, log


class BackupFailed(Exception):
    """No copy was made; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A finished copy: its size in bytes, and the head of the chain it ends with."""

    path: Path
    bytes: int
    seq: int
    hash: str
    home: str


def copy(store: Path, to: Path, *, force: bool = False) -> Copy:
    """Copy a store by VACUUM INTO, as of one moment; mode 0600, checked, and in place at once or not at all.

    Reads through a read-only connection of its own, so the writer goes on (its -wal grows meanwhile by what is
    written). Raises BackupFailed, and as database.open_reader does.
    """
    if to.is_dir():
        raise BackupFailed(f"{to}: is a folder; name a file in it")
    if to.exists() and not force:
        raise BackupFailed(f"{to}: is there already; --force replaces it")
    if not to.parent.is_dir():
        raise BackupFailed(f"{to.parent}: there is no such folder")
    if to.exists() and to.samefile(store):
        raise BackupFailed(f"{to}: is the store itself")
    with_store = database.open_reader(store)
    try:
        _room(with_store, to)
    finally:
        with_store.close()
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        _vacuum(store, part)
        made = _checked(part, to)
        part.replace(to)
        _sync(to.parent)
    except sqlite3.Error as error:
        raise BackupFailed(f"{to}: no copy was made: {error}") from error
    except OSError as error:
        raise BackupFailed(f"{to}: no copy was made: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return made


def _room(connection: sqlite3.Connection, to: Path) -> None:
    pages = (
        connection.execute("PRAGMA page_count").fetchone()[0]
        - connection.execute("PRAGMA freelist_count").fetchone()[0]
    )
    need = pages * connection.execute("PRAGMA page_size").fetchone()[0]
    free = shutil.disk_usage(to.parent).free
    # A copy without the gaps of the original is never larger; some room more, so that the disk is not full after it.
    if free < need + need // 20:
        raise BackupFailed(f"{to.parent}: the copy needs {need / 1e6:.0f} MB, {free / 1e6:.0f} MB are free")


def _vacuum(store: Path, part: Path) -> None:
    # VACUUM INTO takes an empty file: made by us, so that it is nobody else's to read from the first byte on.
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    # Not open_reader's: query_only would refuse VACUUM INTO; mode=ro cannot write to the store either.
    connection = sqlite3.connect(database.address(store, "mode=ro"), uri=True, isolation_level=None, timeout=5.0)
    try:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("VACUUM INTO ?", (str(part),))
    finally:
        connection.close()
    _sync(part)


def _checked(part: Path, to: Path) -> Copy:
    connection = database.open_reader(part, copied=True)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise BackupFailed(f"{to}: no copy was made, the store is damaged: {found}")
        tip = log.tip(connection)
        return Copy(to, part.stat().st_size, tip.seq, tip.hash, heads.home(connection))
    finally:
        connection.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
