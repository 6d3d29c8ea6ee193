"""How a frozen record becomes a row and back: the one place that builds such SQL."""

from __future__ import annotations

import sqlite3
from dataclasses import fields, replace
from typing import Any, TypeVar

Record = TypeVar("Record")


_NAMES: dict[type[Any], tuple[str, ...]] = {}


def names(record: type[Any]) -> tuple[str, ...]:
    """The columns of a record's table, in the order of its fields."""
    found = _NAMES.get(record)
    if found is None:
        found = _NAMES[record] = tuple(field.name for field in fields(record))
    return found


def insert(connection: sqlite3.Connection, table: str, record: object, *, replace: bool = False) -> None:
    """Store a record, inside the caller's transaction. `replace` overwrites the row of the same key."""
    columns = names(type(record))
    verb = "INSERT OR REPLACE" if replace else "INSERT"
    connection.execute(
        f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({','.join('?' * len(columns))})",
        [getattr(record, column) for column in columns],
    )


def read(
    connection: sqlite3.Connection, table: str, record: type[Record], tail: str = "1", values: tuple[Any, ...] = ()
) -> list[Record]:
    """Records of a table; `tail` is what follows WHERE."""
    rows = connection.execute(f"SELECT {', '.join(names(record))} FROM {table} WHERE {tail}", values)
    return [record(*row) for row in rows]


def update(connection: sqlite3.Connection, table: str, key: str, value: object, **changes: Any) -> int:
    """Change columns of the rows whose `key` column equals `value`; the number of rows changed."""
    sets = ", ".join(f"{name} = ?" for name in changes)
    done = connection.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", [*changes.values(), value])
    return done.rowcount


def changed(record: Record, **changes: Any) -> Record:
    """The record with some fields changed."""
    return replace(record, **changes)  # type: ignore[type-var]


def as_dict(record: Any) -> dict[str, Any]:
    """A record's fields by name."""
    return {name: getattr(record, name) for name in names(type(record))}
