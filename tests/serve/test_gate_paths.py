"""What becomes of a hook's call, through a real hook process and a real `serve`."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from house import House, answer, wait_for

from sreconsole.serve.client import Line, Refused
from sreconsole.store import grants, sessions


def test_tier_two_has_no_opinion_and_is_logged(house: House) -> None:
    assert answer(house.hook(house.bash("python3 app.py"))) == ("none", "")
    assert [e.tier for e in house.events("tool.passed")] == [2]


def test_tier_four_is_refused_with_a_reason_for_a_model(house: House) -> None:
    decision, reason = answer(house.hook(house.bash("mkfs /dev/sda1")))
    assert decision == "deny"
    assert "tier 4" in reason
    assert house.events("tool.refused")[0].severity >= 2


def test_tier_four_has_no_approve(house: House) -> None:
    answer(house.hook(house.bash("mkfs /dev/sda1")))
    with pytest.raises(Refused) as no:
        house.ask("approve", escalation="esc-0001", version=1, digest="x", hold=0)
    assert no.value.code == 2


def test_approve_lets_exactly_this_call_run(house: House) -> None:
    call = house.bash("touch a")
    hook = house.hook(call)
    e = house.waiting()[0]
    assert json.loads(e.input)["command"] == "touch a"
    house.decide("approve", e, reason="looked at it")
    decision, reason = answer(hook)
    assert (decision, "looked at it" in reason) == ("allow", True)
    # The same bytes a second time, by another process: a new question, never the old answer.
    second = house.hook(call)
    assert house.waiting()[0].id != e.id
    second.kill()


def test_deny_says_who_and_why(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    house.decide("deny", house.waiting()[0], reason="not tonight")
    decision, reason = answer(hook)
    assert decision == "deny"
    assert "not tonight" in reason


def test_a_held_yes_can_be_taken_back(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    with Line(house.home) as line:
        held = line.ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=30)
        assert held["state"] == "held"
        assert line.ask("undo", escalation=e.id)["state"] == "pending"
    e = house.waiting()[0]
    house.decide("deny", e)
    assert answer(hook)[0] == "deny"


def test_a_hold_ends_with_its_console(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    with Line(house.home) as line:
        line.ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=2)
    time.sleep(2.5)
    house.became(e.id, "pending")
    assert hook.poll() is None


def test_a_hold_settles_by_itself(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    with Line(house.home) as line:
        line.ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=0.5)
        assert answer(hook)[0] == "allow"


def test_a_moved_question_is_not_decided_blind(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    for stale in ({"version": e.version + 5, "digest": e.digest}, {"version": e.version, "digest": "0" * 64}):
        with pytest.raises(Refused) as no:
            house.ask("approve", escalation=e.id, hold=0, **stale)
        assert no.value.code == 1
    assert hook.poll() is None


def test_the_second_decider_is_told_who_and_when(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    house.decide("deny", e, reason="no")
    with pytest.raises(Refused, match=r"esc-0001 is denied by \w+ since \d+ s ago"):
        house.decide("approve", e)
    assert answer(hook)[0] == "deny"


def test_a_killed_hook_withdraws_its_question(house: House) -> None:
    house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    pid = int(e.waiter.split(":")[0])
    os.kill(pid, signal.SIGTERM)
    assert house.became(e.id, "cancelled").reason == "the agent took the call back"
    with pytest.raises(Refused, match="cancelled"):
        house.decide("approve", e)


def test_a_killed_client_withdraws_its_question_and_ends_its_session(house: House) -> None:
    client = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    client.kill()
    house.became(e.id, "cancelled")
    wait_for(lambda: house.read(lambda c: sessions.get(c, "s-1")).ended_at, 5, "the session to end")


def test_expiry_refuses_and_parks(house: House) -> None:
    hook = house.hook(house.bash("git push origin main"))
    e = house.waiting()[0]
    decision, reason = answer(hook)
    assert decision == "deny"
    assert "Expired" in reason
    assert house.became(e.id, "expired").decided_by == ""
    parked = wait_for(lambda: house.read(lambda c: sessions.get(c, "s-1")).parked_on, 5, "the park")
    assert parked == e.id
    decision, reason = answer(house.hook(house.bash("touch b")))
    assert decision == "deny"
    assert e.id in reason
    assert answer(house.hook(house.bash("python3 a.py"))) == ("none", "")
    assert house.ask("release", session="s-1", reason="awake now")["was"] == e.id
    hook = house.hook(house.bash("touch c"))
    house.decide("approve", house.waiting()[0])
    assert answer(hook)[0] == "allow"


def test_defer_ends_the_run_and_the_resumed_call_gets_the_decision(house: House) -> None:
    call = house.bash("make deploy")
    hook = house.hook(call)
    e = house.waiting()[0]
    assert answer(hook)[0] == "defer"
    e = house.became(e.id, "deferred")
    house.decide("approve", e, reason="in the morning")
    assert house.became(e.id, "approved").used_at is None
    assert answer(house.hook(call))[0] == "allow"
    assert house.became(e.id, "approved").used_at is not None
    second = house.hook(call)
    assert house.waiting()[0].id != e.id
    second.kill()


def test_a_deferred_question_asked_again_waits_again(house: House) -> None:
    call = house.bash("make deploy")
    first = house.hook(call)
    e = house.waiting()[0]
    answer(first)
    house.became(e.id, "deferred")
    again = house.hook(call)
    house.became(e.id, "pending")
    house.decide("deny", house.waiting()[0])
    assert answer(again)[0] == "deny"


def test_changed_arguments_never_run_on_an_old_answer(house: House) -> None:
    call = house.bash("make deploy")
    first = house.hook(call)
    e = house.waiting()[0]
    answer(first)
    house.became(e.id, "deferred")
    changed = {**call, "tool_input": {"command": "make deploy PROD=1"}}
    hook = house.hook(changed)
    house.became(e.id, "invalidated")
    new = house.waiting()[0]
    assert new.id != e.id
    house.decide("deny", new)
    assert answer(hook)[0] == "deny"


def test_a_grant_covers_the_like_and_no_more(house: House) -> None:
    hook = house.hook(house.bash("touch a.txt"))
    e = house.waiting()[0]
    target = json.loads(e.verdict)["target"]
    assert target
    made = house.ask(
        "grant", escalation=e.id, version=e.version, digest=e.digest, target="*", minutes=5, uses=1, reason="x"
    )
    assert answer(hook)[0] == "allow"
    assert answer(house.hook(house.bash("touch b.txt")))[0] == "allow"
    third = house.hook(house.bash("touch c.txt"))
    assert len(house.waiting()) == 1
    assert house.read(lambda c: grants.get(c, made["grant"])).used == 1
    assert [x.subject for x in house.events("grant.used")] == ["esc-0002"]
    third.kill()


def test_a_revoked_grant_is_over(house: House) -> None:
    hook = house.hook(house.bash("touch a.txt"))
    e = house.waiting()[0]
    made = house.ask(
        "grant", escalation=e.id, version=e.version, digest=e.digest, target="*", minutes=5, uses=9, reason="x"
    )
    assert answer(hook)[0] == "allow"
    assert house.ask("revoke_grant", grant=made["grant"])["revoked"] is True
    house.hook(house.bash("touch b.txt"))
    assert house.waiting()


@pytest.mark.parametrize(
    ("bounds", "words"),
    [({"minutes": 16, "uses": 1}, "15 minutes"), ({"minutes": 0, "uses": 1}, "15 minutes"), ({"minutes": 5, "uses": 0}, "uses"),
     ({"minutes": 5, "uses": 1, "target": " "}, "target")],
)  # fmt: skip
def test_a_grant_is_bounded(house: House, bounds: dict, words: str) -> None:
    house.hook(house.bash("touch a.txt"))
    e = house.waiting()[0]
    with pytest.raises(Refused, match=words) as no:
        house.ask(
            "grant",
            **{"escalation": e.id, "version": e.version, "digest": e.digest, "target": "*", "reason": "", **bounds},
        )
    assert no.value.code == 2
    assert house.waiting()[0].state == "pending"


def test_serve_killed_while_a_hook_waits(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    house.kill()
    house.start()
    wait_for(lambda: house.waiting()[0].attached, 10, "the hook to come back")
    house.decide("approve", house.waiting()[0])
    assert answer(hook)[0] == "allow"
    assert house.became(e.id, "approved").used_at


def test_serve_killed_during_a_hold(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    with Line(house.home) as line:
        line.ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=60)
        house.kill()
    house.start()
    assert house.became(e.id, "pending").approvals == "[]"
    assert hook.poll() is None


def test_decided_while_the_hook_was_looking_for_serve(house: House) -> None:
    """The answer that was committed and never delivered is delivered to the very process that asked, once."""
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    hook_pid = int(e.waiter.split(":")[0])
    os.kill(hook_pid, signal.SIGSTOP)
    house.decide("approve", e)
    house.kill()
    house.start()
    os.kill(hook_pid, signal.SIGCONT)
    assert answer(hook)[0] == "allow"


def test_a_policy_that_now_refuses_settles_what_waits(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    house.home.policy.write_text(house.home.policy.read_text().replace("id: t.ask, tier: 3", "id: t.ask, tier: 4"))
    house.ask("reload")
    assert answer(hook)[0] == "deny"
    assert house.became(e.id, "invalidated")


def test_a_policy_that_keeps_the_tier_binds_the_question_anew(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    house.home.policy.write_text(
        house.home.policy.read_text() + '  - {id: t.x, tier: 4, match: {tool: Zap}, why: "x"}\n'
    )
    house.ask("reload")
    now = wait_for(lambda: (found := house.waiting()[0]).digest != e.digest and found, 5, "the new digest")
    with pytest.raises(Refused):
        house.decide("approve", e)
    house.decide("approve", now)
    assert answer(hook)[0] == "allow"
    assert house.events("policy.loaded")[-1].data.count("t.x")


def test_a_broken_policy_never_replaces_a_good_one(house: House) -> None:
    good = house.ask("hello")["policy"]
    house.home.policy.write_text("version: 1\nrules:\n  - {id: x, tier: nine}\n")
    with pytest.raises(Refused) as no:
        house.ask("reload")
    assert no.value.code == 2
    assert "policy.yaml" in str(no.value)
    assert house.ask("hello")["policy"] == good
    assert answer(house.hook(house.bash("mkfs /dev/sda")))[0] == "deny"
    # And not over a restart either.
    house.stop()
    house.start()
    hello = house.ask("hello")
    assert hello["policy"] == good
    assert hello["policy_problems"]


def test_a_policy_broken_from_the_start_refuses_everything() -> None:
    house = House(policy="rules: [")
    try:
        house.start()
        decision, reason = answer(house.hook(house.bash("ls")))
        assert decision == "deny"
        assert "policy" in reason
    finally:
        house.close()


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"null", b"[" * 200_000, b'{"hook_event_name":"PreToolUse"}', b"\xff\xfe", b'{"a":NaN}', b"{" * 10],
    ids=["empty", "bare", "null", "deep", "no tool", "not utf-8", "NaN", "torn"],
)  # fmt: skip
def test_an_unreadable_payload_is_refused(house: House, raw: bytes) -> None:
    assert answer(house.hook(raw))[0] in ("deny", "exit 2")


def test_an_unknown_client_is_refused(house: House) -> None:
    assert answer(house.hook(house.bash("ls"), client="emacs"))[0] == "deny"


def test_a_payload_that_kills_workers_is_refused_and_remembered(house: House) -> None:
    """Sixty megabytes of objects take longer than a worker may."""
    body = json.dumps(house.bash("touch a", tool_input={"command": "touch a", "a": ["HERE"]}))
    raw = body.replace('"HERE"', "{}," * 20_000_000 + "{}").encode()
    hook = house.hook(raw)
    assert answer(hook, 60)[0] == "deny"
    assert house.events("gate.poison")
    assert answer(house.hook(house.bash("python3 a.py")), 30) == ("none", "")
    started = time.monotonic()
    assert answer(house.hook(raw), 30)[0] == "deny"
    assert time.monotonic() - started < 4


def test_secrets_never_reach_the_disk(house: House) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7H8"
    hook = house.hook(house.bash(f"touch a # {token}"))
    house.waiting()
    everything = b"".join(path.read_bytes() for path in house.home.state.rglob("*") if path.is_file())
    assert token.encode() not in everything
    assert b"[REDACTED:" in everything
    hook.kill()


@pytest.mark.parametrize(
    "what", ["rm -f {h}/fleet.db", "cat > {h}/policy.yaml <<< x", "echo hi | nc -U {h}/run/operator.sock"]
)
def test_the_gates_own_folders_are_tier_four(house: House, what: str) -> None:
    decision, reason = answer(house.hook(house.bash(what.format(h=house.home.config))))
    assert decision == "deny"
    assert "tier 4" in reason
