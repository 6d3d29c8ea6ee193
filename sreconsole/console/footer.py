"""Which keys the last line names for the question under the finger, and which of them would be refused now."""

from __future__ import annotations

from dataclasses import replace

from sreconsole.console import decision
from sreconsole.console.decision import Standing
from sreconsole.console.desk import Desk
from sreconsole.console.keys import Key, Keyboard
from sreconsole.console.question import CHOOSING, Question
from sreconsole.console.screen import Listing
from sreconsole.console.stage import Stage


def available(keyboard: Keyboard, stage: Stage, desk: Desk, standing: Standing) -> list[tuple[Key, str]]:
    """The keys of this screen with the reason each would be refused (empty: it works)."""
    question = stage.under_finger()
    # What passes by itself (half a second, reading on) would make the line flicker.
    lasting = replace(standing, came_at=0, read=True, answered=True, busy=frozenset())
    keys = list[tuple[Key, str]]()
    for key in keyboard.of(stage.current.name):
        if stage.group and key.id in ("approve", "deny", "open"):
            keys.append((replace(key, short=_of_all(key, stage)), _why_not_all(key.id, stage, lasting)))
        elif _belongs(key.id, question, stage, desk):
            keys.append((replace(key, short=_word(key, question)), _why_not(key.id, question, lasting)))
    return keys


def _word(key: Key, question: Question | None) -> str:
    """The word for a key, as what is under the finger makes it."""
    if question is not None and key.id == "approve":
        return "answer" if question.row.kind in CHOOSING else "allow once" if question.later else key.short
    if question is not None and key.id == "edit" and question.row.kind in CHOOSING:
        return "own words"
    return key.short


def _of_all(key: Key, stage: Stage) -> str:
    return key.short if key.id == "open" else f"{key.short} all {len(stage.group)}"


def _why_not_all(id: str, stage: Stage, standing: Standing) -> str:
    if id == "approve":
        return decision.why_not_together(stage.group, standing)
    return decision.why_not_send(standing) if id == "deny" else ""


def _belongs(id: str, question: Question | None, stage: Stage, desk: Desk) -> bool:
    """Whether a key has a meaning here at all; a tier 4 question has no approve key."""
    if id == "approve" and question is not None and question.later:
        return True
    if id in ("approve", "grant", "break-glass", "edit", "later"):
        if question is None or not question.open or question.row.tier >= 4:
            return False
        if id == "grant":
            return question.row.kind not in CHOOSING and question.approvers == 1
        if id in ("edit", "later"):
            card = stage.card is not None
            return (id == "edit" and card) if question.row.kind in CHOOSING else True
        return id == "approve" or question.approvers > 1
    if id == "deny":
        return question is not None and question.open
    if id == "undo":
        return desk.hold is not None or (question is not None and question.row.state == "held")
    if id == "choose":
        return question is not None and bool(question.choices)
    if id in ("ok", "flag"):
        return stage.review is not None
    if id in ("ok-all", "read"):
        return stage.pile is not None
    if id in ("unfold", "fold"):
        return False
    if id == "release":
        return stage.parked() is not None
    if id in ("open", "peek-down", "next"):
        return not isinstance(stage.current, Listing) or bool(stage.current.window.rows)
    if id == "back":
        return bool(stage.above) or bool(stage.tabs[stage.tab].words)
    return True


def _why_not(id: str, question: Question | None, standing: Standing) -> str:
    if id == "approve":
        later = question is not None and question.later
        return (
            decision.why_not_allow(question, standing)
            if later and question
            else decision.why_not_approve(question, standing)
        )
    if id == "edit" and question is not None and question.row.kind not in CHOOSING:
        return decision.why_not_edit(question, standing)
    if id == "later":
        return decision.why_not_later(question, standing)
    if id in ("ok", "ok-all", "flag"):
        return decision.why_not_send(standing)
    if id == "grant":
        return decision.why_not_grant(question, standing)
    if id == "break-glass":
        return decision.why_not_break_glass(question, standing)
    if id in ("deny", "undo"):
        return decision.why_not_decide(question, standing) if question else ""
    return ""
