"""Escalations: every question there ever was, newest first, in whatever state."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.console import clock
from sreconsole.console.card import Card
from sreconsole.console.draw import Ink, Line, cells, column, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import Peek, Question, peek, same, state_ink
from sreconsole.console.screen import Listing, Reading, Sight
from sreconsole.store import escalations

STATES = ("pending", "held", "deferred", "approved", "denied", "expired", "cancelled", "invalidated")
PAGE = 200
LOOKED_AT = 4000
"""Rows a filter looks through in one go; the next scroll looks further."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter over questions: a state, an agent, and words that must all occur."""

    state: str = ""
    agent: str = ""
    words: tuple[str, ...] = ()

    def matches(self, question: Question) -> bool:
        """Whether a question is wanted (its state is the store's business)."""
        if self.agent and self.agent.lower() not in question.row.agent.lower():
            return False
        row = question.row
        text = f"{row.id} {question.who} {question.does} {row.session} {row.tool} {row.input} {row.decided_by}".lower()
        return all(word in text for word in self.words)


def wanted(words: str) -> tuple[Wanted, str]:
    """A filter as typed, and what is wrong with it (empty: nothing)."""
    state, agent, plain, problem = "", "", list[str](), ""
    for word in words.split():
        name, _, value = word.partition(":")
        if name == "state" or (not value and name in STATES):
            state = value or name
            if state not in STATES:
                state, problem = "", f"state:{value}: the states are {', '.join(STATES)}"
        elif name == "agent" and value:
            agent = value
        else:
            plain.append(word.lower())
    return Wanted(state, agent, tuple(plain)), problem


class Escalations(Listing[Question]):
    """All questions by key set; what is loaded is read again when the store moves."""

    name = "escalations"
    title = "Escalations"

    def __init__(self) -> None:
        super().__init__()
        self._wanted = Wanted()
        self._oldest: int | None = None

    def key(self, row: Question) -> str:
        """The question's id."""
        return row.id

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read the newest page and what is in view; new ones come on top."""
        self._wanted, self.filter_problem = wanted(self.words)
        if not self.loaded:
            rows, self._oldest, more = await reader.read(lambda connection: _older(connection, self._wanted, None))
            self.window.start(rows, more_below=more)
            self.loaded = True
            return
        loaded = {row.id for row in self.window.rows}
        first = self.window.rows[0].row.n if self.window.rows else 0
        visible = self.window.visible
        newest, seen = await reader.read(lambda connection: _again(connection, visible))
        newest = same(self.window.rows, newest)
        self.window.refresh([*newest, *same(self.window.rows, seen)])
        fits = self._wanted
        self.window.above([
            one for one in newest
            if one.id not in loaded and one.row.n > first and fits.matches(one) and fits.state in ("", one.row.state)
        ])  # fmt: skip

    async def more(self, reader: Reader) -> bool:
        """The next page of older ones."""
        if not self.window.near_end():
            return False
        before, fits = self._oldest, self._wanted
        rows, self._oldest, more = await reader.read(lambda connection: _older(connection, fits, before))
        self.window.below(rows, more=more)
        return True

    def draw(self, row: Question, sight: Sight, width: int) -> Line:
        """State, when, who, what it does; who decided where there is room."""
        open_now = row.open
        when = (
            row.when(sight.now, stale=sight.stale, fine=False)
            if open_now
            else say(clock.hour(row.row.changed_at, sight.now))
        )
        state = column(row.row.state, 12, state_ink(row.row.state))
        wide = width >= 100
        head = (
            row.tier,
            say(" "),
            state,
            column(when.text, 16, when.ink),
            column(row.who, 22 if wide else 16, Ink.DIM),
            say(" "),
        )
        tail = (say(f"  {row.row.decided_by or '—':<10} {row.id}", Ink.DIM),) if wide else ()
        return (*head, column(row.does, max(1, width - cells(head) - cells(tail))), *tail)

    def peek(self, row: Question, sight: Sight, width: int, height: int) -> Peek:
        """The question in short."""
        return peek(row, sight.now, width, height)

    def question(self, row: Question) -> Question | None:
        """The row is the question."""
        return row

    def opened(self, row: Question) -> Reading | None:
        """Its card."""
        return Card(row)


def _older(connection: sqlite3.Connection, fits: Wanted, before: int | None) -> tuple[list[Question], int | None, bool]:
    """A page of questions older than `before` that fit, where the search stopped, and whether there may be more."""
    found, looked = list[Question](), 0
    while len(found) < PAGE and looked < LOOKED_AT:
        page = [Question(row) for row in escalations.newest(connection, before, PAGE, fits.state)]
        found += [one for one in page if fits.matches(one)]
        looked += len(page)
        if page:
            before = page[-1].row.n
        if len(page) < PAGE:
            return found, before, False
    return found, before, True


def _again(connection: sqlite3.Connection, visible: list[Question]) -> tuple[list[Question], list[Question]]:
    newest = [Question(row) for row in escalations.newest(connection, None, PAGE)]
    if not visible or visible[-1].row.n >= newest[-1].row.n:
        return newest, []
    seen = escalations.newest(connection, visible[0].row.n + 1, len(visible))
    return newest, [Question(row) for row in seen]
