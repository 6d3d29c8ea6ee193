"""Equal questions, decided once: every member is bound and named, and all of them or none are decided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sreconsole.gate import escalation as life
from sreconsole.gate.escalation import NotAllowed, Step
from sreconsole.serve.questions import Decider, Moved, Questions, expected
from sreconsole.store import escalations
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import NOTICE, Event
from sreconsole.store.writer import Tx
from sreconsole.text.canonical import canonical

MOST = 500
"""Members decided at once: more is not a group a person has looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One member as the decider saw it."""

    id: str
    version: int
    digest: str


def mark(judged: Mapping[str, Any]) -> str:
    """The same for questions that may be decided together (SHA-256, hex), "" for one that is decided alone.

    Over the tool and its whole input, the rule, the repository and the place in it; not over session, agent and call.
    """
    verdict = judged["verdict"]
    if judged["kind"] != "tool" or verdict["tier"] != 3 or _alone(verdict):
        return ""
    repository = list(judged["repositories"]) or [judged["cwd"]]
    where = [repository, judged.get("place", "")]
    return hashlib.sha256(canonical([judged["tool"], judged["asked"], verdict["rule"], *where])).hexdigest()


def group(e: Escalation, waiting: Sequence[Escalation]) -> list[Escalation]:
    """Those of the waiting ones that are alike, itself among them. Pure."""
    return [one for one in waiting if one.id == e.id or (e.alike and one.alike == e.alike)]


async def approve(
    questions: Questions, members: Sequence[Seen], who: Decider, reason: str, hold_ms: int, console: str
) -> list[Escalation]:
    """One yes to all. Raises Unknown, Moved, Late, NotAllowed; then none is decided."""
    return await _decide(
        questions, members, who, "approved", reason,
        lambda e, now: life.approve(e, who.name, who.uid, reason, "", now, hold_ms, console),
    )  # fmt: skip


async def deny(questions: Questions, members: Sequence[Seen], who: Decider, reason: str) -> list[Escalation]:
    """One no to all. Raises Unknown, Moved, Late, NotAllowed; then none is decided."""
    return await _decide(questions, members, who, "denied", reason, lambda e, now: life.deny(e, who.name, reason, now))


async def _decide(
    questions: Questions, members: Sequence[Seen], who: Decider, word: str, reason: str,
    step: Callable[[Escalation, int], Step],
) -> list[Escalation]:  # fmt: skip
    def work(tx: Tx, now: int) -> tuple[list[Escalation], list[Escalation]]:
        found = [_looked_at(tx, one) for one in members]
        lead = found[0]
        for one in found:
            if not lead.alike or one.alike != lead.alike:
                raise NotAllowed(f"{one.id} is not like {lead.id}: decide it by itself")
            if _alone(json.loads(one.verdict)):
                raise NotAllowed(f"{one.id} is decided by itself: it asks to type its target, or for two people")
        # Every step is worked out before the first is taken, so that a late one stops them all.
        steps = [step(one, now) for one in found]
        done = [questions.decide(tx, one, its, who, now) for one, its in zip(found, steps, strict=True)]
        facts = [{"id": one.id, "digest": one.digest, "version": one.version, "session": one.session, "agent": one.agent}
                 for one in found]  # fmt: skip
        tx.append(Event("escalation.decided-alike", now, "gate", lead.session, lead.agent, who.name, lead.id, 3, NOTICE,
                        f"{len(done)} alike {done[0].state}: {', '.join(one.id for one in done[:20])}",
                        {"members": facts, "decision": word, "reason": reason, "alike": lead.alike, "via": who.via,
                         "uid": who.uid}))  # fmt: skip
        return done, done

    return await questions.together(work)


def _looked_at(tx: Tx, seen: Seen) -> Escalation:
    e = expected(tx, seen.id, (seen.version, seen.digest))
    if e.state in escalations.OPEN and (e.version, e.digest) != (seen.version, seen.digest):
        raise Moved(f"{e.id} has changed since you looked at it; look again before you decide")
    return e


def _alone(verdict: Mapping[str, Any]) -> bool:
    # What raised a tier is one session's conduct: no other question is like it.
    return bool(verdict.get("raised")) or verdict.get("confirm") == "type" or int(verdict.get("approvers", 1)) > 1
