"""Service level indicators of an agent for a week, each with its definition beside its number. Pure.

A number without anything to stand on is None, and is shown as unknown, never as 0 or 100 %.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median


@dataclass(frozen=True, slots=True)
class SessionWeek:
    """What one session adds. `available` and `asked_to_work` are milliseconds; `usd` None = unpriced."""

    agent: str
    began: int
    asked_to_work: int = 0
    available: int = 0
    calls: int = 0
    escalated: int = 0
    usd: Decimal | None = Decimal(0)
    turns_checked: int = 0
    turns_accepted: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One pull request (later: one deploy) of an agent. Times are UTC milliseconds, 0 = it did not happen."""

    agent: str
    opened: int
    merged: int = 0
    closed: int = 0
    reverted: int = 0
    failed_at: int = 0


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number with what it is made of."""

    name: str
    value: float | None
    of: int
    definition: str


DEFINITIONS = {
    "availability": "time it could work ÷ time it was asked to; not: dead, stuck, out of retries, over its limits",
    "change failure rate": "changes reverted, or closed unmerged, ÷ changes merged or closed that week",
    "time to revert": "median minutes from a failed change being noticed to its revert being merged",
    "escalation rate": "calls that had to wait for a human ÷ calls",
    "acceptance rate": "turns whose acceptance check passed the first time ÷ turns that had one",
    "cost per merged change": "list price of the week's sessions ÷ changes merged that week; unknown where a model is unpriced",
}


def week_of(at: int) -> str:
    """The ISO week (UTC) of a moment, such as "2026-W47"."""
    year, week, _ = datetime.fromtimestamp(at / 1000, UTC).isocalendar()
    return f"{year}-W{week:02d}"


def bounds(week: str) -> tuple[int, int]:
    """First and last moment (exclusive) of an ISO week, UTC milliseconds. Raises ValueError for anything else."""
    start = datetime.strptime(week + "-1", "%G-W%V-%u").replace(tzinfo=UTC)
    return int(start.timestamp() * 1000), int((start + timedelta(days=7)).timestamp() * 1000)


def indicators(agent: str, week: str, sessions: Iterable[SessionWeek], changes: Iterable[Change]) -> list[Indicator]:
    """The agent's indicators for the week. A session belongs to the week it began in, a change to the week it was
    merged or closed in."""
    first, last = bounds(week)
    mine = [one for one in sessions if one.agent == agent and first <= one.began < last]
    done = [one for one in changes if one.agent == agent and first <= (one.merged or one.closed) < last]
    merged = [one for one in done if one.merged]
    failed = [one for one in done if one.reverted or not one.merged]
    reverts = [(one.reverted - one.failed_at) / 60_000 for one in done if one.reverted and one.failed_at]
    asked, calls = sum(one.asked_to_work for one in mine), sum(one.calls for one in mine)
    checked = sum(one.turns_checked for one in mine)
    prices = [one.usd for one in mine]
    usd = None if any(one is None for one in prices) else sum((one for one in prices if one is not None), Decimal(0))
    return [
        _share("availability", sum(one.available for one in mine), asked),
        _share("change failure rate", len(failed), len(done)),
        Indicator("time to revert", median(reverts) if reverts else None, len(reverts), DEFINITIONS["time to revert"]),
        _share("escalation rate", sum(one.escalated for one in mine), calls),
        _share("acceptance rate", sum(one.turns_accepted for one in mine), checked),
        Indicator(
            "cost per merged change",
            float(usd / len(merged)) if usd is not None and merged else None,
            len(merged),
            DEFINITIONS["cost per merged change"],
        ),
    ]


def _share(name: str, part: int, whole: int) -> Indicator:
    return Indicator(name, part / whole if whole else None, whole, DEFINITIONS[name])
