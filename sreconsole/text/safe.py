"""Foreign text made harmless for a terminal, and a type that proves it was done.

What an agent, a log or a remote service wrote may carry escape sequences, bidirectional controls, invisible
characters or towers of accents. `safe` turns any value into one string in which each of them is *shown* as a
mark such as `⟨U+202E⟩`; `look` also counts them and warns of words that mix scripts. Screens accept only `Safe`.

Which characters are shown as marks: `str.isprintable` is false for exactly the general categories Cc, Cf, Cs, Co,
Cn, Zl, Zp and every Zs but U+0020 (CPython derives it from the Unicode database), so those need no list of ours.
The few code points that are printable by category and still draw nothing are `BLANKS`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, SupportsIndex, TypeVar, cast

# Printable by category, invisible on screen: variation selectors, fillers, grapheme joiner, Khmer inherent vowels,
# Braille blank, null notehead. Python's database has no Default_Ignorable_Code_Point; a test derives the set by name.
BLANKS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U00016fe4\U00013441\U00013442\U0001d159\U000e0100-\U000e01ef"
)
STACK = 4
"""Combining marks left on one character; the rest of a higher stack becomes one mark with their count."""

_JAMO = "\u1161-\u11ff\ud7b0-\ud7ff"
_SHORT_MARKS = {0x00: "␀", 0x09: "⇥", 0x0A: "\n", 0x0D: "␍", 0x1B: "␛"}
_KEPT_TAB = "⇥   "
_TOKEN = object()


class Safe(str):
    """Text with nothing in it that a terminal acts on or a reader cannot see; made only by this module.

    It may hold `\\n` when it was made with `newline="\\n"`. `+`, slicing and formatting give plain `str`.
    """

    __slots__ = ()

    def __new__(cls, text: str = "", token: object = None) -> Safe:
        if token is not _TOKEN:
            raise TypeError("Safe text is made by sreconsole.text.safe.safe(value), not by the constructor")
        return super().__new__(cls, text)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return _again, (str.__str__(self),)

    def __copy__(self) -> Safe:
        return self

    def __deepcopy__(self, memo: object) -> Safe:
        return self

    def join(self, parts: Iterable[str], /) -> Safe:
        """Join with this text between; parts that are not yet `Safe` are made so (their newlines kept)."""
        joined = (part if type(part) is Safe else safe(part, newline="\n") for part in parts)
        return Safe(str.join(self, joined), _TOKEN)

    @property
    def cells(self) -> int:
        """Terminal cells this takes on one line (a kept newline counts none)."""
        return len(self) - self.count("\n") if self.isascii() else sum(_CELLS[ord(char)] for char in self)

    def cut(self, width: int) -> Safe:
        """At most `width` cells; where something was left out the last cell is `…`. Meant for one line."""
        if self.cells <= width:
            return self
        if width <= 0:
            return Safe("", _TOKEN)
        room, end = width - 1, 0
        for char in self:
            room -= _CELLS[ord(char)]
            if room < 0:
                break
            end += 1
        return Safe(self[:end] + "…", _TOKEN)


_Answer = TypeVar("_Answer")


class _Bounded(dict[int, _Answer]):
    """A per-code-point answer computed once, for so many code points that hostile text cannot fill memory."""

    def remember(self, code: int, answer: _Answer) -> _Answer:
        if len(self) < 16_384:
            self[code] = answer
        return answer


class _Marks(_Bounded[str]):
    """What `str.translate` puts for a code point: itself, or its visible mark."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        return self.remember(code, char if char.isprintable() and not _blank().match(char) else _mark(code))


class _Cells(_Bounded[int]):
    """Terminal cells of a code point: 0, 1 or 2 (East Asian Width, UAX 11; combining marks and jamo tails 0)."""

    def __missing__(self, code: int) -> int:
        return self.remember(code, _cells(chr(code)))


def _mark(code: int) -> str:
    return _SHORT_MARKS.get(code) or f"⟨U+{code:04X}⟩"


