"""The doctor's look at the store: is it whole, is there room, is the SQLite under it a safe one."""

from __future__ import annotations

import os
import shlex
import sqlite3
import time

from sreconsole.gate.doctor import Check, Visit, bad, ok, warn
from sreconsole.store import database, log, schema
from sreconsole.store.writer import RESERVE_BYTES

PATIENCE = 1.0
"""Seconds the integrity check may take; a large store is then checked in part."""

LITTLE, NONE = 1 << 30, 64 << 20
"""Bytes free: below the first a warning, below the second it is about to stop."""

NEWER = (
    "for p in python3.11 python3.12 python3.13 python3.14; do "
    "$p -c 'import sqlite3, sys; print(sys.executable, sqlite3.sqlite_version)'; done   # install under one with a newer SQLite"
)

DAY = 86_400_000


def checks(visit: Visit) -> list[Check]:
    """What is found of the store."""
    store = visit.home.store
    sqlite = _sqlite()
    try:
        connection = database.open_reader(store)
    except FileNotFoundError as error:
        return [bad("store", str(error), "sreconsole serve"), sqlite]
    except (schema.NewerSchema, sqlite3.Error) as error:
        return [bad("store", f"{store}: {error}", f"ls -l {shlex.quote(str(store))}"), sqlite]
    try:
        return [_whole(visit, connection), _room(visit), _reserve(visit), sqlite, _steps(visit, connection)]
    finally:
        connection.close()


def _whole(visit: Visit, connection: sqlite3.Connection) -> Check:
    store = visit.home.store
    found = schema.version(connection)
    words = f"{store}, {store.stat().st_size / 1e6:.1f} MB, schema {found}"
    if found < schema.VERSION:
        return warn("store", f"{words}: serve will bring it to {schema.VERSION}", "sreconsole serve")
    until = time.monotonic() + PATIENCE
    connection.set_progress_handler(lambda: time.monotonic() > until, 20_000)
    try:
        said = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.OperationalError as error:
        if time.monotonic() > until:
            return ok("store", f"{words}; whole as far as could be read in {PATIENCE:.0f} s")
        return bad("store", f"{words}: {error}", "sreconsole audit verify")
    except sqlite3.DatabaseError as error:
        return bad("store", f"{words}: {error}", "sreconsole audit verify")
    finally:
        connection.set_progress_handler(None, 0)
    if said != ["ok"]:
        return bad("store", f"{words}: damaged: {said[0]}", "sreconsole audit verify")
    return ok("store", f"{words}, whole")


def _room(visit: Visit) -> Check:
    free = os.statvfs(visit.home.state)
    left = free.f_bavail * free.f_frsize
    words, fix = f"{left / 1e9:.1f} GB free for {visit.home.state}", f"df -h {shlex.quote(str(visit.home.state))}"
    if left < NONE:
        return bad("disk", f"{words}: without room everything is refused", fix)
    return warn("disk", words, fix) if left < LITTLE else ok("disk", words)


def _reserve(visit: Visit) -> Check:
    path = visit.home.store.with_name(visit.home.store.name + ".reserve")
    size = path.stat().st_size if path.exists() else 0
    if size < RESERVE_BYTES:
        return warn(
            "reserve", f"{path}: not there: on a full disk even a denial could not be recorded", "sreconsole serve"
        )
    return ok("reserve", f"{size >> 20} MiB kept for decisions on a full disk")


def _sqlite() -> Check:
    found = sqlite3.sqlite_version_info
    if found >= database.SAFE_SQLITE:
        return ok("sqlite", sqlite3.sqlite_version)
    safe = ".".join(str(one) for one in database.SAFE_SQLITE)
    return warn("sqlite", f"{sqlite3.sqlite_version} has the WAL-reset bug (fixed in {safe}); one writer shields from it",
                NEWER)  # fmt: skip


def _steps(visit: Visit, connection: sqlite3.Connection) -> Check:
    """Whether the wall clock was set lately: open deadlines moved with it."""
    steps = [
        one for one in log.before(connection, None, log.Filter(kind="clock.stepped"), 20) if one.at > visit.wall - DAY
    ]
    if steps:
        return warn(
            "clock steps", f"set {len(steps)} times in a day; last: {steps[0].summary}", "timedatectl set-ntp true"
        )
    return ok("clock steps", "none in a day")
