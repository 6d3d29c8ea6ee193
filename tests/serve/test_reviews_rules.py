"""The pure parts of the lane: later as a state, what makes questions alike, and what retention takes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.gate import escalation as life
from sreconsole.gate.escalation import Late, NotAllowed, State
from sreconsole.serve import alike
from sreconsole.store import database, reviews, rows
from sreconsole.store.escalations import Escalation

NOW = 1_000_000


def question(**changes: Any) -> Escalation:
    """A question that waits."""
    verdict = {"tier": 3, "approvers": 1, **changes.pop("verdict", {})}
    made = Escalation(
        n=1, id="esc-0001", kind="tool", state="pending", version=1, digest="d", asked="a", tier=3, client="c",
        session="s", subagent="", agent="", call="t", tool="Bash", cwd="/", input="{}", choices="[]",
        verdict=json.dumps(verdict), policy="p", raw="r", opened_at=0, changed_at=0, deadline=NOW * 2, next_at=NOW * 2,
        page_at=None, hold_until=None, hold_by="", approvals="[]", attached=1, waiter="", decided_by="", decided_at=None,
        decision="", reason="", answer="", used_at=None,
    )  # fmt: skip
    return rows.changed(made, **changes)


def test_later_is_a_denial_that_says_so() -> None:
    step = life.postpone(question(), "ada", "busy", NOW)
    after = rows.changed(question(), **step.changes)
    assert (after.state, after.decision, step.event) == ("denied", "later", "escalation.postponed")
    allowed = life.allow_later(after, "ada", 1, "", NOW)
    done = rows.changed(after, **allowed.changes)
    assert (done.state, done.decision, allowed.event) == ("denied", "allowed later", "escalation.allowed-later")
    with pytest.raises(Late):
        life.allow_later(done, "bob", 2, "", NOW)


@given(st.sampled_from(list(State)), st.sampled_from(["", "denied", "approved", "grant", "later", "allowed later"]))
def test_only_what_was_put_off_is_allowed_later(state: State, decision: str) -> None:
    e = question(state=state.value, decision=decision)
    if state == State.DENIED and decision == "later":
        assert life.allow_later(e, "ada", 1, "", NOW).event == "escalation.allowed-later"
    else:
        with pytest.raises(Late):
            life.allow_later(e, "ada", 1, "", NOW)


@given(st.sampled_from(list(State)), st.integers(1, 4), st.sampled_from(["tool", "question", "plan", "ask"]))
def test_only_an_open_tool_call_under_tier_four_is_put_off(state: State, tier: int, kind: str) -> None:
    e = question(state=state.value, tier=tier, kind=kind)
    if state not in life.OPEN:
        with pytest.raises(Late):
            life.postpone(e, "ada", "", NOW)
    elif tier == 4 or kind != "tool":
        with pytest.raises(NotAllowed):
            life.postpone(e, "ada", "", NOW)
    else:
        assert life.postpone(e, "ada", "", NOW).changes["state"] == "denied"


def test_two_people_allow_what_two_must() -> None:
    e = question(state="denied", decision="later", verdict={"approvers": 2})
    first = life.allow_later(e, "ada", 1, "", NOW)
    assert first.event == "escalation.seconded"
    e = rows.changed(e, **first.changes)
    with pytest.raises(NotAllowed):
        life.allow_later(e, "ada", 1, "", NOW)
    assert life.allow_later(e, "bob", 2, "", NOW).event == "escalation.allowed-later"


def judged(**changes: Any) -> dict[str, Any]:
    """A call as the worker describes it."""
    verdict = {"tier": 3, "rule": "r", "confirm": "", "approvers": 1, **changes.pop("verdict", {})}
    return {"kind": "tool", "tool": "Bash", "asked": "a", "repositories": ("shop",), "cwd": "/srv/shop", "place": ".",
            "session": "s", "call": "t", "verdict": verdict, **changes}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"session": "other", "call": "other", "subagent": "x"}, True),
        ({"cwd": "/home/b/shop"}, True),
        ({"asked": "b"}, False),
        ({"tool": "Write"}, False),
        ({"place": "sub"}, False),
        ({"repositories": ("blog",)}, False),
        ({"repositories": ()}, False),
        ({"verdict": {"rule": "q"}}, False),
    ],
)
def test_alike_is_equal_in_all_but_who_asks(changes: dict[str, Any], same: bool) -> None:
    assert (alike.mark(judged(**changes)) == alike.mark(judged())) is same


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "question"},
        {"verdict": {"tier": 2}},
        {"verdict": {"confirm": "type"}},
        {"verdict": {"approvers": 2}},
        {"verdict": {"raised": ["streak"]}},
    ],
)
def test_some_questions_are_like_no_other(changes: dict[str, Any]) -> None:
    assert alike.mark(judged()) != ""
    assert alike.mark(judged(**changes)) == ""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An empty store."""
    connection = database.open_writer(tmp_path / "fleet.db")
    yield connection
    connection.close()


def test_retention_takes_what_lost_its_event_and_reuses_no_id(store: sqlite3.Connection) -> None:
    made = [reviews.add(store, seq, "s", "a", "r", "Bash", "x", "y", seq) for seq in range(1, 1201)]
    taken = []
    while count := reviews.cut(store, 1000):
        taken.append(count)
    assert taken == [500, 500]
    assert reviews.listing(store, limit=10_000)[-1].seq == 1001
    while reviews.cut(store, 5000):
        continue
    assert [one.id for one in reviews.listing(store)] == [made[-1].id]
    assert reviews.add(store, 9999, "s", "a", "r", "Bash", "x", "y", 1).n == 1201


def test_counting_stops_where_a_screen_does(store: sqlite3.Connection) -> None:
    store.execute("BEGIN")
    for seq in range(1500):
        reviews.add(store, seq, "s", "a", f"r{seq % 3}", "Bash", "x", "y", seq)
    store.execute("COMMIT")
    assert reviews.unread(store) == 1000
    assert [one.count for one in reviews.groups(store, most=100)] == [100, 100, 100]
    plan = " ".join(row[3] for row in store.execute(
        "EXPLAIN QUERY PLAN SELECT min(rule) FROM reviews WHERE state = 'unread' AND rule > 'r1'"))  # fmt: skip
    assert "reviews_unread" in plan
