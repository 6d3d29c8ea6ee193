"""The review lane, later, equal questions and edited arguments from the command line, against a real `serve`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hand import Hand
from house import answer, wait_for

from sreconsole.cli import card
from sreconsole.store import database, reviews
from sreconsole.store.escalations import Escalation


def entered(hand: Hand, rule: str, session: str = "s-lane-0001") -> str:
    """One unread review in the store; its id."""
    connection = database.open_writer(hand.house.home.store)
    try:
        made = reviews.add(connection, 1, session, "web-dev", rule, "Bash", "git commit -m \x1b[2Jx", "git commit", 1)
    finally:
        connection.close()
    return made.id


def test_list_groups_by_rule_with_counts(hand: Hand) -> None:
    for _ in range(3):
        entered(hand, "r.grouped")
    done = hand("reviews", "list")
    row = next(line for line in done.out.splitlines() if line.startswith("r.grouped"))
    assert row.split()[1] == "3"
    assert "\x1b" not in done.out
    found = hand("reviews", "list", "--json").json
    assert next(one for one in found["groups"] if one["rule"] == "r.grouped")["count"] == 3
    assert found["unread"] >= 3


def test_narrowed_lists_show_each(hand: Hand) -> None:
    first, second = entered(hand, "r.narrow", "s-narrow-1"), entered(hand, "r.narrow", "s-narrow-2")
    assert [one["id"] for one in hand("reviews", "list", "--rule", "r.narrow", "--json").json["reviews"]] == [
        second,
        first,
    ]
    older = hand("reviews", "list", "--rule", "r.narrow", "--before", second, "--json").json["reviews"]
    assert [one["id"] for one in older] == [first]
    assert second in hand("reviews", "list", "--agent", "web-dev").out


def test_ok_and_flag(hand: Hand) -> None:
    one, two, three = (entered(hand, "r.decided") for _ in range(3))
    assert hand("reviews", "ok", one.removeprefix("rev-")).out == "1 reviewed\n"
    assert hand("reviews", "ok", one).code == 1
    assert hand("reviews", "ok", "--rule", "r.decided").out == "2 reviewed\n"
    assert hand("reviews", "list", "--rule", "r.decided").out == "No such review.\n"
    assert hand("reviews", "flag", two, "--reason", "not that").out == f"{two} flagged\n"
    assert hand("reviews", "flag", two, "--reason", "not that").code == 1
    states = {
        r["id"]: r["state"] for r in hand("reviews", "list", "--rule", "r.decided", "--all", "--json").json["reviews"]
    }
    assert states == {one: "ok", two: "flagged", three: "ok"}


@pytest.mark.parametrize(
    "words",
    [["ok"], ["ok", "0001", "--rule", "x"], ["ok", "zzzzz"], ["flag", "zzzzz", "--reason", "x"], ["flag", "0001"],
     ["flag", "0001", "--reason", " "], ["list", "--before", "zzzz"], ["list", "--session", "nobody"]],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(hand: Hand, words: list[str]) -> None:
    entered(hand, "r.any")
    done = hand("reviews", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_later_and_allow(hand: Hand) -> None:
    e = hand.asked()
    assert hand("escalations", "later", e.id, "--reason", "mid-deploy").out.startswith(f"{e.id} denied")
    assert hand.state(e.id).decision == "later"
    assert hand("escalations", "allow", e.id, stdin="n\n").code == 1
    done = hand("escalations", "allow", e.id, "--yes", "--json")
    assert done.json["grant"].startswith("gr-")
    assert hand("escalations", "allow", e.id, "--yes").code == 1


def test_alike_lists_and_decides_all(hand: Hand) -> None:
    found = [hand.asked(alike="same", session=f"s-{n}") for n in range(3)]
    alone = hand.asked()
    assert {one["id"] for one in hand("escalations", "alike", found[0].id, "--json").json} == {e.id for e in found}
    assert hand("escalations", "alike", found[0].id, "--approve", stdin="n\n").code == 1
    done = hand("escalations", "alike", found[0].id, "--deny", "--reason", "none of them")
    assert done.code == 0
    assert {hand.state(e.id).state for e in found} == {"denied"}
    assert hand.state(alone.id).state == "pending"


def waits(hand: Hand, session: str) -> Escalation:
    """The open question of a session, once it is there."""
    return wait_for(lambda: next((e for e in hand.house.waiting() if e.session == session), None), 15, session)


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int = 0) -> None:
    """An editor that replaces what it is given."""
    script = tmp_path / "editor"
    script.write_text(f"#!/bin/sh\ncat > \"$1\" <<'END'\n{text}\nEND\nexit {code}\n")
    script.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(script))


def test_edit_sends_other_arguments(hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = hand.house.hook(hand.house.bash("touch a", session="s-edit"))
    e = waits(hand, "s-edit")
    editor(tmp_path, monkeypatch, '{"command": "touch b"}')
    done = hand("escalations", "approve", e.id, "--edit", "--yes")
    assert done.code == 0, done.err
    out, _ = hook.communicate(timeout=20)
    assert json.loads(out)["hookSpecificOutput"]["updatedInput"] == {"command": "touch b"}


@pytest.mark.parametrize(
    ("text", "status", "code", "says"),
    [
        ('{"command": "mkfs /dev/sda1"}', 0, 4, "tier 4"),
        ('{"command": "git push origin main"}', 0, 1, "nothing was changed"),
        ("[1]", 0, 2, "not a JSON object"),
        ("{", 0, 2, "not JSON"),
        ('{"command": "x"}', 1, 1, "ended with 1"),
        ('{"command": "echo [REDACTED:password]"}', 0, 2, "still holds a redacted secret"),
    ],
)
def test_a_bad_edit_decides_nothing(
    hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, status: int, code: int, says: str
) -> None:
    e = hand.asked()
    editor(tmp_path, monkeypatch, text, status)
    done = hand("escalations", "approve", e.id, "--edit", "--yes")
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert hand.state(e.id).state == "pending"


def test_the_card_shows_the_radius(hand: Hand) -> None:
    e = hand.asked(radius=json.dumps({"words": "3 commits \x1b[2J· nothing lost", "unmeasured": ""}))
    out = hand("escalations", "show", e.id).out
    assert "radius      3 commits" in out
    assert "\x1b" not in out
    assert hand("escalations", "show", e.id, "--json").json["radius"]["unmeasured"] == ""
    assert card.record(hand.asked())["radius"] is None


def test_one_process_answers_its_hook(hand: Hand) -> None:
    hook = hand.house.hook(hand.house.bash("touch z", session="s-later"))
    e = waits(hand, "s-later")
    hand("escalations", "later", e.id, "--reason", "not now")
    assert "may be allowed later" in answer(hook)[1]
