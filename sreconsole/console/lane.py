"""Saying ok to what the review lane holds, or flagging it."""

from __future__ import annotations

from typing import Any

from sreconsole.console import decision
from sreconsole.console.desk import Desk
from sreconsole.console.dialogs import Prompt
from sreconsole.console.draw import Ink
from sreconsole.console.feed import Reader
from sreconsole.console.reviews import Pile, records
from sreconsole.store.reviews import Review

BY_ID = 1000
"""Most reviews that are named one by one; more of a rule are named by the rule."""


class Lane:
    """The desk's keys for reviews."""

    def __init__(self, desk: Desk, reader: Reader) -> None:
        self._desk, self._floor, self._reader = desk, desk.floor, reader

    async def ok(self, review: Review | None) -> None:
        """One was looked at and is fine."""
        if not self._can(review):
            return
        assert review is not None
        if self._floor.standing().now - self._floor.standing().came_at < decision.INERT:
            self._floor.tell(f"{review.id} came under your finger just now: look, then press again", Ink.WARN)
        elif await self._desk.act(review.id, "review_ok", ids=[review.id]) is not None:
            self._floor.tell(f"{review.id} is ok", Ink.GOOD)

    async def ok_all(self, pile: Pile | None) -> None:
        """All of a rule that were there when it was painted."""
        if pile is None:
            self._floor.tell("nothing here is unread", Ink.WARN)
            return
        if no := decision.why_not_send(self._floor.standing()):
            self._floor.tell(no, Ink.WARN)
            return
        about = f"ok for all {pile.count:,} of {pile.rule or '(no rule)'}, read or not · y and enter, esc leaves them"
        if await self._floor.prompt(Prompt("type y", about, must="y", inert=True, opened_by="O")) is None:
            self._floor.tell("nothing was changed")
            return
        through = pile.newest.n if pile.newest else 0
        found = await self._reader.read(lambda connection: records(connection, pile.rule, through + 1, BY_ID + 1))
        ids = [one.id for one in found]
        named: dict[str, Any] = {"ids": ids} if len(ids) <= BY_ID else {"rule": pile.rule, "through": through}
        if await self._desk.act(f"reviews of {pile.rule}", "review_ok", **named) is not None:
            self._floor.tell(f"{len(ids) if 'ids' in named else pile.count:,} of {pile.rule} are ok", Ink.GOOD)

    async def flag(self, review: Review | None) -> None:
        """One should not have happened: the reason opens a signal."""
        if not self._can(review):
            return
        assert review is not None
        about = f"flag {review.id} · enter flags it for somebody to follow up, esc leaves it · {review.does}"
        prompt = Prompt("what is wrong (needed)", about, opened_by="f", check=_needed)
        reason = await self._floor.prompt(prompt)
        if reason is None:
            self._floor.tell("nothing was changed")
        elif await self._desk.act(review.id, "review_flag", review=review.id, reason=reason.strip()) is not None:
            self._floor.tell(f"{review.id} is flagged", Ink.NOTICE)

    def _can(self, review: Review | None) -> bool:
        no = decision.why_not_send(self._floor.standing())
        if review is None:
            no = "this is a whole rule: enter opens it, O says ok to all of it"
        elif review.state != "unread":
            no = f"{review.id} is {review.state} already"
        if no:
            self._floor.tell(no, Ink.WARN)
        return not no


def _needed(text: str) -> str:
    return "" if text.strip() else "say what is wrong"
