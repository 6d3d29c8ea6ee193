"""An escalation in words, whatever JSON it carries."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fleet import verdict
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.console import decision, draw
from sreconsole.console.card import Card
from sreconsole.console.decision import Standing
from sreconsole.console.question import Question, peek, same
from sreconsole.console.screen import Sight
from sreconsole.store.escalations import Escalation

ROW = Escalation(
    n=1, id="esc-0001", kind="tool", state="pending", version=1, digest="9f3ac1d2" * 8, asked="", tier=3, client="claude-code",
    session="cc-77aa", subagent="", agent="web-dev", call="c", tool="Bash", cwd="/srv/web",
    input=json.dumps({"command": "git push origin main"}), choices="[]", verdict=verdict(), policy="p0l1cy00", raw="",
    opened_at=0, changed_at=0, deadline=2_000_000, next_at=None, page_at=None, hold_until=None, hold_by="", approvals="[]",
    attached=1, waiter="", decided_by="", decided_at=None, decision="", reason="", answer="", used_at=None,
)  # fmt: skip
UP = Standing(now=1_000_000, up=True)


def shown(question: Question, width: int = 80) -> str:
    card = Card(question)
    lines = card.lines(Sight(1_000_000), width)
    return "\n".join("".join(span.text for span in one) for one in lines)


def test_it_says_what_it_does_before_how_it_is_spelt() -> None:
    text = shown(Question(ROW))
    assert text.index("pushes 3 commits") < text.index("git push origin main") < text.index("publishes to a protected")
    assert ROW.digest in text and "p0l1cy00" in text and "/srv/web" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"input": "not json"}, {"input": "[1, 2]"}, {"input": "null"}, {"verdict": "{"}, {"verdict": "[]"}, {"choices": "{"},
        {"choices": '{"question": "q"}'}, {"choices": '[1, {"options": 5}, {"question": 7, "options": [null, {"label": []}]}]'},
        {"approvals": "nope"}, {"verdict": '{"effects": "x", "trail": 4, "kinds": "k", "span": [9, 2], "approvers": "two"}'},
        {"input": json.dumps({"command": 5})}, {"input": "[" * 5000}, {"input": '{"a":' * 900 + "1" + "}" * 900},
        {"kind": "question", "choices": "[[]]"}, {"tool": "", "kind": ""},
    ],
)  # fmt: skip
def test_broken_records_are_shown_and_not_fatal(changes: dict[str, str]) -> None:
    question = Question(replace(ROW, **changes))
    assert question.summary(0, 78) and peek(question, 0, 80, 7).lines
    assert "digest" not in shown(question) and ROW.digest in shown(question)
    assert question.hidden >= 0 and question.fate(0) and decision.to_type(question)


def test_an_unreadable_input_is_shown_as_it_stands() -> None:
    assert "not json" in shown(Question(replace(ROW, input="not json")))


def test_the_guilty_part_has_its_own_ink() -> None:
    spelt = Question(replace(ROW, verdict=verdict(span=[4, 8]))).spelt
    assert [span.text for span in spelt] == ["git ", "push", " origin main"]
    assert spelt[1].ink is draw.Ink.WARN


def test_hidden_characters_are_counted_here_too() -> None:
    question = Question(replace(ROW, input=json.dumps({"command": "ls \u202e\u200b x\u0430"})))
    assert question.hidden == 2
    assert "Cyrillic" in question.warning
    text = shown(question)
    assert "2 characters nobody can see" in text and "⟨U+202E⟩⟨U+200B⟩" in text and "careful" in text


def test_an_edit_shows_old_and_new() -> None:
    row = replace(ROW, tool="Edit", input=json.dumps({"file_path": "a.py", "old_string": "x\ny", "new_string": "z"}))
    text = shown(Question(row))
    assert "file_path: a.py" in text and "− x" in text and "− y" in text and "+ z" in text


def test_a_peek_knows_whether_it_is_whole() -> None:
    assert peek(Question(ROW), 0, 80, 7).whole
    long = Question(replace(ROW, input=json.dumps({"command": "x" * 500})))
    assert not peek(long, 0, 80, 7).whole
    assert peek(long, 0, 80, 14).whole
    assert not peek(Question(replace(ROW, input=json.dumps({"command": "ls\n" * 400 + "rm"}))), 0, 200, 14).whole


def test_what_nobody_can_read_cannot_be_approved() -> None:
    long = Question(replace(ROW, input=json.dumps({"command": "true;" * 50_000})))
    assert long.unread == 50_000
    assert "longer than anybody reads (50,000 characters more)" in decision.why_not_approve(long, UP)
    assert decision.why_not_decide(long, UP) == ""
    assert "it cannot be approved here" in shown(long).replace("\n           ", " ")
    assert Question(ROW).unread == 0
    huge = Question(replace(ROW, input='{"command": "' + "x" * 9_000_000 + '"}'))
    assert huge.unread > 8_000_000


def test_every_argument_that_runs_is_shown() -> None:
    given = {"command": "ls", "description": "lists files", "dangerouslyDisableSandbox": True}
    question = Question(replace(ROW, input=json.dumps(given)))
    assert "".join(span.text for span in question.spelt) == "ls\ndangerouslyDisableSandbox: true"
    assert "it says    lists files" in shown(question)


def test_what_did_not_change_keeps_what_it_worked_out() -> None:
    old, new = Question(ROW), Question(replace(ROW))
    assert same([old], [new]) == [old] and same([old], [new])[0] is old
    moved = Question(replace(ROW, version=2))
    assert same([old], [moved])[0] is moved


@pytest.mark.parametrize(
    ("row", "standing", "says"),
    [
        ({}, {}, ""),
        ({}, {"read_only": True}, "read-only"),
        ({}, {"up": False, "why_down": "no socket"}, "serve is down, nothing can be decided: no socket"),
        ({}, {"can_decide": False, "why_not": "agent"}, "you cannot decide here: agent"),
        ({}, {"came_at": 999_600}, "came under your finger just now"),
        ({}, {"came_at": 999_500}, ""),
        ({}, {"read": False}, "read what would run to its end first"),
        ({}, {"busy": frozenset({"esc-0001"})}, "still on its way"),
        ({"tier": 4}, {}, "nobody can approve it"),
        ({"state": "held", "hold_by": "mia"}, {}, "approved by mia already"),
        ({"state": "expired", "changed_at": 995_000}, {}, "esc-0001 is expired since 5 s ago"),
        ({"state": "denied", "decided_by": "mia", "changed_at": 700_000}, {}, "denied by mia since 5 min ago"),
        ({"deadline": 1_000_000}, {}, "its time is up"),
        ({"state": "deferred", "deadline": 1}, {}, ""),
    ],
)
def test_why_a_yes_is_refused(row: dict[str, object], standing: dict[str, object], says: str) -> None:
    question = Question(replace(ROW, **row))  # type: ignore[arg-type]
    no = decision.why_not_approve(question, replace(UP, **standing))  # type: ignore[arg-type]
    assert says in no if says else no == ""


def test_deny_is_live_at_once() -> None:
    hasty = replace(UP, came_at=UP.now, read=False)
    assert decision.why_not_decide(Question(ROW), hasty) == ""
    assert "nothing here waits" in decision.why_not_decide(None, UP)
    assert "catching up" in decision.why_not_decide(None, replace(UP, behind=True))


@given(st.text(max_size=30))
def test_minutes_and_uses_are_bounded(text: str) -> None:
    for read, most in ((decision.minutes, 15), (decision.uses, 100)):
        try:
            assert 1 <= read(text) <= most
        except ValueError as error:
            assert f"1 to {most}" in str(error)
