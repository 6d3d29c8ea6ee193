"""An agent's week in numbers; without anything to stand on a number is unknown."""

from decimal import Decimal

import pytest

from sreconsole.sessions.indicators import DEFINITIONS, Change, SessionWeek, bounds, indicators, week_of

WEEK = "2026-W09"
FIRST, LAST = bounds(WEEK)
HOUR = 3_600_000


def values(sessions: list[SessionWeek], changes: list[Change]) -> dict[str, float | None]:
    return {one.name: one.value for one in indicators("ada", WEEK, sessions, changes)}


def test_weeks_are_iso_weeks_in_utc() -> None:
    assert LAST - FIRST == 7 * 24 * HOUR
    assert week_of(FIRST) == week_of(LAST - 1) == WEEK and week_of(LAST) == "2026-W10"
    assert week_of(bounds("2026-W53")[0]) == "2026-W53"
    with pytest.raises(ValueError):
        bounds("last week")


def test_nothing_is_unknown_not_zero_and_not_perfect() -> None:
    assert values([], []) == dict.fromkeys(DEFINITIONS)


def test_each_indicator_by_its_definition() -> None:
    sessions = [
        SessionWeek(
            "ada",
            FIRST,
            4 * HOUR,
            3 * HOUR,
            calls=90,
            escalated=3,
            usd=Decimal("6.50"),
            turns_checked=4,
            turns_accepted=3,
        ),
        SessionWeek("ada", LAST - 1, 4 * HOUR, 4 * HOUR, calls=10, escalated=1, usd=Decimal("1.50")),
        SessionWeek("ada", LAST, 4 * HOUR, 0, calls=1000),
        SessionWeek("bob", FIRST, 4 * HOUR, 0, calls=1000),
    ]
    changes = [
        Change("ada", FIRST, merged=FIRST + HOUR),
        Change("ada", FIRST, merged=FIRST + HOUR, failed_at=FIRST + 2 * HOUR, reverted=FIRST + 3 * HOUR),
        Change("ada", FIRST - HOUR, closed=FIRST + HOUR),
        Change("ada", FIRST, merged=LAST),
        Change("ada", FIRST),
        Change("bob", FIRST, closed=FIRST + HOUR),
    ]
    found = values(sessions, changes)
    assert found == {
        "availability": 7 / 8, "change failure rate": 2 / 3, "time to revert": 60.0, "escalation rate": 0.04,
        "acceptance rate": 0.75, "cost per merged change": 4.0,
    }  # fmt: skip
    assert all(one.definition == DEFINITIONS[one.name] for one in indicators("ada", WEEK, sessions, changes))


def test_an_unpriced_session_makes_the_cost_unknown() -> None:
    merged = [Change("ada", FIRST, merged=FIRST + HOUR)]
    assert (
        values([SessionWeek("ada", FIRST, usd=None), SessionWeek("ada", FIRST, usd=Decimal(3))], merged)[
            "cost per merged change"
        ]
        is None
    )
