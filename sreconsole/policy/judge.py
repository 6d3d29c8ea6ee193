"""The verdict: effects of an action, the base tier of each, the rules over them; the strictest wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import environments, tools, words
from .action import Action, Effect, Verdict
from .files import Files, NoFiles
from .matching import Subject, holds
from .paths import Surroundings, surroundings
from .policy import Policy
from .rules import Rule
from .shell import columns
from .tiers import base

_ASK_DEFAULTS = {"wait": 1800.0, "page_after": 0.0, "then": "refuse", "confirm": "", "approvers": 1, "attended": "ask"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the caller knows beside the action.

    `files` looks at the agent's disk (nothing by default). `project` is the repository's root, `branch` what is
    checked out there, `ahead` how many commits it is ahead of its remote (0: not known). `remembered` maps absolute
    paths to the content of scripts this session has written. `guarded` are the gate's own directories (absolute):
    configuration, store, sockets.
    """

    files: Files = field(default_factory=NoFiles)
    project: str = ""
    branch: str = ""
    remembered: Mapping[str, str] = field(default_factory=dict)
    ahead: int = 0
    guarded: tuple[str, ...] = ()


NO_FACTS = Facts()


@dataclass(slots=True)
class _Best:
    tier: int = 0
    rule: str = ""
    why: str = ""
    effect: Effect | None = None
    source: Rule | None = None


def judge(action: Action, policy: Policy, facts: Facts = NO_FACTS) -> Verdict:
    """The tier of one planned action under a policy, and why. Pure: no clock, no network, the disk only by `facts`.

    Never raises on an agent's input: what cannot be read is at least tier 3 and says so.
    """
    return judge_by(action, (policy,), facts)[0]


def judge_by(action: Action, policies: Sequence[Policy], facts: Facts = NO_FACTS) -> list[Verdict]:
    """One action under several policies, read once: a verdict for each, as `judge` would give it."""
    place = surroundings(action.cwd, action.home, facts.files, facts.project)
    place.branch, place.remembered, place.ahead = facts.branch, facts.remembered, facts.ahead
    place.guarded = facts.guarded
    try:
        reading = tools.read(action, place)
    except (
        RecursionError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        UnicodeError,
    ) as error:
        what = f"the reader failed on it ({type(error).__name__})"
        return [_unreadable(action, policy, what, None) for policy in policies]
    return [_decided(action, policy, place, reading) for policy in policies]


def _decided(action: Action, policy: Policy, place: Surroundings, reading: tools.Reading) -> Verdict:
    effects = [environments.place(effect, policy.environments) for effect in reading.effects]
    best = _strictest(effects, action, policy, place)
    if reading.problems and best.tier < policy.error_tier:
        span, what = reading.problems[0]
        found = _unreadable(action, policy, what, span)
        return _finish(replace(found, effects=tuple(effects)), reading, action)
    verdict = _verdict(best, effects, policy, place)
    return _finish(replace(verdict, unparseable=bool(reading.problems)), reading, action)


def _strictest(effects: list[Effect], action: Action, policy: Policy, place: Surroundings) -> _Best:
    best = _Best()
    for effect in effects:
        found = _of_effect(effect, action, policy, place)
        if isinstance(effect.facts, dict):
            effect.facts["tier"] = found.tier
        if found.tier > best.tier or (found.tier == best.tier and found.source is not None and best.source is None):
            best = found
    if not effects:
        nothing = Effect("none")
        best = _of_effect(nothing, action, policy, place)
    return best


def _of_effect(effect: Effect, action: Action, policy: Policy, place: Surroundings) -> _Best:
    subject = Subject(action, effect, place, policy.critical)
    tier, name, why = base(effect)
    if name == "base.unknown":
        tier, why = (
            max(tier, policy.default_tier) if policy.default_tier > 2 else policy.default_tier,
            policy.default_why or why,
        )
    best = _Best(_excepted(name, tier, subject, policy), name, why, effect)
    floor = best.tier if best.tier > 2 else 0
    matched: _Best | None = None
    for rule in policy.rules_for(effect.kind):
        if matched is not None and rule.tier <= matched.tier and not rule.tightens:
            continue
        if holds(rule.match, subject):
            given = _excepted(rule.id, rule.tier, subject, policy) if not rule.locked else rule.tier
            if matched is None or given > matched.tier:
                matched = _Best(given, rule.id, rule.why, effect, rule)
    if matched is None or (matched.tier < floor and not _meant(matched, best)):
        return best
    if matched.source is not None and matched.source.tightens and matched.tier < best.tier:
        return best
    return matched


