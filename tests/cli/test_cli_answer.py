"""What goes back to an agent that asked: choices, words, forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sreconsole.cli.answer import build
from sreconsole.cli.exits import Usage
from sreconsole.store.escalations import Escalation


def asked(kind: str, *choices: dict[str, Any]) -> Escalation:
    return Escalation(
        n=1, id="esc-0001", kind=kind, state="pending", version=1, digest="", asked="", tier=3, client="", session="", subagent="",
        agent="", call="", tool="", cwd="", input="{}", choices=json.dumps(choices), verdict="{}", policy="", raw="", opened_at=0,
        changed_at=0, deadline=0, next_at=None, page_at=None, hold_until=None, hold_by="", approvals="[]", attached=0, waiter="",
        decided_by="", decided_at=None, decision="", reason="", answer="", used_at=None,
    )  # fmt: skip


def question(text: str, *labels: str, multi: bool = False) -> dict[str, Any]:
    return {"question": text, "options": [{"label": label, "description": ""} for label in labels], "multi": multi}


COLOUR, SIZES, AGAIN = (
    question("Colour?", "Red", "Blue"),
    question("Sizes?", "S", "M", multi=True),
    question("Again?", "Red", "No"),
)


@pytest.mark.parametrize(
    ("choices", "picked", "words", "given"),
    [
        ([COLOUR], ["Red"], "", {"choices": {"Colour?": "Red"}}),
        ([COLOUR], [], "green, please", {"choices": {"Colour?": "green, please"}, "text": "green, please"}),
        ([SIZES], ["S", "M"], "", {"choices": {"Sizes?": ["S", "M"]}}),
        ([COLOUR, SIZES], ["M", "Blue"], "", {"choices": {"Colour?": "Blue", "Sizes?": ["M"]}}),
        ([COLOUR, AGAIN], ["Red", "Red"], "", {"choices": {"Colour?": "Red", "Again?": "Red"}}),
        ([COLOUR, AGAIN], ["No"], "mauve", {"choices": {"Colour?": "mauve", "Again?": "No"}, "text": "mauve"}),
        ([question("Free?")], [], "yes", {"choices": {"Free?": "yes"}, "text": "yes"}),
    ],
)
def test_choices(choices: list[dict[str, Any]], picked: list[str], words: str, given: dict[str, Any]) -> None:
    assert build(asked("question", *choices), picked, words) == given


@pytest.mark.parametrize(
    ("choices", "picked", "words", "says"),
    [
        ([COLOUR], [], "", "Colour?"),
        ([COLOUR], ["Green"], "", "'Green' cannot be chosen"),
        ([COLOUR], ["Red", "Blue"], "", "'Blue' cannot be chosen"),
        ([COLOUR], ["Red"], "more", "0 are open"),
        ([SIZES], ["S", "S"], "", "'S' cannot be chosen"),
        ([COLOUR, SIZES], ["Red"], "", "Sizes?"),
        ([COLOUR, SIZES], [], "both", "2 are open"),
        ([question("Free?")], ["x"], "", "there are no choices"),
        ([], [], "", "is a question"),
        ([COLOUR], ["red"], "", "'Red', 'Blue'"),
    ],
)
def test_choices_that_cannot_be(choices: list[dict[str, Any]], picked: list[str], words: str, says: str) -> None:
    with pytest.raises(Usage) as no:
        build(asked("question", *choices), picked, words)
    assert says in str(no.value)


def form(**kinds: str) -> dict[str, Any]:
    return {
        "question": "?",
        "options": [],
        "schema": {"type": "object", "properties": {name: {"type": kind} for name, kind in kinds.items()}},
    }


@pytest.mark.parametrize(
    ("choice", "words", "content"),
    [
        (form(name="string"), "ada", {"name": "ada"}),
        (form(n="integer"), "3", {"n": 3}),
        (form(n="number"), "2.5", {"n": 2.5}),
        (form(ok="boolean"), "true", {"ok": True}),
        (form(a="string", b="integer"), '{"a": "x", "b": 1}', {"a": "x", "b": 1}),
        (form(), "", {}),
        ({"question": "?", "schema": None}, "", {}),
        ({"question": "?", "schema": "nonsense"}, "", {}),
    ],
)
def test_forms(choice: dict[str, Any], words: str, content: dict[str, Any]) -> None:
    assert build(asked("elicitation", choice), [], words) == {"content": content}


@pytest.mark.parametrize(
    ("choice", "words", "says"),
    [
        (form(name="string"), "", "asks for name"),
        (form(n="integer"), "three", "JSON integer"),
        (form(n="integer"), "2.5", "JSON integer"),
        (form(n="number"), "true", "JSON number"),
        (form(ok="boolean"), "yes", "JSON boolean"),
        (form(a="string", b="string"), "x", "2 values"),
        (form(a="string", b="string"), "{x", "not JSON"),
    ],
)
def test_forms_that_cannot_be(choice: dict[str, Any], words: str, says: str) -> None:
    with pytest.raises(Usage) as no:
        build(asked("elicitation", choice), [], words)
    assert says in str(no.value)


@pytest.mark.parametrize("kind", ["tool", "plan"])
def test_acts_and_plans_take_yes_or_no(kind: str) -> None:
    assert build(asked(kind), [], "") is None
    with pytest.raises(Usage):
        build(asked(kind), [], "words")
    with pytest.raises(Usage):
        build(asked(kind), ["label"], "")
