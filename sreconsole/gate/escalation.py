"""The life of a question, as a pure state machine: data and `now` in, changes and an event's name out.

    pending ─approve→ held ─settle→ approved ─use→ approved (used)
       │ ▲              │undo / console gone
       │ └──────────────┘
       ├─deny→ denied        ├─expire→ expired (or deferred, where the policy says so)
       ├─cancel→ cancelled   └─invalidate→ invalidated

Approved, denied, expired, cancelled and invalidated are final and differ. "Later" is a denial with `decision` later:
the call is refused and the state stays denied, but `allow_later` may mint one grant for exactly that call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sreconsole.store.escalations import Escalation


class State(StrEnum):
    """What has become of a question."""

    PENDING = "pending"
    HELD = "held"
    DEFERRED = "deferred"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    INVALIDATED = "invalidated"


OPEN = (State.PENDING, State.HELD, State.DEFERRED)
FINAL = (State.APPROVED, State.DENIED, State.EXPIRED, State.CANCELLED, State.INVALIDATED)


@dataclass(frozen=True, slots=True)
class Step:
    """One transition: the columns that change, and the kind of the event that records it."""

    changes: Mapping[str, Any]
    event: str


class Late(Exception):
    """An answer that came too late: `state` is what it met, `by` who decided, `since` when (UTC milliseconds)."""

    def __init__(self, escalation: Escalation, now: int) -> None:
        self.state, self.by, self.since = escalation.state, escalation.decided_by, escalation.changed_at
        ago = max(0, now - escalation.changed_at) // 1000
        by = f" by {escalation.decided_by}" if escalation.decided_by else ""
        if escalation.state == State.HELD:
            by = f" by {escalation.hold_by}" if escalation.hold_by else ""
        super().__init__(f"{escalation.id} is {escalation.state}{by} since {_ago(ago)} ago")


class NotAllowed(Exception):
    """Who asked may not decide this; the message says why."""


def approve(e: Escalation, by: str, uid: int, reason: str, answer: str, now: int, hold_ms: int, console: str) -> Step:
    """A human says yes. It is held for `hold_ms` first, so that it can be taken back.

    Where the policy asks for two, the first yes only counts and the question goes on waiting.
    Raises Late, and NotAllowed for tier 4 and for a second yes of the same person.
    """
    _open(e, now)
    if e.state == State.HELD:
        raise Late(e, now)
    if e.tier >= 4:
        raise NotAllowed(f"{e.id} is tier 4: it is refused and nobody can approve it")
    given = json.loads(e.approvals)
    if any(one["uid"] == uid for one in given):
        raise NotAllowed(f"{e.id} needs a second person; you have already said yes")
    given.append({"by": by, "uid": uid, "at": now, "reason": reason})
    needed = int(json.loads(e.verdict).get("approvers", 1))
    common: dict[str, Any] = {"approvals": json.dumps(given), "changed_at": now, "reason": reason, "answer": answer}
    if len(given) < needed:
        return Step(common, "escalation.seconded")
    if hold_ms > 0:
        # A yes in the last seconds is still a yes: its hold ends just before the deadline.
        until = now + hold_ms if e.state == State.DEFERRED else max(now, min(now + hold_ms, e.deadline - 100))
        held = json.dumps({"console": console, "answer": answer, "was": e.state})
        changes = {"state": State.HELD, "hold_until": until, "hold_by": by, "next_at": until, "answer": held}
        return Step({**common, **changes}, "escalation.held")
    return Step({**common, **_decided(State.APPROVED, by, now)}, "escalation.approved")


def break_glass(e: Escalation, by: str, uid: int, reason: str, answer: str, now: int) -> Step:
    """One person approves what needs two. Waives the second person and nothing else; the event pages.

    Raises Late, and NotAllowed for tier 4 or without a reason.
    """
    _open(e, now)
    if e.tier >= 4:
        raise NotAllowed(f"{e.id} is tier 4: break-glass does not open it")
    if not reason.strip():
        raise NotAllowed("break-glass needs a reason")
    given = [*json.loads(e.approvals), {"by": by, "uid": uid, "at": now, "reason": reason, "break_glass": True}]
    changes = {"approvals": json.dumps(given), "changed_at": now, "reason": reason, "answer": answer}
    return Step({**changes, **_decided(State.APPROVED, by, now)}, "escalation.broke_glass")


def settle(e: Escalation, now: int) -> Step:
    """The hold is over: the approval takes effect. Raises Late unless held and its time has come."""
    if e.state != State.HELD or e.hold_until is None or now < e.hold_until:
        raise Late(e, now)
    held = json.loads(e.answer)
    return Step({"answer": held["answer"], "changed_at": now, **_decided(State.APPROVED, e.hold_by, now)},
                "escalation.approved")  # fmt: skip


def withdraw(e: Escalation, now: int) -> Step:
    """Take a held approval back: by its owner, because its console went away, or because `serve` restarted."""
    if e.state != State.HELD:
        raise Late(e, now)
    held = json.loads(e.answer)
    given = [one for one in json.loads(e.approvals) if one["by"] != e.hold_by]
    return Step(
        {
            "state": held["was"], "hold_until": None, "hold_by": "", "approvals": json.dumps(given), "reason": "",
            "answer": "", "changed_at": now, "next_at": None if held["was"] == State.DEFERRED else e.deadline,
        },
        "escalation.withdrawn",
    )  # fmt: skip


def deny(e: Escalation, by: str, reason: str, now: int) -> Step:
    """A human says no; any no wins at once, also over a held yes. Raises Late."""
    _open(e, now)
    return Step(
        {"changed_at": now, "reason": reason, "answer": "", **_decided(State.DENIED, by, now)}, "escalation.denied"
    )


LATER = "later"
"""The `decision` of a no that means "not now": a human may still allow exactly this call once."""

ALLOWED_LATER = "allowed later"
"""The `decision` once that has been done."""


def postpone(e: Escalation, by: str, reason: str, now: int) -> Step:
    """A human says "not now": denied at once, and the one no that can be followed by a yes (`allow_later`).

    Raises Late, and NotAllowed for what is no tool's call or is tier 4.
    """
    _open(e, now)
    if e.kind != "tool":
        raise NotAllowed(f"{e.id} is a question of the agent's: answer it, or deny it")
    if e.tier >= 4:
        raise NotAllowed(f"{e.id} is tier 4: it is refused, now and later")
    decided = {**_decided(State.DENIED, by, now), "decision": LATER, "approvals": "[]"}
    return Step({"changed_at": now, "reason": reason, "answer": "", **decided}, "escalation.postponed")


def allow_later(e: Escalation, by: str, uid: int, reason: str, now: int) -> Step:
    """What was put off is allowed once. The question stays denied; the caller mints the grant its retry consumes.

    Where the policy asks for two, the first yes only counts (`decision` stays `later`). Raises Late for anything but
    a question that was put off, and NotAllowed for a second yes of the same person.
    """
    if e.state != State.DENIED or e.decision != LATER:
        raise Late(e, now)
    given = json.loads(e.approvals)
    if any(one["uid"] == uid for one in given):
        raise NotAllowed(f"{e.id} needs a second person; you have already said yes")
    given.append({"by": by, "uid": uid, "at": now, "reason": reason})
    changes: dict[str, Any] = {"approvals": json.dumps(given), "changed_at": now}
    if len(given) < int(json.loads(e.verdict).get("approvers", 1)):
        return Step(changes, "escalation.seconded")
    return Step({**changes, "decision": ALLOWED_LATER}, "escalation.allowed-later")


def expire(e: Escalation, now: int) -> Step:
    """Nobody answered in time. A policy that says `then: defer` keeps the question decidable.

    Raises Late unless it is pending and its deadline has come.
    """
    if e.state != State.PENDING or now < e.deadline:
        raise Late(e, now)
    if json.loads(e.verdict).get("then") == "defer":
        return Step({"state": State.DEFERRED, "changed_at": now, "hold_until": None, "hold_by": "", "next_at": None,
                     "answer": ""}, "escalation.deferred")  # fmt: skip
    return Step({"changed_at": now, "answer": "", **_closed(State.EXPIRED)}, "escalation.expired")


def resume(e: Escalation, waiter: str, deadline: int, now: int) -> Step:
    """A deferred question is asked again by its resumed session: it waits on the line once more. Raises Late."""
    if e.state != State.DEFERRED:
        raise Late(e, now)
    changes = {"state": State.PENDING, "deadline": deadline, "next_at": deadline, "attached": 1, "waiter": waiter}
    return Step({**changes, "changed_at": now}, "escalation.resumed")


def cancel(e: Escalation, why: str, now: int) -> Step:
    """The agent's side went away before an answer. Raises Late."""
    _open(e, now)
    return Step({"changed_at": now, "reason": why, "answer": "", **_closed(State.CANCELLED)}, "escalation.cancelled")


