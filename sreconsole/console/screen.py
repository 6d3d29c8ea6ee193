"""What a screen is: a list with a peek (`Listing`) or a page to read (`Reading`). Neither knows the terminal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sreconsole.console.draw import Line, line, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import Peek, Question
from sreconsole.console.window import Window

Row = TypeVar("Row")

NO_PEEK = Peek((), True)


@dataclass(slots=True)
class Sight:
    """What every screen may look at while it draws: the time, `serve`'s last word, and whether that is old."""

    now: int
    hello: dict[str, Any] = field(default_factory=dict)
    up: bool = False
    stale: bool = False


class Listing(ABC, Generic[Row]):
    """A tab or a menu: rows in a window, one line each, and a peek at the chosen one."""

    name = ""
    title = ""

    def __init__(self) -> None:
        self.window: Window[Row] = Window(self.key)
        self.words = ""
        self.filter_problem = ""
        self.loaded = False

    @abstractmethod
    def key(self, row: Row) -> str:
        """The id of a row."""

    @abstractmethod
    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read what is new; the choice stays where it is."""

    @abstractmethod
    def draw(self, row: Row, sight: Sight, width: int) -> Line:
        """One row as one line."""

    def peek(self, row: Row, sight: Sight, width: int, height: int) -> Peek:
        """What is known of the chosen row."""
        return NO_PEEK

    def empty(self, sight: Sight) -> list[Line]:
        """What stands where no row is."""
        return [line(), line(say("  Nothing matches the filter." if self.words else "  Nothing here yet."))]

    def question(self, row: Row) -> Question | None:
        """The question a row stands for, when it is one that can be decided."""
        return None

    async def more(self, reader: Reader) -> bool:
        """Fetch rows that the view is about to need; whether anything was fetched."""
        return False

    async def filter(self, words: str, reader: Reader, sight: Sight) -> None:
        """Show only what matches."""
        self.words = words
        self.window.start([])
        self.loaded = False
        await self.load(reader, sight)

    def opened(self, row: Row) -> Listing[Any] | Reading | None:
        """What enter opens."""
        return None

    def waits(self, row: Row) -> bool:
        """Whether a row stands for something that waits for a decision: where `n` stops."""
        question = self.question(row)
        return question is not None and question.open

    def leads_to(self, row: Row) -> str:
        """The command that enter runs where no page opens; empty when there is none."""
        return ""

    def heading(self) -> str:
        """What is said beside the tabs: the filter in force."""
        return f"/{self.words}" if self.words else ""

    async def jump_to_end(self, reader: Reader) -> None:
        """Go to the last row there is."""
        self.window.choose(len(self.window.rows) - 1)


class Reading(ABC):
    """A page of lines that can be scrolled. `furthest` is one past the last line that was in view, `rest` the
    lines below it."""

    name = ""

    def __init__(self) -> None:
        self.top = 0
        self.furthest = 0
        self.height = 1
        self.rest = 0

    @abstractmethod
    def title(self, sight: Sight) -> Line:
        """The line above the page."""

    @abstractmethod
    def lines(self, sight: Sight, width: int) -> list[Line]:
        """The whole page."""

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read again what it shows; a page that never changes reads nothing."""
        return None

    def view(self, sight: Sight, width: int, height: int) -> list[Line]:
        """The part of the page in view."""
        lines = self.lines(sight, width)
        self.height = max(1, height)
        self.top = max(0, min(self.top, len(lines) - self.height))
        self.furthest = max(self.furthest, min(len(lines), self.top + self.height))
        self.rest = max(0, len(lines) - self.top - self.height)
        return lines[self.top : self.top + self.height]

    def move(self, by: int) -> None:
        """Scroll by lines; `view` keeps it within the page."""
        self.top = max(0, self.top + by)

    @property
    def about(self) -> Question | None:
        """The question this page shows, if it does."""
        return None

    @property
    def shows(self) -> object:
        """What a key on this page acts on, as it is handed to the canvas and back when it is really painted."""
        return self.about

    @property
    def text(self) -> str:
        """The page as plain text, for the clipboard and a selection by hand."""
        return ""
