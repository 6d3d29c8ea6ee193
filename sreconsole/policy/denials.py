"""Denials in a row, denials in all, and the same thing tried another way. Pure.

A denial is a refusal by policy (tier 4) or a human's no. An expired question, a classifier that is out of order and
the refusals of a parked session are none. A call of tier 2 or more that ran ends the streak; a read neither counts
nor ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

CONSECUTIVE, TOTAL = 3, 20

KEPT = 8
"""Denials remembered with what they were about, and counted calls known by name."""

MOST_HITS, LONGEST_TARGET = 6, 300

Hit = tuple[str, str]
"""Kind and target of one effect."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One denial: when (ms), of which call and tool, of exactly what (`asked`, a digest), and the effects denied."""

    at: int
    call: str
    tool: str
    asked: str
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A session's denials: the streak, the total, and the last few."""

    streak: int = 0
    total: int = 0
    recent: tuple[Denial, ...] = ()


def thresholds(budgets: Mapping[str, Any]) -> tuple[int, int]:
    """(consecutive, total) of a policy; a session is never without them."""
    given = budgets.get("denials")
    given = given if isinstance(given, Mapping) else {}
    return int(given.get("consecutive", CONSECUTIVE)), int(given.get("total", TOTAL))


def denied(record: Record, denial: Denial) -> Record:
    """Count a denial. The same call presented again is the same denial."""
    if counted(record, denial.call):
        return record
    recent = (*record.recent, denial)[-KEPT:]
    return Record(record.streak + 1, record.total + 1, recent)


def counted(record: Record, call: str) -> bool:
    """Whether this call's denial is counted already."""
    return bool(call) and any(one.call == call for one in record.recent)


def ran(record: Record) -> Record:
    """A call of tier 2 or more ran, or a human said yes: the streak is over, the total stays."""
    return replace(record, streak=0) if record.streak else record


def hits(effects: Sequence[Mapping[str, Any]]) -> tuple[Hit, ...]:
    """The effects a denial is about: the strictest of them, or whatever would have changed something."""
    acting = [one for one in effects if _acts(str(one["kind"]))]
    top = max((_tier(one) for one in acting), default=0)
    found = [
        (str(one["kind"]), str(one["target"])[:LONGEST_TARGET])
        for one in acting
        if _tier(one) == top and one.get("target")
    ]
    return tuple(dict.fromkeys(found))[:MOST_HITS]


def workaround(
    record: Record, asked: str, effects: Sequence[Mapping[str, Any]], now: int, within: int, tool: str = ""
) -> Denial | None:
    """The denial of the last `within` ms whose effect this call would have in another way.

    Another way is other arguments, or with `tool` given only another tool than that one's. The very same call is a
    retry and none.
    """
    wanted = [(str(one["kind"]), str(one["target"])[:LONGEST_TARGET]) for one in effects if _acts(str(one["kind"]))]
    for denial in reversed(record.recent):
        if now - denial.at > within or denial.asked == asked or (tool and denial.tool == tool):
            continue
        if any(same(before, hit) for before in denial.hits for hit in wanted):
            return denial
    return None


def same(before: Hit, after: Hit) -> bool:
    """Whether two effects come to the same: writing or deleting a path is one, and so is what holds or lies in it."""
    if not before[1] or not after[1]:
        return False
    if before[0] in ("fs.write", "fs.delete") and after[0] in ("fs.write", "fs.delete"):
        if before[1] == after[1]:
            return True
        deletes = "fs.delete" in (before[0], after[0])
        return deletes and (_under(before, after) or _under(after, before))
    return before[0] == after[0] and before[1] == after[1]


def _under(inner: Hit, outer: Hit) -> bool:
    return outer[0] == "fs.delete" and inner[1].startswith(outer[1].rstrip("/") + "/")


def _acts(kind: str) -> bool:
    return kind == "secret.read" or not (kind.endswith(".read") or kind in ("none", "unknown"))


def _tier(effect: Mapping[str, Any]) -> int:
    facts = effect.get("facts")
    return int(facts.get("tier", 0)) if isinstance(facts, Mapping) else 0
