"""Asking for one line: a reason, a filter, a command, or the word that must be typed. Esc never decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sreconsole.console.draw import Ink, Line, cells, line, say

INERT = 500
"""Milliseconds in which a dialog that leads to a yes ignores enter."""

REPEAT = 120
"""Milliseconds within which the key that opened a dialog is taken for a key held down."""


class Outcome(StrEnum):
    """What a key did to a prompt."""

    OPEN = "open"
    SENT = "sent"
    BACK = "back"


@dataclass(slots=True)
class Prompt:
    """One line being typed. Times are milliseconds of any one clock.

    `about` names the object and what enter does; `must` is the only text that goes on (pasting it is off);
    `check` returns what is wrong with a text; `offers` completes it; `changed` is told of every change.
    """

    label: str
    about: str
    opened_at: int = 0
    opened_by: str = ""
    text: str = ""
    must: str = ""
    inert: bool = False
    check: Callable[[str], str] = lambda text: ""
    offers: Callable[[str], list[str]] = lambda text: []
    changed: Callable[[str], None] | None = None
    problem: str = ""
    at: int = field(default=-1)
    _last: int = 0

    def __post_init__(self) -> None:
        """The cursor starts at the end of what is filled in."""
        if self.at < 0:
            self.at = len(self.text)

    def shown(self, now: int) -> int:
        """The prompt appears at this moment; returns it."""
        self.opened_at = self._last = now
        return now

    def press(self, key: str, character: str | None, now: int) -> Outcome:
        """Take one key."""
        if key == "escape":
            return Outcome.BACK
        if key == "enter":
            return self._enter(now)
        if character and character == self.opened_by and not self.text and now - self._last < REPEAT:
            self._last = now
            return Outcome.OPEN
        before = self.text
        self._edit(key, character)
        if self.text != before:
            self.problem = ""
            if self.changed:
                self.changed(self.text)
        return Outcome.OPEN

    def paste(self, text: str) -> None:
        """Insert the first line of a paste, unless this text must be typed."""
        if self.must:
            self.problem = "type it: pasting is off here"
            return
        first = text.splitlines()[0] if text else ""
        self._insert("".join(char for char in first if char.isprintable()))
        if self.changed:
            self.changed(self.text)

    def draw(self, width: int) -> Line:
        """The line with its cursor; a long text shows the part around it."""
        label = line(say(f" {self.label}: ", Ink.KEY))
        problem = (say(f"  {self.problem}", Ink.WARN),) if self.problem else ()
        room = max(8, width - cells(label) - cells(problem) - 2)
        first = max(0, self.at - room + 1)
        before, under, after = self.text[first : self.at], self.text[self.at : self.at + 1], self.text[self.at + 1 :]
        return (*label, say(before), say(under or " ", Ink.CHIP), say(after[: max(0, room - len(before))]), *problem)

    def _enter(self, now: int) -> Outcome:
        if self.inert and now - self.opened_at < INERT:
            self.problem = "just appeared: read it, then press enter again"
            return Outcome.OPEN
        if self.must and self.text != self.must:
            self.problem = f"type {self.must} exactly, or esc"
            return Outcome.OPEN
        self.problem = self.check(self.text)
        return Outcome.OPEN if self.problem else Outcome.SENT

    def _edit(self, key: str, character: str | None) -> None:
        text, at = self.text, self.at
        if key == "backspace" and at:
            self.text, self.at = text[: at - 1] + text[at:], at - 1
        elif key == "delete":
            self.text = text[:at] + text[at + 1 :]
        elif key == "left":
            self.at = max(0, at - 1)
        elif key == "right":
            self.at = min(len(text), at + 1)
        elif key == "home":
            self.at = 0
        elif key in ("end", "ctrl+e"):
            self.at = len(text)
        elif key == "ctrl+u":
            self.text, self.at = text[at:], 0
        elif key == "ctrl+w":
            kept = text[:at].rstrip().rpartition(" ")
            start = kept[0] + kept[1]
            self.text, self.at = start + text[at:], len(start)
        elif key == "tab":
            self._complete()
        elif character and character.isprintable():
            self._insert(character)

    def _insert(self, text: str) -> None:
        self.text = self.text[: self.at] + text + self.text[self.at :]
        self.at += len(text)

    def _complete(self) -> None:
        offers = self.offers(self.text)
        if len(offers) == 1:
            self.text = f"{offers[0]} "
        elif offers:
            shared = offers[0]
            while not all(one.startswith(shared) for one in offers):
                shared = shared[:-1]
            self.text = max(self.text, shared, key=len)
            self.problem = "  ".join(offers[:6])
        self.at = len(self.text)
