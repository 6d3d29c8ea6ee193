"""The grant that allows one put-off call: exactly that tool, arguments, folder and session, once."""

from __future__ import annotations

import json

from sreconsole.store import escalations, grants
from sreconsole.store.escalations import Escalation
from sreconsole.store.grants import Grant
from sreconsole.store.writer import Tx

EXACTLY = "exactly"
"""The `effect` of a grant for one very call: what it covers is its question's, not a pattern."""

LONGEST = 15 * 60 * 1000


def mint(tx: Tx, e: Escalation, by: str, reason: str, minutes: float, now: int) -> Grant:
    """The one-use grant for a put-off question. Raises ValueError for a time too long."""
    until = int(minutes * 60_000)
    if not 0 < until <= LONGEST:
        raise ValueError("a grant lasts more than 0 and at most 15 minutes")
    n, name = grants.number(tx.connection)
    target = str(json.loads(e.verdict).get("target") or e.tool)
    made = Grant(n, name, e.id, EXACTLY, e.tool, target, e.session, by, now, now + until, 1, 0, reason, None, "")
    grants.add(tx.connection, made)
    return made


def covering(tx: Tx, draft: Escalation, now: int) -> Grant | None:
    """The live grant minted for exactly this call. One person's yes does not stand where the policy now asks for two."""
    if draft.tier != 3 or draft.kind != "tool":
        return None
    for grant in grants.live(tx.connection, draft.session, now):
        if grant.effect != EXACTLY:
            continue
        put_off = escalations.get(tx.connection, grant.escalation)
        if put_off is None or not _same(put_off, draft):
            continue
        if json.loads(draft.verdict).get("raised") and not json.loads(put_off.verdict).get("raised"):
            # What the session did since is for a human to see.
            continue
        if len(json.loads(put_off.approvals)) >= int(json.loads(draft.verdict).get("approvers", 1)):
            return grant
    return None


def _same(put_off: Escalation, draft: Escalation) -> bool:
    """Equal in what a digest binds, but for the policy's version, under which the draft was judged anew, and for the
    subagent: one that is started again has another name.
    """
    names = ("asked", "tool", "cwd", "session", "agent", "client")
    return all(getattr(put_off, name) == getattr(draft, name) for name in names)
