"""The fleet log against a changed policy: what would be asked, refused or free now, and what humans had decided."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sreconsole.store import log
from sreconsole.store.event import Entry
from sreconsole.text.redact import redact

from .action import Action, asked
from .judge import NO_FACTS, Facts, judge_by
from .policy import Policy

KINDS = ("tool.passed", "tool.refused", "tool.asked", "escalation.opened")
CHUNK = 2_000
"""Entries read at a time; between two reads no transaction is open."""

REMEMBERED = 4_096
"""Verdicts kept: agents repeat themselves."""

KEPT = 500
"""Changed calls that are kept whole; all of them are counted."""

GATE = "gate"
"""The source of events about questions: they name no client."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call of the fleet log. `tier` and `rule` are what the gate said then, `escalation` the question it opened.

    `whole` is False when its arguments were too large to be kept.
    """

    seq: int
    at: int
    action: Action
    tier: int
    rule: str
    escalation: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """One call whose answer is another: `change` is newly_asked, newly_refused or newly_free."""

    change: str
    call: Recorded
    before: tuple[int, str]
    after: tuple[int, str]
    why: str
    decided: str = ""


@dataclass(slots=True)
class Replay:
    """What a replay found. Counters are over all calls; `changes` holds the first `KEPT` of each kind.

    `before` and `after` count calls by tier; `rules` maps a rule to [asked or refused before, after]; `decided` says
    what had become of the questions of newly free calls. `unread` calls hold no arguments to judge (too large).
    """

    calls: int = 0
    unread: int = 0
    questions: int = 0
    before: Counter[int] = field(default_factory=Counter)
    after: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    rules: dict[str, list[int]] = field(default_factory=dict)
    decided: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    def asks(self, tiers: Mapping[int, int]) -> float:
        """Questions per 100 calls: those at tier 3 (tier 4 is refused and asks nobody)."""
        return 100 * tiers.get(3, 0) / self.calls if self.calls else 0.0


def recorded(entry: Entry, client: str) -> Recorded | None:
    """The call an event is about; None for a question an agent asked a person, which no policy decides."""
    data = json.loads(entry.data)
    rule, tool = str(data.get("rule", "")), data.get("tool")
    if not isinstance(tool, str) or not tool or rule.startswith("agent."):
        return None
    given = data.get("input")
    action = Action(client, tool, given if isinstance(given, dict) else {}, str(data.get("cwd") or ""),
                    entry.session, str(data.get("subagent") or ""), entry.agent)  # fmt: skip
    opened = entry.subject if entry.kind == "escalation.opened" else ""
    whole = bool(action.input) or data.get("asked") in (None, asked(action))
    return Recorded(entry.seq, entry.at, action, entry.tier, rule, opened, whole)


def entries(connection: sqlite3.Connection, since: int) -> Iterator[Entry]:
    """Calls and ends of questions since a time (UTC ms), oldest first, read by key set without a lasting transaction."""
    seq = first(connection, since) - 1
    while page := log.after(connection, seq, log.Filter(), CHUNK):
        yield from (
            one for one in page if one.at >= since and (one.kind in KINDS or one.kind.startswith("escalation."))
        )
        seq = page[-1].seq


def first(connection: sqlite3.Connection, since: int) -> int:
    """The first seq at or after a time, found by halving: seqs follow time but for small steps of the clock."""
    low, high = log.bounds(connection)
    while low < high:
        middle = (low + high) // 2
        page = log.after(connection, middle - 1, log.Filter(), 1)
        if page and page[0].at < since - SLACK:
            low = page[0].seq + 1
        else:
            high = middle
    return low


SLACK = 600_000
"""Milliseconds the wall clock may have been set back; so much more is read, and left out by its time."""


def again(found: Iterable[Entry], policies: Sequence[Policy], facts: Facts = NO_FACTS) -> Replay:
    """Judge every call again. With one policy, before is what the log says; with two, before is the first of them.

    The log holds redacted arguments and no disk, so two policies over the same arguments are the fairer comparison.
    """
    result = Replay()
    ends: dict[str, str] = {}
    clients: dict[str, str] = {}
    free: list[str] = []
    judged = _Judged(policies, facts)
    for entry in found:
        if entry.kind not in KINDS:
            state = json.loads(entry.data).get("state")
            if isinstance(state, str):
                ends[entry.subject] = state
            continue
        if entry.source != GATE:
            clients[entry.session] = entry.source
        call = recorded(entry, clients.get(entry.session, "claude-code"))
        if call is None:
            result.questions += 1
        elif not call.whole:
            result.unread += 1
        elif _count(result, call, judged(call)) == "newly_free":
            free.append(call.escalation)
    for escalation in free:
        result.decided[_became(escalation, ends)] += 1
    result.changes = [replace(one, decided=_became(one.call.escalation, ends)) if one.change == "newly_free" else one
                      for one in result.changes]  # fmt: skip
    return result


def _became(escalation: str, ends: Mapping[str, str]) -> str:
    """What had become of a question. Calls refused, or asked of the person who sat there, opened none."""
    return ends.get(escalation, "open") if escalation else "no question"


class _Judged:
    """Verdicts of a call under the policies, remembered while the same call comes again."""

    def __init__(self, policies: Sequence[Policy], facts: Facts) -> None:
        self._policies, self._facts = policies, facts
        self._known: dict[tuple[str, str, str, str, str], list[tuple[int, str, str]]] = {}

    def __call__(self, call: Recorded) -> list[tuple[int, str, str]]:
        action = call.action
        key = (action.client, action.tool, action.cwd, action.agent, json.dumps(dict(action.input), sort_keys=True))
        found = self._known.get(key)
        if found is None:
            verdicts = judge_by(action, self._policies, self._facts)
            found = [(one.tier, one.rule, one.why) for one in verdicts]
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            if len(key[-1]) < 10_000:
                self._known[key] = found
        return found


def _count(result: Replay, call: Recorded, judged: list[tuple[int, str, str]]) -> str:
    """Count one call; the kind of its change."""
    before = judged[0][:2] if len(judged) > 1 else (call.tier, call.rule)
    tier, rule, why = judged[-1]
    result.calls += 1
    result.before[before[0]] += 1
    result.after[tier] += 1
    for at, (one, name) in enumerate((before, (tier, rule))):
        if one >= 3:
            result.rules.setdefault(name, [0, 0])[at] += 1
    change = kind_of(before[0], tier)
    if change:
        result.counts[change] += 1
        if result.counts[change] <= KEPT:
            result.changes.append(Change(change, call, before, (tier, rule), str(redact(why).text)))
    return change


def kind_of(before: int, after: int) -> str:
    """What a change of tier means to those who work: newly asked, newly refused, newly free, or nothing ("")."""
    if after == before or max(before, after) < 3:
        return ""
    if after == 4:
        return "newly_refused"
    return "newly_asked" if after == 3 else "newly_free"


def document(result: Replay) -> dict[str, Any]:
    """The replay as plain data."""
    return {
        "calls": result.calls,
        "without_arguments": result.unread,
        "questions_of_agents": result.questions,
        "asks_per_100": {"before": round(result.asks(result.before), 2), "after": round(result.asks(result.after), 2)},
        "tiers": {"before": _tiers(result.before), "after": _tiers(result.after)},
        **{name: result.counts[name] for name in ("newly_asked", "newly_refused", "newly_free")},
        "humans_decided": dict(sorted(result.decided.items())),
        "rules": {name: {"before": was, "after": now} for name, (was, now) in sorted(result.rules.items())},
        "changes": [row(change) for change in result.changes],
    }


def row(change: Change) -> dict[str, Any]:
    """One changed call as plain data."""
    call = change.call
    return {
        "change": change.change, "seq": call.seq, "at": call.at, "session": call.action.session,
        "agent": call.action.agent, "tool": call.action.tool, "input": dict(call.action.input), "cwd": call.action.cwd,
        "before": {"tier": change.before[0], "rule": change.before[1]},
        "after": {"tier": change.after[0], "rule": change.after[1], "why": change.why},
        "escalation": call.escalation, "decided": change.decided,
    }  # fmt: skip


def _tiers(counted: Mapping[int, int]) -> dict[str, int]:
    return {str(tier): counted.get(tier, 0) for tier in (1, 2, 3, 4)}
