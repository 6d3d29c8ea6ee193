"""Usage out of Codex CLI's rollout files: growth of the running total, without what a fork replays of its parent.

A rollout writes `token_count` with the session's running total, often twice with the same numbers: what counts is its
growth. A fork or subagent begins with its parent's history, written again with or without new times: that is the
parent's use. What tells the two apart, most certain first: a `token_usage_record` names its thread; a turn's id
(UUIDv7) holds the time it began, and so does the session's own id; a time before the session was born; the parent's
own file, where it is at hand; a burst of records at the very beginning, faster than any model answers.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from .callbook import CallBook
from .claude_usage import records_in, text
from .logfiles import CODEX, Blocks
from .tokens import NO_TOKENS, Tokens, of_openai

_WANTED = (b'"token_', b'"turn_context"', b'"session_meta"')
BURST_MS = 1000.0

Raw = tuple[int, int, int, int, int]
"""input (all of it), cached, cache-written, output, reasoning: as the client counts them."""


class _Usage(msgspec.Struct):
    input_tokens: int | None = 0
    cached_input_tokens: int | None = 0
    cache_write_input_tokens: int | None = 0
    output_tokens: int | None = 0
    reasoning_output_tokens: int | None = 0


class _Info(msgspec.Struct):
    total_token_usage: _Usage | None = None
    last_token_usage: _Usage | None = None


class _Payload(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    session_id: str | None = None
    timestamp: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    source: Any = None
    turn_id: str | None = None
    model: str | None = None
    info: _Info | None = None
    thread_id: str | None = None
    response_id: str | None = None
    usage: _Usage | None = None


class _Line(msgspec.Struct):
    timestamp: str | None = None
    type: str | None = None
    payload: _Payload | None = None


_decode = msgspec.json.Decoder(_Line).decode


class Count(NamedTuple):
    """One `token_count`: when it was written, the running total, the last call, and the turn and model it fell in."""

    at: str
    total: Raw | None
    last: Raw | None
    turn: str
    model: str


@dataclass(slots=True)
class Rollout:
    """What one file says about use."""

    path: str
    id: str = ""
    parent: str = ""
    born: str = ""
    begun: str = ""
    counts: list[Count] = field(default_factory=list)
    own_calls: dict[str, Count] = field(default_factory=dict)
    turn: str = ""
    model: str = ""

    @property
    def ends_at(self) -> Raw | None:
        """The client's own total for the session: the last running total."""
        return next((one.total for one in reversed(self.counts) if one.total is not None), None)


class CodexUsage:
    """Reads rollouts, then adds their own calls to a book (`finish`): a fork is understood beside its parent."""

    def __init__(self, book: CallBook) -> None:
        self.book = book
        self.unreadable = 0
        self.rollouts: list[Rollout] = []
        self.own_totals: dict[str, Raw] = {}

    def read(self, fd: int, path: str, blocks: Blocks) -> None:
        """One file. Raises OSError."""
        rollout = Rollout(path)
        for buffer, end in blocks.of(fd):
            self._block(rollout, buffer, end)
        if rollout.counts or rollout.own_calls:
            self.rollouts.append(rollout)

    def _block(self, rollout: Rollout, buffer: bytearray, end: int) -> None:
        find = buffer.find
        upcoming = [find(word, 0, end) for word in _WANTED]
        with memoryview(buffer) as view:
            while True:
                hits = [at for at in upcoming if at >= 0]
                if not hits:
                    return
                at = min(hits)
                start = buffer.rfind(b"\n", 0, at) + 1
                stop = find(b"\n", at, end)
                stop = end if stop < 0 else stop
                self._line(rollout, view[start:stop])
                for which, word in enumerate(_WANTED):
                    if 0 <= upcoming[which] < stop:
                        upcoming[which] = find(word, stop, end)

    def _line(self, rollout: Rollout, raw: memoryview) -> None:
        try:
            line = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._loose(rollout, bytes(raw))
            return
        if line.payload is not None:
            _take(rollout, line)

    def _loose(self, rollout: Rollout, raw: bytes) -> None:
        found = 0
        for record in records_in(raw):
            found += 1
            try:
                line = msgspec.convert(record, _Line, strict=False)
            except msgspec.ValidationError:
                continue
            if line.payload is not None:
                _take(rollout, line)
        if not found:
            self.unreadable += 1

    def finish(self) -> None:
        """Adds every call once. The longest copy of a session speaks for all its copies."""
        by_id: dict[str, Rollout] = {}
        for rollout in sorted(self.rollouts, key=lambda one: (-len(one.counts), one.path)):
            by_id.setdefault(rollout.id or rollout.path, rollout)
        for identity, rollout in sorted(by_id.items(), key=lambda pair: pair[1].path):
            if rollout.ends_at is not None:
                self.own_totals[identity] = rollout.ends_at
            first_model = next((one.model for one in rollout.counts if one.model), rollout.model) or "unknown"
            for call, used in calls(rollout, by_id.get(rollout.parent)):
                about = (CODEX, call.model or first_model, call.at[:10], identity)
                self.book.add("", "", about, 0, used)
        self.rollouts.clear()


