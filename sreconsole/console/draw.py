"""The one door to the screen: lines of Safe text and inks, and how they become strips of cells.

Every value drawn goes through `say`, which makes it Safe; no other module of the console builds what Textual
paints. So nothing an agent wrote can carry an escape sequence, markup or an action to the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from sreconsole.text.safe import Safe, safe


class Ink(StrEnum):
    """What a piece of text means; colour only repeats what its words say."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    KEY = "key"
    ACCENT = "accent"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    CHIP = "chip"
    ALARM = "alarm"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line. Anything but Safe text in it is a fault of ours and raises TypeError."""

    text: Safe
    ink: Ink = Ink.PLAIN

    def __post_init__(self) -> None:
        """Refuse what did not come through `safe`."""
        if type(self.text) is not Safe:
            raise TypeError(f"only Safe text is drawn, not {type(self.text).__name__}")


Line = tuple[Span, ...]
BLANK: Line = ()

PLAIN_SHAPES = {
    "▶": ">", "─": "-", "·": "-", "…": "~", "›": ">", "→": "->", "−": "-", "●": "*", "✓": "+", "✗": "x", "■": "#",
    "▲": "^", "▼": "v", "⟨": "<", "⟩": ">", "⏎": "$", "⇥": ">", "␛": "E", "␀": "0", "␍": "R", "“": '"', "”": '"',
    "’": "'", "‹": "<", "│": "|", "≤": "<=", "°": "o", "▏": "|", "—": "-", "–": "-",
}  # fmt: skip
"""What a terminal without UTF-8 is shown for our own shapes; an entry keeps its width where it can."""


ONE_LINE = 10_000
"""Characters of a value that are looked at when it goes on one line; no terminal is wider."""


def say(value: object, ink: Ink = Ink.PLAIN) -> Span:
    """Any value as a piece of a line, made harmless; what no line can hold is not even looked at."""
    if isinstance(value, str) and len(value) > ONE_LINE:
        return Span(safe(value[:ONE_LINE] + "…"), ink)
    return Span(safe(value), ink)


def line(*parts: Span | str) -> Line:
    """A line of pieces; a bare string is said plainly."""
    return tuple(part if isinstance(part, Span) else say(part) for part in parts)


def cells(what: Line) -> int:
    """Terminal cells a line takes."""
    return sum(cell_len(span.text) for span in what)


def cut(text: str, width: int) -> Safe:
    """At most `width` cells of a text, ending in `…` where something was left out."""
    shown = say(text).text
    if cell_len(shown) <= width:
        return shown
    return safe(set_cell_size(shown, width - 1) + "…") if width > 0 else safe("")


def column(value: object, width: int, ink: Ink = Ink.PLAIN, *, right: bool = False) -> Span:
    """A piece of exactly `width` cells: cut with `…`, or filled with blanks."""
    shown = cut(say(value).text, width)
    blanks = " " * (width - cell_len(shown))
    return Span(safe(blanks + shown if right else shown + blanks), ink)


def fit(what: Line, width: int) -> Line:
    """A line of at most `width` cells, the last piece cut with `…`."""
    room, kept = width, list[Span]()
    for span in what:
        size = cell_len(span.text)
        if size > room:
            kept.append(Span(cut(span.text, room), span.ink))
            break
        kept.append(span)
        room -= size
    return tuple(kept)


def between(left: Line, right: Line, width: int) -> Line:
    """`left` at the left edge and `right` at the right one; where both do not fit, `left` is cut."""
    right = fit(right, width)
    room = width - cells(right)
    left = fit(left, max(0, room - 1))
    return (*left, say(" " * (room - cells(left))), *right)


def wrapped(text: object, width: int) -> list[Safe]:
    """A text over as many lines as it takes, broken at cells and at its own line feeds; nothing is left out."""
    lines = list[Safe]()
    for part in safe(text, newline="\n").split("\n"):
        pieces = chop_cells(part, max(1, width)) if not part.isascii() else _chopped(part, max(1, width))
        # A mark that joins to nothing takes no cell of its own; it is kept all the same.
        lines.extend(safe(piece) for piece in pieces or [part])
    return lines


def clipped(what: Line, most: int) -> Line:
    """The first `most` characters of a line; the line itself when it is no longer."""
    kept, room = list[Span](), most
    for span in what:
        if len(span.text) > room:
            kept.append(Span(safe(span.text[:room], newline="\n"), span.ink))
            return tuple(kept)
        kept.append(span)
        room -= len(span.text)
    return what


def flow(what: Line, width: int) -> list[Line]:
    """A line of several inks over as many lines as it takes; line feeds in it are kept, nothing is left out."""
    lines, now, room = list[Line](), list[Span](), max(1, width)
    for span in what:
        for number, part in enumerate(span.text.split("\n")):
            if number:
                lines.append(tuple(now))
                now, room = [], max(1, width)
            if not now and part.isascii() and len(part) <= width:
                now, room = [Span(safe(part), span.ink)], width - len(part)
                continue
            for piece in wrapped(part, room) if cell_len(part) <= room else _refilled(part, room, max(1, width)):
                if room <= 0 or cell_len(piece) > room:
                    lines.append(tuple(now))
                    now, room = [], max(1, width)
                now.append(Span(piece, span.ink))
                room -= cell_len(piece)
    return [*lines, tuple(now)]


def _refilled(part: str, room: int, width: int) -> list[Safe]:
    first = wrapped(part, room)[0] if room > 1 else safe("")
    return [*([first] if first else []), *wrapped(part[len(first) :], width)]


def phrased(text: object, width: int) -> list[Safe]:
    """Our own or a rule's words over lines, broken between words where that is possible."""
    lines, now = list[str](), ""
    for word in safe(text).split():
        longer = f"{now} {word}" if now else word
        if cell_len(longer) <= width:
            now = longer
            continue
        if now:
            lines.append(now)
        *full, now = wrapped(word, width)
        lines.extend(full)
    return [safe(one) for one in [*lines, now]]


