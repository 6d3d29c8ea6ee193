"""The review lane: what tier 2 let through and nobody has looked at yet, by rule, one by one, and each in full."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.console import clock
from sreconsole.console.draw import BLANK, Ink, Line, Span, cells, column, flow, line, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import LABEL, READABLE, Peek, labelled
from sreconsole.console.screen import Listing, Reading, Sight
from sreconsole.store import log, reviews
from sreconsole.store.event import Entry
from sreconsole.store.reviews import Review
from sreconsole.text.safe import safe

PAGE = 500


@dataclass(frozen=True, slots=True)
class Pile:
    """The unread ones of one rule: how many, when the newest ran, and that one."""

    rule: str
    count: int
    at: int
    newest: Review | None = None


class Reviews(Listing[Pile]):
    """Unread ones by rule."""

    name = "reviews"
    title = "Reviews"

    def key(self, row: Pile) -> str:
        """The rule."""
        return row.rule

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Count again."""
        piles = await reader.read(_piles)
        words = self.words.lower().split()
        self.window.replace([one for one in piles if all(word in _about(one) for word in words)])
        self.loaded = True

    def draw(self, row: Pile, sight: Sight, width: int) -> Line:
        """How many, how old the newest is, the rule, what the newest did."""
        head = (
            column(f"{row.count:,}", 7, Ink.STRONG, right=True), say(" unread  "),
            column(clock.ago(row.at, sight.now), 13, Ink.DIM), column(row.rule or "(no rule)", 22), say("  "),
        )  # fmt: skip
        return (*head, column(_does(row.newest), max(1, width - cells(head)), Ink.DIM))

    def peek(self, row: Pile, sight: Sight, width: int, height: int) -> Peek:
        """The newest one, and what the keys do with the rest."""
        lines = [
            (say("rule", Ink.DIM), line(say(row.rule or "(no rule)", Ink.STRONG), say(f" · {row.count:,} unread"))),
            *(_lines(row.newest, sight) if row.newest else []),
        ]
        return Peek(tuple(lines[:height]), True)

    def opened(self, row: Pile) -> Listing[Review]:
        """Its records, one by one."""
        return Records(row.rule)

    def empty(self, sight: Sight) -> list[Line]:
        """That all has been looked at."""
        if self.words:
            return super().empty(sight)
        return [line(), line(say("  Nothing is unread.", Ink.STRONG)), line(),
                line(say("  What tier 2 lets through without asking comes here, to be looked at later.", Ink.DIM))]  # fmt: skip


