"""What a session's log says, in one vocabulary for all clients. A reader turns lines into these; nothing else does.

Every record has `at` (UTC milliseconds, 0 where the line has no time) and `agent` ("" the main thread, else the
subagent's id). Foreign text in them is raw: it goes through `sreconsole.text` before it is drawn or stored.
"""

from dataclasses import dataclass
from datetime import datetime

from .callbook import NOTHING, About
from .tokens import NO_TOKENS, Tokens


@dataclass(frozen=True, slots=True)
class Record:
    at: int = 0
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Opened(Record):
    """Facts about where the session runs. Given again when one of them changes; "" says nothing."""

    session: str = ""
    client: str = ""
    version: str = ""
    cwd: str = ""
    branch: str = ""
    commit: str = ""
    repository: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Prompted(Record):
    """A turn began. `by_human` is False for what the client tells itself (task notices, hook feedback, commands)."""

    text: str = ""
    by_human: bool = True


@dataclass(frozen=True, slots=True)
class Answered(Record):
    """A line of a model call: usage for `CallBook.add`, the words that were said."""

    key: str = ""
    request: str = ""
    about: About = NOTHING
    flags: int = 0
    tokens: Tokens = NO_TOKENS
    text: str = ""
    effort: str = ""


@dataclass(frozen=True, slots=True)
class Called(Record):
    """A tool was called. `digest` names the call without what may vary freely (a description, a timeout)."""

    call: str = ""
    tool: str = ""
    digest: str = ""
    command: str = ""
    paths: tuple[str, ...] = ()
    asks_human: bool = False
    background: bool = False


@dataclass(frozen=True, slots=True)
class Returned(Record):
    """A tool's result. `exit` is None where the client wrote none. `denied` is "", "user", "policy" or "sibling" (it did
    not run because another call of its batch failed)."""

    call: str = ""
    failed: bool = False
    exit: int | None = None
    denied: str = ""
    digest: str = ""
    text: str = ""
    added: int = 0
    removed: int = 0
    paths: tuple[str, ...] = ()
    subagent: str = ""


@dataclass(frozen=True, slots=True)
class TurnEnded(Record):
    """The client said that the turn is over: "complete", "aborted" or "limit"."""

    how: str = "complete"


@dataclass(frozen=True, slots=True)
class Compacted(Record):
    trigger: str = ""
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Errored(Record):
    """A model call failed. `gave_up` once no retry is left."""

    text: str = ""
    attempt: int = 0
    gave_up: bool = False


@dataclass(frozen=True, slots=True)
class Changed(Record):
    """A setting changed: `what` is "model", "effort", "permission mode" or "approval policy"."""

    what: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Linked(Record):
    """The session opened a pull request."""

    number: int = 0
    url: str = ""
    repository: str = ""


@dataclass(frozen=True, slots=True)
class OwnTotal(Record):
    """The client's own running total for the session. `usd` is None where it gives none."""

    tokens: Tokens = NO_TOKENS
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Restarted(Record):
    """The file's history begins anew (truncated, replaced, rewritten): what was folded from it is to be dropped."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Skipped(Record):
    """A line of a kind no reader knows, or that could not be read (`kind` "unreadable"): counted, never fatal."""

    kind: str = ""


def millis(when: object) -> int:
    """UTC milliseconds of an ISO 8601 time, or of a number (seconds or milliseconds since 1970); 0 for anything else."""
    if isinstance(when, str):
        try:
            return int(datetime.fromisoformat(when).timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            return 0
    if isinstance(when, int | float) and not isinstance(when, bool) and 0 < when < 1e14:
        return int(when if when > 1e11 else when * 1000)
    return 0
