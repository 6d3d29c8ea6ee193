"""The fleet log: everything that happened, newest first; follow it, filter it, open an entry."""

from __future__ import annotations

import json
import sqlite3

from sreconsole.console import clock
from sreconsole.console.draw import BLANK, Ink, Line, Span, cells, column, flow, line, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import LABEL, READABLE, Peek, labelled
from sreconsole.console.screen import Listing, Reading, Sight
from sreconsole.store import log
from sreconsole.store.event import GENESIS, NOTICE, PAGE, WARN, Entry, relink
from sreconsole.store.log import Filter
from sreconsole.text.safe import safe

PAGE_ROWS = 200
SEVERITY = {NOTICE: ("note", Ink.PLAIN), WARN: ("warn", Ink.WARN), PAGE: ("PAGE", Ink.BAD)}


def parsed(words: str) -> tuple[Filter, str]:
    """A filter as typed: `kind: session: agent: subject: severe`, the rest is full text; and what is wrong with it."""
    where, severe, plain, problem = dict[str, str](), False, list[str](), ""
    for word in words.split():
        name, colon, value = word.partition(":")
        if name in ("kind", "session", "agent", "subject") and colon:
            if not value:
                problem = f"{name}: needs a value, such as {name}:{'escalation.opened' if name == 'kind' else 'x'}"
            where[name] = value
        elif word == "severe":
            severe = True
        else:
            plain.append(word)
    kind, session, agent, subject = (where.get(name, "") for name in ("kind", "session", "agent", "subject"))
    return Filter(kind, session, agent, subject, severe, " ".join(plain)), problem


class FleetLog(Listing[Entry]):
    """Entries by key set in both directions, so that a million of them cost what forty do."""

    name = "log"
    title = "Log"

    def __init__(self) -> None:
        super().__init__()
        self.following = True
        self._where = Filter()

    def key(self, row: Entry) -> str:
        """Its place in the log."""
        return str(row.seq)

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Entries newer than the newest one loaded come on top."""
        self._where, self.filter_problem = parsed(self.words)
        where = self._where
        if not self.loaded or not self.window.rows:
            rows = await reader.read(lambda connection: _matching(connection, None, where))
            self.window.start(rows, more_below=len(rows) == PAGE_ROWS)
            self.loaded = True
            return
        if self.window.more_above:
            return
        newest = self.window.rows[0].seq
        rows = await reader.read(lambda connection: log.after(connection, newest, where, PAGE_ROWS + 1))
        if len(rows) > PAGE_ROWS and self.following:
            self.window.start(await reader.read(lambda connection: _matching(connection, None, where)), more_below=True)
            self.window.choose(0)
        else:
            self.window.above(rows[::-1], follow=self.following)

    async def more(self, reader: Reader) -> bool:
        """The next page of older entries, or of newer ones that were let go."""
        where, rows = self._where, self.window.rows
        if self.window.near_end() and rows:
            last = rows[-1].seq
            page = await reader.read(lambda connection: _matching(connection, last, where))
            self.window.below(page, more=len(page) == PAGE_ROWS)
            return True
        if self.window.near_start() and rows:
            first = rows[0].seq
            page = await reader.read(lambda connection: log.after(connection, first, where, PAGE_ROWS))
            self.window.more_above = len(page) == PAGE_ROWS
            unseen = self.window.unseen
            self.window.above(page[::-1])
            self.window.unseen = unseen
            return True
        return False

    async def jump_to_end(self, reader: Reader) -> None:
        """The oldest page, by key and not by walking there."""
        where = self._where
        page = await reader.read(lambda connection: log.after(connection, -1, where, PAGE_ROWS))
        loaded = {row.seq for row in self.window.rows}
        self.following = False
        if page and page[0].seq not in loaded:
            self.window.start(page[::-1], more_above=True)
        self.window.choose(len(self.window.rows) - 1)

    def heading(self) -> str:
        """The filter, and whether the newest is followed."""
        return " ".join(part for part in (super().heading(), "following" if self.following else "") if part)

    def draw(self, row: Entry, sight: Sight, width: int) -> Line:
        """When, tier, kind, agent, what."""
        mark, ink = SEVERITY.get(row.severity, ("", Ink.PLAIN))
        wide = width >= 100
        head = (
            column(clock.hour(row.at, sight.now), 16 if wide else 9, Ink.DIM),
            column(f"T{row.tier}" if row.tier else "", 3),
            column(mark, 5, ink),
            column(row.kind, 24 if wide else 20, Ink.ACCENT),
            say(" "),
            column(row.agent or row.session or row.actor or row.source, 16 if wide else 11, Ink.DIM),
            say(" "),
        )
        return (*head, column(row.summary, max(1, width - cells(head))))

    def peek(self, row: Entry, sight: Sight, width: int, height: int) -> Peek:
        """Who and what, and the event's data."""
        who = " · ".join(
            f"{name} {value}" for name, value in (("agent", row.agent), ("session", row.session), ("by", row.actor),
                                                  ("about", row.subject), ("from", row.source)) if value
        )  # fmt: skip
        data = flow((say(row.data),), max(1, width - LABEL))[: max(1, height - 3)]
        lines = [(say(f"#{row.seq}", Ink.STRONG), line(say(row.summary, Ink.STRONG))), (say("who", Ink.DIM), line(who))]
        lines += [(say("data" if not at else "", Ink.DIM), one) for at, one in enumerate(data)]
        lines.append((say("link", Ink.DIM), line(f"{row.hash[:12]} after {row.prev[:12]}")))
        return Peek(tuple(lines[:height]), True)

    def opened(self, row: Entry) -> Reading | None:
        """The whole entry."""
        return Event(row)


