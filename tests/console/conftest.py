"""A fleet, and a console over it in a terminal of a given size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet, Serve
from glass import Glass, Open

from sreconsole.console import themes
from sreconsole.console.app import ConsoleApp
from sreconsole.console.keys import Keyboard


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def serve(fleet: Fleet) -> Serve:
    return Serve(fleet)


@pytest.fixture
def console(fleet: Fleet) -> Open:
    """Opens the console: `async with console(size=(80, 24)) as glass`."""

    @asynccontextmanager
    async def opened(
        size: tuple[int, int] = (80, 24), theme: str = "night", keymap: dict[str, str] | None = None, **words: Any
    ) -> AsyncIterator[Glass]:
        known, problems = themes.load(fleet.home)
        app = ConsoleApp(
            fleet.home,
            themes=known,
            theme=known[theme],
            keyboard=Keyboard(keymap),
            start_serve=False,
            problems=problems,
            **words,
        )
        async with app.run_test(size=size) as pilot:
            glass = Glass(app, pilot)
            await glass.until(lambda: app.floor.stage.home.loaded)
            yield glass

    return opened
