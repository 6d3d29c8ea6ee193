"""The console: it only composes. Screens know what to show, the desk what may be decided, the wire who is there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App, ComposeResult

from sreconsole.console import clock, terminal
from sreconsole.console.commands import Commands
from sreconsole.console.dialogs import Outcome
from sreconsole.console.draw import Ink
from sreconsole.console.easel import Easel
from sreconsole.console.feed import UNREADABLE
from sreconsole.console.floor import Clock, Floor
from sreconsole.console.keys import Keyboard
from sreconsole.console.looks import Looks, for_textual
from sreconsole.console.rows import Rows
from sreconsole.console.scene import Scene
from sreconsole.console.screen import Listing
from sreconsole.console.themes import Theme
from sreconsole.console.watch import TICK
from sreconsole.paths import Home
from sreconsole.text.safe import safe

FIRST_FRAME = 0.3
"""Seconds the first frame waits at most for what it shows."""


class ConsoleApp(App[None]):
    """Five zones, one table of keys, one list."""

    CSS_PATH = "console.tcss"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    AUTO_FOCUS = None

    def __init__(
        self,
        home: Home,
        *,
        themes: Mapping[str, Theme],
        theme: Theme,
        keyboard: Keyboard,
        read_only: bool = False,
        database: Path | None = None,
        start_serve: bool = True,
        ascii_only: bool = False,
        problems: Sequence[str] = (),
        mouse: bool = False,
        now: Clock = clock.now,
    ) -> None:
        super().__init__()
        self.themes, self.theme_now = dict(themes), theme
        self.easel = Easel(theme, ascii_only=ascii_only)
        self.floor = Floor(home, self.easel, keyboard, read_only=read_only, copy=database, start=start_serve, clock=now)
        self.floor.show, self.floor.ring = self.paint, self.bell
        self.commands = Commands(self)
        self._scene = Scene(self.floor)
        self.last_words = ""
        self._problems = problems
        self.looks = Looks(self, mouse)
        self._tasks: set[asyncio.Task[None]] = set()
        self._unshown = ExitStack()
        for one in (*self.themes.values(), theme):
            self.register_theme(for_textual(one))
        self.theme = theme.name

    def compose(self) -> ComposeResult:
        """The zones."""
        return self.easel.compose()

    def on_load(self) -> None:
        """Hold the first frame back until there is something in it: an empty one costs as much."""
        self._unshown.enter_context(self.batch_update())

    def on_mount(self) -> None:
        """Start following the store and keeping the line to `serve`."""
        self.easel.on_resize(self.paint)
        self.start(self.floor.watch.run())
        if self.floor.copy is None:
            self.start(self.floor.wire.keep())
        self.floor.watch.stir()
        self.looks.begin()
        self.set_timer(FIRST_FRAME, self._unshown.close)
        self.set_interval(TICK, self._tick)
        self.looks.tell_problems(self._problems)

    async def on_unmount(self) -> None:
        """Hang up; approvals still held are withdrawn by `serve`."""
        terminal.title(self._driver, None)
        terminal.mouse(self._driver, False)
        for task in self._tasks:
            task.cancel()
        await self.floor.close()

    async def on_event(self, event: events.Event) -> None:
        """Keys and pastes go by our own table; nothing else binds any."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._key(event.key, event.character)
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            if self.floor.asking:
                self.floor.asking.paste(event.text)
                self.paint()
        else:
            await super().on_event(event)

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """A click chooses and never decides."""
        current = self.floor.stage.current
        if isinstance(current, Listing) and message.place < len(current.window.visible):
            current.window.choose(current.window.top + message.place)
            self.floor.stage.came_at = self.floor.now()
            self.paint()

    def on_rows_wheel(self, message: Rows.Wheel) -> None:
        """The wheel moves the choice, as the arrows do."""
        current = self.floor.stage.current
        if isinstance(current, Listing):
            current.window.move(message.by)
            self._after_key()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the keys; its failure ends the console with its reason."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def paint(self, everything: bool = True) -> None:
        """Show things as they are now, or only the bars around them; canvases send only what changed."""
        if not self.is_running or not self.easel.status.is_mounted:
            return
        self._scene.paint(self.size.width, everything)
        if self.floor.stage.home.loaded and self.easel.drawn:
            self._unshown.close()
        self.looks.fit(self.floor.stage)

    def _key(self, key: str, character: str | None) -> None:
        asking = self.floor.asking
        if key != "ctrl+c":
            self.commands.leaving = False
        if asking is not None and key != "ctrl+c":
            outcome = asking.press(key, character, self.floor.now())
            if outcome is not Outcome.OPEN:
                self.floor.answered(asking.text if outcome is Outcome.SENT else None)
            self.paint()
            return
        self.floor.word = None
        self.start(self._press(key))

    async def _press(self, key: str) -> None:
        try:
            await self.commands.press(key)
        except UNREADABLE as error:
            self.floor.tell(f"the store cannot be read: {error}", Ink.BAD)
        self._after_key()

    def _after_key(self) -> None:
        stage = self.floor.stage
        stage.home.let_go()
        current = stage.current
        if isinstance(current, Listing) and (current.window.near_end() or current.window.near_start()):
            self.floor.watch.stir()
        self.paint()

    def _tick(self) -> None:
        floor = self.floor
        if floor.word is not None and floor.word.until <= floor.now():
            floor.word = None
        self.start(self._look())
        floor.watch.tick()

    async def _look(self) -> None:
        """The push is a hint; the store's own counter is what is believed."""
        if self.floor.copy is None and await self.floor.moved():
            self.floor.watch.stir()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._handle_exception(error)

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ours ends the console with one harmless line: a traceback could carry what an agent wrote."""
        if self.is_headless:
            try:
                raise error
            except Exception as again:  # noqa: BLE001 - Textual wants it in flight, to show a test where it came from
                super()._handle_exception(again)
            return
        kept = terminal.keep_trace(self.floor.home.state / "console.log", error)
        self.last_words = str(safe(f"a fault of its own ended it: {type(error).__name__}: {error}; {kept}"))
        self.exit(return_code=1)
