"""Home: who needs me. The first row is the right one, and an empty home says so in words."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.console import clock
from sreconsole.console.card import Card
from sreconsole.console.draw import Ink, Line, column, line, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import Peek, Question, peek, same
from sreconsole.console.reviews import unread
from sreconsole.console.screen import Listing, Reading, Sight
from sreconsole.console.together import Group, gathered, peek_of, summary
from sreconsole.store import agents, escalations, log, sessions
from sreconsole.store.sessions import Session


@dataclass(frozen=True)
class Need:
    """Something that needs a human: a question, equal ones in one row, a parked session, or what is unread.

    `member` is a question shown under the row of its group.
    """

    question: Question | None = None
    parked: Session | None = None
    group: Group = ()
    member: bool = False
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Calm:
    """What an empty home tells: how many agents, how many sessions live, when something last happened."""

    agents: int = 0
    sessions: int = 0
    last: int | None = None


class Home(Listing[Need]):
    """Questions by who is harmed soonest, then parked sessions, then what is deferred."""

    name = "home"
    title = "Needs me"

    def __init__(self) -> None:
        super().__init__()
        self.calm = Calm()
        self.waiting: frozenset[str] = frozenset()
        self.unread = 0
        self._unfolded: set[str] = set()
        self._open: list[Question] = []
        self._parked: list[Session] = []
        self._lingering: str | None = None

    def key(self, row: Need) -> str:
        """The question's id, what makes a group one, or the session's id."""
        if row.question:
            return row.question.id
        if row.group:
            return f"alike:{row.group[0].row.alike}"
        if row.unread:
            return "unread"
        return f"parked:{row.parked.id}" if row.parked else ""

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read all that waits; a chosen question that was just decided stays until the finger moves on."""
        chosen = self.window.row
        decided = chosen.question.id if chosen and chosen.question else None
        open_now, self._parked, gone, self.calm, self.unread = await reader.read(
            lambda connection: _read(connection, decided)
        )
        known = [one for row in self.window.rows for one in (row.group or ((row.question,) if row.question else ()))]
        self._open = same(known, open_now)
        self.waiting = frozenset(question.id for question in self._open)
        rows = self._rows()
        if gone is not None and chosen is not None and gone.id == self.window.chosen:
            rows.insert(min(self.window.at, len(rows)), Need(question=gone))
            self._lingering = gone.id
        self.window.replace(rows)
        self.loaded = True

    def _rows(self) -> list[Need]:
        found = [one for one in self._open if _matches(Need(question=one), self.words)]
        rows = list[Need]()
        for group in gathered(one for one in found if one.row.state != "deferred"):
            if len(group) == 1:
                rows.append(Need(question=group[0]))
                continue
            rows.append(Need(group=group))
            if group[0].row.alike in self._unfolded:
                rows += [Need(question=one, member=True) for one in group]
        rows += [one for one in (Need(parked=each) for each in self._parked) if _matches(one, self.words)]
        rows += [Need(question=one) for one in found if one.row.state == "deferred"]
        # Last and calm: where nothing else is left, the words of an empty home say it.
        return [*rows, Need(unread=self.unread)] if rows and self.unread and not self.words else rows

    def fold(self, *, open: bool) -> bool:
        """Show the members of the group under the finger, or its one row again; False when there is no group."""
        row = self.window.row
        alike = (
            row.group[0].row.alike
            if row and row.group
            else row.question.row.alike
            if row and row.member and row.question
            else ""
        )
        if not alike:
            return False
        if open:
            self._unfolded.add(alike)
        else:
            self._unfolded.discard(alike)
        rows = self._rows()
        self.window.replace(rows)
        if not open:
            self.window.choose_id(f"alike:{alike}")
        return True

    def let_go(self) -> None:
        """The finger has moved: drop a decided question that was kept only for it."""
        if self._lingering is not None and self.window.chosen != self._lingering:
            self.window.replace([row for row in self.window.rows if self.key(row) != self._lingering])
            self._lingering = None

    def draw(self, row: Need, sight: Sight, width: int) -> Line:
        """Tier or kind, deadline, who, what it does."""
        if row.group:
            opened = row.group[0].row.alike in self._unfolded
            fine = self._ticking(sight.now) in row.group
            return summary(row.group, sight.now, width, stale=sight.stale, fine=fine, opened=opened)
        if row.question:
            fine = self._ticking(sight.now) is row.question
            indent = (say("└ ", Ink.DIM),) if row.member else ()
            shown = row.question.summary(sight.now, width - 2 * row.member, stale=sight.stale, fine=fine)
            return (*indent, *shown)
        if row.unread:
            words = f"{row.unread:,} ran without asking and wait to be looked at"
            return (say("REV", Ink.DIM), say("  "), column("no deadline", 13, Ink.DIM), say(words, Ink.DIM))
        assert row.parked is not None
        who = column(row.parked.agent or row.parked.id, 26 if width >= 100 else 19, Ink.DIM)
        words = f"parked on {row.parked.parked_on}: its risky calls are refused until you release it"
        return (say("PRK", Ink.WARN), say("  "), column("stopped", 13), who, say("  "), say(words))

    def _ticking(self, now: int) -> Question | None:
        """The one question in view whose last two minutes are counted second by second."""
        shown = (row.group[0] if row.group else row.question for row in self.window.visible)
        near = (one for one in shown if one and one.urgent(now))
        return next(near, None)

    def peek(self, row: Need, sight: Sight, width: int, height: int) -> Peek:
        """The question in short, or what the parked session is."""
        if row.group:
            return peek_of(row.group, sight.now, width, height)
        if row.unread:
            words = "tier 2 let them run; say ok to each or to a whole rule, or flag what should not have happened"
            unread = (
                (say("unread", Ink.DIM), line(say(f"{row.unread:,}", Ink.STRONG))),
                (say("what", Ink.DIM), line(words)),
            )
            return Peek(unread, True)
        if row.question:
            return peek(row.question, sight.now, width, height)
        assert row.parked is not None
        one = row.parked
        lines = (
            (say(one.id, Ink.STRONG), line(say("a question of this session expired with nobody there", Ink.STRONG))),
            (say("parked on", Ink.DIM), line(say(one.parked_on))),
            (say("agent", Ink.DIM), line(f"{one.agent or 'not enrolled'} · {one.client} · {one.cwd}")),
            (say("so far", Ink.DIM), line(f"{one.calls} calls · {one.asked} asked · {one.refused} refused")),
            (say("seen", Ink.DIM), line(clock.hour(one.seen_at, sight.now))),
        )
        return Peek(lines[:height], True)

    def question(self, row: Need) -> Question | None:
        """The question, unless the row is a parked session, several or none."""
        return row.question

    def waits(self, row: Need) -> bool:
        """A question, or several."""
        return bool(row.group) or super().waits(row)

    def opened(self, row: Need) -> Reading | None:
        """The card of the question."""
        return Card(row.question) if row.question else None

    def leads_to(self, row: Need) -> str:
        """A parked session leads to the question it is parked on, a group to its members, the unread to their lane."""
        if row.group:
            return "fold" if row.group[0].row.alike in self._unfolded else "unfold"
        return f"open {row.parked.parked_on}" if row.parked else "reviews" if row.unread else ""

    def empty(self, sight: Sight) -> list[Line]:
        """That nobody needs you, and how we know."""
        if self.words:
            return super().empty(sight)
        if not self.loaded:
            return [line(), line(say("  Reading the store."))]
        calm, last = self.calm, clock.hour(self.calm.last, sight.now) if self.calm.last else "nothing yet"
        known = "Nobody needs you." if sight.up else "Nothing was waiting when the store was last written."
        return [
            line(),
            line(say(f"  {known}", Ink.STRONG)),
            line(),
            line(
                say(
                    f"  {calm.agents} agents enrolled · {calm.sessions} sessions not ended · last event {last}", Ink.DIM
                )
            ),
            *(
                [line(say(f"  {self.unread:,} ran without asking and wait to be looked at (6)", Ink.DIM))]
                if self.unread
                else []
            ),
            *([] if calm.agents else [line(), line(say("  Enrol one: sreconsole agents enroll NAME", Ink.DIM))]),
        ]


def _read(
    connection: sqlite3.Connection, chosen: str | None
) -> tuple[list[Question], list[Session], Question | None, Calm, int]:
    waiting = [Question(one) for one in escalations.waiting(connection)]
    live = sessions.live(connection)
    gone = None
    if chosen is not None and all(one.id != chosen for one in waiting):
        row = escalations.get(connection, chosen)
        gone = Question(row) if row else None
    newest = log.before(connection, None, log.Filter(), 1)
    enrolled = sum(agent.revoked_at is None for agent in agents.every(connection))
    calm = Calm(enrolled, len(live), newest[0].at if newest else None)
    return waiting, [one for one in live if one.parked_on], gone, calm, unread(connection)


def _matches(row: Need, words: str) -> bool:
    if not words:
        return True
    text = ""
    if row.question:
        one = row.question
        text = f"{one.id} {one.who} {one.does} {one.row.session} {one.row.input}"
    elif row.parked:
        text = f"{row.parked.id} {row.parked.agent} parked"
    return all(word.lower() in text.lower() for word in words.split())
