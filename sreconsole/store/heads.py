"""Heads of the fleet log as they are sent off the box: written, remembered, read back."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from sreconsole.store.log import Tip


class BadHead(ValueError):
    """A head that was given cannot be read; says where and what one looks like."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link of the chain as it was sent off the box: what a truncated or rewritten log is held against.

    `at` is UTC milliseconds (0: not known), `home` the id of the store it was of ("": not known), `where` says where
    this head was found, in words.
    """

    seq: int
    hash: str
    at: int = 0
    home: str = ""
    where: str = ""


def home(connection: sqlite3.Connection) -> str:
    """The id of this store, drawn when it was made."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'home'").fetchone()
    return str(row[0]) if row else ""


def head_line(tip: Tip, at: int, store: str) -> str:
    """A head as it is sent: one line of JSON with `at` (UTC ms), `hash`, `home` and `seq`."""
    return json.dumps({"at": at, "hash": tip.hash, "home": store, "seq": tip.seq}, sort_keys=True)


def read_heads(text: str, where: str) -> tuple[list[Head], int]:
    """The heads in a file of such lines (a journal's export has them inside others), and how many lines are not heads.

    A line torn by a crash is counted, not fatal. Raises BadHead if no line is a head.
    """
    found, others = list[Head](), 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        head = _head(line[max(line.find("{"), 0) :], f"{where}:{number}")
        if head:
            found.append(head)
        else:
            others += 1
    if not found:
        raise BadHead(f'{where}: no head in it; a line looks like {{"at":…,"hash":"64 hex digits","home":…,"seq":…}}')
    return found, others


def one_head(text: str) -> Head:
    """The head written as SEQ:HASH. Raises BadHead."""
    seq, _, mark = text.partition(":")
    if not (seq.isascii() and seq.isdigit() and _is_hash(mark)):
        raise BadHead(f"{text}: neither a file nor SEQ:HASH with a hash of 64 hex digits")
    return Head(int(seq), mark.lower(), where="given")


def _head(text: str, where: str) -> Head | None:
    try:
        value: Any = json.loads(text)
        seq, mark, at, store = value["seq"], value["hash"], value.get("at", 0), value.get("home", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if type(seq) is not int or type(at) is not int or not isinstance(store, str) or not _is_hash(mark):
        return None
    return Head(seq, mark.lower(), at, store, where)


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and not set(value.lower()) - set("0123456789abcdef")


def record(connection: sqlite3.Connection, sent_to: str, head: Tip, now: int) -> None:
    """Note that a head has been sent somewhere, inside the caller's transaction."""
    connection.execute(
        "INSERT INTO heads (sent_to, seq, hash, at) VALUES (?,?,?,?)", (sent_to, head.seq, head.hash, now)
    )


def last(connection: sqlite3.Connection, sent_to: str) -> int:
    """The seq of the newest head sent there (0: none yet)."""
    row = connection.execute("SELECT seq FROM heads WHERE sent_to = ? ORDER BY seq DESC LIMIT 1", (sent_to,)).fetchone()
    return int(row[0]) if row else 0


def recorded(connection: sqlite3.Connection) -> list[Head]:
    """Every head the store remembers to have sent."""
    rows = connection.execute("SELECT seq, hash, at, sent_to FROM heads")
    return [Head(seq, mark, at, "", f"sent to {to}") for seq, mark, at, to in rows]


def forget(connection: sqlite3.Connection, below: int) -> None:
    """Drop what is remembered of heads whose rows retention has pruned, inside the caller's transaction."""
    to = ""
    while row := connection.execute("SELECT min(sent_to) FROM heads WHERE sent_to > ?", (to,)).fetchone():
        if row[0] is None:
            return
        to = row[0]
        connection.execute("DELETE FROM heads WHERE sent_to = ? AND seq < ?", (to, below))
