"""What each entry of the table of keys does, and the same by name: `:` and the palette."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sreconsole.console import decision
from sreconsole.console import help as menus
from sreconsole.console.atonce import AtOnce
from sreconsole.console.card import Card
from sreconsole.console.dialogs import Prompt
from sreconsole.console.draw import Ink
from sreconsole.console.edited import Change, NotEdited
from sreconsole.console.edited import read as read_edited
from sreconsole.console.edited import spelt as spelt_out
from sreconsole.console.keys import LISTS
from sreconsole.console.lane import Lane
from sreconsole.console.plain import Plain
from sreconsole.console.question import CHOOSING, Question
from sreconsole.console.screen import Listing, Reading
from sreconsole.console.together import Group, Together
from sreconsole.store import escalations
from sreconsole.text.safe import safe

if TYPE_CHECKING:
    from sreconsole.console.app import ConsoleApp

Act = Callable[[], Awaitable[None]]


class Commands:
    """Everything a key, the palette or a typed command can do."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app, self._floor, self.leaving = app, app.floor, False
        self._stage, self._desk = app.floor.stage, app.floor.desk
        desk = self._desk
        self._at_once, self._lane = AtOnce(desk), Lane(desk, app.floor.reader)
        self.acts: dict[str, Act] = {
            "approve": self._approve, "deny": self._deny, "undo": desk.undo, "grant": desk.grant,
            "break-glass": desk.break_glass, "later": desk.later, "edit": self._edit,
            "release": self._release, "revoke": self._revoke, "ok": self._ok, "ok-all": self._ok_all,
            "flag": self._flag, "read": self._read, "unfold": self._fold(True), "fold": self._fold(False),
            "next-question": self._next_question, "open": self._open,
            "back": self._back, "quit": self._quit, "leave": self._leave, "down": self._by(1), "up": self._by(-1),
            "half-down": self._half(1), "half-up": self._half(-1), "peek-down": self._peek_down,
            "page-down": self._page_down, "top": self._top, "bottom": self._bottom, "next": self._next(1),
            "previous": self._next(-1), "filter": self._filter, "follow": self._follow, "raw": self._raw,
            "trail": self._trail, "copy": self._copy, "plain": self._plain, "command": self._command,
            "palette": self._palette, "help": self._help, "mouse": self._mouse, "theme": self._theme,
            **{name: self._switch(name) for name in LISTS},
        }  # fmt: skip

    async def press(self, key: str) -> bool:
        """Do what a key does on the current screen; False when it does nothing there."""
        found = self._floor.keyboard.find(self._stage.current.name, key)
        if found is None:
            return False
        if found.id == "choose":
            self._choose(found.keys.index(key) + 1)
        else:
            await self.acts[found.id]()
        return True

    async def typed(self, text: str) -> None:
        """Run a command line: the id of any key of this screen, or a word with an argument."""
        word, _, rest = text.strip().partition(" ")
        rest = rest.strip()
        if not word:
            return
        if word == "theme":
            self._app.looks.use_theme(rest) if rest else await self._theme()
        elif word == "open":
            await self._open_id(rest)
        elif word in ("q", "quit!"):
            self._app.exit()
        elif word in LISTS:
            await self._to(word)
            if rest:
                await self._floor.filter(rest)
        elif word == "filter":
            await self._floor.filter(rest)
        elif any(one.id == word for one in self._floor.keyboard.of(self._stage.current.name)) and word in self.acts:
            await self.acts[word]()
        else:
            self._floor.tell(f":{word} is no command here; ? lists them", Ink.WARN)

    def offers(self, text: str) -> list[str]:
        """How a half-typed command can go on."""
        word, space, rest = text.partition(" ")
        if word == "theme" and space:
            return [f"theme {name}" for name in sorted(self._app.themes) if name.startswith(rest)]
        known = [*(one.id for one in self._floor.keyboard.of(self._stage.current.name)), "theme", "open", "filter"]
        return sorted({one for one in known if one.startswith(word)})

    def _choose(self, number: int) -> None:
        card = self._stage.card
        if card and (no := card.pick(number)):
            self._floor.tell(no, Ink.WARN)

    async def _next_question(self) -> None:
        if card := self._stage.card:
            card.turn()

    async def _approve(self) -> None:
        current = self._stage.current
        if isinstance(current, Together):
            await self._at_once.approve(self._floor.painted_group())
        elif group := self._stage.group:
            await self._together(group)
            self._floor.tell(f"read all {len(group)} of them, then approve here", Ink.WARN)
        else:
            await self._desk.approve()

    async def _deny(self) -> None:
        current = self._stage.current
        if isinstance(current, Together):
            await self._at_once.deny(self._floor.painted_group())
        elif group := self._stage.group:
            await self._together(group)
            await self._at_once.deny(group)
        else:
            await self._desk.deny()

    async def _together(self, group: Group) -> None:
        await self._floor.put(Together(group))

    async def _edit(self) -> None:
        question = self._floor.painted()
        if question is not None and question.row.kind in CHOOSING:
            await self._own_words(question)
            return
        no = decision.why_not_edit(question, self._floor.standing())
        if not no and self._desk.hold is not None:
            no = f"{self._desk.hold.what}: held, and nothing can be taken back while an editor is open; wait for it"
        if no:
            self._floor.tell(no, Ink.WARN)
            return
        assert question is not None
        try:
            text = self._app.looks.by_hand(spelt_out(question.input), question.id)
            given = read_edited(text, question.input)
        except (NotEdited, RecursionError) as error:
            why = str(error) if isinstance(error, NotEdited) else "it is nested too deep to be edited"
            self._floor.tell(f"{question.id}: {why}", Ink.WARN)
            return
        await self._floor.put(Change(question, given))
        key = self._floor.keyboard.shown
        self._floor.tell(
            f"read the difference; {key('approve')} sends the new one, {key('back')} leaves both", Ink.WARN
        )

    async def _own_words(self, question: Question) -> None:
        card = self._stage.card
        if card is None:
            self._floor.open_card(question)
            return
        key = self._floor.keyboard.shown("approve")
        about = f"answer {card.question.id} in your own words · enter keeps them, {key} then sends"
        words = await self._floor.prompt(Prompt("answer", about, text=card.own_words, opened_by="e"))
        if words is not None:
            card.own_words = words.strip()

    async def _ok(self) -> None:
        review = self._stage.review
        await self._lane.ok(review)
        await self._looked_at()

    async def _ok_all(self) -> None:
        await self._lane.ok_all(self._stage.pile)
        await self._looked_at()

    async def _flag(self) -> None:
        await self._lane.flag(self._stage.review)
        await self._looked_at()

    async def _looked_at(self) -> None:
        """Back from a record that is read to its list, and from an empty list to the rules."""
        await self._floor.refresh()
        review = self._stage.review
        if self._stage.current.name == "review" and review and review.state != "unread":
            self._stage.back(self._floor.now())
            await self._floor.refresh()
        current = self._stage.current
        if (
            self._stage.tab == "reviews"
            and isinstance(current, Listing)
            and self._stage.above
            and not current.window.rows
        ):
            self._stage.back(self._floor.now())
            await self._floor.refresh()

    async def _read(self) -> None:
        """One in full: the chosen one, or the newest of the chosen rule."""
        pile, review = self._stage.pile, self._stage.review
        if review is None and pile is not None:
            await self._open()
            review = self._stage.review
        if review is not None:
            await self._open()

    def _fold(self, open: bool) -> Act:
        async def fold() -> None:
            if not self._stage.home.fold(open=open):
                self._floor.tell("nothing to unfold here: it stands alone", Ink.DIM)

        return fold

    async def _release(self) -> None:
        await self._desk.release(self._stage.parked())

    async def _revoke(self) -> None:
        await self._desk.revoke(self._stage.grants.window.row)

    async def _open(self) -> None:
        current = self._stage.current
        if isinstance(current, menus.Menu):
            entry = current.window.row
            self._stage.back(self._floor.now())
            if entry and entry.run in ("approve", "grant", "break-glass", "ok", "ok-all"):
                # The question was covered by the menu: a yes needs it seen again.
                self._floor.tell(f"look at it, then press {self._floor.keyboard.shown(entry.run)}", Ink.WARN)
            elif entry:
                await self.typed(entry.run)
            return
        row = current.window.row if isinstance(current, Listing) else None
        page = current.opened(row) if isinstance(current, Listing) and row is not None else None
        if page is not None:
            await self._floor.put(page)
        elif isinstance(current, Listing) and row is not None and (led := current.leads_to(row)):
            await self.typed(led)

    async def _open_id(self, id: str) -> None:
        row = await self._floor.reader.read(lambda connection: escalations.get(connection, id))
        if row is None:
            self._floor.tell(f"there is no {id}; `:open esc-…` opens an escalation", Ink.WARN)
        else:
            await self._floor.put(Card(Question(row)))

    async def _back(self) -> None:
        if self._stage.back(self._floor.now()):
            return
        current = self._stage.current
        if isinstance(current, Listing) and current.words:
            await self._floor.filter("")

    async def _quit(self) -> None:
        if self._stage.back(self._floor.now()):
            return
        if self._desk.hold:
            key = self._floor.keyboard.shown("leave")
            self._floor.tell(
                f"{self._desk.hold.id} is still held: leaving now takes it back; {key} twice leaves", Ink.WARN
            )
            return
        self._app.exit()

    async def _leave(self) -> None:
        """ctrl-c: once says what a second one does."""
        if self.leaving:
            self._app.exit()
        self.leaving = True
        self._floor.tell("ctrl-c again leaves the console; what waits goes on waiting", Ink.WARN)

    def _by(self, lines: int) -> Act:
        async def move() -> None:
            current = self._stage.current
            if isinstance(current, Reading):
                current.move(lines)
            else:
                current.window.move(lines)
                if current is self._stage.log and lines > 0:
                    self._stage.log.following = False

        return move

    def _half(self, way: int) -> Act:
        async def move() -> None:
            current = self._stage.current
            height = current.height if isinstance(current, Reading) else current.window.height
            await self._by(way * max(1, height // 2))()

        return move

    async def _peek_down(self) -> None:
        self._floor.easel.scroll_peek()

    async def _page_down(self) -> None:
        current = self._stage.current
        if isinstance(current, Reading):
            current.move(max(1, current.height - 1))

    async def _top(self) -> None:
        current = self._stage.current
        if isinstance(current, Reading):
            current.move(-current.top)
        elif current is self._stage.log and self._stage.log.window.more_above:
            await self._floor.filter(current.words)
        else:
            current.window.choose(0)

    async def _bottom(self) -> None:
        current = self._stage.current
        if isinstance(current, Reading):
            current.move(10**9)
        else:
            await current.jump_to_end(self._floor.reader)

    def _next(self, way: int) -> Act:
        async def go() -> None:
            if not self._stage.next_waiting(way):
                self._floor.tell("nothing else waits that way", Ink.DIM)
                return
            if self._stage.card:
                question = self._below()
                self._stage.back(self._floor.now())
                if question:
                    await self._floor.put(Card(question))

        return go

    def _below(self) -> Question | None:
        tab = self._stage.tabs[self._stage.tab]
        row = tab.window.row
        return None if row is None else tab.question(row)

    async def _filter(self) -> None:
        current = self._stage.current
        if not isinstance(current, Listing):
            return
        about = f"filter {current.title} · enter keeps it, esc clears it"
        words = await self._floor.prompt(Prompt("filter", about, text=current.words, opened_by="/"))
        await self._floor.filter(words or "")

    async def _follow(self) -> None:
        log = self._stage.log
        log.following = not log.following
        if log.following:
            await self._top()
            await self._floor.refresh()
        self._floor.tell("following the newest" if log.following else "standing still", Ink.DIM)

    async def _raw(self) -> None:
        if card := self._stage.card:
            card.raw = not card.raw

    async def _trail(self) -> None:
        if card := self._stage.card:
            session = card.question.row.session
            await self._to("log")
            await self._floor.filter(f"session:{session}")

    async def _copy(self) -> None:
        text = self._text()
        self._app.copy_to_clipboard(text)
        self._floor.tell(f"sent to the terminal: {len(text)} characters, as shown", Ink.DIM)

    async def _plain(self) -> None:
        await self._floor.put(Plain(self._text()))

    def _text(self) -> str:
        """What is shown, harmless: control characters stay marks, also in a clipboard."""
        current = self._stage.current
        if isinstance(current, Reading):
            return safe(current.text, newline="\n")
        question = self._stage.under_finger()
        if group := self._stage.group:
            return safe(Together(group).text, newline="\n")
        if question:
            return safe("".join(span.text for span in question.spelt), newline="\n")
        return self._floor.easel.peeked()

    async def _command(self) -> None:
        prompt = Prompt(
            "", "type a command · tab completes, enter runs, esc goes back", opened_by=":", offers=self.offers
        )
        words = await self._floor.prompt(prompt)
        if words:
            await self.typed(words)

    async def _palette(self) -> None:
        typed = [(f"theme {name}", f"use the theme {name}") for name in sorted(self._app.themes)]
        typed += [("escalations pending", "questions that wait"), ("log severe", "what went wrong")]
        await self._floor.put(menus.palette(self._floor.keyboard, self._stage.current.name, typed))

    async def _help(self) -> None:
        await self._floor.put(menus.of_screen(self._floor.keyboard, self._stage.current.name))

    async def _mouse(self) -> None:
        self._app.looks.toggle_mouse()

    async def _theme(self) -> None:
        before = self._app.theme_now.name
        prompt = Prompt(
            "theme",
            f"themes: {', '.join(sorted(self._app.themes))}",
            offers=self._themes,
            changed=self._preview,
            opened_by=":",
        )
        name = (await self._floor.prompt(prompt) or "").strip()
        self._app.looks.use_theme(name or before, keep=bool(name))

    def _themes(self, text: str) -> list[str]:
        return sorted(name for name in self._app.themes if name.startswith(text.strip()))

    def _preview(self, text: str) -> None:
        if text.strip() in self._app.themes:
            self._app.looks.use_theme(text.strip(), keep=False)

    def _switch(self, name: str) -> Act:
        async def go() -> None:
            await self._to(name)

        return go

    async def _to(self, name: str) -> None:
        self._stage.switch(name, self._floor.now())
        await self._floor.refresh()
