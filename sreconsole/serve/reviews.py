"""The review lane: which passed calls go in, and what a human does with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sreconsole.serve.clock import Clock
from sreconsole.serve.operators import BadRequest
from sreconsole.serve.questions import Decider
from sreconsole.store import reviews
from sreconsole.store.event import NOTICE, WARN, Event
from sreconsole.store.reviews import Review
from sreconsole.store.writer import Tx

QUIET = frozenset(
    {"none", "proc.run", "proc.signal", "net.read", "net.listen", "secret.use", "agent.spawn", "agent.ask"}
)
"""Kinds of effects that leave nothing behind to be reviewed: reads, the project's own code and tests."""

PASSING = frozenset({"tmp", "cache", "null"})
"""Zones whose files are nobody's work."""

MOST_NAMED = 500
"""Ids an event lists."""

LONGEST_LIST = 10_000


def reviewable(verdict: Mapping[str, Any]) -> bool:
    """Whether a passed call is looked at later: tier 2, and something it does changes what will be there tomorrow."""
    return verdict["tier"] == 2 and any(_lasting(one) for one in verdict.get("effects") or [])


def enter(tx: Tx, seq: int, judged: Mapping[str, Any], agent: str, now: int) -> None:
    """Put a passed call into the lane if it belongs there, in the transaction of its event."""
    verdict = judged["verdict"]
    if judged["kind"] == "tool" and reviewable(verdict):
        reviews.add(tx.connection, seq, judged["session"], agent, verdict["rule"], judged["tool"], judged["summary"],
                    verdict["does"], now)  # fmt: skip


def ok(tx: Tx, request: Mapping[str, Any], who: Decider, clock: Clock) -> list[Review]:
    """Mark as looked at: `ids`, or all unread of a `rule` or `session` up to row `through`. Raises BadRequest."""
    ids, rule, session = request.get("ids") or [], request.get("rule") or "", request.get("session") or ""
    through = request.get("through")
    if not isinstance(ids, list) or len(ids) > LONGEST_LIST or not all(isinstance(one, str) for one in ids):
        raise BadRequest(f"ids: must be a list of at most {LONGEST_LIST} ids")
    if not isinstance(rule, str) or not isinstance(session, str):
        raise BadRequest("rule, session: must be text")
    if through is not None and (not isinstance(through, int) or isinstance(through, bool)):
        raise BadRequest("through: must be a row's number")
    if bool(ids) + bool(rule) + bool(session) != 1:
        raise BadRequest("give exactly one of ids, rule and session")
    for one in ids:
        if reviews.get(tx.connection, one) is None:
            raise BadRequest(f"there is no review {one[:80]}")
    now = clock.now()
    found = reviews.chosen(tx.connection, ids=ids, rule=rule, session=session, through=through, limit=LONGEST_LIST)
    done = [one for one in found if reviews.decide(tx.connection, one, "ok", who.name, now, "")]
    if done:
        what = f"of rule {rule}" if rule else f"of session {session}" if session else ", ".join(ids[:5])
        tx.append(Event("review.ok", now, "serve", session=session, actor=who.name, severity=NOTICE,
                        subject=done[0].id if len(done) == 1 else "", summary=f"{len(done)} reviewed: {what}",
                        data={"count": len(done), "ids": [one.id for one in done[:MOST_NAMED]], "rule": rule,
                              "session": session, "via": who.via, "uid": who.uid}))  # fmt: skip
    return done


def flag(tx: Tx, id: str, reason: str, who: Decider, clock: Clock) -> bool:
    """Say that this should not have happened; an event of severity WARN, which is a signal. False if flagged before.

    Raises BadRequest for an unknown id or no reason. One that was ok may still be flagged.
    """
    found = reviews.get(tx.connection, id)
    if found is None:
        raise BadRequest(f"there is no review {id[:80]}")
    if not reason.strip():
        raise BadRequest("reason: say what is wrong with it")
    now = clock.now()
    if found.state == "flagged" or not reviews.decide(tx.connection, found, "flagged", who.name, now, reason):
        return False
    tx.append(Event("review.flagged", now, "serve", found.session, found.agent, who.name, found.id, 2, WARN,
                    f"{found.id} flagged: {found.does or found.tool}: {reason}",
                    {"reason": reason, "rule": found.rule, "seq": found.seq, "was": found.state, "tool": found.tool,
                     "via": who.via, "uid": who.uid}))  # fmt: skip
    return True


def _lasting(effect: Mapping[str, Any]) -> bool:
    kind, facts = str(effect.get("kind", "")), effect.get("facts") or {}
    if kind in QUIET or kind.endswith(".read"):
        return False
    if kind.startswith("fs."):
        return facts.get("zone") not in PASSING and "artifact" not in (facts.get("traits") or ())
    return True
