"""The zones of the screen and how the current screen is painted into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container

from sreconsole.console.canvas import Canvas
from sreconsole.console.draw import Line, Palette, column
from sreconsole.console.question import LABEL
from sreconsole.console.rows import Rows
from sreconsole.console.screen import NO_PEEK, Listing, Reading, Sight
from sreconsole.console.themes import Theme


class Easel:
    """Every canvas there is. The five zones are the same on each screen; a page takes the place of list and peek."""

    def __init__(self, theme: Theme, *, ascii_only: bool) -> None:
        self._ascii = ascii_only
        ground = self._palette(theme, "background")
        bar = self._palette(theme, "panel")
        self.status, self.keys = Canvas(bar, id="status"), Canvas(bar, id="keys")
        self.tabs, self.banner = Canvas(ground, id="tabs"), Canvas(ground, id="banner")
        self.rows: Rows[Any] = Rows(ground, id="rows")
        self.rule, self.about = Canvas(ground, id="rule"), Canvas(ground, id="about")
        self.labels, self.values = Canvas(ground, id="labels"), Canvas(ground, id="values")
        self.page = Canvas(ground, id="page")
        self.whole = True
        self._peek_top = 0
        self._peek_of: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        """The widgets from top to bottom."""
        yield from (self.status, self.tabs, self.banner, self.rows, self.page, self.rule)
        yield Container(self.labels, self.values, id="peek")
        yield from (self.about, self.keys)

    def __iter__(self) -> Iterator[Canvas]:
        """All canvases."""
        yield from (self.status, self.tabs, self.banner, self.rows, self.page, self.rule, self.labels, self.values,
                    self.about, self.keys)  # fmt: skip

    def on_resize(self, act: Callable[[], None]) -> None:
        """Call this whenever a canvas gets another size."""
        for canvas in self:
            canvas.resized = act

    def ink(self, theme: Theme) -> None:
        """Paint in another theme from now on."""
        ground, bar = self._palette(theme, "background"), self._palette(theme, "panel")
        for canvas in self:
            canvas.ink(bar if canvas in (self.status, self.keys) else ground)

    @property
    def drawn(self) -> bool:
        """Whether the screen is laid out and its first lines are ready."""
        return self.values.drawn and self.rows.drawn and self.keys.drawn

    @property
    def sent(self) -> int:
        """Bytes, roughly, that all canvases have asked to send so far."""
        return sum(canvas.sent for canvas in self)

    def listing(self, screen: Listing[Any], sight: Sight) -> None:
        """Paint a list and the peek at its chosen row."""
        self.rows.fill(
            screen.window, screen.key, lambda row, width, chosen: screen.draw(row, sight, width), screen.empty(sight)
        )
        row, width, height = screen.window.row, self.values.size.width, self.values.size.height
        question = screen.question(row) if row is not None else None
        about = None if row is None else (screen.key(row), question.row.digest if question else "")
        if about != self._peek_of:
            self._peek_of, self._peek_top = about, 0
        shown = screen.peek(row, sight, width + LABEL, height + self._peek_top) if row is not None else NO_PEEK
        if self._peek_top >= len(shown.lines) and row is not None:
            self._peek_top = 0
            shown = screen.peek(row, sight, width + LABEL, height)
        self.whole = shown.whole
        lines = shown.lines[self._peek_top :]
        self.labels.show([(column(label.text, LABEL, label.ink),) for label, _ in lines])
        self.values.show([value for _, value in lines], question)

    def reading(self, screen: Reading, sight: Sight) -> None:
        """Paint the part of a page that is in view."""
        width, height = self.page.size
        if width and height:
            self.page.show(screen.view(sight, width, height), screen.shows)

    def scroll_peek(self) -> None:
        """Show the next lines of the peek."""
        self._peek_top += max(1, self.values.size.height - 1)

    def peeked(self) -> str:
        """The peek as text."""
        return "\n".join(_text(one).rstrip() for one in self.values.lines if one)

    def _palette(self, theme: Theme, ground: str) -> Palette:
        return Palette(theme.rich, ground, ascii_only=self._ascii)


def _text(what: Line) -> str:
    return "".join(span.text for span in what)
