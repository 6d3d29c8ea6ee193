"""What the gate says to an agent: the class refused, why, and what would be allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sreconsole.gate import ask, claude_code
from sreconsole.gate.call import NO_OPINION, Call, Reply
from sreconsole.gate.choices import restored
from sreconsole.gate.escalation import LATER, State
from sreconsole.store.escalations import Escalation

DO_NOT = "Do not try to reach the same effect another way; that is counted and paged."


def verdict(verdict: Mapping[str, Any]) -> str:
    """A refusal by policy, for a model."""
    kinds = ", ".join(dict.fromkeys(str(one["kind"]) for one in verdict.get("effects") or []))
    instead = f" Allowed instead: {_stop(str(verdict['instead']))}" if verdict.get("instead") else ""
    return f"Refused (tier {verdict['tier']}{f', {kinds}' if kinds else ''}): {_stop(verdict['why'])}{instead} {DO_NOT}"


def plain(why: str) -> str:
    """A refusal for another reason than policy."""
    return f"Refused: {_stop(why)} {DO_NOT}"


def stopped(why: str) -> Reply:
    """The answer to a call of a session that is stopped: not run, and the run ends."""
    return claude_code.stop(f"This session was stopped: {_stop(why)}")


def parked(on: str) -> str:
    """A tier-3 call of a parked session."""
    return (
        f"Refused at once: this session is parked on {on}, which no human answered in time. Work that needs no "
        "approval may go on; stop and report what is left if there is none."
    )


def settled(e: Escalation, raw: bytes) -> Reply:
    """The answer to the hook whose question has its end."""
    if e.kind == "elicitation":
        return _elicited(e)
    if e.kind == "ask":
        return ask.settled(e, _choices(e, ask.read(raw, ask.EVENT)))
    if e.state == State.APPROVED and e.used_at is not None:
        return _approved(e, raw)
    if e.state == State.DEFERRED:
        return claude_code.defer(f"{e.id} waits for a human; the run ends here and is resumed once it is decided")
    if e.state == State.INVALIDATED and e.tier < 3:
        return NO_OPINION
    return claude_code.deny(_no(e))


def refused(event: str, why: str) -> Reply:
    """The answer when there is no verdict at all: a gate closes, news is simply not taken."""
    if event == ask.EVENT:
        return ask.refused(why)
    if event in ("PreToolUse", ""):
        return claude_code.deny(plain(why))
    if event == "ConfigChange":
        return claude_code.keep_settings(plain(why))
    if event == "PermissionRequest":
        return claude_code.permit(False, plain(why))
    if event == "Elicitation":
        return claude_code.elicited("cancel", None)
    return Reply(0, err=f"sreconsole: {why}\n".encode())


def in_words_of(client: str, reply: Reply, why: str) -> Reply:
    """An answer given at once, as that client reads it."""
    return ask.refused(why) if client == ask.CLIENT else reply


def kebab(event: str) -> str:
    """PreToolUse to pre-tool-use."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", event).lower()


def _approved(e: Escalation, raw: bytes) -> Reply:
    given = json.loads(e.answer) if e.answer else {}
    if e.kind == "question":
        asked = claude_code.read(raw, "PreToolUse")
        return claude_code.chosen(asked.input, _choices(e, asked)["choices"])
    words = f"approved by {e.decided_by}{f': {e.reason}' if e.reason else ''} ({e.id})"
    if e.kind == "plan":
        # A bare allow leaves the client asking its own person (2.1.328): only given input counts as their answer.
        return claude_code.allow(words, given.get("input") or claude_code.read(raw, "PreToolUse").input)
    return claude_code.allow(words, given.get("input"))


def _choices(e: Escalation, asked: Call) -> dict[str, Any]:
    """The choices of an approval, in the words the agent used."""
    given = json.loads(e.answer) if e.answer and e.state == State.APPROVED and e.used_at is not None else {}
    return {"choices": restored(given.get("choices") or {}, json.loads(e.choices), asked.choices)}


def _elicited(e: Escalation) -> Reply:
    if e.state == State.APPROVED and e.used_at is not None:
        given = json.loads(e.answer) if e.answer else {}
        return claude_code.elicited("accept", given.get("content") or {})
    return claude_code.elicited("decline" if e.state == State.DENIED else "cancel", None)


def _no(e: Escalation) -> str:
    match e.state:
        case State.DENIED if e.decision == LATER:
            return (
                f"Not now ({e.id}, {e.decided_by}): {_stop(e.reason or 'not at this moment')} It may be allowed later: "
                "go on with work that needs no approval, and ask for exactly this again, unchanged, when you are told "
                f"to or nothing else is left. {DO_NOT}"
            )
        case State.DENIED:
            return f"Denied by {e.decided_by} ({e.id}): {_stop(e.reason or 'no reason given')} {DO_NOT}"
        case State.EXPIRED:
            return (
                f"Expired: no human answered {e.id} in time, so it was not run. This session's further calls of this "
                "kind are refused until a human releases it; go on with work that needs no approval."
            )
        case State.CANCELLED:
            return f"Cancelled: {_stop(e.reason)}"
        case _:
            return f"Invalidated ({e.id}): {_stop(e.reason)} Ask again if it is still needed."


def _stop(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."