def _take(rollout: Rollout, line: _Line) -> None:
    payload = line.payload
    assert payload is not None
    if line.type == "session_meta":
        if not rollout.begun:
            rollout.begun = line.timestamp or ""
            rollout.born = payload.timestamp or line.timestamp or ""
            rollout.id = payload.id or payload.session_id or ""
            rollout.parent = payload.forked_from_id or payload.parent_thread_id or _spawned_by(payload.source)
    elif line.type == "turn_context":
        rollout.model = payload.model or rollout.model
        rollout.turn = payload.turn_id or ""
    elif line.type == "token_usage_record":
        own = payload.thread_id in (None, rollout.id)
        if own and payload.usage is not None and payload.response_id:
            used = _raw(payload.usage)
            at = line.timestamp or ""
            rollout.own_calls[payload.response_id] = Count(at, used, used, payload.turn_id or "", rollout.model)
    elif payload.type == "token_count" and payload.info is not None:
        total = _raw(payload.info.total_token_usage) if payload.info.total_token_usage else None
        last = _raw(payload.info.last_token_usage) if payload.info.last_token_usage else None
        if total or last:
            rollout.counts.append(Count(line.timestamp or "", total, last, rollout.turn, rollout.model))


def _spawned_by(source: Any) -> str:
    """`source.subagent.thread_spawn.parent_thread_id`, where a subagent's rollout names its parent."""
    for word in ("subagent", "thread_spawn"):
        source = source.get(word) if isinstance(source, dict) else None
    return text(source.get("parent_thread_id")) if isinstance(source, dict) else ""


def _raw(usage: _Usage) -> Raw:
    return (
        max(0, usage.input_tokens or 0),
        max(0, usage.cached_input_tokens or 0),
        max(0, usage.cache_write_input_tokens or 0),
        max(0, usage.output_tokens or 0),
        max(0, usage.reasoning_output_tokens or 0),
    )


def as_tokens(raw: Raw) -> Tokens:
    """The client's numbers in ours."""
    return of_openai(
        {
            "input_tokens": raw[0],
            "cached_input_tokens": raw[1],
            "cache_write_input_tokens": raw[2],
            "output_tokens": raw[3],
        }
    )


def calls(rollout: Rollout, parent: Rollout | None) -> list[tuple[Count, Tokens]]:
    """A session's own calls with what each used."""
    if rollout.own_calls and (rollout.parent or not rollout.counts):
        return [(one, as_tokens(one.total)) for one in rollout.own_calls.values() if one.total]
    inherited = _inherited(rollout, parent) if rollout.parent else 0
    before = rollout.counts[inherited - 1].total if inherited else None
    found = []
    for one in rollout.counts[inherited:]:
        grown = _growth(before, one, first_of_fork=bool(rollout.parent) and before is None)
        before = one.total or before
        used = as_tokens(grown)
        if used != NO_TOKENS:
            found.append((one, used))
    return found


def _growth(before: Raw | None, one: Count, first_of_fork: bool) -> Raw:
    """How much was used since the running total `before`. A total that shrank began anew."""
    if one.total is None:
        return one.last or (0, 0, 0, 0, 0)
    if before is None:
        return one.last if first_of_fork and one.last is not None else one.total
    grown = tuple(now - then for now, then in zip(one.total, before, strict=True))
    if min(grown[0], grown[3]) < 0:
        return one.last if one.last is not None else one.total
    return (grown[0], max(0, grown[1]), max(0, grown[2]), grown[3], max(0, grown[4]))


def _inherited(rollout: Rollout, parent: Rollout | None) -> int:
    """How many of a fork's first counts are its parent's, written again."""
    known = {one.total for one in parent.counts} if parent is not None else None
    before = time_of(rollout.begun)
    for at, one in enumerate(rollout.counts):
        own = of_own_turn(rollout.id, one.turn)
        if own is None:
            own = not is_old(rollout.id, rollout.born, one.at, before) or (known is not None and one.total not in known)
        if own:
            return at
        before = time_of(one.at)
    return len(rollout.counts)


def of_own_turn(session: str, turn: str) -> bool | None:
    """Whether a turn began after its session was born, by the times inside their ids; None where an id holds none."""
    born, began = _id_time(session), _id_time(turn)
    return None if born is None or began is None else began >= born


def is_old(session: str, born: str, written: str, before: float | None) -> bool:
    """Whether a count is older than its session, or follows the one before faster than a model answers."""
    at, birth = time_of(written), _id_time(session) or time_of(born)
    if at is None:
        return False
    return (birth is not None and at < birth - BURST_MS) or (before is not None and at - before <= BURST_MS)


def _id_time(identity: str) -> float | None:
    """Milliseconds since 1970 in a UUIDv7; None for any other id."""
    digits = identity.replace("-", "")
    if len(digits) != 32 or digits[12] != "7":
        return None
    try:
        return float(int(digits[:12], 16))
    except ValueError:
        return None


def time_of(when: str) -> float | None:
    """Milliseconds since 1970 of an ISO 8601 time; None for anything else."""
    try:
        return datetime.fromisoformat(when).timestamp() * 1000
    except ValueError:
        return None
