"""Equal questions on one page, each shown in full, to be decided once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sreconsole.console import clock
from sreconsole.console.draw import BLANK, Ink, Line, cells, column, flow, line, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import CHOOSING, LABEL, Peek, Question, labelled, peek, same
from sreconsole.console.screen import Reading, Sight
from sreconsole.store import escalations

Group = tuple[Question, ...]


def gathered(questions: Iterable[Question]) -> list[Group]:
    """Questions in their order, those that may be decided together in one tuple at the place of the first."""
    groups: dict[str, list[Question]] = {}
    for one in questions:
        together = one.row.alike if one.row.state == "pending" and one.row.kind not in CHOOSING else ""
        groups.setdefault(f"alike:{together}" if together else one.id, []).append(one)
    return [tuple(one) for one in groups.values()]


def summary(group: Group, now: int, width: int, *, stale: bool, fine: bool, opened: bool) -> Line:
    """One row for all: how many, the soonest deadline, who, what they do."""
    first = min(group, key=lambda one: one.row.deadline)
    wide = width >= 100
    when = first.when(now, stale=stale, fine=fine)
    head = (first.tier, say("  "), column(when.text, 13, when.ink))
    agents = sorted({one.who for one in group})
    who = agents[0] if len(agents) == 1 else f"{len(agents)} agents"
    tail = (say("  −" if opened else "  +", Ink.KEY),)
    parts = (*head, column(who, 26 if wide else 19, Ink.DIM), say("  "), say(f"×{len(group)} ", Ink.STRONG))
    return (*parts, column(first.does, max(1, width - cells(parts) - cells(tail))), *tail)


def peek_of(group: Group, now: int, width: int, height: int) -> Peek:
    """The first in short, with the names of all."""
    ids = ", ".join(one.id for one in group)
    shown = peek(group[0], now, width, max(1, height - 1))
    every = (say(f"×{len(group)} alike", Ink.STRONG), line(f"{ids} · a or d shows each, then decides all"))
    return Peek((every, *shown.lines)[:height], True)


class Together(Reading):
    """Every member with what would run; a yes is typed as their number."""

    name = "together"

    def __init__(self, group: Group) -> None:
        super().__init__()
        self.group = group
        self._page: tuple[object, list[Line]] | None = None
        self._laid_out: object = None

    @property
    def read(self) -> bool:
        """Whether all of them have been in view."""
        return self._page is not None and self.furthest >= len(self._page[1])

    @property
    def shows(self) -> object:
        """The members."""
        return self.group

    @property
    def mark(self) -> tuple[str, str]:
        """Who is among them and what each is bound to."""
        return " ".join(one.id for one in self.group), " ".join(one.row.digest for one in self.group)

    @property
    def text(self) -> str:
        """What would run."""
        return "\n".join(f"{one.id}\n{''.join(span.text for span in one.spelt)}" for one in self.group)

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read them again: what was decided leaves, what changed must be read again."""
        found = await reader.read(lambda connection: _still(connection, self.group))
        self.group = tuple(same(list(self.group), found))

    def title(self, sight: Sight) -> Line:
        """How many, and until when."""
        if not self.group:
            return line(say(" nothing of it waits any more ", Ink.STRONG))
        first = min(self.group, key=lambda one: one.row.deadline)
        return (say(f" {len(self.group)} alike ", Ink.STRONG), first.tier, say(" "), first.when(sight.now, stale=sight.stale),
                say(f" · {first.does}", Ink.DIM))  # fmt: skip

    def lines(self, sight: Sight, width: int) -> list[Line]:
        """All members one after the other, kept until one of them or the width changes."""
        key = (width, tuple(one.row for one in self.group))
        if self._page is None or self._page[0] != key:
            lines = [one for at, each in enumerate(self.group, 1) for one in self._member(at, each, sight, width)]
            self._page = (key, lines)
            laid_out = (width, len(lines), self.mark)
            if laid_out != self._laid_out:
                self._laid_out, self.furthest = laid_out, 0
        return self._page[1]

    def _member(self, at: int, one: Question, sight: Sight, width: int) -> list[Line]:
        head = f"{at} of {len(self.group)} · {one.id} · {one.who} · session {one.row.session}"
        lines = [line(say(head, Ink.STRONG)), *labelled("does", one.does, width)]
        for number, part in enumerate(flow(one.spelt, max(1, width - LABEL))):
            lines.append((column("runs" if not number else "", LABEL, Ink.DIM), *part))
        radius = one.radius()
        lines += labelled("radius", radius.text, width, radius.ink)
        if one.hidden:
            lines += labelled("hidden", f"{one.hidden} characters nobody can see, shown as marks", width, Ink.NOTICE)
        if one.warning:
            lines += labelled("careful", one.warning, width, Ink.NOTICE)
        words = f"{one.row.cwd} · asked {clock.hour(one.row.opened_at, sight.now)} · {one.row.digest[:8]}"
        return [*lines, *labelled("where", words, width, Ink.DIM), BLANK]


def _still(connection: sqlite3.Connection, group: Group) -> list[Question]:
    rows = [escalations.get(connection, one.id) for one in group]
    return [Question(row) for row in rows if row is not None and row.state == "pending"]
