"""The review lane, later, edits and equal questions, through real hooks and a real `serve`."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from house import House, answer, wait_for

from sreconsole.serve import reviews as lane
from sreconsole.serve.client import Line, Refused
from sreconsole.store import escalations, grants, reviews
from sreconsole.store.escalations import Escalation
from sreconsole.store.reviews import Review


def unread(house: House) -> list[Review]:
    """The lane."""
    return house.read(lambda c: reviews.listing(c))


def seen(e: Escalation) -> dict[str, Any]:
    """A member as the decider saw it."""
    return {"id": e.id, "version": e.version, "digest": e.digest}


def again(house: House, e: Escalation) -> Escalation:
    """The question as it is now."""
    found = house.read(lambda c: escalations.get(c, e.id))
    assert found
    return found


def said(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The whole of a hook's answer."""
    out, _ = process.communicate(timeout=30)
    found: dict[str, Any] = json.loads(out)["hookSpecificOutput"]
    return found


@pytest.fixture(scope="module")
def fleet() -> Iterator[House]:
    """One fleet for the tests that leave nothing behind."""
    made = House()
    try:
        yield made.start()
    finally:
        made.close()


# -- the lane ----------------------------------------------------------------------------------------------------


def _verdict(*kinds: str, tier: int = 2, **facts: Any) -> dict[str, Any]:
    return {"tier": tier, "effects": [{"kind": kind, "target": "x", "facts": facts} for kind in kinds]}


@pytest.mark.parametrize(
    ("verdict", "goes_in"),
    [
        (_verdict("fs.write"), True),
        (_verdict("fs.delete", zone="project"), True),
        (_verdict("git.write"), True),
        (_verdict("pkg.install"), True),
        (_verdict("net.mutate"), True),
        (_verdict("unknown"), True),
        (_verdict("proc.run", "fs.write"), True),
        (_verdict("proc.run"), False),
        (_verdict("fs.read"), False),
        (_verdict("git.read", "none"), False),
        (_verdict("net.read"), False),
        (_verdict("fs.write", zone="tmp"), False),
        (_verdict("fs.write", zone="null"), False),
        (_verdict("fs.delete", traits=["artifact"]), False),
        (_verdict("fs.write", tier=1), False),
        (_verdict("fs.write", tier=3), False),
        (_verdict(), False),
    ],
)
def test_what_changes_something_is_reviewed(verdict: dict[str, Any], goes_in: bool) -> None:
    assert lane.reviewable(verdict) is goes_in


def test_a_passed_change_waits_to_be_looked_at(house: House) -> None:
    for command in ("git commit -m x", "git commit -m y", "pip install requests", "ls", "pytest -q", "git status"):
        assert answer(house.hook(house.bash(command)))[0] == "none"
    found = unread(house)
    assert [one.summary for one in found] == ["pip install requests", "git commit -m y", "git commit -m x"]
    groups = house.read(reviews.groups)
    assert [one.count for one in groups] == [2, 1]
    passed = {e.seq: e for e in house.events("tool.passed")}
    assert all(json.loads(passed[one.seq].data)["input"]["command"] == one.summary for one in found)
    # Presented again by the same process it is one call: the log has one event, the lane one row.
    assert house.read(reviews.unread) == 3


def test_ok_by_id_by_rule_and_by_session(house: House) -> None:
    for session in ("s-1", "s-2"):
        for command in ("git commit -m x", "pip install requests"):
            answer(house.hook(house.bash(command, session=session)))
    newest = unread(house)[0]
    assert house.ask("review_ok", ids=[newest.id])["ids"] == [newest.id]
    assert house.ask("review_ok", ids=[newest.id])["count"] == 0
    rule = next(one.rule for one in unread(house) if "commit" in one.summary)
    first = min(one.n for one in unread(house) if one.rule == rule)
    assert house.ask("review_ok", rule=rule, through=first)["count"] == 1
    assert house.ask("review_ok", rule=rule)["count"] == 1
    assert house.ask("review_ok", session="s-1")["count"] == 1
    assert unread(house) == []
    events = [json.loads(e.data) for e in house.events("review.ok")]
    assert [one["count"] for one in events] == [1, 1, 1, 1]
    assert house.read(lambda c: reviews.get(c, newest.id)).decided_by


