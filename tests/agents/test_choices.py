"""What may be answered to what was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.gate import ask
from sreconsole.gate.call import Unreadable
from sreconsole.gate.choices import WrongChoice, checked, restored

ONE = {"question": "Which?", "options": [{"label": "A"}, {"label": "B"}], "multi": False}
MANY = {"question": "What all?", "options": [{"label": "x"}, {"label": "y"}], "multi": True}
SCHEMA = {"properties": {"name": {"type": "string"}, "n": {"type": "integer"}, "sure": {"type": "boolean"}, "size": {"type": "string", "enum": ["S", "L"]}},
          "required": ["name"]}  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        ({"Which?": ["A"], "What all?": ["x", "y"]}, {"Which?": ["A"], "What all?": ["x", "y"]}),
        ({"Which?": "B", "What all?": "y"}, {"Which?": ["B"], "What all?": ["y"]}),
        ({"Which?": {"text": "neither"}, "What all?": ["x"]}, {"Which?": {"text": "neither"}, "What all?": ["x"]}),
    ],
)
def test_good_answers(given_: Any, stored: Any) -> None:
    assert checked("question", [ONE, MANY], {"choices": given_}) == {"choices": stored}


@pytest.mark.parametrize(
    "bad",
    [
        {}, {"Which?": ["A"]}, {"Which?": ["A", "B"], "What all?": ["x"]}, {"Which?": ["C"], "What all?": ["x"]},
        {"Which?": ["A"], "What all?": ["x", "x"]}, {"Which?": ["A"], "What all?": []}, {"Which?": {"text": " "}, "What all?": ["x"]},
        {"Which?": {"text": "a", "more": 1}, "What all?": ["x"]}, {"Which?": {"text": "a" * 4001}, "What all?": ["x"]},
        {"Which?": [1], "What all?": ["x"]}, {"Which?": None, "What all?": ["x"]}, {"Which?": ["A"], "What all?": ["x"], "Z": ["A"]},
    ],
)  # fmt: skip
def test_bad_answers(bad: Any) -> None:
    with pytest.raises(WrongChoice, match="answer: "):
        checked("question", [ONE, MANY], {"choices": bad})


@pytest.mark.parametrize(
    ("answer", "stored"),
    [
        ({"text": "neither"}, {"Which?": {"text": "neither"}, "What all?": {"text": "neither"}}),
        (
            {"text": "neither", "choices": {"Which?": ["A"], "What all?": []}},
            {"Which?": ["A"], "What all?": {"text": "neither"}},
        ),
        (
            {"text": "neither", "choices": {"Which?": "neither", "What all?": ["x"]}},
            {"Which?": {"text": "neither"}, "What all?": ["x"]},
        ),
    ],
)
def test_words_of_ones_own_stand_for_what_was_not_picked(answer: Any, stored: Any) -> None:
    assert checked("question", [ONE, MANY], answer) == {"choices": stored}
    with pytest.raises(WrongChoice):
        checked("ask", [ONE], {"text": "neither"})


@pytest.mark.parametrize(
    ("fields", "words", "content"),
    [
        ({"n": {"type": "integer"}}, "4", {"n": 4}),
        ({"s": {"type": "string"}}, "4", {"s": "4"}),
        ({"s": {"type": "string"}}, '{"s": "x"}', {"s": "x"}),
        ({"s": {"type": "string"}, "n": {"type": "integer"}}, '{"s": "x", "n": 1}', {"s": "x", "n": 1}),
    ],
)
def test_a_form_may_be_typed(fields: Any, words: str, content: Any) -> None:
    assert checked("elicitation", [{"schema": {"properties": fields}}], {"text": words}) == {"content": content}


@pytest.mark.parametrize("words", ["four", "[1]", "4 5"])
def test_a_form_typed_wrong(words: str) -> None:
    with pytest.raises(WrongChoice, match="content"):
        checked("elicitation", [{"schema": {"properties": {"n": {"type": "integer"}}}}], {"text": words})
    with pytest.raises(WrongChoice, match="content"):
        checked("elicitation", [{"schema": {"properties": {"n": {}, "m": {}}}}], {"text": words})


@pytest.mark.parametrize("content", [{"name": "x"}, {"name": "x", "n": 3, "sure": False, "size": "L"}])
def test_good_content(content: Any) -> None:
    assert checked("elicitation", [{"schema": SCHEMA}], {"content": content}) == {"content": content}


@pytest.mark.parametrize(
    ("content", "words"),
    [({}, "name is missing"), ({"name": 3}, "must be of type string"), ({"name": "x", "n": True}, "integer"), ({"name": "x", "zz": 1}, "not asked"),
     ({"name": "x", "size": "M"}, "one of S, L"), ([], "missing"), ("x", "must be an object")],
)  # fmt: skip
def test_bad_content(content: Any, words: str) -> None:
    with pytest.raises(WrongChoice, match=words):
        checked("elicitation", [{"schema": SCHEMA}], {"content": content})


def test_nothing_is_asked_of_other_kinds() -> None:
    assert checked("tool", [], None) is None
    assert checked("plan", [], {"input": {"a": 1}}) == {"input": {"a": 1}}


def test_answer_goes_back_in_the_words_that_were_asked() -> None:
    stored = [{"question": "Use [REDACTED:x]?", "options": [{"label": "[REDACTED:x]"}, {"label": "no"}]}]
    asked = [{"question": "Use s3cret?", "options": [{"label": "s3cret"}, {"label": "no"}]}]
    assert restored({"Use [REDACTED:x]?": ["[REDACTED:x]"]}, stored, asked) == {"Use s3cret?": ["s3cret"]}
    assert restored({"Use [REDACTED:x]?": {"text": "later"}}, stored, asked) == {"Use s3cret?": ["later"]}


@given(st.recursive(st.none() | st.integers() | st.sampled_from(["A", "x", "Which?"]),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["choices", "Which?", "What all?", "text"]), inner, max_size=3)))  # fmt: skip
def test_whatever_is_accepted_was_offered(value: Any) -> None:
    try:
        found = checked("ask", [ONE], value)
    except WrongChoice as problem:
        assert "\n" not in str(problem)
        return
    assert found is not None
    assert found["choices"]["Which?"] in (["A"], ["B"])


GOOD = {"question": "Which?", "choices": ["a", "b"], "wait": 60, "session": "", "call": "ask-1", "cwd": "/tmp"}


def test_a_question_is_read() -> None:
    call = ask.read(json.dumps(GOOD).encode(), "Ask")
    assert (call.kind, call.tool, call.news["wait"], len(call.choices[0]["options"])) == ("ask", "ask", 60.0, 2)


@pytest.mark.parametrize(
    "change",
    [{"question": ""}, {"question": 3}, {"choices": ["a"]}, {"choices": "ab"}, {"choices": ["a", 1]}, {"choices": ["a"] * 2}, {"wait": 0}, {"wait": 1e9},
     {"wait": True}, {"wait": "1"}, {"call": ""}, {"cwd": ""}, {"session": 1}, {"choices": [str(n) for n in range(21)]}],
)  # fmt: skip
def test_an_odd_question_is_unreadable(change: Any) -> None:
    with pytest.raises(Unreadable):
        ask.read(json.dumps({**GOOD, **change}).encode(), "Ask")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_odd_bytes_are_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        ask.read(raw, "Ask")
