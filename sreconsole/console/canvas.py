"""A zone of the screen made of lines, which sends only the cells that changed.

Textual sends every cell of a dirty region without comparing it with the last frame, so the comparing is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import split_graphemes
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sreconsole.console.draw import BLANK, Line, Palette


class Canvas(Widget):
    """A widget that shows lines. `sent` is about how many bytes it has asked to send, for the feed's budget."""

    ALLOW_SELECT = False
    can_focus = False

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(id=id)
        self.sent = 0
        self.resized: Callable[[], None] = lambda: None
        self.about: object = None
        self._next: object = None
        self._palette = palette
        self._lines: tuple[Line, ...] = ()
        self._strips: list[Strip] = []
        self._width = 0

    def ink(self, palette: Palette) -> None:
        """Use another theme from now on."""
        self._palette = palette
        lines, self._lines, self._strips = self._lines, (), []
        self.show(lines, self._next)
        self.refresh()

    def show(self, lines: Sequence[Line], about: object = None) -> None:
        """Show these lines from the top; only cells that differ are sent.

        `about` is what they tell of: it becomes `self.about` when they are really painted, not before.
        """
        width, height = self.size
        self._next = about
        if width == 0 or height == 0:
            self._lines = tuple(lines)
            return
        wanted = [*lines[:height], *[BLANK] * (height - len(lines))]
        if width != self._width or not len(self._strips) == len(self._lines) == height:
            self._width = width
            self._strips = [self._palette.strip(one, width) for one in wanted]
            self._lines = tuple(wanted)
            self.sent += sum(map(cost, self._strips))
            self.refresh()
            return
        dirty = list[Region]()
        for y, (old, new) in enumerate(zip(self._lines, wanted, strict=True)):
            if old == new:
                continue
            strip = self._palette.strip(new, width)
            if span := changed(self._strips[y], strip):
                dirty.append(Region(span[0], y, span[1] - span[0], 1))
                self.sent += cost(strip.crop(0, span[1]))
            self._strips[y] = strip
        self._lines = tuple(wanted)
        if dirty:
            self.refresh(*dirty)
        else:
            self.about = about

    @property
    def drawn(self) -> bool:
        """Whether it has a size and lines in it."""
        return bool(self._strips)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown now."""
        return self._lines

    def render_line(self, y: int) -> Strip:
        """One line of cells, as Textual's Line API asks for it."""
        if y >= len(self._strips):
            return self._palette.strip(BLANK, self.size.width)
        self.about = self._next
        return self._strips[y]

    def on_resize(self) -> None:
        """Draw again at the new size."""
        self.show(self._lines, self._next)
        self.resized()


def changed(old: Strip, new: Strip) -> tuple[int, int] | None:
    """The half-open range of cells in which two strips of one width differ; None when they are equal."""
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return 0, new.cell_length
    differ = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    if not differ:
        return None
    if any(len(char) > 1 for char, _ in (*before, *after)):
        # Where marks sit on letters Textual may cut between the two: then the whole line is sent.
        return 0, len(after)
    return _edge(before, after, differ[0], -1), _edge(before, after, differ[-1] + 1, 1)


Cell = tuple[str, object]

ESCAPES = 48
"""Bytes of the colours around one segment and of moving to it."""


def cost(strip: Strip) -> int:
    """About how many bytes a strip takes on the wire; Textual sends a changed line from its left edge."""
    return strip.cell_length + ESCAPES * len(strip)


def _edge(before: list[Cell], after: list[Cell], at: int, step: int) -> int:
    """Move an edge off the second half of a double-width character, which is stored as an empty cell."""
    while 0 < at < len(after) and (before[at][0] == "" or after[at][0] == ""):
        at += step
    return at


def _cells(strip: Strip) -> list[Cell]:
    made = list[Cell]()
    for text, style, _ in strip:
        if text.isascii():
            made.extend((char, style) for char in text)
            continue
        for start, end, size in split_graphemes(text)[0]:
            if size:
                made.append((text[start:end], style))
                made.extend(("", style) for _ in range(size - 1))
    return made
