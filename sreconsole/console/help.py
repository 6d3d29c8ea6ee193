"""Help and the palette: the table of keys as a list that can be searched and run from."""

from __future__ import annotations

from dataclasses import dataclass

from sreconsole.console.draw import Ink, Line, cells, column, say
from sreconsole.console.feed import Reader
from sreconsole.console.keys import Danger, Key, Keyboard, written
from sreconsole.console.question import Peek
from sreconsole.console.screen import Listing, Sight


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a menu: what it is called, what it does, and what is typed to run it."""

    run: str
    keys: str
    words: str
    danger: str = Danger.NONE
    twin: str = ""


class Menu(Listing[Entry]):
    """A list of commands; enter runs the chosen one on the screen below."""

    def __init__(self, name: str, title: str, entries: list[Entry]) -> None:
        super().__init__()
        self.name, self.title = name, title
        self._entries = entries

    def key(self, row: Entry) -> str:
        """What runs it."""
        return row.run

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Show the entries that match; nothing is read."""
        words = self.words.lower().split()
        self.window.start([one for one in self._entries if all(word in _text(one) for word in words)])
        self.loaded = True

    def draw(self, row: Entry, sight: Sight, width: int) -> Line:
        """Keys, name, words."""
        head = (column(row.keys, 16, Ink.KEY), column(row.run, 16, Ink.DIM), say(" "))
        costs = f" ({row.danger})" if row.danger != Danger.NONE else ""
        return (*head, column(f"{row.words}{costs}", max(1, width - cells(head))))

    def peek(self, row: Entry, sight: Sight, width: int, height: int) -> Peek:
        """Its words in full and its command-line twin."""
        lines = [(say(row.run, Ink.STRONG), (say(row.words),)), (say("costs", Ink.DIM), (say(row.danger),))]
        if row.twin:
            lines.append((say("twin", Ink.DIM), (say(row.twin),)))
        return Peek(tuple(lines[:height]), True)


def of_screen(keyboard: Keyboard, screen: str) -> Menu:
    """`?`: every key of one screen."""
    return Menu("help", f"Keys on {screen}", [entry(one) for one in keyboard.of(screen)])


def palette(keyboard: Keyboard, screen: str, commands: list[tuple[str, str]]) -> Menu:
    """ctrl+p: everything that can be done here, and the commands that are typed."""
    entries = [entry(one) for one in keyboard.of(screen) if one.id not in ("down", "up", "palette")]
    return Menu("palette", "Commands", entries + [Entry(run, f":{run}", words) for run, words in commands])


def entry(key: Key) -> Entry:
    """A key as a line of a menu."""
    shown = "1-9" if key.id == "choose" else " ".join(written(one) for one in key.keys) or f":{key.id}"
    return Entry(key.id, shown, key.words, key.danger, key.twin)


def _text(one: Entry) -> str:
    return f"{one.run} {one.keys} {one.words}".lower()
