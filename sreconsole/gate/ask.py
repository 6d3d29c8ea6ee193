"""`sreconsole ask`: a question an agent, or a script, puts to a human under its own identity.

In: `{"question": text, "choices": [labels], "wait": seconds, "session": claimed id or "", "call": unique id, "cwd": path}`.
Out: `{"state": "approved", "choice": label, ...}`, or another state with its reason and no choice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sreconsole.gate.call import Call, Reply, Unreadable
from sreconsole.gate.choices import labels
from sreconsole.store.escalations import Escalation

CLIENT, EVENT = "sreconsole", "Ask"

LONGEST_QUESTION = 4000
LONGEST_LABEL = 200
MOST_CHOICES = 20
SHORTEST_WAIT, LONGEST_WAIT = 10.0, 24 * 3600.0
"""Seconds a question may wait."""


def read(raw: bytes, event: str) -> Call:
    """The question in the bytes that `sreconsole ask` sent. Raises Unreadable."""
    if event != EVENT:
        raise Unreadable(f"{CLIENT} only sends {EVENT}")
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise Unreadable("not a JSON object")
    question, choices = _text(payload, "question", LONGEST_QUESTION), payload.get("choices")
    if problem := trouble(question, choices):
        raise Unreadable(problem)
    wait = payload.get("wait", 1800.0)
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not SHORTEST_WAIT <= wait <= LONGEST_WAIT:
        raise Unreadable(f"wait: must be {SHORTEST_WAIT:.0f} to {LONGEST_WAIT:.0f} seconds")
    assert isinstance(choices, list)
    options = [{"label": label, "description": ""} for label in choices]
    return Call(
        client=CLIENT, event=EVENT, kind="ask", session=_text(payload, "session", 200, empty=True), tool="ask",
        cwd=_text(payload, "cwd", 4096), call=_text(payload, "call", 100),
        input={"question": question, "choices": choices},
        choices=({"question": question, "header": "", "options": options, "multi": False},), news={"wait": float(wait)},
    )  # fmt: skip


def trouble(question: str, choices: Any) -> str:
    """What is wrong with a question and its choices, naming the field and the fix ("" if nothing)."""
    if not question.strip() or len(question) > LONGEST_QUESTION:
        return f"question: must be 1 to {LONGEST_QUESTION} characters"
    if not isinstance(choices, list) or not 2 <= len(choices) <= MOST_CHOICES:
        return f"choices: give 2 to {MOST_CHOICES}, each as --choice LABEL"
    if not all(isinstance(one, str) and one.strip() and len(one) <= LONGEST_LABEL for one in choices):
        return f"choices: each must be 1 to {LONGEST_LABEL} characters"
    return "choices: no two may be the same" if len(set(choices)) < len(choices) else ""


def settled(e: Escalation, answer: Mapping[str, Any]) -> Reply:
    """The end of a question; `answer` is as given, in the words that were asked."""
    picked = labels(next(iter((answer.get("choices") or {}).values()), []))
    return _reply(e.state, e.reason, choice=picked[0] if picked else None, by=e.decided_by, escalation=e.id)


def refused(why: str) -> Reply:
    """Not put to anybody."""
    return _reply("refused", why)


def _reply(state: str, reason: str, **facts: str | None) -> Reply:
    return Reply(
        out=json.dumps({"state": state, "choice": None, "by": "", "escalation": "", "reason": reason, **facts}).encode()
    )


def _text(payload: Mapping[str, Any], key: str, longest: int, *, empty: bool = False) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or len(value) > longest or not (value or empty):
        raise Unreadable(f"{key}: must be text of at most {longest} characters")
    return value
