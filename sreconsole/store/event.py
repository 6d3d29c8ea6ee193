"""One entry of the fleet log, and the hash that chains it to the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sreconsole.text.canonical import canonical

GENESIS = "0" * 64
"""The `prev` of the first event ever."""

INFO, NOTICE, WARN, PAGE = 0, 1, 2, 3
"""Severities: information, worth a look, wrong, needs a human."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `at` is UTC milliseconds since the epoch; `uid` makes a retried append one event."""

    kind: str
    at: int
    source: str = ""
    session: str = ""
    agent: str = ""
    actor: str = ""
    subject: str = ""
    tier: int = 0
    severity: int = INFO
    summary: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored event: its place in the log and its links. `data` is canonical JSON text."""

    seq: int
    at: int
    kind: str
    source: str
    session: str
    agent: str
    actor: str
    subject: str
    tier: int
    severity: int
    summary: str
    data: str
    uid: str | None
    prev: str
    hash: str


COLUMNS = "seq, at, kind, source, session, agent, actor, subject, tier, severity, summary, data, uid, prev, hash"


def link(prev: str, seq: int, event: Event, data: str) -> str:
    """SHA-256 (hex) over the previous hash and the event's canonical JSON: a link of the chain.

    Every stored column but the hash itself takes part, so no column can change unseen.
    """
    body = [
        seq, event.at, event.kind, event.source, event.session, event.agent, event.actor, event.subject,
        event.tier, event.severity, event.summary, data, event.uid,
    ]  # fmt: skip
    return hashlib.sha256(prev.encode() + canonical(body)).hexdigest()


def relink(entry: Entry) -> str:
    """The hash a stored entry should have, given its own columns and its `prev`."""
    event = Event(
        entry.kind, entry.at, entry.source, entry.session, entry.agent, entry.actor, entry.subject,
        entry.tier, entry.severity, entry.summary, {}, entry.uid,
    )  # fmt: skip
    return link(entry.prev, entry.seq, event, entry.data)
