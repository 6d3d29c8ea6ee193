"""What an agent is about to do, in one shape for every client."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sreconsole.text.canonical import canonical


@dataclass(frozen=True, slots=True)
class Action:
    """One planned tool call.

    `input` is the tool's own argument object as the client sent it; `cwd` and `home` are absolute paths on
    the agent's machine (`home` may be empty: unknown). `session`, `subagent` and `agent` say who asks.
    """

    client: str
    tool: str
    input: Mapping[str, Any]
    cwd: str
    session: str = ""
    subagent: str = ""
    agent: str = ""
    home: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing an action would do, whatever tool does it.

    `kind` is one word of the vocabulary (`fs.delete`, `git.push`, `net.mutate`, `unknown` ...); `target` is the
    path, host, ref or object it hits; `resolved` says how the target and environment were found.
    `span` is a half-open range of text columns in the command (None: the whole call).
    """

    kind: str
    target: str = ""
    host: str = ""
    environment: str = ""
    resolved: str = ""
    span: tuple[int, int] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A tier with its reasons. `wait` and `page_after` are seconds."""

    tier: int
    rule: str
    why: str
    instead: str = ""
    does: str = ""
    target: str = ""
    environment: str = ""
    effects: tuple[Effect, ...] = ()
    trail: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    unparseable: bool = False
    where: str = ""
    wait: float = 1800.0
    page_after: float = 0.0
    then: str = "refuse"
    confirm: str = ""
    approvers: int = 1
    attended: str = "ask"


def asked(action: Action) -> str:
    """SHA-256 (hex) over the tool and its whole input: exactly what would run."""
    return hashlib.sha256(canonical({"tool": action.tool, "input": dict(action.input)})).hexdigest()


def bind(asked: str, *, cwd: str, session: str, subagent: str, agent: str, policy: str) -> str:
    """The digest (SHA-256, hex) a decision is bound to: what was asked, where, by whom, under which policy."""
    who = {"asked": asked, "cwd": cwd, "session": session, "subagent": subagent, "agent": agent, "policy": policy}
    return hashlib.sha256(canonical(who)).hexdigest()
