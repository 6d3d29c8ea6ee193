"""How the console looks and what it lends: theme, mouse, and the terminal for as long as an editor needs it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.theme import Theme as TextualTheme

from sreconsole.console import edited, terminal
from sreconsole.console.draw import Ink
from sreconsole.console.keys import PAGES
from sreconsole.console.stage import Stage
from sreconsole.console.themes import Theme, remember

if TYPE_CHECKING:
    from sreconsole.console.app import ConsoleApp


class Looks:
    """The parts of the terminal a user may change while the console runs."""

    def __init__(self, app: ConsoleApp, mouse: bool) -> None:
        self._app, self._mouse = app, mouse
        self._titled: int | None = None

    def begin(self) -> None:
        """Set the mouse as it was asked for."""
        terminal.mouse(self._app._driver, self._mouse)

    def fit(self, stage: Stage) -> None:
        """Give the screen the zones of what is on it, and the terminal's title its count."""
        screen, name, waiting = self._app.screen, stage.current.name, len(stage.home.waiting)
        screen.set_class(name in PAGES, "-reading")
        screen.set_class(name == "plain", "-plain")
        if waiting != self._titled and stage.home.loaded:
            self._titled = waiting
            terminal.title(self._app._driver, waiting)

    def tell_problems(self, problems: Sequence[str]) -> None:
        """What is wrong with the user's own themes, the first of them in words."""
        if problems:
            more = f" (and {len(problems) - 1} more: sreconsole themes check)" if len(problems) > 1 else ""
            self._app.floor.tell(f"{problems[0]}{more}", Ink.WARN)

    def use_theme(self, name: str, *, keep: bool = True) -> None:
        """Paint in another theme, and remember it."""
        app, floor = self._app, self._app.floor
        theme = app.themes.get(name)
        if theme is None:
            floor.tell(f"no theme {name}; there are {', '.join(sorted(app.themes))}", Ink.WARN)
            return
        if theme.ansi and app.no_color:
            floor.tell(f"{name} needs colours, and NO_COLOR is set", Ink.WARN)
            return
        app.theme_now, app.theme = theme, theme.name
        app.easel.ink(theme)
        if keep and (problem := remember(floor.home, name)):
            floor.tell(problem, Ink.WARN)

    def toggle_mouse(self) -> None:
        """Mouse on or off; off gives the terminal's own selection back."""
        self._mouse = not self._mouse
        self.begin()
        self._app.floor.tell("mouse on: click chooses, wheel moves" if self._mouse else "mouse off", Ink.DIM)

    def by_hand(self, text: str, name: str) -> str:
        """A text after the user's own editor; the console stands still meanwhile. Raises edited.NotEdited."""
        app = self._app
        terminal.mouse(app._driver, False)
        try:
            with app.suspend():
                return edited.by_hand(text, app.floor.home.runtime, name, os.environ)
        except SuspendNotSupported:
            raise edited.NotEdited("this terminal cannot be lent to an editor; nothing was sent") from None
        finally:
            self.begin()


def for_textual(theme: Theme) -> TextualTheme:
    """A theme as Textual wants it registered."""
    one = theme.colors
    more = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"} if theme.ansi else {}
    return TextualTheme(
        theme.name, one["primary"], one["secondary"], one["warning"], one["error"], one["success"], one["accent"],
        one["foreground"], one["background"], one["surface"], one["panel"], dark=theme.dark, variables=more, ansi=theme.ansi,
    )  # fmt: skip
