"""Chains: calls that are harmless one by one and not in this order, within a time. Pure.

A session's steps are remembered as sightings; a chain fires when its last step is about to follow the others in order.
A step that `uses: secret_from(N)` needs a proof: a secret seen at step N appears in it by its fingerprint, or it takes
the secret from the same file or variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .action import Action, Effect
from .matching import Subject, holds
from .paths import Surroundings
from .policy import Policy

MOST_SIGHTINGS = 16
MOST_SOURCES = 16
_OWN_WORDS = ("uses", "decision", "as", "effect_same_target", "other_tool")
_USES = re.compile(r"secret_from\((\d+)\)")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w{2,60})")
_LEAVES = ("net.", "infra.", "mcp.", "db.")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one chain that a call would make. `number` counts from 1; `uses` is the step a secret came from (0:
    none needed); `within` is ms."""

    chain: str
    number: int
    of: int
    tier: int
    why: str
    within: int
    page: bool = False
    uses: int = 0
    sources: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A step that was made: since when (ms, of the chain's first step) and where its secrets came from."""

    chain: str
    number: int
    at: int
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The policy's answer to what was denied and is tried another way. `within` is ms."""

    chain: str
    tier: int
    why: str
    within: int
    page: bool
    other_tool: bool
    where: str = ""


def steps(policy: Policy, action: Action, effects: Sequence[Effect], place: Surroundings) -> tuple[Step, ...]:
    """The steps of the policy's chains that these effects would make."""
    found: list[Step] = []
    for chain in policy.chains:
        wanted = chain["steps"]
        for index, words in enumerate(wanted):
            match = {name: value for name, value in words.items() if name not in _OWN_WORDS}
            hitting = [one for one in effects if match and _made(match, Subject(action, one, place, policy.critical))]
            if not hitting:
                continue
            tier = min([int(chain["tier"]), *_excepted(policy, str(chain["id"]), action, hitting, place)])
            uses = _USES.fullmatch(str(words.get("uses", "")).replace(" ", ""))
            sources = dict.fromkeys(one.target for one in hitting if one.kind.startswith("secret.") and one.target)
            found.append(
                Step(
                    str(chain["id"]), index + 1, len(wanted), tier, str(chain["why"]), int(chain["within"] * 1000),
                    bool(chain["page"]), int(uses.group(1)) if uses else 0, tuple(sources)[:MOST_SOURCES],
                    str(chain["where"]),
                )
            )  # fmt: skip
    return tuple(found)


def answer(policy: Policy) -> Answer | None:
    """What the policy says of the same effect tried another way after a denial: the strictest such chain."""
    found = None
    for chain in policy.chains:
        wanted = chain["steps"]
        if len(wanted) != 2 or wanted[0].get("decision") != "denied" or "effect_same_target" not in wanted[1]:
            continue
        if found is None or chain["tier"] > found.tier:
            found = Answer(str(chain["id"]), int(chain["tier"]), str(chain["why"]), int(chain["within"] * 1000),
                           bool(chain["page"]), bool(wanted[1].get("other_tool")), str(chain["where"]))  # fmt: skip
    return found


def sources(text: str, effects: Sequence[Effect]) -> tuple[str, ...]:
    """Files and variables a call could take a secret from."""
    read = [one.target for one in effects if one.kind in ("fs.read", "secret.read") and one.target]
    return tuple(dict.fromkeys([*read, *_VARIABLE.findall(text[:65_536])]))[: MOST_SOURCES * 4]


def fired(
    trail: Sequence[Sighting], made: Sequence[Step], taken: Sequence[str], seen: Callable[[int], bool], now: int
) -> Step | None:
    """The strictest chain these steps would complete.

    `taken` are the files and variables the call takes from, `seen(ms)` says whether it carries a secret that was seen
    in the session within that time.
    """
    grown = advanced(trail, [one for one in made if one.number < one.of], taken, seen, now)
    done = [one for one in made if one.number == one.of and _follows(grown, one, taken, seen, now)]
    return max(done, key=lambda one: one.tier, default=None)


def advanced(
    trail: Sequence[Sighting], made: Sequence[Step], taken: Sequence[str], seen: Callable[[int], bool], now: int
) -> tuple[Sighting, ...]:
    """The trail after these steps were made; what is too old for its chain is left out once there is no room."""
    grown = tuple(trail)
    for one in sorted(made, key=lambda step: step.number):
        if one.number == one.of:
            continue
        if one.number == 1:
            fresh = Sighting(one.chain, 1, now, one.sources)
        elif before := _follows(grown, one, taken, seen, now):
            fresh = Sighting(one.chain, one.number, before.at, (*before.sources, *one.sources)[:MOST_SOURCES])
        else:
            continue
        kept = tuple(
            old for old in grown if (old.chain, old.number, old.sources) != (one.chain, one.number, fresh.sources)
        )
        grown = (*kept, fresh)[-MOST_SIGHTINGS:]
    return grown


def _follows(
    trail: Sequence[Sighting], step: Step, taken: Sequence[str], seen: Callable[[int], bool], now: int
) -> Sighting | None:
    for before in reversed(trail):
        if before.chain != step.chain or before.number != step.number - 1 or now - before.at > step.within:
            continue
        if not step.uses or set(before.sources) & set(taken) or seen(step.within):
            return before
    return None


def _made(match: Mapping[str, Any], subject: Subject) -> bool:
    effect = subject.effect
    if effect.kind.startswith(_LEAVES) and effect.environment == "local" and "env" not in match:
        # What stays on this machine takes no secret anywhere.
        return False
    return holds(match, subject)


def _excepted(policy: Policy, chain: str, action: Action, effects: Sequence[Effect], place: Surroundings) -> list[int]:
    return [
        one.tier
        for one in policy.exceptions_for(chain)
        if all(holds(one.match, Subject(action, effect, place, policy.critical)) for effect in effects)
    ]
