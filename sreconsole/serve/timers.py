"""What happens because time passes: holds that settle, questions that expire, pages that are due."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from sreconsole.gate import escalation as life
from sreconsole.gate.escalation import Late, State, Step
from sreconsole.serve.clock import Clock
from sreconsole.serve.questions import Moved, Questions, Unknown, page
from sreconsole.store import escalations, grants, outbox
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import NOTICE, Event
from sreconsole.store.writer import Tx, Unwritable, Writer

LONGEST_NAP = 1.0


class Timers:
    """Wakes at the nearest `next_at`; every time is a column, so a restart forgets none."""

    def __init__(
        self, writer: Writer, questions: Questions, clock: Clock, channels: Callable[[], list[str]],
        pages: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        """`channels()` names where pages go; `pages()` delivers what is due in the outbox."""
        self._writer, self._questions, self._clock = writer, questions, clock
        self._channels, self._pages = channels, pages
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something may be due earlier than thought."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled: do what is due, sleep until the next."""
        while True:
            self._woken.clear()
            try:
                await self._follow_wall_clock()
                nearest = await self._due()
            except Unwritable:
                # Every time is still in its column; whatever holds the store up, the next look finds what is due.
                nearest = None
            await self._pages()
            nap = LONGEST_NAP if nearest is None else max(0.0, min(LONGEST_NAP, (nearest - self._clock.now()) / 1000))
            try:
                async with asyncio.timeout(nap):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _due(self) -> int | None:
        now = self._clock.now()

        def look(tx: Tx) -> tuple[list[Escalation], list[Escalation], int | None]:
            one = escalations.nearest(tx.connection)
            return escalations.due(tx.connection, now), escalations.to_page(tx.connection, now), one

        due, unpaged, nearest = await asyncio.wrap_future(self._writer.do(look))
        for e in due:
            await self._pass(e)
        for e in unpaged:
            await self._page(e, now)
        return None if nearest is None or due else int(nearest)

    async def _pass(self, e: Escalation) -> None:
        step: Callable[[Escalation, int], Step] = life.settle if e.state == State.HELD else life.expire
        try:
            await self._questions.step(e.id, step, None)
        except (Late, Moved, Unknown):
            # Decided in the same moment; the next look sees the new state.
            return

    async def _page(self, e: Escalation, now: int) -> None:
        channels = self._channels()

        def work(tx: Tx) -> None:
            if not escalations.change(tx.connection, e, page_at=None):
                return
            page(tx, e, channels, body(e), now)
            words = f"paged {', '.join(channels)}" if channels else "nobody to page: no pager is configured"
            tx.append(Event("page.queued", now, "oncall", e.session, e.agent, "serve", e.id, e.tier, NOTICE,
                            f"{e.id}: {words}", {"channels": channels}))  # fmt: skip

        await asyncio.wrap_future(self._writer.do(work, vital=True))

    async def _follow_wall_clock(self) -> None:
        """The wall clock was set: move open deadlines with it, so that the time left stays what it was."""
        drift = self._clock.step()
        if not drift:
            return
        now = self._clock.now()

        def work(tx: Tx) -> None:
            escalations.shift(tx.connection, drift)
            grants.shift(tx.connection, drift, now - drift)
            outbox.shift(tx.connection, drift)
            tx.append(Event("clock.stepped", now, "serve", severity=NOTICE, summary=f"the clock was set by {drift / 1000:+.1f} s",
                            data={"ms": drift}))  # fmt: skip

        await asyncio.wrap_future(self._writer.do(work, vital=True))


def body(e: Escalation) -> str:
    """What a page carries: the question, its context, its deadline and the command that opens it."""
    verdict = json.loads(e.verdict)
    return json.dumps(
        {
            "escalation": e.id, "tier": e.tier, "does": verdict.get("does", ""), "why": verdict.get("why", ""),
            "tool": e.tool, "input": json.loads(e.input), "session": e.session, "agent": e.agent, "subagent": e.subagent,
            "cwd": e.cwd, "asked_at": e.opened_at, "deadline": e.deadline,
            "open": f"sreconsole escalations show {e.id}",
        },
        sort_keys=True,
    )  # fmt: skip