def _chopped(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


class Palette:
    """The styles of a theme for every ink, on the ground of one zone."""

    def __init__(self, colors: Mapping[str, str], ground: str = "background", *, ascii_only: bool = False) -> None:
        """`colors` are the roles of a theme as Rich understands them (`#rrggbb`, `blue`, `default`)."""
        self.ascii_only = ascii_only
        back, front = colors[ground], colors["foreground"]

        def style(color: str, bold: bool = False, reverse: bool = False) -> Style:
            return Style(color=colors[color], bgcolor=back, bold=bold or None, reverse=reverse or None)

        self._styles = {
            Ink.PLAIN: Style(color=front, bgcolor=back),
            Ink.DIM: style("secondary"),
            Ink.STRONG: style("foreground", bold=True),
            Ink.KEY: style("primary", bold=True),
            Ink.ACCENT: style("accent"),
            Ink.GOOD: style("success"),
            Ink.WARN: style("warning", bold=True),
            Ink.BAD: style("error", bold=True),
            Ink.CHIP: style("primary", bold=True, reverse=True),
            Ink.ALARM: style("error", bold=True, reverse=True),
            Ink.NOTICE: style("warning", bold=True, reverse=True),
        }

    def strip(self, what: Line, width: int) -> Strip:
        """A line as exactly `width` cells; neighbours of one ink share one escape sequence."""
        segments = list[Segment]()
        last: Ink | None = None
        for text, ink in self._pieces(what, width):
            if ink is last:
                segments[-1] = Segment(segments[-1].text + text, self._styles[ink])
            else:
                segments.append(Segment(text, self._styles[ink]))
            last = ink
        return Strip(segments, width)

    def _pieces(self, what: Line, width: int) -> Iterable[tuple[str, Ink]]:
        room = width
        ink = Ink.PLAIN
        for span in fit(what, width):
            text = _plain(span.text) if self.ascii_only else str(span.text)
            size = cell_len(text)
            if size > room:
                text, size = set_cell_size(text, room), room
            ink = span.ink
            if text:
                yield text, ink
            room -= size
        if room:
            filled = ink in (Ink.ALARM, Ink.NOTICE)
            yield " " * room, ink if filled else Ink.PLAIN


def _plain(text: str) -> str:
    """A text in ASCII: our shapes by their stand-ins, anything else as its number."""
    if text.isascii():
        return str(text)
    return "".join(char if char.isascii() else PLAIN_SHAPES.get(char, f"<U+{ord(char):04X}>") for char in text)
