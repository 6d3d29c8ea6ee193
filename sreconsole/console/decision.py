"""When a decision may leave this console: pure rules over what was painted, with a reason for every no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sreconsole.console import clock
from sreconsole.console.question import CHOOSING, Question

INERT = 500
"""Milliseconds after something came under the finger in which a yes is refused."""

HOLD = 3.0
"""Seconds an approval is held before it is sent."""

MOST_MINUTES = 15
"""The longest a grant lives."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What this console knows at the moment of a key. Times are UTC milliseconds.

    `came_at` is when the question came under the finger without the finger's doing, `read` whether all that would
    run was shown, `busy` the ids with an act on its way, `answered` whether a question has its choices, `behind` whether
    the screen does not yet show what the finger is on.
    """

    now: int
    up: bool
    why_down: str = ""
    read_only: bool = False
    can_decide: bool = True
    why_not: str = ""
    came_at: int = 0
    read: bool = True
    busy: frozenset[str] = frozenset()
    answered: bool = True
    behind: bool = False


def why_not_decide(question: Question | None, standing: Standing) -> str:
    """Why no decision at all can be sent about a question now; empty when one can."""
    if question is None:
        return "the screen is catching up: look, then press again" if standing.behind else "nothing here waits for you"
    if standing.read_only:
        return "this console is read-only"
    if not standing.up:
        return f"serve is down, nothing can be decided: {standing.why_down}"
    if not standing.can_decide:
        return f"you cannot decide here: {standing.why_not}"
    row = question.row
    if not question.open:
        by = f" by {row.decided_by}" if row.decided_by else ""
        return f"{row.id} is {row.state}{by} since {clock.age(row.changed_at, standing.now)} ago"
    if row.id in standing.busy:
        return f"{row.id}: your last key is still on its way"
    return ""


def why_not_approve(question: Question | None, standing: Standing) -> str:
    """Why a yes is refused now; empty when it may be sent."""
    if question is not None and question.row.tier >= 4:
        return f"{question.id} is tier 4: it is refused, and nobody can approve it"
    if no := why_not_decide(question, standing):
        return no
    assert question is not None
    row = question.row
    if row.state == "held":
        return f"{row.id} is approved by {row.hold_by or 'somebody'} already and held; u takes your own back"
    if row.state == "pending" and row.deadline <= standing.now:
        return f"{row.id}: its time is up, it is refused"
    if standing.now - standing.came_at < INERT:
        return f"{row.id} came under your finger just now: look, then press again"
    if question.unread:
        return (
            f"{row.id} is longer than anybody reads ({question.unread:,} characters more): it cannot be approved here"
        )
    if not standing.read:
        return f"{row.id}: read what would run to its end first (space)"
    if row.kind in CHOOSING and question.choices and not standing.answered:
        return f"{row.id}: choose an answer first (1-9, or e to write one)"
    return ""


def why_not_grant(question: Question | None, standing: Standing) -> str:
    """Why a bounded grant is refused now."""
    if no := why_not_approve(question, standing):
        return no
    assert question is not None
    if question.row.kind in CHOOSING:
        return f"{question.id} is a question; only an act can be allowed ahead"
    if question.approvers > 1:
        return f"{question.id} needs {question.approvers} people; it cannot be allowed ahead"
    return ""


def why_not_break_glass(question: Question | None, standing: Standing) -> str:
    """Why break-glass is refused now."""
    if no := why_not_approve(question, standing):
        return no
    assert question is not None
    return "" if question.approvers > 1 else f"{question.id} needs one person; press approve"


def why_not_send(standing: Standing) -> str:
    """Why nothing at all can be sent now."""
    if standing.read_only:
        return "this console is read-only"
    if not standing.up:
        return f"serve is down, nothing can be sent: {standing.why_down}"
    return "" if standing.can_decide else f"you cannot decide here: {standing.why_not}"


def why_not_later(question: Question | None, standing: Standing) -> str:
    """Why a question cannot be put off now."""
    if no := why_not_decide(question, standing):
        return no
    assert question is not None
    if question.row.tier >= 4:
        return f"{question.id} is tier 4: nobody can allow it later either; deny it"
    if question.row.kind in CHOOSING:
        return f"{question.id} is a question: answer it, or deny it"
    return ""


def why_not_allow(question: Question, standing: Standing) -> str:
    """Why what was put off cannot be allowed once now."""
    if no := why_not_send(standing):
        return no
    if question.id in standing.busy:
        return f"{question.id}: your last key is still on its way"
    if standing.now - standing.came_at < INERT:
        return f"{question.id} came under your finger just now: look, then press again"
    if question.unread:
        return f"{question.id} is longer than anybody reads: it cannot be allowed here"
    return "" if standing.read else f"{question.id}: read what would run to its end first (space)"


def why_not_edit(question: Question | None, standing: Standing) -> str:
    """Why arguments cannot be edited now; reading them is what the editor is for."""
    if no := why_not_approve(question, replace(standing, came_at=0, read=True)):
        return no
    assert question is not None
    if question.approvers > 1:
        return f"{question.id} needs {question.approvers} people, who must see the same: deny it and say what to change"
    return "" if question.editable else f"{question.id}: its arguments cannot be read as JSON, so they cannot be edited"


def why_not_together(group: Sequence[Question], standing: Standing) -> str:
    """Why a yes to all of a group is refused now."""
    if no := why_not_send(standing):
        return no
    if not group:
        return (
            "the screen is catching up: look, then press again" if standing.behind else "nothing of it waits any more"
        )
    if len(group) == 1:
        return f"only {group[0].id} is left of them: go back and decide it by itself"
    for one in group:
        if one.approvers > 1:
            return f"{one.id} needs {one.approvers} people: decide it by itself"
        if no := why_not_approve(one, standing):
            return no.replace(f"{one.id}: read what would run", "read what each of them would run")
    if len({to_type(one) for one in group if one.typed}) > 1:
        return "they hit different targets in production: decide each by itself"
    return ""


def binding(question: Question) -> dict[str, Any]:
    """What names exactly the question that was painted."""
    return {"escalation": question.id, "version": question.row.version, "digest": question.row.digest}


def to_type(question: Question) -> str:
    """What a human types to approve: the target, or the id where the target is empty or cannot be typed."""
    target = question.target
    typeable = target and target.isascii() and target.isprintable() and len(target) <= 60 and target == target.strip()
    return target if typeable else question.id


def outcome(question: Question, reply: Mapping[str, Any], now: int) -> str:
    """What an approval's reply means, in words."""
    state = reply.get("state")
    if state == "held":
        until = reply.get("hold_until")
        seconds = max(0, -(-(until - now) // 1000)) if isinstance(until, int) else round(HOLD)
        return f"approving {question.id} in {seconds} s · u takes it back"
    if state == "pending":
        return f"{question.id}: your yes counts; it waits for another person"
    return f"{question.id} is {state}"


def minutes(text: str) -> int:
    """Minutes of a grant as typed. Raises ValueError with one line."""
    return _bounded(text, 1, MOST_MINUTES, "minutes")


def uses(text: str) -> int:
    """Uses of a grant as typed. Raises ValueError with one line."""
    return _bounded(text, 1, 100, "uses")


def _bounded(text: str, least: int, most: int, what: str) -> int:
    if not text.strip().isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"{what} must be a number from {least} to {most}")
    return int(text)
