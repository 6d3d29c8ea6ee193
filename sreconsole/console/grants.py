"""Grants: what was allowed ahead, for how long, and how much of it is left."""

from __future__ import annotations

from sreconsole.console import clock
from sreconsole.console.draw import Ink, Line, Span, cells, column, line, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import Peek
from sreconsole.console.screen import Listing, Sight
from sreconsole.store import grants
from sreconsole.store.grants import Grant


class Grants(Listing[Grant]):
    """The newest grants."""

    name = "grants"
    title = "Grants"

    def key(self, row: Grant) -> str:
        """Its spoken id."""
        return row.id

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read the newest again."""
        rows = await reader.read(lambda connection: grants.newest(connection, 500))
        words = self.words.lower().split()
        self.window.replace([one for one in rows if all(word in _text(one) for word in words)])
        self.loaded = True

    def draw(self, row: Grant, sight: Sight, width: int) -> Line:
        """State, uses, what it allows, where."""
        state = life(row, sight.now)
        head = (
            column(row.id, 9), say(" "), column(state.text, 14, state.ink),
            column(f"{row.used} of {row.uses}", 9), column(row.session, 16, Ink.DIM), say(" "),
        )  # fmt: skip
        return (*head, column(f"{row.effect} {row.target}", max(1, width - cells(head))))

    def peek(self, row: Grant, sight: Sight, width: int, height: int) -> Peek:
        """All of it."""
        ended = f" · revoked by {row.revoked_by} {clock.hour(row.revoked_at, sight.now)}" if row.revoked_at else ""
        lines = (
            (say(row.id, Ink.STRONG), line(say(f"{row.effect} of {row.tool} on {row.target}", Ink.STRONG))),
            (say("session", Ink.DIM), line(row.session)),
            (
                say("made", Ink.DIM),
                line(f"by {row.made_by} {clock.hour(row.made_at, sight.now)} with {row.escalation}{ended}"),
            ),
            (say("until", Ink.DIM), line(f"{clock.hour(row.until, sight.now)} · {row.used} of {row.uses} uses")),
            (say("reason", Ink.DIM), line(row.reason or "none given")),
        )
        return Peek(lines[:height], True)

    def leads_to(self, row: Grant) -> str:
        """The question it was made with."""
        return f"open {row.escalation}"


def life(grant: Grant, now: int) -> Span:
    """What has become of a grant, in a word."""
    if grant.revoked_at:
        return say("revoked", Ink.BAD)
    if grant.used >= grant.uses:
        return say("used up", Ink.DIM)
    if grant.until <= now:
        return say("over", Ink.DIM)
    return say(clock.left(grant.until, now), Ink.GOOD)


def _text(grant: Grant) -> str:
    return f"{grant.id} {grant.effect} {grant.target} {grant.session} {grant.made_by} {grant.tool}".lower()
