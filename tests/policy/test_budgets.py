"""Budgets: what is counted, when it warns and asks, and that counts only grow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.policy import budgets
from sreconsole.policy.budgets import Ledger, Spent

LIMITS = {"files_touched": 10, "lines_added": 100, "external_calls": 5}
COST = st.dictionaries(st.sampled_from(budgets.NAMES[:6]), st.integers(0, 50))


@pytest.mark.parametrize(
    ("tool", "given_input", "effects", "wanted"),
    [
        ("Write", {"content": "a\nb\n"}, [("fs.write", "/p/a", "")], Spent(("/p/a",), 2, 0)),
        ("Write", {"content": "a\n"}, [("fs.write", "/p/long", "")], Spent(("/p/long",), 0, 9)),
        ("Edit", {"old_string": "a\nb\nc", "new_string": "a\nX\nY\nc"}, [("fs.write", "/p/a", "")], Spent(("/p/a",), 2, 1)),
        ("Edit", {"old_string": "same", "new_string": "same"}, [("fs.write", "/p/a", "")], Spent(("/p/a",), 0, 0)),
        ("MultiEdit", {"edits": [{"old_string": "a", "new_string": ""}, {"old_string": "b", "new_string": "c\nd"}]},
         [("fs.write", "/p/a", "")], Spent(("/p/a",), 2, 2)),
        ("apply_patch", {"input": "*** Begin\n+x\n+y\n-z\n"}, [("fs.write", "/p/a", "")], Spent(("/p/a",), 2, 1)),
        ("Bash", {"command": "rm a b a"}, [("fs.delete", "/a", ""), ("fs.delete", "/b", ""), ("fs.delete", "/a", "")],
         Spent(("/a", "/b"))),
        ("Bash", {"command": "curl x"}, [("net.mutate", "x", ""), ("net.read", "y", "")], Spent(external=1)),
        ("Bash", {"command": "curl localhost"}, [("net.mutate", "localhost", "local")], Spent()),
        ("Agent", {}, [("agent.spawn", "an agent", "")], Spent(subagents=1)),
        ("Read", {"content": "not written"}, [("fs.read", "/p/a", "")], Spent()),
        ("Edit", {"edits": ["nonsense", 4], "old_string": 7}, [("fs.write", "/p/a", "")], Spent(("/p/a",))),
    ],
)  # fmt: skip
def test_what_a_call_costs(tool: str, given_input: dict[str, Any], effects: list[Any], wanted: Spent) -> None:
    assert budgets.spent(tool, given_input, effects, lambda path: 10 if path == "/p/long" else -1) == wanted


@pytest.mark.parametrize(
    ("used", "cost", "asks"),
    [(9, 1, False), (10, 0, False), (10, 1, True), (8, 3, True), (0, 11, True)],
)
def test_only_a_call_that_would_exceed_asks(used: int, cost: int, asks: bool) -> None:
    found = budgets.over(Ledger({"files_touched": used}), {"files_touched": cost}, LIMITS, 0)
    assert (found is not None) == asks
    if found:
        assert found.does() == f"{used} of 10 files; wants to go on"


def test_multipliers_by_name_and_by_first_word() -> None:
    policy = {"files_touched": 10, "lines_added": 100, "subagents": 3, "usd": 25, "denials": {"total": 20}}
    found = budgets.limits(policy, {"files": 2, "lines_added": 0.5}, Ledger())
    assert found == {"files_touched": 20, "lines_added": 50, "subagents": 3}
    assert budgets.limits({"files_touched": 10}, {"files": -4}, Ledger()) == {"files_touched": 0}


def test_half_again_for_each_yes() -> None:
    once = budgets.further(Ledger(warned=("files_touched",)), "files_touched")
    twice = budgets.further(once, "files_touched")
    assert [budgets.limits({"files_touched": 40}, {}, one)["files_touched"] for one in (once, twice)] == [60, 90]
    assert once.warned == ()


def test_warns_once_each() -> None:
    ledger, fresh = budgets.warnings(Ledger({"files_touched": 8, "lines_added": 79}), LIMITS, 0.8)
    assert [one.name for one in fresh] == ["files_touched"]
    ledger, fresh = budgets.warnings(budgets.add(ledger, {"files_touched": 1}), LIMITS, 0.8)
    assert fresh == []


def test_calls_at_once_end_by_their_end_by_rest_and_by_age() -> None:
    limits = {"parallel_calls": 2}
    ledger = budgets.began(budgets.began(Ledger(), "a", 0), "b", 1)
    assert budgets.over(ledger, {}, limits, 2) is not None
    assert budgets.over(budgets.ended(ledger, "a"), {}, limits, 2) is None
    assert budgets.over(budgets.ended(ledger, None), {}, limits, 2) is None
    assert budgets.over(ledger, {}, limits, budgets.ABANDONED) is None
    assert len(budgets.began(ledger, "a", 5).running) == 2, "the same call is one call"


@given(st.lists(COST, max_size=30))
def test_counts_only_grow(costs: list[dict[str, int]]) -> None:
    ledger = Ledger()
    for cost in costs:
        after = budgets.add(ledger, cost)
        assert all(after.used.get(name, 0) >= count for name, count in ledger.used.items())
        ledger = after
    assert dict(ledger.used) == {n: t for n in budgets.NAMES if (t := sum(cost.get(n, 0) for cost in costs))}


@given(st.lists(COST, max_size=30), COST)
def test_who_asks_goes_on_asking(costs: list[dict[str, int]], cost: dict[str, int]) -> None:
    ledger, asked = Ledger(), False
    for one in costs:
        asks = budgets.over(ledger, cost, LIMITS, 0) is not None
        assert asks or not asked
        ledger, asked = budgets.add(ledger, one), asks
