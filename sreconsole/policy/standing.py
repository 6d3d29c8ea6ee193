"""How a session stands: its budgets, its denials, its steps in chains, in one record that survives as JSON. Pure.

`weigh` says whether a call must be held to more than its own tier; the other functions say what becomes of the record
once the call ran, was denied or was asked about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import budgets, chains, denials
from .budgets import Ledger
from .chains import Answer, Sighting, Step
from .denials import Denial, Record

STREAK = "denials.streak"
BUDGET = "budget."
KEPT = 16
"""Calls remembered as raised, or as asked of the person who sits there."""

NO_POLICY = "gate.no-policy"


@dataclass(frozen=True, slots=True)
class Raised:
    """Why a call is held to more than its own tier."""

    call: str
    tier: int
    rule: str
    why: str
    does: str = ""
    where: str = "built in"
    denial: bool = False
    """It is the same effect tried another way: counts as a denial."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call means here. `cost` is by budget, without files; `files` are hashes of their paths."""

    call: str
    tool: str
    asked: str
    tier: int
    rule: str
    effects: Sequence[Mapping[str, Any]] = ()
    cost: Mapping[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    taken: tuple[str, ...] = ()
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One session. `asked` holds calls put to the person who sits there: (call, rule, bill)."""

    ledger: Ledger = field(default_factory=Ledger)
    record: Record = field(default_factory=Record)
    trail: tuple[Sighting, ...] = ()
    raised: tuple[Raised, ...] = ()
    asked: tuple[tuple[str, str, str], ...] = ()
    secrets: int = 0


def weigh(
    standing: Standing, plan: Plan, new_files: int, limits: Mapping[str, int], consecutive: int,
    seen: Callable[[int], bool], now: int,
) -> Raised | None:  # fmt: skip
    """Why this call is held to more than its own tier, or None. The strictest reason wins; a chain says most.

    `seen(ms)` says whether the call carries a secret that was seen in the session within that time. A call presented
    again is held to what it was held to before.
    """
    if before := next((one for one in standing.raised if one.call == plan.call and plan.call), None):
        return before if before.tier >= plan.tier else None
    step = chains.fired(standing.trail, plan.steps, plan.taken, seen, now)
    if step and step.tier >= plan.tier and step.tier > 2:
        return Raised(plan.call, step.tier, step.chain, step.why, where=step.where)
    if plan.tier >= 4:
        return None
    if (answer := plan.answer) and answer.tier >= plan.tier:
        tool = plan.tool if answer.other_tool and not _shell(plan) else ""
        if denials.workaround(standing.record, plan.asked, plan.effects, now, answer.within, tool):
            return Raised(plan.call, answer.tier, answer.chain, answer.why, where=answer.where, denial=True)
    if plan.tier >= 2 and standing.record.streak >= consecutive:
        why = f"{standing.record.streak} denials in a row: a human says whether this session goes on."
        return Raised(plan.call, 3, STREAK, why)
    if plan.tier > 2:
        return None
    beyond = budgets.over(standing.ledger, {**plan.cost, "files_touched": new_files}, limits, now)
    if beyond is None:
        return None
    why = f"The budget of {beyond.limit} {budgets.WORDS[beyond.name]} would be exceeded."
    return Raised(plan.call, 3, BUDGET + beyond.name, why, beyond.does())


def _shell(plan: Plan) -> bool:
    """A shell is many tools: another command of it is another way."""
    return any(one.get("span") is not None for one in plan.effects)


def held(standing: Standing, raised: Raised) -> Standing:
    """Remember that this call is held to more, so that presenting it again changes nothing."""
    if not raised.call or any(one.call == raised.call for one in standing.raised):
        return standing
    return replace(standing, raised=(*standing.raised, raised)[-KEPT:])


def on_its_way(standing: Standing, call: str, now: int, limits: Mapping[str, int]) -> Standing:
    """A call was let go; calls at once are counted only where there is a limit to them."""
    if "parallel_calls" not in limits:
        return standing
    return replace(standing, ledger=budgets.began(standing.ledger, call, now))


def ran(
    standing: Standing, plan: Plan, new_files: int, seen: Callable[[int], bool], now: int, *, by_a_human: bool
) -> Standing:
    """A call ran (or was let go to run): it costs, it ends a streak unless it only read, it is a step of chains."""
    record = denials.ran(standing.record) if plan.tier >= 2 or by_a_human else standing.record
    ledger = budgets.add(standing.ledger, {**plan.cost, "files_touched": new_files})
    if by_a_human and plan.rule.startswith(BUDGET):
        ledger = budgets.further(ledger, plan.rule.removeprefix(BUDGET))
    trail = chains.advanced(standing.trail, plan.steps, plan.taken, seen, now) if plan.steps else standing.trail
    return replace(standing, record=record, ledger=ledger, trail=trail)


def denied(standing: Standing, plan: Plan, now: int) -> Standing:
    """A refusal by policy, or a human's no."""
    if plan.rule == NO_POLICY:
        return standing
    denial = Denial(now, plan.call, plan.tool, plan.asked, denials.hits(plan.effects))
    record = denials.denied(standing.record, denial)
    return standing if record is standing.record else replace(standing, record=record)


def put_to_person(standing: Standing, call: str, rule: str, bill: str) -> Standing:
    """The person who sits there was asked; only the call's end will say whether they agreed."""
    kept = tuple(one for one in standing.asked if one[0] != call)
    return replace(standing, asked=(*kept, (call, rule, bill))[-KEPT:])


def to_json(standing: Standing) -> str:
    """The record as JSON text: lists in the order of the fields."""
    ledger, record = standing.ledger, standing.record
    return json.dumps(
        [
            [dict(ledger.used), ledger.warned, dict(ledger.raised), ledger.running],
            [record.streak, record.total, [[d.at, d.call, d.tool, d.asked, d.hits] for d in record.recent]],
            [[s.chain, s.number, s.at, s.sources] for s in standing.trail],
            [[r.call, r.tier, r.rule, r.why, r.does, r.where, r.denial] for r in standing.raised],
            standing.asked,
            standing.secrets,
        ],
        separators=(",", ":"),
    )


def from_json(text: str) -> Standing:
    """The record of a stored text; "" is a session that did nothing yet. Raises ValueError for anything else."""
    if not text:
        return Standing()
    try:
        ledger, record, trail, raised, asked, secrets = json.loads(text)
        return Standing(
            Ledger(ledger[0], tuple(ledger[1]), ledger[2], tuple((call, at) for call, at in ledger[3])),
            Record(
                record[0], record[1],
                tuple(
                    Denial(at, call, tool, what, tuple((kind, target) for kind, target in hits))
                    for at, call, tool, what, hits in record[2]
                ),
            ),
            tuple(Sighting(chain, number, at, tuple(sources)) for chain, number, at, sources in trail),
            tuple(Raised(*one) for one in raised),
            tuple((call, rule, bill) for call, rule, bill in asked),
            int(secrets),
        )  # fmt: skip
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise ValueError(f"a stored standing cannot be read: {error}") from error