def test_a_flag_is_a_signal(house: House) -> None:
    answer(house.hook(house.bash("pip install requests")))
    (one,) = unread(house)
    house.ask("review_ok", ids=[one.id])
    assert house.ask("review_flag", review=one.id, reason="not pinned")["flagged"] is True
    assert house.ask("review_flag", review=one.id, reason="again")["flagged"] is False
    (event,) = house.events("review.flagged")
    assert (event.severity, event.subject, event.session) == (2, one.id, "s-1")
    assert json.loads(event.data)["seq"] == one.seq


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("review_ok", {}),
        ("review_ok", {"ids": ["rev-zzzz"]}),
        ("review_ok", {"ids": "rev-0001"}),
        ("review_ok", {"ids": ["rev-0001"], "rule": "x"}),
        ("review_ok", {"rule": 3}),
        ("review_ok", {"rule": "x", "through": "y"}),
        ("review_flag", {"review": "rev-zzzz", "reason": "x"}),
        ("review_flag", {"review": "rev-0001", "reason": " "}),
    ],
)
def test_a_review_that_makes_no_sense_is_refused(fleet: House, do: str, words: dict[str, Any]) -> None:
    with pytest.raises(Refused) as no:
        fleet.ask(do, **words)
    assert no.value.code == 2


# -- later -------------------------------------------------------------------------------------------------------


def put_off(house: House, command: str = "touch a") -> tuple[dict[str, Any], Escalation]:
    """A call that was put off: its payload and its question."""
    call = house.bash(command)
    hook = house.hook(call)
    e = house.waiting()[0]
    reply = house.decide("later", e, reason="in the middle of a deploy")
    assert reply["state"] == "denied"
    decision, reason = answer(hook)
    assert decision == "deny"
    assert reason.startswith(f"Not now ({e.id}")
    assert "may be allowed later" in reason
    return call, again(house, e)


def test_later_refuses_now_and_is_allowed_once(house: House) -> None:
    call, e = put_off(house)
    assert e.decision == "later"
    made = house.decide("allow_later", e, reason="the deploy is over")
    assert house.read(lambda c: grants.get(c, made["grant"])).uses == 1
    retry = {**call, "tool_use_id": "toolu_retry"}
    assert answer(house.hook(retry))[0] == "allow"
    used = house.events("grant.used")
    assert len(used) == 1
    # Spent: the next one waits for a human again.
    third = house.hook({**call, "tool_use_id": "toolu_third"})
    assert house.waiting()[0].state == "pending"
    third.kill()
    with pytest.raises(Refused) as no:
        house.decide("allow_later", again(house, e))
    assert no.value.code == 1


def test_the_same_call_presented_again_consumes_it_too(house: House) -> None:
    call, e = put_off(house)
    house.decide("allow_later", e)
    assert answer(house.hook(call))[0] == "allow"


@pytest.mark.parametrize("change", [{"tool_input": {"command": "touch b"}}, {"session_id": "s-other"}, {"cwd": "/tmp"},
                                    {"tool_input": {"command": "touch a", "timeout": 5}}])  # fmt: skip
def test_what_was_allowed_is_exactly_that_call(house: House, change: dict[str, Any]) -> None:
    call, e = put_off(house)
    made = house.decide("allow_later", e)
    hook = house.hook({**call, "tool_use_id": "toolu_other", **change})
    assert house.waiting()[0].state == "pending"
    assert house.read(lambda c: grants.get(c, made["grant"])).used == 0
    hook.kill()


