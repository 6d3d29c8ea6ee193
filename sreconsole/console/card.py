"""The card: one question in full, from what it does to the last byte that would run."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from sreconsole.console import clock
from sreconsole.console.draw import BLANK, Ink, Line, Span, column, flow, phrased, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import LABEL, READABLE, Question, labelled, state_ink
from sreconsole.console.screen import Reading, Sight
from sreconsole.store import escalations, grants, log, outbox
from sreconsole.store.event import Entry
from sreconsole.store.grants import Grant
from sreconsole.store.outbox import Letter
from sreconsole.text.safe import safe


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a question: the session's last events, pages sent about it, live grants of the session."""

    trail: tuple[Entry, ...] = ()
    pages: tuple[Letter, ...] = ()
    grants: tuple[Grant, ...] = ()


class Card(Reading):
    """One question to read and to decide."""

    name = "card"

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        self.around = Around()
        self.raw = False
        self.asked_at = 0
        self.picked: list[list[str]] = [[] for _ in question.choices]
        self.own_words = ""
        self._page: tuple[object, list[Line], int] | None = None
        self._laid_out: tuple[str, int, bool, int] | None = None

    @property
    def about(self) -> Question:
        """The question on this card."""
        return self.question

    @property
    def text(self) -> str:
        """What would run."""
        return "".join(span.text for span in self.question.spelt)

    @property
    def read(self) -> bool:
        """Whether all that would run has been in view."""
        return self._page is not None and self.furthest >= self._page[2]

    @property
    def answered(self) -> bool:
        """Whether every question on it has an answer."""
        return bool(self.own_words) or all(self.picked)

    def answer(self) -> dict[str, Any] | None:
        """What goes back with an approval; None for an act."""
        if self.own_words:
            return {"text": self.own_words}
        if not self.question.choices:
            return None
        asked = [str(one.get("question", "")) for one in self.question.choices]
        return {"choices": dict(zip(asked, self.picked, strict=True))}

    def pick(self, number: int) -> str:
        """Pick or drop the choice of that number in the question asked now; why not, in words, when it cannot be."""
        if not self.question.choices:
            return f"{self.question.id} has no choices"
        one = self.question.choices[self.asked_at]
        labels = _labels(one)
        if not 1 <= number <= len(labels):
            return f"there are {len(labels)} choices"
        label, picked = labels[number - 1], self.picked[self.asked_at]
        self.own_words = ""
        if label in picked:
            picked.remove(label)
        elif one.get("multi"):
            picked.append(label)
        else:
            picked[:] = [label]
        self._page = None
        return ""

    def turn(self) -> None:
        """Go to the next question of several."""
        if self.question.choices:
            self.asked_at = (self.asked_at + 1) % len(self.question.choices)
            self._page = None

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read the question and what stands around it again; a changed text must be read again as well."""
        found, self.around = await reader.read(lambda connection: _read(connection, self.question, sight.now))
        if found is None or found.row == self.question.row:
            return
        if found.row.digest != self.question.row.digest:
            self.furthest = self.top = 0
            self.picked, self.asked_at, self.own_words = [[] for _ in found.choices], 0, ""
        self.question = found

    def title(self, sight: Sight) -> Line:
        """Id, tier, state with its deadline, who."""
        one = self.question
        return (say(f" {one.id} ", Ink.STRONG), one.tier, say(" "), one.when(sight.now, stale=sight.stale),
                say(f" · {one.who}", Ink.DIM))  # fmt: skip

    def lines(self, sight: Sight, width: int) -> list[Line]:
        """The whole card. The wrapped text is kept until the question or the width changes: it may be a megabyte."""
        key = (self.question.row, width, self.raw, self.asked_at, tuple(map(tuple, self.picked)), self.own_words)
        if self._page is None or self._page[0] != key:
            head, body = self._head(width), self._body(width)
            laid_out = (self.question.row.digest, width, self.raw, len(head))
            if laid_out != self._laid_out:
                # Lines have other numbers now: what was read at another width does not count.
                self._laid_out, self.furthest = laid_out, 0
            self._page = (key, [*head, *body], len(head) + len(body))
        return [*self._page[1], BLANK, *self._tail(sight, width)]

    def _head(self, width: int) -> list[Line]:
        one, lines = self.question, list[Line]()
        if not one.choices:
            lines += labelled("does", one.does, width, Ink.STRONG)
            lines += labelled("effect", one.effects(), width)
            radius = one.radius()
            lines += labelled("radius", radius.text, width, radius.ink)
        if one.hidden:
            lines += labelled(
                "hidden", f"{one.hidden} characters nobody can see, shown below as marks", width, Ink.NOTICE
            )
        if one.warning:
            lines += labelled("careful", one.warning, width, Ink.NOTICE)
        if said := one.input.get("description"):
            lines += labelled("it says", said, width)
        if one.unread:
            words = f"{one.unread:,} characters more are not shown: nobody reads so much, so it cannot be approved here"
            lines += labelled("too long", words, width, Ink.NOTICE)
        if kinds := one.verdict.get("kinds"):
            lines += labelled(
                "redacted", ", ".join(map(str, kinds)) if isinstance(kinds, list) else kinds, width, Ink.WARN
            )
        return lines

    def _body(self, width: int) -> list[Line]:
        if self.question.choices:
            return [one for at in range(len(self.question.choices)) for one in self._choice(at, width)]
        spelt: Line = self.question.spelt
        if self.raw:
            spelt = (Span(safe(self.question.json[:READABLE], newline="\n")),)
        label = "raw" if self.raw else "runs"
        flowed = flow(spelt, max(1, width - LABEL))
        return [(column(label if not at else "", LABEL, Ink.DIM), *one) for at, one in enumerate(flowed)]

    def _choice(self, at: int, width: int) -> list[Line]:
        one, now = self.question.choices[at], at == self.asked_at
        lines = labelled("asks" if now else "then", one.get("question") or "(no words)", width, Ink.STRONG)
        if one.get("multi"):
            lines += labelled("", "several may be picked", width, Ink.DIM)
        told = [option.get("description", "") if isinstance(option, dict) else "" for option in _options(one)]
        for number, (label, words) in enumerate(zip(_labels(one), told, strict=True), 1):
            picked = label in self.picked[at]
            key = f"{number} " if now and number <= 9 else "  "
            mark = "[x] " if picked else "[ ] "
            lines.append((column("", LABEL), say(key, Ink.KEY), say(mark, Ink.GOOD if picked else Ink.PLAIN),
                          say(label, Ink.STRONG if picked else Ink.PLAIN)))  # fmt: skip
            lines += [(column("", LABEL + 6), say(part, Ink.DIM)) for part in phrased(words, width - LABEL - 6) if part]
        if len(told) > 9:
            lines += labelled(
                "", "only the first nine have keys; write another answer in your own words", width, Ink.WARN
            )
        if self.own_words:
            lines += labelled("your words", self.own_words, width, Ink.GOOD)
        return lines

    def _tail(self, sight: Sight, width: int) -> list[Line]:
        one, row = self.question, self.question.row
        lines = labelled("state", one.fate(sight.now), width, state_ink(row.state))
        if row.state == "pending":
            lines += labelled("until", f"{clock.hour(row.deadline, sight.now)}, then it is refused", width)
        if row.state == "deferred":
            lines += labelled("resume", f"claude --resume {row.session}", width)
        lines += labelled("why", one.why(), width)
        if instead := one.verdict.get("instead"):
            lines += labelled("instead", instead, width)
        if trail := one.verdict.get("trail"):
            lines += labelled("unwrapped", " › ".join(map(str, trail)) if isinstance(trail, list) else trail, width)
        lines += labelled("asked by", one.asked(sight.now), width)
        if standing := one.standing(20):
            flowed = flow(standing, max(1, width - LABEL))
            lines += [(column("session" if not at else "", LABEL, Ink.DIM), *part) for at, part in enumerate(flowed)]
        for yes in one.yeses:
            lines += labelled("yes", f"{yes.get('by')} {yes.get('reason') or ''}".rstrip(), width, Ink.GOOD)
        lines += labelled("bound to", f"{row.digest} · policy {row.policy} · version {row.version}", width, Ink.DIM)
        lines += self._surroundings(sight, width)
        return lines

    def _surroundings(self, sight: Sight, width: int) -> list[Line]:
        lines = list[Line]()
        for letter in self.around.pages:
            at = clock.hour(letter.sent_at or letter.made_at, sight.now)
            words = f"{letter.channel} {letter.state} {at}" + (f": {letter.error}" if letter.error else "")
            lines += labelled("page", words, width, Ink.BAD if letter.state == "dead" else Ink.PLAIN)
        for grant in self.around.grants:
            words = f"{grant.id} {grant.effect} {grant.target}, {grant.used} of {grant.uses} uses"
            lines += labelled("grant", words, width)
        for entry in self.around.trail:
            words = f"{clock.hour(entry.at, sight.now)} {entry.kind} {entry.summary}"
            lines.append(
                (column("before" if entry is self.around.trail[0] else "", LABEL, Ink.DIM), say(words, Ink.DIM))
            )
        return lines


def _read(connection: sqlite3.Connection, question: Question, now: int) -> tuple[Question | None, Around]:
    row = escalations.get(connection, question.id)
    session = question.row.session
    around = Around(
        tuple(log.before(connection, None, log.Filter(session=session), 8)) if session else (),
        tuple(outbox.of_subject(connection, question.id)),
        tuple(grants.live(connection, session, now)),
    )
    return (Question(row) if row else None), around


def _options(one: dict[str, Any]) -> list[Any]:
    found = one.get("options")
    return found if isinstance(found, list) else []


def _labels(one: dict[str, Any]) -> list[str]:
    return [str(option.get("label", "")) if isinstance(option, dict) else str(option) for option in _options(one)]