def _meant(matched: _Best, base_: _Best) -> bool:
    """Whether an exception lowered the rule that would have decided: it then lowers the effect, not just the rule."""
    rule = matched.source
    return rule is not None and base_.rule != "base.gate.tamper" and matched.tier < rule.tier >= base_.tier


def _excepted(rule: str, tier: int, subject: Subject, policy: Policy) -> int:
    for exception in policy.exceptions_for(rule):
        if exception.tier < tier and holds(exception.match, subject):
            return exception.tier
    return tier


def _verdict(best: _Best, effects: list[Effect], policy: Policy, place: Surroundings) -> Verdict:
    effect = best.effect
    rule = best.source
    ask = {**_ASK_DEFAULTS, **policy.escalation, **(rule.ask if rule is not None else {})}
    trail = tuple(effect.facts.get("trail", ())) if effect is not None else ()
    return Verdict(
        tier=best.tier,
        rule=best.rule,
        why=best.why,
        instead=(rule.instead if rule is not None else "")
        or (words.instead(effect) if best.tier > 2 and effect else ""),
        does=words.does(effect, effects, place),
        target=words.target(effect),
        environment=effect.environment if effect is not None else "",
        effects=tuple(effects),
        trail=trail,
        span=effect.span if effect is not None else None,
        where=rule.where if rule is not None else "built in",
        wait=float(str(ask["wait"])),
        page_after=float(str(ask["page_after"])),
        then=str(ask["then"]),
        confirm=str(ask["confirm"]),
        approvers=int(str(ask["approvers"])),
        attended=str(ask["attended"]),
    )


def _unreadable(action: Action, policy: Policy, what: str, span: tuple[int, int] | None) -> Verdict:
    why = policy.error_why or "Could not read the command, so a human looks."
    ask = {**_ASK_DEFAULTS, **policy.escalation}
    return Verdict(
        tier=policy.error_tier,
        rule="base.unparseable",
        why=f"{why.rstrip('.')}: {what}.",
        instead="Write it as simpler commands, one at a time.",
        does=f"runs {action.tool} input that cannot be read",
        target=action.tool,
        span=span,
        unparseable=True,
        where="built in",
        wait=float(str(ask["wait"])),
        page_after=float(str(ask["page_after"])),
        then=str(ask["then"]),
        confirm=str(ask["confirm"]),
        approvers=int(str(ask["approvers"])),
        attended=str(ask["attended"]),
    )


def _finish(verdict: Verdict, reading: tools.Reading, action: Action) -> Verdict:
    """Spans in text columns of the command, and effects without what only rules need."""
    text = reading.text
    if text is None:
        return replace(verdict, effects=tuple(_lean(effect) for effect in verdict.effects))
    data = text.encode("utf-8", "surrogatepass")
    effects = tuple(
        _lean(effect if effect.span is None else replace(effect, span=columns(text, data, effect.span)))
        for effect in verdict.effects
    )
    span = columns(text, data, verdict.span) if verdict.span is not None else None
    return replace(verdict, effects=effects, span=span)


_KEPT = (
    "tier",
    "method",
    "branch",
    "repo",
    "remote",
    "mutations",
    "verb",
    "removed",
    "ratio",
    "zone",
    "inside",
    "secret",
    "cloud",
    "sql",
    "url",
    "source",
)


def _lean(effect: Effect) -> Effect:
    facts = {key: effect.facts[key] for key in _KEPT if key in effect.facts}
    traits = effect.facts.get("traits")
    if traits:
        facts["traits"] = tuple(sorted(traits))
    return replace(effect, facts=facts)