def test_a_plain_no_is_never_allowed_later(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    house.decide("deny", e, reason="no")
    answer(hook)
    with pytest.raises(Refused) as no:
        house.decide("allow_later", again(house, e))
    assert no.value.code == 1
    with pytest.raises(Refused, match="denied"):
        house.decide("later", again(house, e))


def test_a_revoked_or_too_long_grant_allows_nothing(house: House) -> None:
    call, e = put_off(house)
    for minutes in (0, -1, 16, float("nan")):
        with pytest.raises(Refused):
            house.decide("allow_later", e, minutes=minutes)
    made = house.decide("allow_later", e)
    house.ask("revoke_grant", grant=made["grant"])
    hook = house.hook({**call, "tool_use_id": "toolu_x"})
    assert house.waiting()[0].state == "pending"
    hook.kill()


# -- edit and approve --------------------------------------------------------------------------------------------


def test_an_edited_call_runs_as_edited_and_both_are_in_the_log(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    looked = house.ask("judge_edit", escalation=e.id, input={"command": "touch b"})["edited"]
    assert again(house, e).state == "pending"
    done = house.decide("approve", e, answer={"input": {"command": "touch b"}}, reason="b is meant")
    assert done["edited"]["digest"] == looked["digest"] != e.digest
    reply = said(hook)
    assert reply["permissionDecision"] == "allow"
    assert reply["updatedInput"] == {"command": "touch b"}
    (event,) = house.events("escalation.edited")
    facts = json.loads(event.data)
    assert facts["from"] == {"input": {"command": "touch a"}, "asked": e.asked, "digest": e.digest, "tier": 3}
    assert facts["to"]["input"] == {"command": "touch b"}
    assert facts["to"]["digest"] == looked["digest"]


def test_a_held_edit_can_be_taken_back(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    with Line(house.home) as line:
        words = {
            "escalation": e.id,
            "version": e.version,
            "digest": e.digest,
            "answer": {"input": {"command": "touch b"}},
        }
        assert line.ask("approve", **words, hold=30)["state"] == "held"
        line.ask("undo", escalation=e.id)
    house.decide("approve", again(house, e))
    assert "updatedInput" not in said(hook)


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"command": "mkfs /dev/sda1"}, 4, "edited like this it is tier 4"),
        ({"command": "curl -H 'Authorization: Bearer [REDACTED:bearer-token]' x"}, 2, "still holds a redacted secret"),
        ({"command": "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzQ8rT3abc"}, 2, "holds a secret"),
        ({}, 2, "not empty"),
        ("touch b", 2, "JSON object"),
        (None, 2, "JSON object"),
    ],
)
def test_an_edit_that_may_not_be_is_refused(fleet: House, given: Any, code: int, says: str) -> None:
    hook = fleet.hook(fleet.bash("touch a", session="s-edits"))
    e = next(one for one in fleet.waiting() if one.session == "s-edits")
    with pytest.raises(Refused, match=says) as no:
        fleet.decide("approve", e, answer={"input": given})
    assert no.value.code == code
    with pytest.raises(Refused):
        fleet.ask("break_glass", escalation=e.id, version=e.version, digest=e.digest, reason="x", answer={"input": {"command": "touch b"}})  # fmt: skip
    assert hook.poll() is None
    fleet.decide("deny", e)
    assert answer(hook)[0] == "deny"


