"""Ids as a person types or says them, and how a shell completes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

from sreconsole.cli.exits import Usage
from sreconsole.store import agents, escalations, grants, sessions

LONGEST = 64


def spoken(prefix: str, typed: str) -> str:
    """The id a person means: prefix and leading zeros may be left out, `o` is 0, `i` and `l` are 1. Raises Usage.

    The alphabet is Crockford's base 32, which reads mistaken letters the same way.
    """
    bare = typed.strip().lower().removeprefix(f"{prefix}-")
    if not bare or len(bare) > LONGEST or not (bare.isascii() and bare.isalnum()):
        raise Usage(f"{typed[:80]!r} is no id; they look like {prefix}-0012")
    return f"{prefix}-{bare.translate(str.maketrans('oil', '011')):0>4}"


def session(connection: sqlite3.Connection, typed: str) -> str:
    """The session a person means: its id, or a beginning that only one of the newest has. Raises Usage."""
    if not typed:
        raise Usage("a session's id is empty; look: sreconsole sessions list --all")
    if sessions.get(connection, typed) is not None:
        return typed
    found = [one.id for one in sessions.newest(connection, 1000) if one.id.startswith(typed)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Usage(f"{typed[:80]} is the beginning of {len(found)} sessions; type more of it")
    raise Usage(f"there is no session {typed[:80]}; look: sreconsole sessions list --all")


def short(ids: Iterable[str]) -> dict[str, str]:
    """The shortest beginning of each id, 8 characters at least, that no other of them has."""
    every = sorted(set(ids))
    found = {}
    for at, one in enumerate(every):
        neighbours = every[max(0, at - 1) : at] + every[at + 1 : at + 2]
        size = 8
        while size < len(one) and any(other.startswith(one[:size]) for other in neighbours):
            size += 1
        found[one] = one[:size]
    return found


def waiting(incomplete: str) -> list[tuple[str, str]]:
    """Completes the escalations that wait."""
    return _complete(incomplete, lambda store: [(one.id, one.tool) for one in escalations.waiting(store)])


def known(incomplete: str) -> list[tuple[str, str]]:
    """Completes the newest escalations."""
    return _complete(incomplete, lambda store: [(one.id, one.state) for one in escalations.newest(store, limit=100)])


def granted(incomplete: str) -> list[tuple[str, str]]:
    """Completes the newest grants."""
    return _complete(incomplete, lambda store: [(one.id, one.target) for one in grants.newest(store, 100)])


def agent(incomplete: str) -> list[tuple[str, str]]:
    """Completes agents' names."""
    return _complete(incomplete, lambda store: [(one.name, one.role) for one in agents.every(store)])


def seen(incomplete: str) -> list[tuple[str, str]]:
    """Completes the newest sessions."""
    return _complete(incomplete, lambda store: [(one.id, one.agent) for one in sessions.newest(store, 100)])


def _complete(incomplete: str, read: Callable[[sqlite3.Connection], list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """What begins as typed; nothing when there is no store to ask."""
    from sreconsole import paths
    from sreconsole.store import database, schema
    from sreconsole.text.safe import safe

    try:
        connection = database.open_reader(paths.home().store)
    except (OSError, sqlite3.Error, schema.NewerSchema):
        return []
    try:
        found = read(connection)
    except sqlite3.Error:
        return []
    finally:
        connection.close()
    # A name a shell would have to quote, or that is not what it looks like, is not offered.
    plain = [
        (id, str(safe(words).cut(40)).replace(":", " ")) for id, words in found if safe(id) == id and " " not in id
    ]
    return [one for one in plain if one[0].startswith(incomplete)]
