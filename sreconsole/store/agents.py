"""Agents as rows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.store import rows


@dataclass(frozen=True, slots=True)
class Agent:
    """A configured identity that runs sessions.

    `scope` is its declared reach and `rules` what maps sessions from elsewhere to it, both JSON text; `unattended`
    is what its tier 1 and 2 calls are answered with ("no opinion" or "allow").
    """

    name: str
    owner: str
    uid: int | None
    role: str
    model: str
    scope: str
    rules: str
    unattended: str
    enrolled_at: int
    enrolled_by: str
    revoked_at: int | None
    revoked_by: str


def save(connection: sqlite3.Connection, agent: Agent) -> None:
    """Store an agent, new or changed."""
    rows.insert(connection, "agents", agent, replace=True)


def get(connection: sqlite3.Connection, name: str) -> Agent | None:
    """The agent of that name, revoked or not."""
    found = rows.read(connection, "agents", Agent, "name = ?", (name,))
    return found[0] if found else None


def every(connection: sqlite3.Connection) -> list[Agent]:
    """All agents by name, revoked ones last."""
    return rows.read(connection, "agents", Agent, "1 ORDER BY revoked_at IS NOT NULL, name")