def invalidate(e: Escalation, why: str, now: int) -> Step:
    """What was asked is not what would happen any more (a changed policy, changed arguments). Raises Late."""
    _open(e, now)
    return Step(
        {"changed_at": now, "reason": why, "answer": "", **_closed(State.INVALIDATED)}, "escalation.invalidated"
    )


def retier(e: Escalation, tier: int, why: str, now: int) -> Step:
    """After a policy reload the question has another tier and needs no human: let go (1, 2) or refused (4). Raises Late."""
    _open(e, now)
    return Step({"changed_at": now, "reason": why, "answer": "", "tier": tier, **_closed(State.INVALIDATED)},
                "escalation.invalidated")  # fmt: skip


def use(e: Escalation, now: int) -> Step:
    """The approval is handed to the hook: once. Raises Late for anything but an approval not yet used."""
    if e.state != State.APPROVED or e.used_at is not None:
        raise Late(e, now)
    return Step({"used_at": now, "changed_at": now}, "escalation.used")


def rebind(e: Escalation, digest: str, policy: str, verdict: str, tier: int, now: int) -> Step:
    """After a policy reload the same question stands under the new policy with the same outcome. Raises Late."""
    _open(e, now)
    if e.state == State.HELD:
        raise Late(e, now)
    return Step({"digest": digest, "policy": policy, "verdict": verdict, "tier": tier, "changed_at": now},
                "escalation.rebound")  # fmt: skip


def _open(e: Escalation, now: int) -> None:
    if e.state not in OPEN:
        raise Late(e, now)
    if e.state == State.PENDING and now >= e.deadline:
        # The timer has not come round yet, but the time is over: a late yes must not slip in between.
        raise Late(e, now)


def _decided(state: State, by: str, now: int) -> dict[str, Any]:
    return {**_closed(state), "decided_by": by, "decided_at": now, "decision": state.value}


def _closed(state: State) -> dict[str, Any]:
    return {"state": state.value, "hold_until": None, "hold_by": "", "next_at": None, "page_at": None}


def _ago(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 5400:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h"
