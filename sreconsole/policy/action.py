"""What an agent is about to do, in one shape for every client."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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


def canonical(value: object) -> bytes:
    """Canonical JSON bytes of a value: sorted keys, no spaces, UTF-8, no NaN.

    After RFC 8785 (JCS), but numbers keep Python's shortest form. Lone surrogates are kept as `\\udXXX` escapes.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest(action: Action, policy_version: str) -> str:
    """SHA-256 (hex) that binds a decision to exactly what was asked, by whom, where, and under which policy."""
    return hashlib.sha256(
        canonical(
            {
                "tool": action.tool,
                "input": dict(action.input),
                "cwd": action.cwd,
                "session": action.session,
                "subagent": action.subagent,
                "agent": action.agent,
                "policy": policy_version,
            }
        )
    ).hexdigest()
