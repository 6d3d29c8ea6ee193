"""Which screen is up, what lies under it, and since when the question under the finger has been there."""

from __future__ import annotations

from typing import Any

from sreconsole.console.agents import Agents
from sreconsole.console.card import Card
from sreconsole.console.edited import Change
from sreconsole.console.escalations import Escalations
from sreconsole.console.fleetlog import FleetLog
from sreconsole.console.grants import Grants
from sreconsole.console.home import Home
from sreconsole.console.question import Question
from sreconsole.console.reviews import Pile, Record, Records, Reviews
from sreconsole.console.screen import Listing, Reading
from sreconsole.console.together import Group, Together
from sreconsole.store.reviews import Review
from sreconsole.store.sessions import Session

Screen = Listing[Any] | Reading


class Stage:
    """The tabs, and what was opened on top of them; esc takes the top one off."""

    def __init__(self) -> None:
        self.home = Home()
        self.log = FleetLog()
        self.agents = Agents()
        self.grants = Grants()
        self.reviews = Reviews()
        self.tabs: dict[str, Listing[Any]] = {
            one.name: one for one in (self.home, Escalations(), self.log, self.agents, self.grants, self.reviews)
        }
        self.tab = "home"
        self.above: list[Screen] = []
        self.came_at = 0

    @property
    def current(self) -> Screen:
        """The screen that takes the keys."""
        return self.above[-1] if self.above else self.tabs[self.tab]

    @property
    def card(self) -> Card | None:
        """The card, if it is on top."""
        return self.current if isinstance(self.current, Card) else None

    @property
    def paper(self) -> Card | Change | Together | None:
        """What is on top and must be read to its end before a yes."""
        return self.current if isinstance(self.current, Card | Change | Together) else None

    @property
    def group(self) -> Group:
        """The equal questions under the finger: a row of home, or the page that shows them all."""
        current = self.current
        if isinstance(current, Together):
            return current.group
        row = current.window.row if current is self.home else None
        return row.group if row else ()

    @property
    def review(self) -> Review | None:
        """The one review under the finger."""
        current = self.current
        if isinstance(current, Record):
            return current.review
        return current.window.row if isinstance(current, Records) else None

    @property
    def pile(self) -> Pile | None:
        """The rule of reviews under the finger, as it was last counted."""
        if self.tab != "reviews":
            return None
        rule = next((one.rule for one in self.above if isinstance(one, Records)), None)
        rows = self.reviews.window
        return rows.row if rule is None else next((one for one in rows.rows if one.rule == rule), None)

    def under_finger(self) -> Question | None:
        """The question the screen is on now, painted or not."""
        current = self.current
        if isinstance(current, Reading):
            return current.about
        row = current.window.row
        return None if row is None else current.question(row)

    def finger(self) -> tuple[str, str, str]:
        """What a key would act on: screen, id and digest. When data change it, keys go inert."""
        question, current = self.under_finger(), self.current
        if isinstance(current, Together):
            return (current.name, *current.mark)
        chosen = "" if isinstance(current, Reading) else current.window.chosen or ""
        return (current.name, question.id if question else chosen, question.row.digest if question else "")

    def switch(self, name: str, now: int) -> None:
        """Show a tab, and nothing over it."""
        self.above.clear()
        self.tab, self.came_at = name, now

    def put(self, screen: Screen, now: int) -> None:
        """Put a screen on top."""
        self.above.append(screen)
        self.came_at = now

    def back(self, now: int) -> bool:
        """Take the top screen off; False when there was none."""
        if not self.above:
            return False
        self.above.pop()
        self.came_at = now
        return True

    def parked(self) -> Session | None:
        """The parked session under the finger."""
        if self.above:
            return None
        row = self.tabs[self.tab].window.row
        if self.tab == "home":
            return getattr(row, "parked", None)
        return getattr(row, "session", None) if self.tab == "agents" else None

    def next_waiting(self, by: int) -> bool:
        """Choose the next question that still waits, on the tab below whatever is open; False when there is none."""
        tab = self.tabs[self.tab]
        rows, at = tab.window.rows, tab.window.at
        ahead = range(at + 1, len(rows)) if by > 0 else range(at - 1, -1, -1)
        for place in ahead:
            if tab.waits(rows[place]):
                tab.window.choose(place)
                return True
        return False
