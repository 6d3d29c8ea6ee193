"""What waits for a human: seen and decided from the command line, against a real `serve`."""

from __future__ import annotations

import json
import threading

import pytest
from hand import Hand
from house import answer, wait_for

from sreconsole.cli import card

HOSTILE = "\x1b]0;owned\x07\x1b[2Jrm \u202egnp.exe\u200b [bold]x[/bold]\r\n\x9b31m"


def test_list_shows_what_waits(hand: Hand) -> None:
    e = hand.asked()
    done = hand("escalations", "list")
    row = next(line for line in done.out.splitlines() if line.startswith(e.id))
    assert done.code == 0
    assert row.split()[1:3] == ["pending", "3"]
    assert "pushes commits: git push origin main" in row


def test_list_json_is_one_document_with_values(hand: Hand) -> None:
    e = hand.asked()
    found = next(one for one in hand("escalations", "list", "--json").json if one["id"] == e.id)
    assert found["input"] == {"command": "git push origin main"}
    assert found["verdict"]["rule"] == "git.publish"
    assert found["digest"] == e.digest
    assert found["answer"] is None


def test_list_all_pages_by_key_and_by_state(hand: Hand) -> None:
    first, second = hand.asked(state="denied", next_at=None), hand.asked()
    every = [one["id"] for one in hand("escalations", "list", "--all", "--json").json]
    assert every.index(second.id) < every.index(first.id)
    older = [one["id"] for one in hand("escalations", "list", "--all", "--before", second.id, "--json").json]
    assert second.id not in older
    assert first.id in older
    denied = hand("escalations", "list", "--state", "denied", "--json").json
    assert {one["state"] for one in denied} == {"denied"}
    assert len(hand("escalations", "list", "--all", "--limit", 1, "--json").json) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--state", "maybe"], "is none of pending"),
        (["--limit", "0"], "--limit"),
        (["--limit", "99999999999999999999"], "--limit"),
        (["--limit", "many"], "--limit"),
        (["--before", "esc-zzzz"], "there is no escalation"),
        (["--before", "!"], "is no id"),
        (["surplus"], "unexpected extra argument"),
    ],
)
def test_list_refuses_what_makes_no_sense(hand: Hand, words: list[str], says: str) -> None:
    done = hand("escalations", "list", *words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert done.err.count("\n") == 1


def test_show_is_the_card(hand: Hand) -> None:
    verdict = {"span": [0, 8], "trail": ["sudo", "bash -c"], "hidden": 2, "warning": "looks like Latin, is Cyrillic", "instead": "open a pull request",
               "effects": [{"kind": "git.push", "target": "origin main", "host": "github.com"}], "kinds": ["aws-secret-key"], "approvers": 2}  # fmt: skip
    given = [{"by": "ada", "uid": 7, "at": 1_700_000_000_000, "reason": "looked"}]
    e = hand.asked(verdict=verdict, approvals=json.dumps(given), subagent="sub-1", agent="deployer")
    out = hand("escalations", "show", e.id).out
    for words in (
        f"{e.id}  pending  tier 3", "pushes commits", "Leaves the machine.", "git.publish at policy.yaml:7",
        "git push (columns 1 to 8)", "sudo > bash -c", "git.push origin main on github.com", "2 hidden characters",
        "looks like Latin, is Cyrillic", "open a pull request", "aws-secret-key", "/srv/shop", "deployer, subagent sub-1",
        "s-seeded-0001 (claude-code)", e.digest, "Approvals (1 of 2)", "ada", "looked", "left",
    ):  # fmt: skip
        assert words in out


def test_show_tells_the_history(hand: Hand) -> None:
    e = hand.asked()
    hand("escalations", "deny", e.id, "--reason", "not tonight")
    done = hand("escalations", "show", e.id)
    assert "escalation.denied" in done.out
    assert "not tonight" in done.out
    record = hand("escalations", "show", e.id, "--json").json
    assert [one["kind"] for one in record["history"]] == ["escalation.denied"]
    assert record["history"][0]["data"]["reason"] == "not tonight"


def test_show_raw_is_the_redacted_input_alone(hand: Hand) -> None:
    e = hand.asked(input=json.dumps({"command": HOSTILE, "timeout": 5}))
    done = hand("escalations", "show", e.id, "--raw")
    assert done.json == {"command": HOSTILE, "timeout": 5}
    assert done.out.isascii()


@pytest.mark.parametrize("typed", ["{n}", "esc-{n}", "ESC-{n}", "{short}"])
def test_ids_may_be_short(hand: Hand, typed: str) -> None:
    e = hand.asked()
    bare = e.id.removeprefix("esc-")
    done = hand("escalations", "show", typed.format(n=bare, short=bare.lstrip("0")), "--json")
    assert done.json["id"] == e.id


def test_hostile_text_never_reaches_the_terminal(hand: Hand) -> None:
    e = hand.asked(
        input=json.dumps({"command": HOSTILE}), agent=HOSTILE, cwd=HOSTILE, session=HOSTILE, subagent=HOSTILE, tool=HOSTILE,
        verdict={"does": HOSTILE, "why": HOSTILE, "target": HOSTILE, "warning": HOSTILE, "rule": HOSTILE, "trail": [HOSTILE]},
        kind="question", choices=json.dumps([{"question": HOSTILE, "options": [{"label": HOSTILE, "description": HOSTILE}]}]),
        approvals=json.dumps([{"by": HOSTILE, "uid": 1, "at": 1, "reason": HOSTILE}]),
    )  # fmt: skip
    for words in (["list"], ["list", "--json"], ["show", e.id], ["show", e.id, "--json"], ["show", e.id, "--raw"]):
        out = hand("escalations", *words).out
        assert e.id in out or "--raw" in words
        assert not [c for c in out if c != "\n" and (not c.isprintable() or c in "\u202e\u200b\x9b")], words
    refused = hand("escalations", "approve", e.id, stdin="n\n")
    assert refused.code == 2
    assert "\x1b" not in refused.err + refused.out
    hand("escalations", "deny", e.id)


def test_approve_asks_and_sends_without_a_hold(hand: Hand) -> None:
    e = hand.asked()
    done = hand("escalations", "approve", e.id, "--reason", "looked at it", stdin="y\n")
    assert done.code == 0
    assert f"Approve {e.id}?" in done.err
    assert done.out == f"{e.id} approved: it is used when the agent asks again\n"
    now = hand.state(e.id)
    assert (now.state, now.reason, now.hold_until) == ("approved", "looked at it", None)


@pytest.mark.parametrize("typed", ["", "n\n", "\n", "yess\n", "nope\n", "\x1b\n"])
def test_anything_but_yes_sends_nothing(hand: Hand, typed: str) -> None:
    e = hand.asked()
    done = hand("escalations", "approve", e.id, stdin=typed)
    assert done.code == 1
    assert "nothing was sent" in done.err
    assert hand.state(e.id).state == "pending"


def test_yes_answers_the_confirmation(hand: Hand) -> None:
    e = hand.asked()
    done = hand("escalations", "approve", e.id, "--yes", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["state"] == "approved"
    assert done.json["escalation"] == e.id


def test_a_typed_confirmation_wants_the_target(hand: Hand) -> None:
    e = hand.asked(verdict={"confirm": "type", "target": "prod-db"})
    for words, typed in ((["--yes"], ""), (["--yes"], "y\n"), ([], "y\n"), ([], "prod-d\n")):
        done = hand("escalations", "approve", e.id, *words, stdin=typed)
        assert done.code == 1
        assert "type prod-db" in done.err
        assert hand.state(e.id).state == "pending"
    assert hand("escalations", "approve", e.id, stdin="prod-db\n").code == 0
    assert hand.state(e.id).state == "approved"


@pytest.mark.parametrize("target", ["", "pr\u043ed-db", "two\nlines", "x" * 61, " padded "])
def test_a_target_that_cannot_be_typed_is_the_id(hand: Hand, target: str) -> None:
    e = hand.asked(verdict={"confirm": "type", "target": target})
    assert card.must_type(e) == e.id
    assert hand("escalations", "approve", e.id, stdin=f"{e.id}\n").code == 0


def test_the_second_yes_is_told_who_and_since_when(hand: Hand) -> None:
    e = hand.asked()
    assert hand("escalations", "approve", e.id, "--yes").code == 0
    late = hand("escalations", "approve", e.id, "--yes")
    assert late.code == 1
    assert f"{e.id} is approved by " in late.err
    assert "since 0 s ago" in late.err or "since 1 s ago" in late.err


def test_late_answers_name_the_state(hand: Hand) -> None:
    for state in ("denied", "expired", "cancelled", "invalidated"):
        e = hand.asked(state=state, next_at=None)
        for act in (["approve", e.id, "--yes"], ["deny", e.id]):
            done = hand("escalations", *act)
            assert done.code == 1
            assert f"is {state}" in done.err


def test_of_many_at_once_one_wins(hand: Hand) -> None:
    e = hand.asked()
    running = [hand.spawn("escalations", "approve", e.id, "--yes", "--reason", f"hand {n}") for n in range(4)]
    running.append(hand.spawn("escalations", "deny", e.id, "--reason", "no"))
    ends = [(process.communicate(timeout=30), process.returncode) for process in running]
    assert sorted(code for _, code in ends) == [0, 1, 1, 1, 1]
    losers = [err.decode() for (_, err), code in ends if code == 1]
    assert all(f"{e.id} is " in words or "has changed since you looked" in words for words in losers)
    decided = [
        one
        for one in hand.house.events()
        if one.subject == e.id and one.kind in ("escalation.approved", "escalation.denied")
    ]
    assert len(decided) == 1


def test_a_question_that_moves_while_one_reads_is_not_approved(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    import sreconsole.cli.escalations as word

    e = hand.asked()
    real = word._confirm

    def slow(*words: object) -> None:
        real(*words)  # type: ignore[arg-type]
        hand.house.ask("deny", escalation=e.id, reason="faster")

    monkeypatch.setattr(word, "_confirm", slow)
    done = hand("escalations", "approve", e.id, "--yes")
    assert (done.code, hand.state(e.id).state) == (1, "denied")
    assert "is denied by" in done.err


def test_deny_is_live_at_once(hand: Hand) -> None:
    e = hand.asked(verdict={"confirm": "type"})
    done = hand("escalations", "deny", e.id, "--reason", "no")
    assert (done.code, done.out, done.err) == (0, f"{e.id} denied\n", "")
    assert hand.state(e.id).reason == "no"


def test_two_people(hand: Hand) -> None:
    e = hand.asked(verdict={"approvers": 2})
    first = hand("escalations", "approve", e.id, "--yes")
    assert first.code == 0
    assert "waits for another person (1 so far)" in first.out
    again = hand("escalations", "approve", e.id, "--yes")
    assert again.code == 4
    assert "second person" in again.err


def test_break_glass(hand: Hand) -> None:
    e = hand.asked(verdict={"approvers": 2})
    none = hand("escalations", "approve", e.id, "--break-glass", "--yes")
    assert (none.code, "--reason" in none.err) == (2, True)
    done = hand("escalations", "approve", e.id, "--break-glass", "--yes", "--reason", "site is down")
    assert (done.code, hand.state(e.id).state) == (0, "approved")
    assert [one.subject for one in hand.house.events("page.wanted")] == [e.id]


def test_undo_takes_back_ones_own_held_yes(hand: Hand) -> None:
    from sreconsole.serve.client import Line

    e = hand.asked()
    with Line(hand.house.home) as console:
        console.ask("approve", escalation=e.id, version=1, digest=e.digest, hold=60)
        assert hand.state(e.id).state == "held"
        second = hand("escalations", "approve", e.id, "--yes")
        assert (second.code, "is held by" in second.err) == (1, True)
        assert hand("escalations", "approve", e.id, "--undo").out == f"{e.id} pending\n"
    assert hand("escalations", "approve", e.id, "--undo").code == 1


def test_tier_four_cannot_be_approved(hand: Hand) -> None:
    e = hand.asked(tier=4)
    done = hand("escalations", "approve", e.id, "--yes")
    assert (done.code, hand.state(e.id).state) == (4, "pending")
    assert hand("escalations", "approve", e.id, "--yes", "--break-glass", "--reason", "x").code == 4


def test_a_question_is_answered_by_choice_or_words(hand: Hand) -> None:
    asked = [
        {
            "question": "Which?",
            "header": "",
            "options": [{"label": "Blue", "description": "like the sky"}, {"label": "Red"}],
            "multi": False,
        }
    ]
    e = hand.asked(kind="question", choices=json.dumps(asked))
    assert "like the sky" in hand("escalations", "show", e.id).out
    none = hand("escalations", "approve", e.id, "--yes")
    assert none.code == 2
    assert "'Blue', 'Red'" in none.err
    wrong = hand("escalations", "approve", e.id, "--yes", "--choice", "Green")
    assert (wrong.code, "'Green' cannot be chosen" in wrong.err) == (2, True)
    assert hand("escalations", "approve", e.id, "--yes", "--choice", "Red").code == 0
    assert json.loads(hand.state(e.id).answer) == {"choices": {"Which?": ["Red"]}}


def test_choices_do_not_belong_to_an_act(hand: Hand) -> None:
    e = hand.asked()
    done = hand("escalations", "approve", e.id, "--yes", "--choice", "A")
    assert (done.code, hand.state(e.id).state) == (2, "pending")


def test_grant_is_bounded(hand: Hand) -> None:
    e = hand.asked()
    for words, says in (
        (["--minutes", "16"], "at most 15 minutes"), (["--minutes", "0"], "more than 0"), (["--uses", "101"], "1 to 100"),
        (["--minutes", "nan"], ""), (["--minutes", "inf"], ""), (["--target", " "], "target pattern"),
    ):  # fmt: skip
        done = hand("escalations", "grant", e.id, "--target", "origin *", "--yes", *words)
        assert (done.code, says in done.err) == (2, True), words
        assert hand.state(e.id).state == "pending"
    assert hand("escalations", "grant", e.id).code == 2
    assert hand("escalations", "grant", e.id, "--target", "origin *", stdin="n\n").code == 1
    done = hand("escalations", "grant", e.id, "--target", "origin *", "--uses", 3, "--minutes", 5, "--yes", "--json")
    assert done.code == 0
    listed = {one["id"]: one for one in hand("grants", "list", "--json").json}
    assert (listed[done.json["grant"]]["uses"], listed[done.json["grant"]]["state"]) == (3, "live")


@pytest.mark.parametrize("act", ["approve", "deny", "grant", "show"])
@pytest.mark.parametrize(
    "id", ["esc-zzzz", "9999999", "", " ", "!", "../../etc", "x" * 100_000, "\udcff", "\x1b[31m", "esc-", "--"]
)
def test_ids_that_are_none(hand: Hand, act: str, id: str) -> None:
    extra = ["--target", "x"] if act == "grant" else []
    done = hand("escalations", act, *extra, id)
    assert (done.code, done.out) == (2, "")
    assert len(done.err) < 400
    assert "\x1b" not in done.err


def test_reasons_of_any_kind(hand: Hand) -> None:
    e = hand.asked()
    long = hand("escalations", "deny", e.id, "--reason", "x" * 5000)
    assert (long.code, "at most 2000" in long.err) == (2, True)
    assert hand("escalations", "deny", e.id, "--reason", "x" * 6_000_000).code == 2
    assert hand.state(e.id).state == "pending"
    assert hand("escalations", "deny", e.id, "--reason", "naïve — 不行 \x1b[2J").code == 0
    assert "\x1b" not in hand("escalations", "show", e.id).out


def test_a_waiting_agent_goes_on(hand: Hand) -> None:
    hook = hand.house.hook(hand.house.bash("touch a", session="s-real"))
    e = wait_for(
        lambda: next((one for one in hand.house.waiting() if one.session == "s-real"), None), 15, "the question"
    )
    done = hand("escalations", "approve", e.id, "--yes", "--reason", "fine")
    assert done.out == f"{e.id} approved: the agent goes on\n"
    decision, reason = answer(hook)
    assert (decision, "fine" in reason) == ("allow", True)


def test_two_threads_of_one_hand_do_not_mix(hand: Hand) -> None:
    mine = [hand.asked() for _ in range(4)]
    done: dict[str, int] = {}

    def decide(id: str) -> None:
        done[id] = hand.process("escalations", "deny", id).code

    threads = [threading.Thread(target=decide, args=(one.id,)) for one in mine]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(done.values()) == {0}
    assert {hand.state(one.id).state for one in mine} == {"denied"}
