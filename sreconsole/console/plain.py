"""What is shown as plain text over the whole screen."""

from __future__ import annotations

from sreconsole.console.draw import Line, Span, flow
from sreconsole.console.screen import Reading, Sight
from sreconsole.text.safe import safe


class Plain(Reading):
    """One text over the whole screen, without bars, to be selected by hand."""

    name = "plain"

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._page: tuple[int, list[Line]] | None = None

    @property
    def text(self) -> str:
        """The text."""
        return self._text

    def title(self, sight: Sight) -> Line:
        """None: nothing but the text is on this screen."""
        return ()

    def lines(self, sight: Sight, width: int) -> list[Line]:
        """The text, wrapped."""
        if self._page is None or self._page[0] != width:
            self._page = (width, flow((Span(safe(self._text, newline="\n")),), width))
        return self._page[1]
