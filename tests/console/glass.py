"""What a person sees of the console, and what their fingers do."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from sreconsole.console.app import ConsoleApp


class Glass:
    """A running console and its pilot."""

    def __init__(self, app: ConsoleApp, pilot: Any) -> None:
        self.app, self.pilot = app, pilot

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        return ["".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def status(self) -> str:
        return self.lines[0]

    @property
    def keys(self) -> str:
        return self.lines[-1]

    @property
    def row(self) -> str:
        """The chosen row."""
        return next((line for line in self.lines if line.startswith(("▶", ">"))), "")

    async def until(self, test: Callable[[], Any], patience: float = 5.0) -> None:
        end = time.monotonic() + patience
        while not test():
            assert time.monotonic() < end, f"never came; the screen is\n{self.text}"
            await self.pilot.pause(0.02)

    async def sees(self, words: str, patience: float = 5.0) -> None:
        await self.until(lambda: words in self.text, patience)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def rest(self) -> None:
        """Let what just appeared become live."""
        await self.pilot.pause(0.55)

    async def type(self, text: str) -> None:
        names = {
            " ": "space",
            "-": "minus",
            "/": "slash",
            ":": "colon",
            ".": "full_stop",
            "*": "asterisk",
            "_": "underscore",
        }
        await self.press(*(names.get(char, char) for char in text))


Open = Callable[..., AbstractAsyncContextManager[Glass]]
"""What the `console` fixture is."""
