"""Chains by the starter policy, and a session's whole record over any story."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.policy import chains, standing
from sreconsole.policy.action import Action, Effect
from sreconsole.policy.chains import Answer, Sighting, Step
from sreconsole.policy.files import NoFiles
from sreconsole.policy.paths import surroundings
from sreconsole.policy.policy import Policy, load
from sreconsole.policy.standing import Plan, Standing

READ = Step("cred-then-infra", 1, 2, 4, "w", 900_000, sources=("/h/.railway/config.json",))
USE = Step("cred-then-infra", 2, 2, 4, "w", 900_000, uses=1)
THEN = Step("secret-then-network", 2, 2, 3, "w", 900_000)
ANSWER = Answer("deny-then-workaround", 3, "w", 300_000, True, True)


def no(within: int) -> bool:
    return False


def yes(within: int) -> bool:
    return True


@pytest.fixture(scope="module")
def starter() -> Policy:
    return load([], datetime.date(2026, 1, 1), starter=True)


def made(policy: Policy, *effects: Effect) -> list[tuple[str, int]]:
    action = Action("claude-code", "Bash", {"command": "x"}, "/home/a/p")
    place = surroundings("/home/a/p", "/home/a", NoFiles())
    return [(step.chain, step.number) for step in chains.steps(policy, action, effects, place)]


def test_steps_of_the_starter_policy(starter: Policy) -> None:
    read = Effect("secret.read", "/home/a/.aws/credentials")
    infra = Effect("net.mutate", "https://x", "x", "infra_api")
    plain = Effect("net.mutate", "https://y", "y")
    local = Effect("net.mutate", "http://localhost", "localhost", "local")
    assert ("cred-then-infra", 1) in made(starter, read)
    assert ("cred-then-infra", 2) in made(starter, infra)
    assert ("cred-then-infra", 2) not in made(starter, plain)
    assert ("secret-then-network", 2) in made(starter, plain)
    assert made(starter, local) == []
    found = chains.answer(starter)
    assert found and (found.tier, found.within, found.page, found.other_tool) == (3, 300_000, True, True)


@pytest.mark.parametrize(
    ("made", "taken", "seen", "after", "fires"),
    [
        ((USE,), (), no, 1, None),
        ((USE,), (), yes, 1, "cred-then-infra"),
        ((USE,), ("/h/.railway/config.json",), no, 1, "cred-then-infra"),
        ((USE,), ("/h/.railway/config.json",), no, 900_001, None),
        ((THEN,), (), no, 1, None),
        ((READ, USE), ("/h/.railway/config.json",), no, 900_001, "cred-then-infra"),
    ],
)  # fmt: skip
def test_a_chain_needs_its_steps_in_time_and_its_proof(
    made: tuple[Step, ...], taken: tuple[str, ...], seen: Any, after: int, fires: str | None
) -> None:
    trail = chains.advanced((), (READ,), (), no, 0)
    found = chains.fired(trail, made, taken, seen, after)
    assert (found.chain if found else None) == fires


def test_three_steps_in_order_only() -> None:
    first, second, third = (Step("c", number, 3, 4, "w", 1000) for number in (1, 2, 3))
    assert chains.fired((), (second, third), (), no, 0) is None
    trail = chains.advanced((), (second,), (), no, 0)
    assert trail == ()
    trail = chains.advanced(chains.advanced((), (first,), (), no, 0), (second,), (), no, 500)
    assert chains.fired(trail, (third,), (), no, 1000) == third
    assert chains.fired(trail, (third,), (), no, 1001) is None, "the time is that of the whole chain"


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 10)), max_size=60))
def test_the_trail_stays_small(story: list[tuple[str, int]]) -> None:
    trail: tuple[Sighting, ...] = ()
    for name, at in story:
        trail = chains.advanced(trail, (replace(READ, sources=(name,)),), (), no, at)
        assert len(trail) <= chains.MOST_SIGHTINGS


PLANS = st.builds(
    Plan,
    call=st.sampled_from([f"c{n}" for n in range(40)]),
    tool=st.sampled_from(["Bash", "Edit"]),
    asked=st.sampled_from("abc"),
    tier=st.integers(1, 4),
    rule=st.just("r"),
    effects=st.lists(
        st.builds(
            lambda kind, target, tier: {"kind": kind, "target": target, "facts": {"tier": tier}},
            st.sampled_from(["fs.write", "fs.delete", "net.mutate", "fs.read"]), st.sampled_from(["/a", "/b"]),
            st.integers(1, 4),
        ), max_size=2,
    ),
    cost=st.dictionaries(st.sampled_from(["lines_added", "external_calls"]), st.integers(0, 9)),
    steps=st.lists(st.sampled_from([READ, USE, THEN]), max_size=2).map(tuple),
    taken=st.sampled_from([(), ("/h/.railway/config.json",)]),
    answer=st.sampled_from([None, ANSWER]),
)  # fmt: skip
LIMITS = {"lines_added": 30, "external_calls": 20, "parallel_calls": 9}


def step(state: Standing, plan: Plan, now: int) -> tuple[Standing, Any]:
    """One call through the whole record: raised calls are denied, tier 3 agreed to."""
    raised = standing.weigh(state, plan, 0, LIMITS, 3, no, now)
    tier = raised.tier if raised else plan.tier
    if raised:
        state = standing.held(state, raised)
    plan = replace(plan, tier=tier, rule=raised.rule if raised else plan.rule)
    if tier >= 4 or raised:
        return standing.denied(state, plan, now), raised
    state = standing.ran(state, plan, 0, no, now, by_a_human=tier == 3)
    return standing.on_its_way(state, plan.call, now, LIMITS), raised


@given(st.lists(st.tuples(PLANS, st.integers(0, 400_000), st.booleans()), max_size=25))
def test_a_restart_in_the_middle_is_no_restart(story: list[tuple[Plan, int, bool]]) -> None:
    straight = restarted = Standing()
    now = 0
    for plan, later, restart in story:
        now += later
        straight, one = step(straight, plan, now)
        restarted, two = step(restarted, plan, now)
        if restart:
            restarted = standing.from_json(standing.to_json(restarted))
        assert one == two
        assert standing.to_json(straight) == standing.to_json(restarted)
        assert len(standing.to_json(straight)) < 16_000


@given(st.integers(0, 3), st.lists(PLANS.map(lambda plan: replace(plan, tier=1, steps=())), max_size=10))
def test_no_read_resets_the_streak(denied: int, reads: list[Plan]) -> None:
    state = Standing()
    for number in range(denied):
        state = standing.denied(state, Plan(f"d{number}", "Bash", "z", 4, "r"), 0)
    for plan in reads:
        state = standing.ran(state, plan, 0, no, 1, by_a_human=False)
    assert state.record.streak == denied


def test_a_stored_record_of_another_shape_is_said_to_be_unreadable() -> None:
    for text in ("{", "[]", "[1,2,3,4,5,6]", "null"):
        with pytest.raises(ValueError, match="cannot be read"):
            standing.from_json(text)


def test_no_policy_is_no_denial() -> None:
    assert standing.denied(Standing(), Plan("c", "Bash", "a", 4, standing.NO_POLICY), 0).record.total == 0
