"""The one door to the screen: what passes it is Safe, fits, and is sent only where it changed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

import sreconsole.console
from sreconsole.console import draw, themes
from sreconsole.console.canvas import changed
from sreconsole.console.draw import Ink, Line, Palette, Span, say
from sreconsole.text.safe import Safe, safe

ROOM = Path(sreconsole.console.__file__).parent
PALETTE = Palette(themes.FALLBACK.rich)
PLAIN = Palette(themes.FALLBACK.rich, ascii_only=True)

HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\x1bPq\x1b\\", "[@click=app.exit]x[/]", "[red]", "a\u202eb", "\u200b\u2060",
    "\U000e0041\U000e0042", "e" + "\u0301" * 40, "\ud800", "\x00\x07\x08\x7f", "日本語テキスト", "a\r\nb", "\u2028", "👩‍👩‍👧",
]  # fmt: skip

texts = st.one_of(st.text(max_size=60), st.sampled_from(HOSTILE))
lines = st.lists(st.tuples(texts, st.sampled_from(list(Ink))), max_size=6).map(
    lambda parts: tuple(say(text, ink) for text, ink in parts)
)


@pytest.mark.parametrize("foreign", ["agent text", "\x1b[31m", b"x", None])
def test_a_piece_made_of_anything_but_safe_text_is_refused(foreign: object) -> None:
    with pytest.raises(TypeError, match="only Safe text is drawn"):
        Span(foreign)  # type: ignore[arg-type]


@given(lines, st.integers(1, 80))
def test_a_strip_has_exactly_its_width_and_nothing_a_terminal_acts_on(what: Line, width: int) -> None:
    for palette in (PALETTE, PLAIN):
        strip = palette.strip(what, width)
        text = strip.text
        assert cell_len(text) == width == strip.cell_length
        assert all(char.isprintable() for char in text)
        assert all(not segment.style.meta and not segment.style.link for segment in strip if segment.style)
        if palette is PLAIN:
            assert text.isascii()


@given(lines, st.integers(2, 40))
def test_flow_leaves_nothing_out(what: Line, width: int) -> None:
    flowed = draw.flow(what, width)
    assert "".join(span.text for one in flowed for span in one) == "".join(span.text for span in what)
    assert all(draw.cells(one) <= width for one in flowed)


@given(st.text(max_size=200), st.integers(2, 30))
@example("\U0001f3fb", 2)
def test_wrapped_leaves_nothing_out(text: str, width: int) -> None:
    shown = safe(text, newline="\n")
    assert "".join(draw.wrapped(shown, width)) == shown.replace("\n", "")
    assert all(cell_len(one) <= width for one in draw.wrapped(shown, width))


@given(texts, st.integers(0, 30))
def test_a_column_has_its_width(text: str, width: int) -> None:
    for right in (False, True):
        assert cell_len(draw.column(text, width, right=right).text) == width


@given(lines, lines, st.integers(10, 80))
def test_left_and_right_fill_the_line(left: Line, right: Line, width: int) -> None:
    assert draw.cells(draw.between(left, right, width)) <= width


@given(lines, lines, st.integers(1, 60))
def test_outside_the_changed_range_two_strips_are_equal(one: Line, other: Line, width: int) -> None:
    old, new = PALETTE.strip(one, width), PALETTE.strip(other, width)
    span = changed(old, new)
    if span is None:
        assert old.text == new.text
        return
    start, end = span
    assert 0 <= start < end <= width
    assert old.crop(0, start).text == new.crop(0, start).text
    assert old.crop(end, width).text == new.crop(end, width).text


def test_only_changed_cells_count() -> None:
    before = PALETTE.strip((say("T3  04:12 left"), say(" web", Ink.DIM)), 40)
    after = PALETTE.strip((say("T3  04:11 left"), say(" web", Ink.DIM)), 40)
    assert changed(before, after) == (8, 9)
    assert changed(before, before) is None


def test_phrased_breaks_between_words() -> None:
    assert draw.phrased("drops an index on prod", 10) == ["drops an", "index on", "prod"]
    assert draw.phrased("", 10) == [""]
    assert draw.phrased("abcdefghijkl mn", 5) == ["abcde", "fghij", "kl mn"]


def test_clipped_keeps_the_line_or_its_start() -> None:
    what = (say("abc"), say("def", Ink.DIM))
    assert draw.clipped(what, 6) is what
    assert [span.text for span in draw.clipped(what, 4)] == ["abc", "d"]


def test_no_other_module_builds_what_is_painted() -> None:
    """Strips, segments and rich or Textual text are made in draw.py alone, and no stock widget takes a string."""
    forbidden = {
        "rich.text",
        "rich.segment",
        "rich.markup",
        "textual.content",
        "textual.widgets",
        "rich.style",
        "rich.console",
    }
    for path in ROOM.glob("*.py"):
        tree = ast.parse(path.read_text())
        names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        allowed = {"rich.segment", "rich.style"} if path.name == "draw.py" else set()
        assert not {name for name in names for bad in forbidden - allowed if name.startswith(bad)}, path.name
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        assert not [node for node in calls if node.func.id in ("Strip", "Segment")] or path.name == "draw.py", path.name  # type: ignore[attr-defined]
        assert not [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in ("notify", "from_markup")
        ], path.name


def test_safe_is_the_text_rooms_own() -> None:
    assert type(say("x").text) is Safe
