"""Home: who needs me. The first row is the right one, and an empty home says so in words."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.console import clock
from sreconsole.console.card import Card
from sreconsole.console.draw import Ink, Line, column, line, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import Peek, Question, peek, same
from sreconsole.console.screen import Listing, Reading, Sight
from sreconsole.store import agents, escalations, log, sessions
from sreconsole.store.sessions import Session


@dataclass(frozen=True)
class Need:
    """Something that needs a human: a question, or a session parked on one."""

    question: Question | None = None
    parked: Session | None = None


@dataclass(frozen=True, slots=True)
class Calm:
    """What an empty home tells: how many agents, how many sessions live, when something last happened."""

    agents: int = 0
    sessions: int = 0
    last: int | None = None


class Home(Listing[Need]):
    """Questions by who is harmed soonest, then parked sessions, then what is deferred."""

    name = "home"
    title = "Home"

    def __init__(self) -> None:
        super().__init__()
        self.calm = Calm()
        self.waiting: frozenset[str] = frozenset()
        self._lingering: str | None = None

    def key(self, row: Need) -> str:
        """The question's id, or the session's."""
        if row.question:
            return row.question.id
        return f"parked:{row.parked.id}" if row.parked else ""

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read all that waits; a chosen question that was just decided stays until the finger moves on."""
        chosen = self.window.row
        decided = chosen.question.id if chosen and chosen.question else None
        open_now, parked, gone, self.calm = await reader.read(lambda connection: _read(connection, decided))
        known = [row.question for row in self.window.rows if row.question]
        open_now = same(known, open_now)
        self.waiting = frozenset(question.id for question in open_now)
        rows = [Need(question=one) for one in open_now if one.row.state != "deferred"]
        rows += [Need(parked=one) for one in parked]
        rows += [Need(question=one) for one in open_now if one.row.state == "deferred"]
        rows = [row for row in rows if _matches(row, self.words)]
        if gone is not None and chosen is not None and gone.id == self.window.chosen:
            rows.insert(min(self.window.at, len(rows)), Need(question=gone))
            self._lingering = gone.id
        self.window.replace(rows)
        self.loaded = True

    def let_go(self) -> None:
        """The finger has moved: drop a decided question that was kept only for it."""
        if self._lingering is not None and self.window.chosen != self._lingering:
            self.window.replace([row for row in self.window.rows if self.key(row) != self._lingering])
            self._lingering = None

    def draw(self, row: Need, sight: Sight, width: int) -> Line:
        """Tier or kind, deadline, who, what it does."""
        if row.question:
            fine = self._ticking(sight.now) is row.question
            return row.question.summary(sight.now, width, stale=sight.stale, fine=fine)
        assert row.parked is not None
        who = column(row.parked.agent or row.parked.id, 26 if width >= 100 else 19, Ink.DIM)
        words = f"parked on {row.parked.parked_on}: its risky calls are refused until you release it"
        return (say("PRK", Ink.WARN), say("  "), column("stopped", 13), who, say("  "), say(words))

    def _ticking(self, now: int) -> Question | None:
        """The one question in view whose last two minutes are counted second by second."""
        near = (row.question for row in self.window.visible if row.question and row.question.urgent(now))
        return next(near, None)

    def peek(self, row: Need, sight: Sight, width: int, height: int) -> Peek:
        """The question in short, or what the parked session is."""
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
        """The question, unless the row is a parked session."""
        return row.question

    def opened(self, row: Need) -> Reading | None:
        """The card of the question."""
        return Card(row.question) if row.question else None

    def leads_to(self, row: Need) -> str:
        """A parked session leads to the question it is parked on."""
        return f"open {row.parked.parked_on}" if row.parked else ""

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
            *([] if calm.agents else [line(), line(say("  Enrol one: sreconsole agents enroll NAME", Ink.DIM))]),
        ]


def _read(
    connection: sqlite3.Connection, chosen: str | None
) -> tuple[list[Question], list[Session], Question | None, Calm]:
    waiting = [Question(one) for one in escalations.waiting(connection)]
    live = sessions.live(connection)
    gone = None
    if chosen is not None and all(one.id != chosen for one in waiting):
        row = escalations.get(connection, chosen)
        gone = Question(row) if row else None
    newest = log.before(connection, None, log.Filter(), 1)
    enrolled = sum(agent.revoked_at is None for agent in agents.every(connection))
    calm = Calm(enrolled, len(live), newest[0].at if newest else None)
    return waiting, [one for one in live if one.parked_on], gone, calm


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
