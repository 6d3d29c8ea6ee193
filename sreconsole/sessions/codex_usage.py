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
from .tokens import MOST, NO_TOKENS, Tokens, openai

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
    """Reads rollouts and adds their own calls to a book. A fork that only its parent's file can explain waits for
    `finish`; of every other file no more is kept than which running totals it had."""

    def __init__(self, book: CallBook) -> None:
        self.book = book
        self.unreadable = 0
        self.own_totals: dict[str, Raw] = {}
        self.counted: dict[str, Tokens] = {}
        self._waiting: list[Rollout] = []
        self._known: dict[str, set[int]] = {}
        self._last = b""

    def read(self, fd: int, path: str, blocks: Blocks) -> None:
        """One file. Raises OSError."""
        rollout, self._last = Rollout(path), b""
        for buffer, end in blocks.of(fd):
            self._block(rollout, buffer, end)
        if not rollout.parent or rollout.own_calls or _first_turn_tells(rollout):
            self._add(rollout)
        elif rollout.counts:
            self._waiting.append(rollout)

    def _block(self, rollout: Rollout, buffer: bytearray, end: int) -> None:
        find = buffer.find

        def after(word: bytes, start: int) -> int:
            at = find(word, start, end)
            return end if at < 0 else at

        token, turn = after(_WANTED[0], 0), after(_WANTED[1], 0)
        meta = end if rollout.begun else after(_WANTED[2], 0)
        with memoryview(buffer) as view:
            while (at := min(token, turn, meta)) < end:
                stop = after(b"\n", at)
                if at != token or not self._repeated(buffer, at, stop):
                    self._line(rollout, view[buffer.rfind(b"\n", 0, at) + 1 : stop])
                token = after(_WANTED[0], stop) if token < stop else token
                turn = after(_WANTED[1], stop) if turn < stop else turn
                meta = end if rollout.begun else after(_WANTED[2], stop) if meta < stop else meta

    def _repeated(self, buffer: bytearray, at: int, stop: int) -> bool:
        """Whether a count says word for word what the one before said: half of them do, and need no parsing."""
        limits = buffer.find(b'"rate_limits"', at, stop)
        if limits < 0 or buffer.find(b"}{", at, stop) >= 0:
            return False
        said = bytes(memoryview(buffer)[at:limits])
        same = said == self._last
        self._last = said
        return same

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

    def _add(self, rollout: Rollout, parent: set[int] | None = None) -> None:
        """Adds the calls of a file; those of another copy of the same session only where they go further."""
        identity = rollout.id or rollout.path
        known = self._known.get(identity)
        model = next((one.model for one in rollout.counts if one.model), rollout.model) or "unknown"
        found = calls(rollout, parent)
        if known is not None:
            found = [one for one in found if hash(one[0].total) not in known]
        for call, used in found:
            self.book.add("", "", (CODEX, call.model or model, call.at[:10], identity, ""), 0, used)
        if found:
            used = Tokens._make(map(sum, zip(*(one[1] for one in found), strict=True)))
            self.counted[identity] = self.counted.get(identity, NO_TOKENS).plus(used)
        self._known.setdefault(identity, set()).update(hash(one.total) for one in rollout.counts)
        ends_at, held = rollout.ends_at, self.own_totals.get(identity)
        if ends_at is not None and (held is None or sum(ends_at) > sum(held)):
            self.own_totals[identity] = ends_at

    def finish(self) -> None:
        """Adds what waited: forks, each beside its parent where that was read. A fork may be a fork's parent."""
        for rollout in self._waiting:
            totals = {hash(one.total) for one in rollout.counts}
            self._known.setdefault(f"{rollout.id}\0waiting", set()).update(totals)
        for rollout in self._waiting:
            parent = self._known.get(rollout.parent) or self._known.get(f"{rollout.parent}\0waiting")
            self._add(rollout, parent)
        self._waiting.clear()


def _first_turn_tells(rollout: Rollout) -> bool:
    """Whether the ids of its turns say which counts of a fork are its own."""
    return bool(rollout.counts) and of_own_turn(rollout.id, rollout.counts[0].turn) is not None


def _take(rollout: Rollout, line: _Line) -> None:
    payload = line.payload
    assert payload is not None
    if line.type == "session_meta":
        if not rollout.begun:
            rollout.begun = line.timestamp or ""
            rollout.born = payload.timestamp or line.timestamp or ""
            rollout.id = payload.id or payload.session_id or ""
            rollout.model = payload.model or ""
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
        if total is not None and rollout.counts and total == rollout.counts[-1].total:
            return
        if total or last:
            rollout.counts.append(Count(line.timestamp or "", total, last, rollout.turn, rollout.model))


def _spawned_by(source: Any) -> str:
    """`source.subagent.thread_spawn.parent_thread_id`, where a subagent's rollout names its parent."""
    for word in ("subagent", "thread_spawn"):
        source = source.get(word) if isinstance(source, dict) else None
    return text(source.get("parent_thread_id")) if isinstance(source, dict) else ""


def _raw(usage: _Usage) -> Raw:
    return (
        min(MOST, max(0, usage.input_tokens or 0)),
        min(MOST, max(0, usage.cached_input_tokens or 0)),
        min(MOST, max(0, usage.cache_write_input_tokens or 0)),
        min(MOST, max(0, usage.output_tokens or 0)),
        min(MOST, max(0, usage.reasoning_output_tokens or 0)),
    )


def as_tokens(raw: Raw) -> Tokens:
    """The client's numbers in ours."""
    return openai(raw[0], raw[1], raw[2], raw[3])


def calls(rollout: Rollout, parent: set[int] | None) -> list[tuple[Count, Tokens]]:
    """A session's own calls with what each used. `parent`: hashes of the running totals its parent had, if known."""
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
    now = one.total
    if now[0] < before[0] or now[3] < before[3]:
        return one.last if one.last is not None else now
    cached, written, thought = max(0, now[1] - before[1]), max(0, now[2] - before[2]), max(0, now[4] - before[4])
    return (now[0] - before[0], cached, written, now[3] - before[3], thought)


def _inherited(rollout: Rollout, known: set[int] | None) -> int:
    """How many of a fork's first counts are its parent's, written again."""
    before = time_of(rollout.begun)
    for at, one in enumerate(rollout.counts):
        own = of_own_turn(rollout.id, one.turn)
        if own is None:
            own = not is_old(rollout.id, rollout.born, one.at, before) or (
                known is not None and hash(one.total) not in known
            )
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
