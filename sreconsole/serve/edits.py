"""Approve with other arguments: judged again, bound to a digest of its own, both versions in the log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sreconsole.gate import escalation as life
from sreconsole.gate.escalation import NotAllowed
from sreconsole.policy.action import bind
from sreconsole.serve.judges import Judges, Poison
from sreconsole.serve.operators import BadRequest
from sreconsole.serve.questions import Decider, Moved, Questions, expected
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import WARN, Event
from sreconsole.store.writer import Tx
from sreconsole.text.canonical import canonical
from sreconsole.text.redact import redact_value

KINDS = ("tool", "plan")
"""Kinds of questions whose arguments can be edited."""

MARK = "[REDACTED:"

LARGEST = 1024 * 1024
"""Bytes of edited arguments."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Other arguments for one question, and what the policy says of them."""

    arguments: dict[str, Any]
    asked: str
    digest: str
    policy: str
    verdict: dict[str, Any]

    def record(self, e: Escalation) -> dict[str, Any]:
        """For the reply: the verdict on the edited call beside the tier it was asked with."""
        names = ("tier", "rule", "why", "does", "target", "environment", "confirm", "approvers")
        return {**{name: self.verdict[name] for name in names}, "was_tier": e.tier, "digest": self.digest}


async def judged(judges: Judges, e: Escalation, given: Any, home: str) -> Edit:
    """What the policy of now says of a question with other arguments; decides nothing.

    Raises BadRequest for what is no arguments object or holds secrets or the marks of redacted ones, NotAllowed for
    what cannot be read.
    """
    if e.kind not in KINDS:
        raise BadRequest(f"answer: input: {e.id} has no arguments to edit")
    if not isinstance(given, dict) or not given:
        raise BadRequest("answer: input: must be the tool's arguments, a JSON object that is not empty")
    text = canonical(given)
    if len(text) > LARGEST:
        raise BadRequest(f"answer: input: {len(text)} bytes; at most {LARGEST}")
    if MARK.encode() in text:
        raise BadRequest("answer: input: the edited text still holds a redacted secret; deny it, or write it without")
    _, kinds = redact_value(given)
    if kinds:
        raise BadRequest(f"answer: input: holds a secret ({', '.join(kinds)}), which would be written to disk")
    try:
        again = await judges.again(e.client, e.tool, given, e.cwd, home)
    except Poison:
        raise NotAllowed(f"{e.id}: the edited call cannot be read") from None
    if not again.get("ok"):
        raise NotAllowed(f"{e.id}: the edited call cannot be read: {again.get('problem', '')}")
    digest = bind(again["asked"], cwd=e.cwd, session=e.session, subagent=e.subagent, agent=e.agent,
                  policy=again["policy"])  # fmt: skip
    return Edit(given, again["asked"], digest, again["policy"], again["verdict"])


def allowed(e: Escalation, edit: Edit, typed: str) -> None:
    """Raise NotAllowed unless one person may let the edited call run by this question."""
    verdict, before = edit.verdict, json.loads(e.verdict)
    if int(verdict["tier"]) >= 4:
        raise NotAllowed(f"{e.id}: edited like this it is tier 4 ({verdict['rule']}): {verdict['why']}")
    if int(verdict["approvers"]) > 1 or int(before.get("approvers", 1)) > 1:
        raise NotAllowed(f"{e.id}: two people must see the same call: deny it, and say what to run instead")
    same = before.get("confirm") == "type" and before.get("target") == verdict["target"]
    if verdict["confirm"] == "type" and not same and typed != verdict["target"]:
        raise NotAllowed(
            f"{e.id}: edited like this it asks to type its target ({verdict['target']}): send it as `typed`"
        )


async def approve(
    questions: Questions, id: str, seen: tuple[int, str], who: Decider, reason: str, edit: Edit, typed: str,
    hold_ms: int, console: str,
) -> Escalation:  # fmt: skip
    """Say yes to the edited call; the client is sent its arguments. Raises Unknown, Moved, Late, NotAllowed."""

    def work(tx: Tx, now: int) -> tuple[list[Escalation], Escalation]:
        e = expected(tx, id, seen)
        if e.state in life.OPEN and ((e.version, e.digest) != seen or (edit.policy != e.policy)):
            raise Moved(f"{id} has changed since you looked at it; look again before you decide")
        allowed(e, edit, typed)
        step = life.approve(e, who.name, who.uid, reason, json.dumps({"input": edit.arguments}), now, hold_ms, console)
        facts = {
            "from": {"input": json.loads(e.input), "asked": e.asked, "digest": e.digest, "tier": e.tier},
            "to": {"input": edit.arguments, "asked": edit.asked, "digest": edit.digest, "tier": edit.verdict["tier"],
                   "rule": edit.verdict["rule"], "effects": edit.verdict["effects"]},
            "reason": reason, "via": who.via, "uid": who.uid,
        }  # fmt: skip
        tx.append(Event("escalation.edited", now, "gate", e.session, e.agent, who.name, e.id, e.tier, WARN,
                        f"{e.id} edited by {who.name}: {edit.verdict['does'] or e.tool}", facts))  # fmt: skip
        done = questions.decide(tx, e, step, who, now)
        return [done], done

    return await questions.together(work)