def test_an_edit_of_a_moved_question_is_refused(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    with pytest.raises(Refused) as no:
        house.ask("approve", escalation=e.id, version=e.version + 1, digest=e.digest, hold=0, answer={"input": {"command": "ls"}})  # fmt: skip
    assert no.value.code == 1
    assert house.events("escalation.edited") == []
    hook.kill()


# -- equal questions ---------------------------------------------------------------------------------------------


def three_alike(house: House) -> tuple[list[subprocess.Popen[bytes]], list[Escalation]]:
    """The same call of three sessions."""
    hooks = [house.hook(house.bash("touch a", session=f"s-{n}")) for n in range(3)]
    return hooks, sorted(house.waiting(3), key=lambda e: e.session)


def test_equal_questions_are_decided_once_and_each_is_named(house: House) -> None:
    hooks, found = three_alike(house)
    assert len({e.alike for e in found}) == 1
    assert found[0].alike
    done = house.decide("approve_alike", found[0], members=[seen(e) for e in found[1:]], hold=0, reason="all fine")
    assert {one["state"] for one in done["decided"]} == {"approved"}
    assert [answer(hook)[0] for hook in hooks] == ["allow"] * 3
    (event,) = house.events("escalation.decided-alike")
    assert [one["id"] for one in json.loads(event.data)["members"]] == [e.id for e in found]
    assert len(house.events("escalation.approved")) == 3


def test_one_that_moved_stops_them_all(house: House) -> None:
    hooks, found = three_alike(house)
    house.decide("deny", found[2], reason="not this one")
    with pytest.raises(Refused) as no:
        house.decide("approve_alike", found[0], members=[seen(e) for e in found[1:]], hold=0)
    assert no.value.code == 1
    assert {again(house, e).state for e in found[:2]} == {"pending"}
    stale = {**seen(found[1]), "version": 99}
    with pytest.raises(Refused) as no:
        house.decide("deny_alike", found[0], members=[stale])
    assert no.value.code == 1
    assert again(house, found[0]).state == "pending"
    house.decide("deny_alike", found[0], members=[seen(found[1])], reason="none")
    assert [answer(hook)[0] for hook in hooks] == ["deny"] * 3
    assert house.events("escalation.approved") == []


def test_what_is_not_alike_is_decided_by_itself(house: House) -> None:
    hooks = [house.hook(house.bash(command)) for command in ("touch a", "touch b")]
    first, second = sorted(house.waiting(2), key=lambda e: e.n)
    assert first.alike != second.alike
    with pytest.raises(Refused, match="is not like") as no:
        house.decide("approve_alike", first, members=[seen(second)], hold=0)
    assert no.value.code == 4
    sub = house.project / "sub"
    sub.mkdir()
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    hooks += [
        house.hook(house.bash("touch a", session=f"s-{place.name}", cwd=str(place))) for place in (house.project, sub)
    ]
    by = {e.session: e for e in house.waiting(4)}
    assert by["s-project"].alike != by["s-sub"].alike
    for hook in hooks:
        hook.kill()


STRICT = """
version: 1
rules:
  - {id: t.two, tier: 3, match: {tool: Bash, command: ["touch"]}, why: "x", approvers: 2}
  - {id: t.type, tier: 3, match: {tool: Bash, command: ["make deploy"]}, why: "x", confirm: type}
"""


def test_two_people_or_a_typed_target_are_never_grouped_nor_edited() -> None:
    strict = House(policy=STRICT).start()
    try:
        hooks = [
            strict.hook(strict.bash(command, session=f"s-{n}"))
            for n in (1, 2)
            for command in ("touch a", "make deploy")
        ]
        found = strict.waiting(4)
        assert {e.alike for e in found} == {""}
        e = next(one for one in found if one.tool and "touch" in one.input)
        with pytest.raises(Refused, match="two people") as no:
            strict.decide("approve", e, answer={"input": {"command": "ls"}})
        assert no.value.code == 4
        # Put off, it takes two to allow it: one person's second yes does not count.
        strict.decide("later", e)
        e = again(strict, e)
        assert "grant" not in strict.decide("allow_later", e)
        with pytest.raises(Refused, match="second person"):
            strict.decide("allow_later", again(strict, e))
        for hook in hooks:
            hook.kill()
    finally:
        strict.close()


def test_production_asks_to_type_the_target(house: House) -> None:
    hook = house.hook(house.bash('psql -h prod-db.internal app -c "update users set admin = true where id = 4"'))
    verdict = json.loads(house.waiting()[0].verdict)
    assert (verdict["tier"], verdict["environment"], verdict["confirm"]) == (3, "prod", "type")
    hook.kill()


# -- radius ------------------------------------------------------------------------------------------------------


def measured(house: House, e: Escalation) -> dict[str, Any]:
    """The radius, once it is there."""
    found: dict[str, Any] = json.loads(wait_for(lambda: again(house, e).radius, 15, "the radius"))
    return found


def test_a_question_is_measured_after_it_is_open(house: House) -> None:
    (house.project / "a.txt").write_text("x" * 1000)
    hook = house.hook(house.bash("touch a.txt"))
    e = house.waiting()[0]
    found = measured(house, e)
    assert (found["files"], found["bytes"], found["lost"]) == (1, 1000, 1)
    (event,) = house.events("escalation.measured")
    assert event.subject == e.id
    # What was seen before the measurement can be decided after it.
    house.decide("approve", e)
    assert answer(hook)[0] == "allow"


def test_a_measurement_that_hangs_is_killed_and_the_next_one_works(house: House) -> None:
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    (house.project / ".git/HEAD").write_text("0" * 40 + "\n")
    os.mkfifo(house.project / ".git/index")
    (house.project / "a.txt").write_text("x")
    first = house.hook(house.bash("touch a.txt"))
    e = house.waiting()[0]
    started = time.monotonic()
    assert "not measurable" in measured(house, e)["words"] or "no copy" in measured(house, e)["words"]
    assert time.monotonic() - started < 10
    (house.project / ".git/index").unlink()
    second = house.hook(house.bash("touch b.txt", session="s-2"))
    other = next(one for one in house.waiting(2) if one.session == "s-2")
    assert measured(house, other)["new"] == 1
    first.kill()
    second.kill()
