"""What goes back with an approval: the choices or the words a human answers an agent's question with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sreconsole.cli.exits import Usage
from sreconsole.store.escalations import Escalation

ASKS = ("question", "ask", "elicitation")
"""Kinds of escalation that cannot be approved without an answer."""


def build(e: Escalation, picked: Sequence[str], words: str) -> dict[str, Any] | None:
    """The answer to send; None where nothing is asked but yes or no. Raises Usage."""
    if e.kind not in ASKS:
        if picked or words:
            raise Usage(f"{e.id} asks for yes or no; leave --choice and --answer out")
        return None
    asked = [one for one in json.loads(e.choices or "[]") if isinstance(one, dict)]
    if e.kind == "elicitation":
        return {"content": _content(e, asked, picked, words)}
    return _chosen(e, asked, list(picked), words)


def labels(question: dict[str, Any]) -> list[str]:
    """The labels a question offers."""
    return [str(one.get("label", "")) for one in question.get("options") or [] if isinstance(one, dict)]


def _chosen(e: Escalation, asked: list[dict[str, Any]], picked: list[str], words: str) -> dict[str, Any]:
    """Each label goes to the first question that offers it and still has room."""
    given: dict[str, list[str]] = {str(one.get("question", "")): [] for one in asked}
    for label in picked:
        for one in asked:
            taken = given[str(one.get("question", ""))]
            if label in labels(one) and label not in taken and (one.get("multi") or not taken):
                taken.append(label)
                break
        else:
            raise Usage(f"{e.id}: {label!r} cannot be chosen; --choice takes {_offers(asked)}")
    open_ = [question for question, taken in given.items() if not taken]
    if words and len(open_) == 1:
        given[open_.pop()].append(words)
    elif words:
        raise Usage(f"{e.id}: --answer is for one question, {len(open_)} are open; choose for the others")
    if open_ or not given:
        raise Usage(f"{e.id} is a question, answer {open_[:1]} with --choice {_offers(asked)} or --answer TEXT")
    multi = {str(one.get("question", "")) for one in asked if one.get("multi")}
    answer: dict[str, Any] = {
        "choices": {question: taken if question in multi else taken[0] for question, taken in given.items()}
    }
    return {**answer, "text": words} if words else answer


def _content(e: Escalation, asked: list[dict[str, Any]], picked: Sequence[str], words: str) -> dict[str, Any]:
    """An MCP server's form: a JSON object, or the one value it asks for. Types as in its JSON schema."""
    schema = (asked[0].get("schema") if asked else None) or {}
    fields = schema.get("properties") if isinstance(schema, dict) else None
    fields = fields if isinstance(fields, dict) else {}
    if len(picked) > 1 or (picked and words):
        raise Usage(f"{e.id}: one --choice or one --answer is enough")
    value = words or (picked[0] if picked else "")
    if not value:
        if fields:
            raise Usage(
                f"{e.id} asks for {', '.join(map(str, fields))}: --answer VALUE, or --answer '{{\"name\": value}}'"
            )
        return {}
    if value.lstrip().startswith("{"):
        try:
            found = json.loads(value)
        except ValueError as error:
            raise Usage(f"--answer: not JSON: {error}") from error
        if isinstance(found, dict):
            return found
    if len(fields) != 1:
        raise Usage(
            f"{e.id} asks for {len(fields)} values: --answer takes a JSON object with {', '.join(map(str, fields))}"
        )
    name, about = next(iter(fields.items()))
    return {
        str(name): _typed(
            str(name), value, str((about or {}).get("type", "string")) if isinstance(about, dict) else "string"
        )
    }


def _typed(name: str, value: str, kind: str) -> Any:
    if kind not in ("number", "integer", "boolean"):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    fits = (
        isinstance(found, bool) if kind == "boolean" else isinstance(found, int | float) and not isinstance(found, bool)
    )
    if not fits or (kind == "integer" and not isinstance(found, int)):
        raise Usage(f"--answer: {name} must be a JSON {kind}, such as {'true' if kind == 'boolean' else '3'}")
    return found


def _offers(asked: list[dict[str, Any]]) -> str:
    return ", ".join(repr(label) for one in asked for label in labels(one)) or "nothing (there are no choices)"
