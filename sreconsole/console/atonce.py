"""Deciding a group of equal questions at once: every member is named in what is sent."""

from __future__ import annotations

from typing import Any

from sreconsole.console import decision
from sreconsole.console.desk import Desk
from sreconsole.console.dialogs import Prompt
from sreconsole.console.draw import Ink
from sreconsole.console.together import Group


class AtOnce:
    """The desk's keys for a page of equal questions."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._floor = desk, desk.floor

    async def approve(self, group: Group) -> None:
        """Yes to all: read first, then their number is typed, then held like any other."""
        if no := decision.why_not_together(group, self._floor.standing()):
            self._floor.tell(no, Ink.WARN)
            return
        typed = [one for one in group if one.typed]
        if typed and not await self._desk.typed(typed[0], f"approve all {len(group)} with"):
            return
        about = f"approve all {len(group)}, one yes for each · enter approves, esc decides nothing · {group[0].does}"
        number = await self._floor.prompt(
            Prompt(f"type {len(group)}", about, must=str(len(group)), inert=True, opened_by="a")
        )
        if number is None:
            self._floor.tell("nothing was decided")
            return
        hold = self._floor.hold_seconds()
        reply = await self._send("approve_alike", group, reason="", hold=hold)
        if reply is None:
            return
        self._floor.sent(group[0])
        if not self._desk.held(reply, tuple(one.id for one in group), hold):
            self._floor.tell(f"{len(group)} are {reply.get('state') or 'approved'}", Ink.GOOD)

    async def deny(self, group: Group) -> None:
        """No to all, at once when enter sends it."""
        if no := decision.why_not_send(self._floor.standing()) or ("" if group else "nothing of it waits any more"):
            self._floor.tell(no, Ink.WARN)
            return
        about = f"deny all {len(group)} · enter denies each of them, esc decides nothing · {group[0].does}"
        reason = await self._floor.prompt(Prompt("reason the agents read", about, opened_by="d"))
        if reason is None:
            self._floor.tell("nothing was decided")
        elif await self._send("deny_alike", group, reason=reason.strip() or "denied", hold=0.0) is not None:
            self._floor.sent(group[0])
            self._floor.tell(f"{len(group)} are denied", Ink.GOOD)

    async def _send(self, do: str, group: Group, **words: Any) -> dict[str, Any] | None:
        members = [{"id": one.id, "version": one.row.version, "digest": one.row.digest} for one in group]
        return await self._desk.act(group[0].id, do, **decision.binding(group[0]), members=members, **words)