class Event(Reading):
    """One entry in full: every column, its data as JSON, and whether its links hold."""

    name = "event"

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        self._before: Entry | None = None
        self._page: tuple[int, list[Line]] | None = None

    @property
    def text(self) -> str:
        """The data as stored."""
        return self.entry.data

    def title(self, sight: Sight) -> Line:
        """Number and kind."""
        return (say(f" #{self.entry.seq} ", Ink.STRONG), say(self.entry.kind, Ink.ACCENT))

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read the entry before it, to compare the links."""
        if self._before is None:
            self._before = await reader.read(lambda connection: log.one(connection, self.entry.seq - 1))
            self._page = None

    def lines(self, sight: Sight, width: int) -> list[Line]:
        """Columns, data, links; kept until the width changes."""
        if self._page is None or self._page[0] != width:
            self._page = (width, self._drawn(width))
        return self._page[1]

    def _drawn(self, width: int) -> list[Line]:
        one = self.entry
        lines = labelled("summary", one.summary, width, Ink.STRONG)
        lines += labelled("at", f"{clock.hour(one.at, None)} ({one.at} ms UTC)", width)
        for name in ("source", "session", "agent", "actor", "subject", "uid"):
            if value := getattr(one, name):
                lines += labelled(name, value, width)
        if one.tier:
            lines += labelled("tier", one.tier, width)
        lines += labelled("severity", SEVERITY.get(one.severity, ("info", Ink.PLAIN))[0], width)
        lines.append(BLANK)
        data = _pretty(one.data)
        for at, part in enumerate(flow((Span(safe(data[:READABLE], newline="\n")),), max(1, width - LABEL))):
            lines.append((column("data" if not at else "", LABEL, Ink.DIM), *part))
        if len(data) > READABLE:
            words = f"{len(data) - READABLE:,} characters more: sreconsole log --json --before {one.seq + 1} --limit 1"
            lines += labelled("", words, width, Ink.WARN)
        lines.append(BLANK)
        return lines + self._links(width)

    def _links(self, width: int) -> list[Line]:
        one = self.entry
        holds = relink(one) == one.hash
        lines = labelled("prev", one.prev, width, Ink.DIM) + labelled("hash", one.hash, width, Ink.DIM)
        words = "the hash is that of these columns" if holds else "BROKEN: these columns do not give this hash"
        lines += labelled("link", words, width, Ink.GOOD if holds else Ink.ALARM)
        if self._before is not None:
            joined = self._before.hash == one.prev
            words = f"follows #{self._before.seq}" if joined else f"BROKEN: #{self._before.seq} has another hash"
            lines += labelled("", words, width, Ink.GOOD if joined else Ink.ALARM)
        elif one.prev == GENESIS:
            lines += labelled("", "the first event there is", width)
        else:
            lines += labelled("", "the event before is no longer kept", width)
        return lines


def _matching(connection: sqlite3.Connection, before: int | None, where: Filter) -> list[Entry]:
    return log.before(connection, before, where, PAGE_ROWS)


def _pretty(data: str) -> str:
    try:
        return json.dumps(json.loads(data), ensure_ascii=False, indent=1, sort_keys=True)
    except (ValueError, RecursionError):
        return data
