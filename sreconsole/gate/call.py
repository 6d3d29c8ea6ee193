"""What a client's hook tells or asks, in one shape for every client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Unreadable(Exception):
    """The payload is not what the client's protocol says; the message names the field."""


@dataclass(frozen=True, slots=True)
class Call:
    """One hook call. `kind` is what it is to us:

    tool (a gate), question, plan, elicitation (a human answers), permission (the client's own dialog opens),
    settings (a settings file changed), news (everything else).
    `call` is the client's id of the tool call; `news` holds the event's own fields.
    """

    client: str
    event: str
    kind: str
    session: str
    cwd: str
    subagent: str = ""
    subagent_type: str = ""
    tool: str = ""
    call: str = ""
    input: Mapping[str, Any] = field(default_factory=dict)
    mode: str = ""
    transcript: str = ""
    choices: tuple[Mapping[str, Any], ...] = ()
    news: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a hook prints: exit code, standard output, standard error."""

    code: int = 0
    out: bytes = b""
    err: bytes = b""


NO_OPINION = Reply()
"""The client's own rules decide."""
