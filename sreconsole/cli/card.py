"""One escalation as text: what a human reads before they decide."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sreconsole.cli import table
from sreconsole.store import rows
from sreconsole.store.escalations import OPEN, Escalation
from sreconsole.store.event import Entry

ESSENCE = ("command", "file_path", "notebook_path", "url", "plan", "prompt", "pattern")
"""Arguments that say most of what a call does, the first that is there."""

LONGEST = 4000
"""Characters of an argument the card shows; --raw shows all."""


def record(e: Escalation) -> dict[str, Any]:
    """An escalation for JSON: its columns, those that hold JSON as values."""
    found = rows.as_dict(e)
    for name in ("input", "choices", "verdict", "approvals", "answer", "radius"):
        found[name] = _value(found[name])
    return found


def event(entry: Entry) -> dict[str, Any]:
    """An entry of the fleet log for JSON, its data as a value."""
    return {**rows.as_dict(entry), "data": _value(entry.data)}


def does(e: Escalation) -> str:
    """What it would do, in one line: the policy's words and the call's own."""
    said = str(verdict(e).get("does") or f"uses {e.tool}")
    essence = _essence(e)
    return said if not essence or essence in said else f"{said}: {essence}"


def verdict(e: Escalation) -> dict[str, Any]:
    """The policy's verdict on it."""
    found = _value(e.verdict)
    return found if isinstance(found, dict) else {}


def must_type(e: Escalation) -> str:
    """What has to be typed to approve it ("" if nothing): the target, or the id where that cannot be typed."""
    said = verdict(e)
    if said.get("confirm") != "type":
        return ""
    target = str(said.get("target") or "")
    plain = target.isascii() and target.isprintable() and 0 < len(target) <= 60 and target == target.strip()
    return target if plain else e.id


def show(e: Escalation, history: Sequence[Entry], now: int) -> None:
    """Print the card."""
    said = verdict(e)
    print(table.bold(f"{e.id}  {e.state}  tier {e.tier}"))
    table.facts(_what(e, said, now))
    _choices(e)
    _approvals(e, said)
    if history:
        table.heading("History")
        for entry in history:
            table.say(f"{table.moment(entry.at)}  {entry.kind}  {entry.actor or entry.source}  {entry.summary}")


def _what(e: Escalation, said: dict[str, Any], now: int) -> list[tuple[str, object]]:
    command, span = _essence(e), said.get("span")
    hidden = int(said.get("hidden") or 0)
    return [
        ("does", said.get("does") or f"uses {e.tool}"),
        ("target", said.get("target")),
        ("environment", said.get("environment")),
        ("why", said.get("why")),
        ("rule", " at ".join(str(part) for part in (said.get("rule"), said.get("where")) if part)),
        ("call", f"{e.tool} {_cut(command)}".strip()),
        ("because of", _part(command, span)),
        ("unwrapped", " > ".join(map(str, said.get("trail") or []))),
        ("effects", "\n".join(_effect(one) for one in said.get("effects") or [] if isinstance(one, dict))),
        ("warning", said.get("warning")),
        ("hidden", f"{hidden} hidden characters, shown as marks" if hidden else ""),
        ("redacted", ", ".join(map(str, said.get("kinds") or []))),
        ("radius", _radius(e)),
        ("instead", said.get("instead")),
        ("folder", e.cwd),
        ("agent", f"{e.agent or 'not enrolled'}{f', subagent {e.subagent}' if e.subagent else ''}"),
        ("session", f"{e.session} ({e.client})"),
        ("asked", f"{table.moment(e.opened_at)}, {table.ago(e.opened_at, now)}"),
        *_time(e, now),
        ("digest", e.digest),
        ("policy", e.policy),
        ("to approve", f"type {must_type(e)}" if must_type(e) and e.state in OPEN else ""),
    ]


def _time(e: Escalation, now: int) -> list[tuple[str, object]]:
    if e.state == "pending":
        left = f"{table.span(e.deadline - now)} left" if e.deadline > now else "the time is over"
        return [("answer by", f"{table.moment(e.deadline)}, {left}"),
                ("on the line", "the agent waits" if e.attached else "nobody waits right now")]  # fmt: skip
    if e.state == "held":
        return [("held by", f"{e.hold_by}, takes effect {table.moment(e.hold_until)}")]
    if e.state == "deferred":
        return [("deferred", "nobody answered in time; it can still be decided")]
    by = f" by {e.decided_by}" if e.decided_by else ""
    used = f", used {table.moment(e.used_at)}" if e.used_at else ", not used yet" if e.state == "approved" else ""
    return [(e.state, f"{table.moment(e.changed_at)}{by}{used}"), ("reason", e.reason), ("answer", e.answer)]


def _choices(e: Escalation) -> None:
    for one in _value(e.choices) or []:
        if not isinstance(one, dict):
            continue
        table.heading(str(one.get("question") or one.get("header") or "Choices"))
        for option in one.get("options") or []:
            if isinstance(option, dict):
                about = f"  {option['description']}" if option.get("description") else ""
                table.say(f"  {option.get('label', '')}{about}")
        if one.get("multi"):
            table.say("  (several may be chosen)")
        if one.get("schema"):
            table.say(f"  asks for {json.dumps(one['schema'])}")


def _approvals(e: Escalation, said: dict[str, Any]) -> None:
    given, needed = _value(e.approvals) or [], int(said.get("approvers") or 1)
    if not given and needed < 2:
        return
    table.heading(f"Approvals ({len(given)} of {needed})")
    for one in given:
        if isinstance(one, dict):
            glass = "  break-glass" if one.get("break_glass") else ""
            table.say(f"  {one.get('by')}  {table.moment(one.get('at'))}{glass}  {one.get('reason') or ''}")


def _essence(e: Escalation) -> str:
    arguments = _value(e.input)
    if not isinstance(arguments, dict):
        return ""
    for name in ESSENCE:
        if isinstance(value := arguments.get(name), str) and value:
            return value
    asked = _value(e.choices)
    if isinstance(asked, list) and asked and isinstance(asked[0], dict):
        return str(asked[0].get("question") or "")
    return e.input if arguments else ""


def _part(command: str, span: Any) -> str:
    """The columns of the command that the verdict is about."""
    if not (isinstance(span, list) and len(span) == 2 and all(isinstance(at, int) for at in span)):
        return ""
    part = command[max(0, span[0]) : span[1]]
    return f"{_cut(part)} (columns {span[0] + 1} to {span[1]})" if part and part != command else ""


def _radius(e: Escalation) -> str:
    """What was measured, or that it is not (yet)."""
    found = _value(e.radius)
    if isinstance(found, dict):
        return str(found.get("words") or "")
    return "being measured" if e.state in OPEN and e.kind == "tool" else ""


def _effect(one: dict[str, Any]) -> str:
    where = " ".join(str(one[name]) for name in ("host", "environment") if one.get(name))
    return f"{one.get('kind', '')} {one.get('target', '')}{f' on {where}' if where else ''}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters, all with --raw)"


def _value(text: Any) -> Any:
    if not isinstance(text, str) or not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