def _cells(char: str) -> int:
    if char == "\n" or unicodedata.category(char) in ("Mn", "Me") or _jamo_tail(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" or _widened(char) else 1


def _sits_on_another(char: str) -> bool:
    """Whether it is drawn on the character before it. Spacing marks (Mc) too: terminals disagree on their cells."""
    return unicodedata.category(char) in ("Mn", "Me", "Mc") or _jamo_tail(char)


def _jamo_tail(char: str) -> bool:
    return "\u1161" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7ff"


def _widened(char: str) -> bool:
    """Wide since Unicode 16, which is newer than the database of Python 3.11."""
    return (
        char in "☰☱☲☳☴☵☶☷⚊⚋⚌⚍⚎⚏" or "\u4dc0" <= char <= "\u4dff" or "\U0001d300" <= char <= "\U0001d376"
    )


@lru_cache(maxsize=1)
def _blank() -> re.Pattern[str]:
    return re.compile(f"[{BLANKS}]")


@lru_cache(maxsize=1)
def _combining() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Patterns for: any character that sits on the one before or is blank; one that must not stay; a run to lower.

    Built from the Unicode database on the first text beyond ASCII: some milliseconds, once a process.
    """
    planes = map(chr, range(0x300, 0x1F000))
    marks = "".join(char for char in planes if not char.isalnum() and char.isprintable() and _sits_on_another(char))
    basic = "".join(char for char in marks if char <= "\uffff")
    one = f"[{marks}{_JAMO}]"
    # The regex engine answers for the basic plane from a bitmap but walks ranges beyond it: name those in two.
    anything = re.compile(rf"[{basic}{_JAMO}{BLANKS}\U00010000-\U0001efff\U000e0000-\U000e0fff]")
    trouble = re.compile(rf"[{BLANKS}]|(?m:^){one}|{one}{{{STACK + 1}}}")
    return anything, trouble, re.compile(rf"(?m:^){one}+|{one}{{{STACK + 1},}}")


def _sits_well(text: str) -> bool:
    """Whether no character of `text` is a blank, a combining mark without a base, or one too many on its base."""
    if text.isascii():
        return True
    anything, trouble, _ = _combining()
    return not anything.search(text) or not trouble.search(text)


_MARKS = _Marks()
_CELLS = _Cells()


def safe(value: object, *, newline: str = "⏎") -> Safe:
    """Any value as one harmless string.

    `newline` replaces each line feed; pass `"\\n"` to keep line structure, and then a tab is `⇥` and three spaces
    instead of `⇥` alone. `None` is empty text; bytes are read as UTF-8, each invalid byte shown as `⟨U+DCxx⟩`; a
    value whose `__str__` fails is named by its type. Never raises; `safe(safe(x)) == safe(x)`.
    """
    if type(value) is Safe and (newline == "\n" or "\n" not in value):
        return value
    text = _words(value)
    if text.isprintable() and _sits_well(text):
        return Safe(text, _TOKEN)
    return Safe(_marked(text, newline), _TOKEN)


def _again(text: str) -> Safe:
    return safe(text, newline="\n")


def _words(value: object) -> str:
    if issubclass(type(value), str):  # not isinstance: that believes an object's own __class__
        return str.__str__(cast(str, value))
    if value is None:
        return ""
    try:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value).decode("utf-8", "surrogateescape")
        said = str(value)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything; the type's name still says what it was
        return f"⟨unprintable {type(value).__name__}⟩"
    return str.__str__(said) or (type(value).__name__ if issubclass(type(value), BaseException) else "")


def _marked(text: str, newline: str) -> str:
    """`text` with marks; line feeds become `newline` last, so that a line's first character is known as such."""
    if newline == "\n":
        text = text.replace("\t", _KEPT_TAB)
    if not (text.replace("\n", "").isprintable() and _sits_well(text)):
        text = text.translate(_MARKS)
        if not _sits_well(text):
            text = _combining()[2].sub(_lower_stack, text)
    return text if newline == "\n" else text.replace("\n", newline.translate(_MARKS))


def _lower_stack(found: re.Match[str]) -> str:
    """Keep up to STACK combining marks on a character; a mark with nothing to sit on is shown by its number."""
    marks = found.group()
    start = found.start()
    if start and found.string[start - 1] != "\n":
        return f"{marks[:STACK]}⟨+{len(marks) - STACK} marks⟩"
    return f"⟨{len(marks)} marks⟩" if len(marks) > STACK else "".join(f"⟨U+{ord(char):04X}⟩" for char in marks)


@dataclass(frozen=True)
class Look:
    """What a reader must know beside the text.

    `hidden`: characters now shown as marks that would not have been seen (line feeds and tabs not counted).
    `scripts`: the scripts of the words that mix or imitate, in order of appearance; `warning`: one line for a
    person, empty when there is nothing to say.
    """

    text: Safe
    hidden: int
    scripts: tuple[str, ...]
    warning: str


def look(value: object, *, newline: str = "⏎") -> Look:
    """`safe(value)` with its count of hidden characters and its mixed-script warning (after UTS 39 §5)."""
    shown = safe(value, newline=newline)
    text = _words(value)
    if text.isascii():
        return Look(shown, _hidden(text), (), "")
    from sreconsole.text.scripts import doubtful

    warned = doubtful(text)
    names = tuple(dict.fromkeys(name for _, found in warned for name in found))
    return Look(shown, _hidden(text), names, _warning(warned))


def _hidden(text: str) -> int:
    text = text.replace("\n", "").replace("\t", "") if text.isascii() else text.replace("\t", " ")
    if text.replace("\n", "").isprintable() and _sits_well(text):
        return 0
    marked = text.translate(_MARKS)
    runs = () if _sits_well(marked) else _combining()[2].finditer(marked)
    return sum(_MARKS[ord(char)] != char for char in text) + sum(_left_out(run) for run in runs)


def _left_out(run: re.Match[str]) -> int:
    return len(run.group()) - sum(_sits_on_another(char) for char in _lower_stack(run))


def _warning(warned: list[tuple[str, tuple[str, ...]]]) -> str:
    if not warned:
        return ""
    word, names = warned[0]
    what = "mixed scripts in" if len(names) > 1 else "letters that imitate Latin in"
    rest = f" (and {len(warned) - 1} more)" if len(warned) > 1 else ""
    return f"{what} “{safe(word).cut(40)}”: {', '.join(names)}{rest}"