class Records(Listing[Review]):
    """The unread ones of one rule, the newest first."""

    name = "reviews"

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule
        self.title = f"Reviews of {rule or '(no rule)'}"

    def key(self, row: Review) -> str:
        """Its spoken id."""
        return row.id

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read the newest again, and as far down as was loaded."""
        most = max(PAGE, len(self.window.rows))
        found = await reader.read(lambda connection: records(connection, self.rule, None, most))
        words = self.words.lower().split()
        self.window.replace([one for one in found if all(word in _text(one) for word in words)])
        self.window.more_below = len(found) == most
        self.loaded = True

    async def more(self, reader: Reader) -> bool:
        """The next page of older ones."""
        rows = self.window.rows
        if not rows or self.words or not self.window.near_end():
            return False
        found = await reader.read(lambda connection: records(connection, self.rule, rows[-1].n, PAGE))
        self.window.below(found, more=len(found) == PAGE)
        return bool(found)

    def draw(self, row: Review, sight: Sight, width: int) -> Line:
        """How old, who, what it did; its id where there is room."""
        wide = width >= 100
        head = (column(clock.ago(row.at, sight.now), 13), column(row.agent or row.session, 20, Ink.DIM), say("  "))
        tail = (say(f"  {row.id}", Ink.DIM),) if wide else ()
        return (*head, column(_does(row), max(1, width - cells(head) - cells(tail))), *tail)

    def peek(self, row: Review, sight: Sight, width: int, height: int) -> Peek:
        """All of it but what the log holds."""
        return Peek(tuple(_lines(row, sight)[:height]), True)

    def opened(self, row: Review) -> Reading:
        """The record in full."""
        return Record(row)

    def heading(self) -> str:
        """How many are in the list, and the filter."""
        return " · ".join(one for one in (f"{len(self.window.rows)} unread", super().heading()) if one)


class Record(Reading):
    """One review with its entry of the fleet log."""

    name = "review"

    def __init__(self, review: Review) -> None:
        super().__init__()
        self.review = review
        self._entry: Entry | None = None
        self._page: tuple[object, list[Line]] | None = None

    @property
    def text(self) -> str:
        """What ran, as the log has it."""
        return f"{self.review.does}\n{self.review.summary}\n{self._entry.data if self._entry else ''}"

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read what has become of it, and its entry."""
        found, self._entry = await reader.read(lambda connection: _one(connection, self.review))
        self.review = found or self.review

    def title(self, sight: Sight) -> Line:
        """Its id, age and agent."""
        one = self.review
        return (say(f" {one.id} ", Ink.STRONG), say(one.state, Ink.ACCENT),
                say(f" · {clock.ago(one.at, sight.now)} · {one.agent or one.session}", Ink.DIM))  # fmt: skip

    def lines(self, sight: Sight, width: int) -> list[Line]:
        """All that is known; kept until it or the width changes."""
        key = (width, self.review, self._entry)
        if self._page is None or self._page[0] != key:
            self._page = (key, self._drawn(width))
        return self._page[1]

    def _drawn(self, width: int) -> list[Line]:
        one = self.review
        lines = labelled("does", _does(one), width, Ink.STRONG)
        for label, words in (("summary", one.summary), ("tool", one.tool), ("rule", one.rule), ("agent", one.agent),
                             ("session", one.session), ("ran", clock.hour(one.at, None))):  # fmt: skip
            lines += labelled(label, words or "unknown", width)
        if one.state != "unread":
            by = f"{one.state} by {one.decided_by or 'somebody'} {clock.hour(one.decided_at)} {one.reason}"
            lines += labelled("looked at", by.rstrip(), width, Ink.WARN if one.state == "flagged" else Ink.GOOD)
        lines.append(BLANK)
        if self._entry is None:
            return [*lines, *labelled("log", f"entry #{one.seq} is no longer kept", width, Ink.WARN)]
        data: Line = (Span(safe(self._entry.data[:READABLE], newline="\n")),)
        flowed = flow(data, max(1, width - LABEL))
        label = f"log #{one.seq}"[: LABEL - 1]
        return lines + [(column(label if not at else "", LABEL, Ink.DIM), *part) for at, part in enumerate(flowed)]


def _does(one: Review | None) -> str:
    return (one.does or one.summary or one.tool) if one else ""


def _lines(one: Review, sight: Sight) -> list[tuple[Span, Line]]:
    return [
        (say("does", Ink.DIM), line(say(_does(one), Ink.STRONG))),
        (say("ran", Ink.DIM), line(one.summary or one.tool)),
        (say("who", Ink.DIM), line(f"{one.agent or 'no agent'} · session {one.session} · {one.tool}")),
        (say("when", Ink.DIM), line(f"{clock.hour(one.at, sight.now)} · rule {one.rule or 'none'} · log #{one.seq}")),
    ]


def _about(pile: Pile) -> str:
    return f"{pile.rule} {_text(pile.newest) if pile.newest else ''}".lower()


def _text(one: Review) -> str:
    return f"{one.id} {one.agent} {one.session} {one.tool} {one.rule} {one.summary} {one.does}".lower()


def _piles(connection: sqlite3.Connection) -> list[Pile]:
    return [Pile(one.rule, one.count, one.newest.at, one.newest) for one in reviews.groups(connection)[:PAGE]]


def unread(connection: sqlite3.Connection) -> int:
    """How many nobody has looked at yet."""
    return reviews.unread(connection)


def records(connection: sqlite3.Connection, rule: str, before: int | None, limit: int) -> list[Review]:
    """The newest unread ones of a rule with a row number under `before`."""
    return reviews.listing(connection, rule=rule, before=before, limit=limit)


def _one(connection: sqlite3.Connection, review: Review) -> tuple[Review | None, Entry | None]:
    return reviews.get(connection, review.id), log.one(connection, review.seq)
