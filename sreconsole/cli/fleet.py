"""The fleet a command looks at or acts on: its home, its store read-only, its `serve`."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sreconsole import paths
from sreconsole.cli.exits import Usage
from sreconsole.serve import client
from sreconsole.store import database, log

ROOM = 4096
"""Bytes kept free in a request's line for what wraps it."""


def now() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


@contextmanager
def store() -> Iterator[sqlite3.Connection]:
    """The store, read-only. Says on standard error how old it is when no `serve` keeps it up to date.

    Raises FileNotFoundError, NewerSchema, sqlite3.Error.
    """
    home = paths.home()
    connection = database.open_reader(home.store)
    try:
        if note := _stale(home, connection):
            print(f"sreconsole: {note}", file=sys.stderr)
        yield connection
    finally:
        connection.close()


def ready() -> None:
    """Start `serve` unless it runs. Raises ServeDown."""
    home = paths.home()
    if _barred(home) is None:
        client.ensure(home)


def ask(verb: str, *, patience: float = 10.0, **words: Any) -> dict[str, Any]:
    """Send one act to `serve`, starting it if need be; words that are None are left out.

    Raises ServeDown, Refused (with its exit code) and Usage for more than a request may hold.
    """
    request = {name: value for name, value in words.items() if value is not None}
    size = len(json.dumps(request))
    if size > client.LINE_LIMIT - ROOM:
        raise Usage(f"{size} bytes are too much for one request; {client.LINE_LIMIT - ROOM} are allowed")
    ready()
    with client.Line(paths.home(), timeout=patience) as line:
        return line.ask(verb, **request)


def _barred(home: paths.Home) -> PermissionError | None:
    """Why this user cannot reach a `serve` that is there: then starting another would be wrong. Raises ServeDown."""
    try:
        with client.Line(home, timeout=2.0):
            return None
    except client.ServeDown as down:
        if isinstance(down.__cause__, PermissionError):
            raise
        return None


def _stale(home: paths.Home, connection: sqlite3.Connection) -> str:
    try:
        with client.Line(home, timeout=2.0):
            return ""
    except client.ServeDown as down:
        if isinstance(down.__cause__, PermissionError):
            return ""
    newest = log.one(connection, log.bounds(connection)[1])
    if newest is None:
        return "serve is down and the store is empty; start it: sreconsole serve"
    from sreconsole.cli.table import ago

    return f"serve is down; this is the store as of {ago(newest.at, now())}; start it: sreconsole serve"
