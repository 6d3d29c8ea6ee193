"""Which rows of a long list are loaded, which of them are in view, and which one is chosen: by id, never by place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Row = TypeVar("Row")

MOST = 4000
"""Rows kept at once; the far end is let go and fetched again by key when it is wanted."""


class Window(Generic[Row]):
    """A stretch of a list, newest or most urgent first.

    The chosen row is an id. Rows that come and go never change it while it exists; when it goes, a neighbour is
    chosen and `slipped` counts up, so that a key meant for the old one can be refused.
    """

    def __init__(self, key: Callable[[Row], str]) -> None:
        self._key = key
        self.rows: list[Row] = []
        self.top = 0
        self.height = 1
        self.chosen: str | None = None
        self.slipped = 0
        self.unseen = 0
        self.more_above = False
        self.more_below = False

    @property
    def at(self) -> int:
        """The place of the chosen row among those loaded (0 when there are none)."""
        return self._place(self.chosen) or 0

    @property
    def row(self) -> Row | None:
        """The chosen row."""
        place = self._place(self.chosen)
        return None if place is None else self.rows[place]

    @property
    def visible(self) -> list[Row]:
        """The rows in view."""
        return self.rows[self.top : self.top + self.height]

    def resize(self, height: int) -> None:
        """Another number of lines is in view."""
        self.height = max(1, height)
        self._follow()

    def move(self, by: int) -> None:
        """Choose the row that many places further; it is scrolled into view."""
        if self.rows:
            self.choose(min(len(self.rows) - 1, max(0, self.at + by)))

    def choose(self, place: int) -> None:
        """Choose the row at a place; it is scrolled into view."""
        if self.rows:
            self.chosen = self._key(self.rows[min(place, len(self.rows) - 1)])
            self._follow()

    def choose_id(self, id: str) -> bool:
        """Choose a row by id, if it is loaded."""
        place = self._place(id)
        if place is None:
            return False
        self.choose(place)
        return True

    def scroll(self, by: int) -> None:
        """Move the view and leave the choice where it is."""
        self.top = min(max(0, len(self.rows) - self.height), max(0, self.top + by))
        if self.top == 0 and not self.more_above:
            self.unseen = 0

    def start(self, rows: Sequence[Row], *, more_above: bool = False, more_below: bool = False) -> None:
        """Begin anew with these rows; the first is chosen unless the chosen one is still among them."""
        self.rows = list(rows)
        self.more_above, self.more_below = more_above, more_below
        self.unseen = 0
        if self._place(self.chosen) is None:
            self._slip(0)
        self._follow()

    def replace(self, rows: Sequence[Row]) -> None:
        """The whole list as it is now. What is in view stays where it is unless the view is at the top."""
        before = self.at
        offset = before - self.top
        known = {self._key(row) for row in self.rows}
        self.rows = list(rows)
        if self._place(self.chosen) is None:
            self._slip(min(before, max(0, len(self.rows) - 1)))
        if self.top:
            self.top = max(0, self.at - offset)
            fresh = sum(self._key(row) not in known for row in self.rows[: self.top])
            self.unseen = self.unseen + fresh if self.top else 0
        else:
            self.unseen = 0
        self._follow()

    def refresh(self, rows: Sequence[Row]) -> None:
        """Newer versions of rows that are loaded; others are ignored."""
        places = {self._key(row): place for place, row in enumerate(self.rows)}
        for row in rows:
            place = places.get(self._key(row))
            if place is not None:
                self.rows[place] = row

    def above(self, rows: Sequence[Row], *, follow: bool = False) -> None:
        """New rows on top. Following, the newest is chosen; else nothing in view moves and they are counted."""
        if not rows:
            return
        first = not self.rows
        self.rows = [*rows, *self.rows]
        if follow or first:
            self.top, self.unseen = 0, 0
            self.chosen = self._key(self.rows[0])
        else:
            self.top += len(rows)
            self.unseen += len(rows)
        if len(self.rows) > MOST:
            del self.rows[max(MOST, self.top + self.height) :]
            self.more_below = True

    def below(self, rows: Sequence[Row], *, more: bool) -> None:
        """Older rows under the last one; `more` says whether there are still older ones."""
        self.rows = [*self.rows, *rows]
        self.more_below = more
        if self._place(self.chosen) is None:
            self._slip(0)
        if len(self.rows) > MOST and self.top > len(self.rows) - MOST:
            gone = len(self.rows) - MOST
            del self.rows[:gone]
            self.top -= gone
            self.more_above = True
            if self._place(self.chosen) is None:
                self._slip(self.top)

    def near_end(self) -> bool:
        """Whether the view is within a screen of rows that are not loaded yet."""
        return self.more_below and self.top + 2 * self.height >= len(self.rows)

    def near_start(self) -> bool:
        """Whether the view is within a screen of newer rows that were let go."""
        return self.more_above and self.top <= self.height

    def _place(self, id: str | None) -> int | None:
        if id is None:
            return None
        near = range(max(0, self.top - 1), min(len(self.rows), self.top + self.height + 1))
        for place in near:
            if self._key(self.rows[place]) == id:
                return place
        return next((place for place, row in enumerate(self.rows) if self._key(row) == id), None)

    def _slip(self, place: int) -> None:
        before = self.chosen
        self.chosen = self._key(self.rows[place]) if self.rows else None
        if self.chosen != before:
            self.slipped += 1

    def _follow(self) -> None:
        at = self.at
        self.top = min(self.top, at)
        if at >= self.top + self.height:
            self.top = at - self.height + 1
        self.top = max(0, min(self.top, len(self.rows) - 1))
        if self.top == 0:
            self.unseen = 0
