"""What may be answered to a question with choices, checked before it is anybody's decision. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

CHOOSING = ("question", "ask")
"""Kinds answered by `{"choices": {question: [labels]}}`."""

FREE_TEXT = ("question",)
"""Kinds where `{"text": …}` may stand in a label's place: the client's own dialog offers "Other" as well."""

LONGEST_TEXT = 4000


class WrongChoice(ValueError):
    """An answer that was not offered; the message says what is."""


def checked(kind: str, choices: Sequence[Mapping[str, Any]], answer: Any) -> dict[str, Any] | None:
    """The answer that goes back with an approval, as it is stored; None without one. Raises WrongChoice.

    For a question: an answer to every question and to no other; one label, or several where it says so. For an
    elicitation: `{"content": {field: value}}` that fits the server's schema. For the rest nothing is asked. A `text`
    beside or instead of these stands for what was not picked: words of one's own, or a form's one value.
    """
    if answer is not None and not isinstance(answer, dict):
        raise WrongChoice("answer: must be an object")
    given = answer or {}
    words = given.get("text") if isinstance(given.get("text"), str) else ""
    if kind in CHOOSING:
        picked = _in_own_words(choices, given.get("choices"), words) if words else given.get("choices")
        return {"choices": _chosen(kind, choices, picked)}
    if kind == "elicitation":
        schema = next(iter(choices), {}).get("schema")
        content = given.get("content") or (_spelt(schema, words) if words else {})
        return {"content": _content(schema, content)}
    if kind == "tool" and answer:
        # Edited arguments are judged first, by another way: here they would run unjudged, a tier-4 one too.
        raise WrongChoice("answer: a call runs as it was asked; to edit it give `approve` an `input` and nothing else")
    return answer


def restored(
    answer: Mapping[str, Any], stored: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Choices by question in the asker's own words: what was stored and shown is redacted, the places are the same."""
    back: dict[str, Any] = {}
    for shown, original in zip(stored, asked, strict=True):
        given = answer.get(str(shown["question"]))
        words = {str(a["label"]): str(b["label"]) for a, b in zip(shown["options"], original["options"], strict=True)}
        if given is not None:
            back[str(original["question"])] = [words.get(one, one) for one in labels(given)]
    return back


def labels(given: Any) -> list[str]:
    """The labels, or the free text, of one question's answer."""
    if isinstance(given, dict):
        return [str(given.get("text", ""))]
    return [given] if isinstance(given, str) else [str(one) for one in given or []]


def _in_own_words(choices: Sequence[Mapping[str, Any]], given: Any, words: str) -> Any:
    """The answers with `{"text": words}` for each question that was given none, or those very words."""
    picked = dict(given) if isinstance(given, dict) else {}
    for one in choices:
        name = str(one["question"])
        if not picked.get(name) or labels(picked[name]) == [words]:
            picked[name] = {"text": words}
    return picked


def _spelt(schema: Any, words: str) -> Any:
    """A form's content as typed: a JSON object, or the value of its only field."""
    try:
        value = json.loads(words)
    except (ValueError, RecursionError):
        value = words
    fields = schema.get("properties") if isinstance(schema, dict) else None
    if isinstance(value, dict) or not isinstance(fields, dict) or len(fields) != 1:
        return value
    name, about = next(iter(fields.items()))
    plain = isinstance(about, dict) and about.get("type") == "string"
    return {name: words if plain else value}


def _chosen(kind: str, choices: Sequence[Mapping[str, Any]], given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not given:
        raise WrongChoice(f"answer: choose one of {_offer(choices)}")
    asked = {str(one["question"]): one for one in choices}
    if unknown := [name for name in given if name not in asked]:
        raise WrongChoice(f"answer: {unknown[0][:200]!r} was not asked; asked: {', '.join(asked)[:500]}")
    if missing := [name for name in asked if name not in given]:
        raise WrongChoice(f"answer: {missing[0][:200]!r} is not answered; choose one of {_offer([asked[missing[0]]])}")
    return {name: _answer(kind, asked[name], value) for name, value in given.items()}


def _answer(kind: str, question: Mapping[str, Any], given: Any) -> Any:
    if isinstance(given, dict):
        text = given.get("text")
        if kind not in FREE_TEXT:
            raise WrongChoice(f"answer: only what is offered; choose one of {_offer([question])}")
        if set(given) != {"text"} or not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
            raise WrongChoice(f"answer: text: must be 1 to {LONGEST_TEXT} characters")
        return {"text": text}
    picked = [given] if isinstance(given, str) else given
    if not isinstance(picked, list) or not picked or not all(isinstance(one, str) for one in picked):
        raise WrongChoice(f"answer: must be a list of labels; choose one of {_offer([question])}")
    offered = {str(option["label"]) for option in question["options"]}
    if wrong := [one for one in picked if one not in offered]:
        raise WrongChoice(f"answer: {wrong[0][:200]!r} is not offered; choose one of {_offer([question])}")
    if len(set(picked)) != len(picked) or (len(picked) > 1 and not question.get("multi")):
        raise WrongChoice(f"answer: exactly one of {_offer([question])}")
    return picked


def _content(schema: Any, content: Any) -> dict[str, Any]:
    """Fields of a flat object schema with plain values, as the Model Context Protocol's elicitation has them."""
    if not isinstance(content, dict):
        raise WrongChoice("answer: content: must be an object of fields")
    fields = schema.get("properties", {}) if isinstance(schema, dict) else {}
    needed = schema.get("required", []) if isinstance(schema, dict) else []
    for name in needed if isinstance(needed, list) else []:
        if name not in content:
            raise WrongChoice(f"answer: content: {name} is missing")
    for name, value in content.items():
        field = fields.get(name) if isinstance(fields, dict) else None
        if not isinstance(field, dict):
            raise WrongChoice(f"answer: content: {str(name)[:200]} was not asked for")
        _field(str(name), field, value)
    return content


PLAIN: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}


def _field(name: str, field: Mapping[str, Any], value: Any) -> None:
    kinds = PLAIN.get(str(field.get("type")), (str, int, float, bool, list))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise WrongChoice(f"answer: content: {name}: must be of type {field.get('type')}")
    if isinstance(field.get("enum"), list) and value not in field["enum"]:
        raise WrongChoice(f"answer: content: {name}: must be one of {', '.join(map(str, field['enum']))}")


def _offer(choices: Sequence[Mapping[str, Any]]) -> str:
    found = [repr(str(option["label"])) for one in choices for option in one.get("options") or []]
    return ", ".join(found)[:800] or "nothing"
