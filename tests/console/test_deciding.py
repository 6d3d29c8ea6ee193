"""What a key decides, what it refuses, and what it says."""

from __future__ import annotations

import json

import pytest
from fleet import Fleet, Serve
from glass import Open

SIZES = [(80, 24), (120, 40)]


@pytest.mark.parametrize("size", SIZES)
async def test_approve_is_held_and_taken_back(fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]) -> None:
    row = fleet.ask()
    async with console(size=size) as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0001 in 3 s · u takes it back")
        assert serve.acts("approve") == [
            {
                "id": 3,
                "do": "approve",
                "escalation": row.id,
                "version": 1,
                "digest": row.digest,
                "reason": "",
                "hold": 3.0,
            }
        ]
        await glass.press("u")
        await glass.sees("taken back: esc-0001 waits again")
        assert fleet.get(row.id).state == "pending"


async def test_deny_sends_its_reason_at_once(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("d")
        await glass.type("not tonight")
        await glass.press("enter")
        await glass.sees("esc-0001 is denied")
        assert serve.acts("deny")[0]["reason"] == "not tonight"
        assert fleet.get("esc-0001").state == "denied"


async def test_esc_decides_nothing(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        for keys in (("d", "x", "escape"), ("A", "escape"), ("enter", "escape"), ("enter", "d", "escape", "escape")):
            await glass.press(*keys)
        assert [one["do"] for one in serve.asked] == ["hello", "subscribe"]
        assert fleet.get("esc-0001").state == "pending"
        assert json.loads(fleet.get("esc-0001").approvals) == []


async def test_a_yes_is_inert_when_the_question_just_came_under_the_finger(
    fleet: Fleet, serve: Serve, console: Open
) -> None:
    async with console() as glass:
        await glass.sees("Nobody needs you.")
        fleet.ask()
        await glass.sees("pushes 3 commits")
        await glass.press("a")
        assert "esc-0001 came under your finger just now: look, then press again" in glass.status
        assert serve.acts("approve") == []
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0001")


async def test_a_yes_is_inert_when_the_selection_slips_to_a_neighbour(
    fleet: Fleet, serve: Serve, console: Open
) -> None:
    first, second = fleet.ask(), fleet.ask(verdict={"does": "drops a table"})
    async with console() as glass:
        await glass.sees("live")
        await glass.press("j")
        await glass.rest()
        assert "drops a table" in glass.row
        await glass.press("slash", "p", "u", "s", "h", "e", "s", "enter")
        await glass.until(lambda: "pushes 3" in glass.row)
        await glass.press("a")
        assert "came under your finger just now" in glass.status
        assert serve.acts("approve") == []
        assert [fleet.get(one.id).state for one in (first, second)] == ["pending", "pending"]


async def test_a_changed_question_is_inert_and_the_old_digest_is_never_sent(
    fleet: Fleet, serve: Serve, console: Open
) -> None:
    row = fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        fleet.change(row, digest="f" * 64, input=json.dumps({"command": "rm -rf /"}))
        await glass.sees("rm -rf /")
        await glass.press("a")
        assert "came under your finger just now" in glass.status
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving")
        assert serve.acts("approve")[0]["digest"] == "f" * 64


async def test_the_row_stays_where_it_is_after_a_decision_until_the_finger_moves(
    fleet: Fleet, serve: Serve, console: Open
) -> None:
    fleet.ask()
    fleet.ask(verdict={"does": "drops a table"})
    async with console() as glass:
        await glass.sees("live")
        await glass.press("d", "enter")
        await glass.sees("esc-0001 is denied")
        await glass.until(lambda: "denied" in glass.row)
        assert "pushes 3 commits" in glass.row
        assert fleet.get("esc-0001").reason == "denied"
        await glass.press("j")
        await glass.until(lambda: "pushes 3 commits" not in glass.text)
        assert "drops a table" in glass.row


async def test_key_repeat_never_decides_twice(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    fleet.ask()
    serve.delay = 0.1
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        for _ in range(12):
            await glass.press("a")
        await glass.until(lambda: fleet.get("esc-0001").state == "held")
        for _ in range(12):
            await glass.press("a")
        assert len(serve.acts("approve")) == 1
        assert fleet.get("esc-0002").state == "pending"


async def test_a_held_down_deny_key_does_not_fill_the_reason(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.press(*"ddddd")
        assert glass.app.floor.asking is not None
        assert glass.app.floor.asking.text == ""
        assert serve.acts("deny") == []


async def test_a_long_command_is_read_to_its_end_on_the_card_first(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(input={"command": "\n".join(f"echo step {n}" for n in range(60)) + "\nrm -rf /srv"})
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        assert "not all of it fits: enter opens it" in glass.text
        await glass.press("a")
        assert "esc-0001 is longer than the peek: read it to its end, then approve here" in glass.status
        assert glass.app.floor.card() is not None
        await glass.rest()
        await glass.press("a")
        assert "read what would run to its end first" in glass.status
        assert "more lines below (space)" in glass.text
        for _ in range(6):
            await glass.press("space")
        await glass.sees("rm -rf /srv")
        await glass.press("a")
        await glass.sees("approving esc-0001")
        assert len(serve.acts("approve")) == 1


async def test_tier_four_has_no_approve_key(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(tier=4)
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        assert "approve" not in glass.keys and "deny" in glass.keys
        await glass.press("a")
        assert "esc-0001 is tier 4: it is refused, and nobody can approve it" in glass.status
        await glass.press("B")
        assert "tier 4" in glass.status
        await glass.press("enter")
        await glass.rest()
        await glass.press("a")
        assert "tier 4" in glass.status
        assert serve.acts("approve") == serve.acts("break_glass") == []


async def test_production_asks_to_type_the_target(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(verdict={"confirm": "type", "target": "prod-eu/ledger"})
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("a")
        await glass.sees("type prod-eu/ledger:")
        await glass.rest()
        await glass.type("prod-us/ledger")
        await glass.press("enter")
        assert "type prod-eu/ledger exactly, or esc" in glass.keys
        assert serve.acts("approve") == []
        await glass.press(*["backspace"] * 20)
        await glass.type("prod-eu/ledger")
        await glass.press("enter")
        await glass.sees("approving esc-0001")


async def test_what_cannot_be_typed_is_named_by_its_id(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(verdict={"confirm": "type", "target": "prod\u202e-eu"})
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("a")
        await glass.sees("type esc-0001:")


async def test_the_loser_of_a_race_reads_who_and_when(fleet: Fleet, serve: Serve, console: Open) -> None:
    row = fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("d")
        await glass.sees("deny esc-0001")
        fleet.change(row, state="denied", decided_by="mia", decision="denied")
        await glass.press("enter")
        await glass.until(lambda: "esc-0001 is denied by mia since" in glass.status)


async def test_two_people_and_break_glass(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(verdict={"approvers": 2})
    async with console() as glass:
        await glass.sees("waits, 0 of 2 yes")
        await glass.rest()
        await glass.press("A")
        assert "needs 2 people; it cannot be allowed ahead" in glass.status
        await glass.press("a")
        await glass.sees("your yes counts; it waits for another person")
        await glass.sees("waits, 1 of 2 yes")
        await glass.rest()
        await glass.press("B")
        await glass.sees("BREAK GLASS on esc-0001")
        await glass.rest()
        await glass.press("enter")
        assert "say why" in glass.keys
        await glass.type("site is down")
        await glass.press("enter")
        await glass.sees("type origin/main:")
        await glass.rest()
        await glass.type("origin/main")
        await glass.press("enter")
        await glass.sees("approved by breaking the glass")
        assert serve.acts("break_glass")[0]["reason"] == "site is down"


async def test_break_glass_is_only_where_two_are_asked_for(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("B")
        assert "esc-0001 needs one person; press approve" in glass.status


async def test_a_grant_is_bounded(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("A")
        await glass.sees("1/4 target pattern: origin/main")
        await glass.rest()
        await glass.press("enter")
        await glass.sees("2/4 minutes (1-15): 15")
        await glass.press("backspace", "backspace", "6", "0")
        await glass.rest()
        await glass.press("enter")
        assert "minutes must be a number from 1 to 15" in glass.keys
        await glass.press("backspace", "enter")
        await glass.sees("3/4 uses (1-100): 3")
        await glass.rest()
        await glass.press("enter")
        await glass.sees("4/4 reason")
        await glass.rest()
        await glass.type("release")
        await glass.press("enter")
        await glass.sees("esc-0001 approved; origin/main allowed 3 times for 6 min")
        sent = serve.acts("grant")[0]
        assert {name: sent[name] for name in ("target", "minutes", "uses", "reason")} == {
            "target": "origin/main",
            "minutes": 6,
            "uses": 3,
            "reason": "release",
        }


CHOICES = json.dumps(
    [
        {"question": "Go on?", "header": "budget", "options": [{"label": "Go on", "description": "to 60"}, "Stop"]},
        {"question": "Which?", "header": "files", "multi": True, "options": [{"label": "src"}, {"label": "docs"}]},
    ]
)


async def test_questions_are_answered_on_the_card(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(kind="question", tool="AskUserQuestion", input={"questions": []}, choices=CHOICES, verdict={"does": ""})
    async with console() as glass:
        await glass.sees("Go on?")
        await glass.rest()
        await glass.press("a")
        assert "is a question: choose an answer" in glass.status
        await glass.rest()
        await glass.press("a")
        assert "choose an answer first" in glass.status
        await glass.press("2", "1", "tab", "1", "2")
        assert glass.text.count("[x]") == 3
        await glass.press("a")
        await glass.sees("approving esc-0001")
        assert serve.acts("approve")[0]["answer"] == {"choices": {"Go on?": ["Go on"], "Which?": ["src", "docs"]}}


async def test_a_question_can_be_answered_in_own_words(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(kind="question", tool="AskUserQuestion", input={"questions": []}, choices=CHOICES, verdict={"does": ""})
    async with console() as glass:
        await glass.sees("live")
        await glass.press("enter")
        await glass.rest()
        await glass.press("9")
        assert "there are 2 choices" in glass.status
        await glass.press("e")
        await glass.type("only docs")
        await glass.press("enter")
        await glass.sees("your words")
        await glass.press("a")
        await glass.sees("approving esc-0001")
        assert serve.acts("approve")[0]["answer"] == {"text": "only docs"}


async def test_an_act_is_not_answered(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("enter", "1")
        assert "esc-0001 has no choices" in glass.status


async def test_a_parked_session_is_released(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.session("cc-0aa1", parked_on="esc-0001")
    async with console() as glass:
        await glass.sees("parked on esc-0001")
        await glass.sees("live")
        await glass.press("r")
        await glass.sees("release cc-0aa1")
        await glass.rest()
        await glass.type("go on")
        await glass.press("enter")
        await glass.sees("cc-0aa1 may ask again")
        assert serve.acts("release")[0] | {"id": 0} == {
            "id": 0,
            "do": "release",
            "session": "cc-0aa1",
            "reason": "go on",
        }


async def test_a_grant_is_revoked(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.grant()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("5")
        await glass.sees("gr-0001")
        await glass.press("x", "enter")
        await glass.sees("gr-0001 is revoked")
        assert serve.acts("revoke_grant")[0]["grant"] == "gr-0001"


async def test_a_read_only_console_decides_nothing(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    fleet.session(parked_on="esc-0001")
    fleet.grant()
    async with console(read_only=True) as glass:
        await glass.sees("read-only: you can look, nothing can be decided here")
        await glass.rest()
        for key in ("a", "d", "A", "B"):
            await glass.press(key)
            assert "this console is read-only" in glass.status, key
        await glass.press("j", "r")
        assert "this console is read-only" in glass.status
        await glass.press("5", "x")
        assert "this console is read-only" in glass.status
        assert [one["do"] for one in serve.asked] == ["hello", "subscribe"]


async def test_a_barred_user_reads_why(fleet: Fleet, console: Open) -> None:
    from fleet import Serve

    fleet.ask()
    serve = Serve(fleet, can_decide=False, why_not="your shell descends from session cc-77aa")
    async with console() as glass:
        await glass.sees("you cannot decide here: your shell descends from session cc-77aa")
        await glass.rest()
        await glass.press("a")
        assert "you cannot decide here" in glass.status
        assert serve.acts("approve") == []


async def test_serve_going_down_cannot_be_missed_and_it_comes_back(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        serve.stop()
        await glass.sees("SERVE IS DOWN since")
        assert "stale" in glass.status
        assert "left?" in glass.row
        assert "(a approve)" in glass.keys and "(d deny)" in glass.keys
        for key in ("a", "d", "A"):
            await glass.press(key)
            assert "serve is down, nothing can be decided" in glass.status
        Serve(fleet)
        await glass.sees("serve is back", 8)
        await glass.until(lambda: "SERVE IS DOWN" not in glass.text)
        assert "left?" not in glass.row


async def test_a_lost_line_withdraws_the_hold_and_says_so(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0001")
        await glass.press("q")
        assert "esc-0001 is still held: leaving now takes it back" in glass.status
        serve.stop()
        await glass.sees("the line to serve dropped: esc-0001 was held, and is not approved")


async def test_what_the_store_says_of_a_hold_is_what_is_told(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0001")
        fleet.change(fleet.get("esc-0001"), state="denied", decided_by="mia", reason="no")
        await glass.until(lambda: "esc-0001: denied by mia" in glass.status)


async def test_the_palette_never_approves_what_it_covered(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("ctrl+p", "enter")
        assert "look at it, then press a" in glass.status
        assert serve.acts("approve") == []


async def test_a_click_chooses_and_never_decides(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    fleet.ask(verdict={"does": "drops a table"})
    async with console() as glass:
        await glass.sees("live")
        await glass.pilot.click("#rows", offset=(10, 1))
        await glass.until(lambda: "drops a table" in glass.row)
        for place in ("#keys", "#values", "#status", "#banner", "#rows"):
            await glass.pilot.click(place, offset=(2, 0))
            await glass.pilot.double_click(place, offset=(2, 0))
        assert [one["do"] for one in serve.asked] == ["hello", "subscribe"]


async def test_the_bell_rings_once_for_each_new_question(fleet: Fleet, serve: Serve, console: Open) -> None:
    row = fleet.ask()
    rung: list[int] = []
    async with console() as glass:
        glass.app.floor.ring = lambda: rung.append(1)
        await glass.sees("live")
        fleet.ask(verdict={"does": "drops a table"})
        await glass.sees("drops a table")
        fleet.change(row, attached=0)
        fleet.event()
        await glass.rest()
        assert len(rung) == 1


async def test_what_was_read_at_another_width_does_not_count(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(input={"command": " && ".join(f"echo step {n}" for n in range(400))})
    async with console(size=(60, 24)) as glass:
        await glass.sees("live")
        await glass.press("enter", "space", "space", "space")
        card = glass.app.floor.card()
        assert card is not None and not card.read
        seen = card.furthest
        await glass.pilot.resize_terminal(250, 24)
        await glass.pilot.pause(0.2)
        assert card.furthest < seen
        await glass.rest()
        if not card.read:
            await glass.press("a")
            assert "read what would run to its end first" in glass.status
            assert serve.acts("approve") == []


async def test_a_peek_scrolled_to_its_end_counts_as_read_until_the_question_changes(
    fleet: Fleet, serve: Serve, console: Open
) -> None:
    row = fleet.ask(input={"command": "\n".join(f"echo step {n}" for n in range(12))})
    async with console() as glass:
        await glass.sees("live")
        await glass.press("space", "space")
        await glass.sees("step 11")
        assert glass.app.easel.whole
        fleet.change(row, digest="e" * 64, input=json.dumps({"command": "\n".join(f"rm -rf {n}" for n in range(12))}))
        await glass.sees("rm -rf 0")
        assert not glass.app.easel.whole
