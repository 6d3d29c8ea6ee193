"""The one list of the console: any number of rows, of which only those in view are ever made into lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from textual import events
from textual.message import Message

from sreconsole.console.canvas import Canvas
from sreconsole.console.draw import Ink, Line, Palette, Span, line, say
from sreconsole.console.window import Window

Row = TypeVar("Row")
Draw = Callable[[Row, int, bool], Line]

MARK = 2
"""Cells of the mark in front of each row."""


class Rows(Canvas, Generic[Row]):
    """Shows a Window. Moving the choice repaints two marks, not two rows."""

    class Chosen(Message):
        """Somebody clicked on the row at this place of the view; it is chosen, never acted on."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    class Wheel(Message):
        """The mouse wheel turned by so many rows."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(palette, id=id)
        self._offset = 0

    def fill(self, window: Window[Row], key: Callable[[Row], str], draw: Draw[Row], empty: list[Line]) -> None:
        """Show what is in the window's view, or `empty` when it holds nothing."""
        width, height = self.size
        self._offset = 1 if window.unseen else 0
        window.resize(height - self._offset)
        shown = [line(say(f"  ▲ {window.unseen} new above (g)", Ink.KEY))] if window.unseen else []
        for row in window.visible:
            chosen = key(row) == window.chosen
            first, *rest = draw(row, width - MARK, chosen)
            # The mark and the first cell stand out together, at the left edge: what moves is short.
            ink = Ink.CHIP if chosen else first.ink
            mark = (say("▶ " if chosen else "  ", ink), Span(first.text, ink))
            shown.append((*mark, *rest))
        self.show(shown if window.rows else empty)

    def on_click(self, event: events.Click) -> None:
        """Choose the row under the pointer."""
        self.post_message(self.Chosen(event.y - self._offset))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the view down."""
        event.stop()
        self.post_message(self.Wheel(3))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the view up."""
        event.stop()
        self.post_message(self.Wheel(-3))
