"""What a listing looks like: aligned plain text that fits the terminal, or one JSON document."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sreconsole.text.safe import Safe, safe

NARROWEST = 8
"""Cells a column is never cut below."""


def document(value: Any) -> None:
    """Print one JSON document. Whatever it holds, only ASCII without control characters is written."""
    print(_escaped(json.dumps(value, indent=2)))


def line(value: Any) -> None:
    """Print one JSON value on one line."""
    print(_escaped(json.dumps(value)))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], keep: Sequence[int] = (0,)) -> None:
    """Print aligned columns. On a terminal the last column gives way first, then the widest but those in `keep`."""
    body = [[safe(cell) for cell in row] for row in rows]
    widths = [max([len(name), *(row[at].cells for row in body)]) for at, name in enumerate(head)]
    width = wide()
    if width:
        _shrink(widths, width, keep)
    print(bold(_row([safe(name) for name in head], widths)))
    for row in body:
        print(_row(row, widths))


def facts(pairs: Iterable[tuple[str, object]], label: int = 12) -> None:
    """Print labelled facts; those that are empty are left out, long ones go on under themselves."""
    width = wide()
    for name, value in pairs:
        text = safe(value, newline="\n")
        if not text:
            continue
        parts = [part for whole in text.split("\n") for part in _folded(whole, width - label if width else 0)]
        print(f"{bold(name)}{' ' * max(1, label - len(name))}{parts[0]}")
        for part in parts[1:]:
            print(f"{' ' * label}{part}")


def heading(words: str) -> None:
    """Print a line that opens a part."""
    print()
    print(bold(str(safe(words))))


def say(words: object) -> None:
    """Print one line of text, harmless whatever is in it."""
    print(safe(words))


def row(words: object) -> None:
    """Print one line of a list: on a terminal it is cut to the width."""
    line, width = safe(words), wide()
    print(line.cut(width) if width else line)


def bold(words: str) -> str:
    """Bold on a terminal that has it and whose owner did not set NO_COLOR."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "", "dumb") or not sys.stdout.isatty()
    return words if plain else f"\x1b[1m{words}\x1b[0m"


def wide() -> int:
    """The terminal's width in cells; 0 when the output is no terminal and is not cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def ago(at: int, now: int) -> str:
    """How long ago, in one unit: `40 s ago`, `3 min ago`, `5 h ago`, `2 d ago`."""
    return f"{span(now - at)} ago"


def span(milliseconds: int) -> str:
    """A length of time in one unit, never less than 0 s."""
    seconds = max(0, milliseconds // 1000)
    for size, unit, until in ((1, "s", 90), (60, "min", 5400), (3600, "h", 129_600)):
        if seconds < until:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86_400} d"


def moment(at: int | None) -> str:
    """A moment in UTC to the second, as ISO 8601; empty for none."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{at} ms"


def _escaped(text: str) -> str:
    # DEL is the one control character that JSON lets stand as itself.
    return text.replace("\x7f", "\\u007f")


def _row(cells: Sequence[Safe], widths: Sequence[int]) -> str:
    parts = []
    for cell, width in zip(cells, widths, strict=True):
        cut = cell.cut(width)
        parts.append(f"{cut}{' ' * (width - cut.cells)}")
    return "  ".join(parts).rstrip()


def _shrink(widths: list[int], width: int, keep: Sequence[int]) -> None:
    over = sum(widths) + 2 * (len(widths) - 1) - width
    last = len(widths) - 1
    if over > 0:
        give = min(over, max(0, widths[last] - 2 * NARROWEST))
        widths[last] -= give
        over -= give
    while over > 0:
        loose = [at for at in range(len(widths)) if at not in keep and widths[at] > NARROWEST]
        if not loose:
            return
        widest = max(loose, key=lambda at: widths[at])
        widths[widest] -= 1
        over -= 1


def _folded(text: str, width: int) -> list[str]:
    if width <= 0 or len(text) <= width:
        return [text]
    import textwrap

    return textwrap.wrap(text, max(NARROWEST, width), drop_whitespace=False) or [""]
