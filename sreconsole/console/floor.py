"""What all screens and the desk stand on: the store's reader, the wire to `serve`, the stage, and who is asked what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sreconsole.console import clock
from sreconsole.console.bars import Word
from sreconsole.console.card import Card
from sreconsole.console.decision import HOLD, Standing
from sreconsole.console.desk import Desk
from sreconsole.console.dialogs import Prompt
from sreconsole.console.draw import Ink
from sreconsole.console.easel import Easel
from sreconsole.console.edited import Change
from sreconsole.console.feed import UNREADABLE, Reader, Wire
from sreconsole.console.keys import Keyboard
from sreconsole.console.question import Question
from sreconsole.console.screen import Listing, Reading, Sight
from sreconsole.console.stage import Screen, Stage
from sreconsole.console.together import Group, Together
from sreconsole.console.watch import Bell, Watch
from sreconsole.paths import Home
from sreconsole.store import escalations

WORD_STANDS = 8_000
"""Milliseconds a word in the status line stands unless a key wipes it."""

Clock = Callable[[], int]


class Floor:
    """The console without its terminal. Times are UTC milliseconds from `clock`."""

    def __init__(self, home: Home, easel: Easel, keyboard: Keyboard, *, read_only: bool, copy: Path | None, start: bool,
                 clock: Clock = clock.now) -> None:  # fmt: skip
        """`copy` is a copied store: then nobody is spoken to."""
        self.home, self.easel, self.keyboard = home, easel, keyboard
        self.read_only, self.copy = read_only, copy
        self.now = clock
        self.reader = Reader(copy or home.store, copied=copy is not None)
        self.stage = Stage()
        self.desk = Desk(self)
        self.wire = Wire(home, self._stir, self._turned, start=start)
        self.watch = Watch(self._load, self._show, lambda: easel.sent)
        self.bell = Bell()
        self.word: Word | None = None
        self.asking: Prompt | None = None
        self.down_since: int | None = None
        self.show: Callable[[bool], None] = lambda everything: None
        self.ring: Callable[[], None] = lambda: None
        self._answer: asyncio.Future[str | None] | None = None

    def sight(self) -> Sight:
        """What screens may look at while they draw."""
        return Sight(self.now(), self.wire.hello, self.wire.up, self.down_since is not None)

    def _show(self, everything: bool) -> None:
        self.show(everything)

    def paint(self) -> None:
        """Show everything now."""
        self.show(True)

    def tell(self, words: str, ink: Ink = Ink.PLAIN) -> None:
        """Say something in the status line."""
        self.word = Word(words, ink, self.now() + WORD_STANDS) if words else None
        self.paint()

    def hold_seconds(self) -> float:
        """How long an approval is held, as `serve` is configured."""
        said = self.wire.hello.get("hold_seconds")
        return float(said) if isinstance(said, int | float) else HOLD

    def card(self) -> Card | Change | None:
        """The card on screen, or the changed arguments."""
        paper = self.stage.paper
        return paper if isinstance(paper, Card | Change) else None

    def painted_group(self) -> Group:
        """The members of the page of equal questions as last painted; none while the screen is behind."""
        current = self.stage.current
        shown = self.easel.page.about if isinstance(current, Together) else ()
        return current.group if isinstance(current, Together) and shown == current.group else ()

    def sent(self, question: Question) -> None:
        """An approval or a refusal of it was taken: a page that was only there for this goes."""
        if isinstance(self.stage.current, Change | Together):
            self.stage.back(self.now())
            self.watch.stir()

    def painted(self) -> Question | None:
        """The question under the finger in the version that was last painted; None while the screen is behind."""
        canvas = self.easel.page if isinstance(self.stage.current, Reading) else self.easel.values
        shown, meant = canvas.about, self.stage.under_finger()
        if isinstance(shown, Question) and meant is not None and shown.id == meant.id:
            return shown
        return None

    def standing(self) -> Standing:
        """What is known at this moment."""
        paper, hello = self.stage.paper, self.wire.hello
        behind = self.painted() is None and self.stage.under_finger() is not None
        if isinstance(paper, Together):
            behind = not self.painted_group() and bool(paper.group)
        return Standing(
            now=self.now(), up=self.wire.up, why_down=self.wire.why_down, read_only=self.read_only,
            can_decide=bool(hello.get("can_decide", True)), why_not=str(hello.get("why_not") or "serve gave no reason"),
            came_at=self.stage.came_at, read=paper.read if paper else self.easel.whole, busy=frozenset(self.desk.busy),
            answered=paper.answered if isinstance(paper, Card) else True, behind=behind,
        )  # fmt: skip

    def open_card(self, question: Question) -> None:
        """Put a card on the screen; what stands around it follows."""
        self.stage.put(Card(question), self.now())
        self.paint()
        self.watch.stir()

    async def put(self, screen: Screen) -> None:
        """Put a screen on top, with what it shows."""
        self.stage.put(screen, self.now())
        try:
            await screen.load(self.reader, self.sight())
        except UNREADABLE as error:
            self.tell(f"the store cannot be read: {error}", Ink.BAD)
        self.paint()

    async def filter(self, words: str) -> None:
        """Filter the list on screen."""
        current = self.stage.current
        if isinstance(current, Listing):
            try:
                await current.filter(words, self.reader, self.sight())
            except UNREADABLE as error:
                self.tell(f"the filter cannot be used: {error}", Ink.BAD)
            if current.filter_problem:
                self.tell(current.filter_problem, Ink.WARN)
            self.stage.came_at = self.now()

    async def refresh(self) -> None:
        """Read and paint now."""
        await self.watch.now()

    async def prompt(self, prompt: Prompt) -> str | None:
        """Ask for one line; None when it was given up."""
        self._close(None)
        prompt.shown(self.now())
        self.asking, self._answer = prompt, asyncio.get_running_loop().create_future()
        answer = self._answer
        self.paint()
        return await answer

    def answered(self, text: str | None) -> None:
        """The prompt was answered, or given up."""
        self._close(text)
        self.stage.came_at = self.stage.came_at if text is not None else self.now()

    async def moved(self) -> bool:
        """Whether the store has changed since the last look."""
        try:
            return await self.reader.moved()
        except UNREADABLE:
            return True

    async def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Send one act to `serve`. Raises Refused and ServeDown."""
        return await self.wire.ask(do, **words)

    async def close(self) -> None:
        """Hang up and close the store."""
        self._close(None)
        await self.wire.close()
        self.reader.close()

    def _close(self, text: str | None) -> None:
        self.asking = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(text)

    async def _load(self) -> None:
        sight, stage = self.sight(), self.stage
        before = stage.finger()
        await stage.home.load(self.reader, sight)
        current = stage.current
        if current is not stage.home:
            await current.load(self.reader, sight)
        if isinstance(current, Listing):
            await current.more(self.reader)
        if stage.finger() != before and stage.current is current:
            stage.came_at = self.now()
        await self._settle()
        if self.bell.heard(stage.home.waiting):
            self.ring()

    async def _settle(self) -> None:
        hold = self.desk.hold
        if hold is not None:
            row = await self.reader.read(lambda connection: escalations.get(connection, hold.id))
            self.desk.settled(Question(row) if row else None)

    def _stir(self) -> None:
        self.watch.stir()

    def _turned(self) -> None:
        if self.wire.up:
            if self.down_since is not None:
                self.tell("serve is back", Ink.GOOD)
            self.down_since = None
        elif self.down_since is None:
            self.down_since = self.now()
            if self.desk.hold is not None:
                self.tell(f"the line to serve dropped: {self.desk.hold.id} was held, and is not approved", Ink.BAD)
                self.desk.hold = None
        self.watch.stir()
        self.paint()
