"""Whose session it is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.agents.mapping import BadRule, Owner, checked, owner, read
from sreconsole.store.agents import Agent
from sreconsole.store.sessions import Scope

CWD, UID = "/srv/app/web", 1001
REPOSITORIES = ("acme/web", "github.com/acme/web", "web")


def agent(name: str, *rules: dict[str, Any], revoked: int | None = None, enrolled: int = 0) -> Agent:
    return Agent(name, "dana", None, "", "", "{}", json.dumps(rules), "no opinion", enrolled, "dana", revoked, "")


def scope(id: str, name: str, pid: int = 0, group: str = "", kind: str = "cgroup") -> Scope:
    return Scope(id, name, kind, group, pid, pid * 10, "boot", UID, "", 0, None, None)


def whose(
    *agents: Agent,
    scopes: tuple[Scope, ...] = (),
    line: tuple[int, ...] = (),
    groups: tuple[str, ...] = (),
    **more: Any,
) -> Owner:
    facts = {"uid": UID, "cwd": CWD, "repositories": REPOSITORIES, **more}
    return owner(agents, scopes, [(pid, pid * 10) for pid in line], groups, **facts)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"user": UID}, {"folder": "/srv/app"}),
        ({"folder": CWD}, {"repository": "web"}),
        ({"repository": "web"}, {"user": UID, "folder": "/srv"}),
        ({"user": UID, "folder": CWD}, {"user": UID, "repository": "*web"}),
        ({"folder": "/srv/app"}, {"folder": CWD}),
        ({"folder": "/srv/*/web"}, {"folder": "/srv"}),
        ({"folder": "/s*"}, {"folder": "/srv/a*"}),
        ({"repository": "*/web"}, {"repository": "web"}),
        ({"repository": "web"}, {"repository": "acme/web"}),
        ({"repository": "acme/web"}, {"repository": "github.com/acme/web"}),
        ({"folder": "/srv/app", "repository": "acme/*"}, {"folder": "/srv", "repository": "web"}),
    ],
)
def test_more_specific_rule_wins_in_either_order(less: dict[str, Any], more: dict[str, Any]) -> None:
    a, z = agent("a", less), agent("z", more)
    assert whose(a, z).agent == whose(z, a).agent == "z"


@pytest.mark.parametrize(
    "rule",
    [
        {"user": 7}, {"folder": "/srv/ap"}, {"folder": "/srv/app/web/deeper"}, {"repository": "acme"}, {"repository": "WEB"},
        {"user": UID, "folder": "/other"}, {"user": UID, "repository": "other"}, {}, {"folders": "/srv"},
        {"user": UID, "unknown": 1}, {"folder": ""}, {"repository": ""}, {"user": str(UID)},
    ],
)  # fmt: skip
def test_rule_that_does_not_fit_or_cannot_be_read_maps_nothing(rule: dict[str, Any]) -> None:
    assert whose(agent("a", rule)) == Owner("", False, "no scope and no rule, not provable")


@pytest.mark.parametrize(
    ("cwd", "fits"), [("/srv/app/../etc", False), ("/srv/app/./x", True), ("/srv/app", True), ("srv/app", False)]
)
def test_folder_means_what_lies_in_it(cwd: str, fits: bool) -> None:
    assert bool(whose(agent("a", {"folder": "/srv/app/"}), cwd=cwd).agent) == fits


def test_mapped_is_said_to_be_not_provable() -> None:
    found = whose(agent("a", {"user": UID, "folder": "/srv"}))
    assert (found.provable, found.how) == (False, f"rule: user {UID}, folder /srv, not provable")


def test_revoked_agents_rules_go_on_mapping_so_that_its_sessions_are_refused() -> None:
    found = whose(agent("old", {"folder": "/srv"}, revoked=5))
    assert (found.agent, found.revoked) == ("old", True)


def test_successor_enrolled_after_the_revocation_takes_over() -> None:
    rule = {"folder": "/srv"}
    assert whose(agent("old", rule, revoked=5), agent("new", rule, enrolled=6)).agent == "new"
    assert whose(agent("old", rule, revoked=5), agent("older", rule, enrolled=4)).agent == "old"


def test_more_specific_revoked_rule_is_not_dodged_by_a_wider_live_one() -> None:
    assert whose(agent("old", {"folder": CWD}, revoked=5), agent("wide", {"user": UID}, enrolled=9)).revoked


def test_scope_beats_every_rule_and_is_proof() -> None:
    found = whose(agent("a", {"folder": CWD}), agent("b"), scopes=(scope("sc-1", "b", 40),), line=(60, 50, 40))
    assert found == Owner("b", True, "scope sc-1", "sc-1", False)


def test_innermost_scope_wins() -> None:
    scopes = (scope("sc-1", "outer", 40, kind="subreaper"), scope("sc-2", "inner", 50, kind="subreaper"))
    assert (
        whose(scopes=scopes, line=(60, 50, 40)).agent == whose(scopes=scopes[::-1], line=(60, 50, 40)).agent == "inner"
    )


def test_group_holds_what_left_its_ancestors() -> None:
    scopes = (scope("sc-1", "a", 40, "/x/one"), scope("sc-2", "b", 41, "/x/one/two"))
    assert whose(scopes=scopes, groups=("/x/one/two/three",)).agent == "b"
    assert whose(scopes=scopes, groups=("/x/oneself",)).agent == ""


@pytest.mark.parametrize("group", ["", "/"])
def test_scope_without_a_group_of_its_own_holds_nobody_else(group: str) -> None:
    assert whose(scopes=(scope("sc-1", "a", 40, group),), groups=("/", "/user.slice")).agent == ""


def test_revoked_agent_in_its_scope_is_revoked() -> None:
    assert whose(agent("a", revoked=3), scopes=(scope("sc-1", "a", 40),), line=(40,)).revoked


rules = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from([UID, 7]),
        "folder": st.sampled_from(["/", "/srv", "/srv/app", CWD, "/srv/*", "/other", "/srv/app/*"]),
        "repository": st.sampled_from(["web", "acme/web", "acme/*", "*", "github.com/acme/web", "other"]),
    },
).filter(bool)
agents_ = st.lists(st.tuples(st.lists(rules, max_size=3), st.sampled_from([None, 5]), st.integers(0, 9)), max_size=5)


@given(agents_, st.randoms())
def test_order_of_agents_and_rules_never_matters(drawn: Any, random: Any) -> None:
    agents = [agent(f"a{n}", *mine, revoked=revoked, enrolled=at) for n, (mine, revoked, at) in enumerate(drawn)]
    shuffled = [agent(one.name, *sorted(json.loads(one.rules), key=lambda _: random.random()), revoked=one.revoked_at, enrolled=one.enrolled_at)
                for one in sorted(agents, key=lambda _: random.random())]  # fmt: skip
    here, there = whose(*agents), whose(*shuffled)
    assert (here.agent, here.revoked) == (there.agent, there.revoked)
    assert not here.provable


@given(agents_)
def test_winner_has_a_rule_that_fits_and_somebody_wins_if_any_fits(drawn: Any) -> None:
    agents = [agent(f"a{n}", *mine, revoked=revoked, enrolled=at) for n, (mine, revoked, at) in enumerate(drawn)]
    fitting = {one.name for one in agents if whose(one).agent}
    found = whose(*agents).agent
    assert found in fitting if fitting else found == ""


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["user", "folder", "x"]), inner, max_size=3)))  # fmt: skip
def test_rules_of_any_shape_are_taken_or_refused_in_one_line(value: Any) -> None:
    try:
        assert checked(value) == value
    except BadRule as problem:
        assert "\n" not in str(problem) and str(problem).startswith("rules:")
    stored = json.dumps(value)
    assert all(checked([one]) for one in read(stored))
    held = replace(agent("a"), rules=stored)
    assert whose(held).agent in ("", "a")
