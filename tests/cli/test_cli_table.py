"""Tables, facts, times and ids: pure, whatever is put into them."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.cli import card, ids, table
from sreconsole.cli.exits import Usage
from sreconsole.store.ids import spoken
from sreconsole.text.safe import safe


class Screen(io.StringIO):
    """A terminal of a width."""

    def isatty(self) -> bool:
        return True


def printed(monkeypatch: pytest.MonkeyPatch, width: int, act: object, *words: object, **more: object) -> str:
    """What an act prints on a terminal of that width (0: no terminal)."""
    out = Screen() if width else io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", str(width or 80))
    monkeypatch.setenv("NO_COLOR", "1")
    act(*words, **more)  # type: ignore[operator]
    return out.getvalue()


@given(
    rows=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=60), st.text(max_size=200)), max_size=6),
    width=st.integers(40, 200),
)
def test_a_table_fits_and_aligns(rows: list[tuple[str, str, str]], width: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        out = printed(monkeypatch, width, table.table, ("ID", "WHO", "WHAT"), rows, keep=())
    lines = out.split("\n")[:-1]
    assert len(lines) == len(rows) + 1
    assert all(safe(line).cells <= width for line in lines)
    assert all(line.isprintable() for line in lines)


def test_a_table_is_whole_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = printed(monkeypatch, 0, table.table, ("ID", "WHAT"), [("esc-0001", "x" * 500)])
    assert "x" * 500 in out


def test_ids_are_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    row = (
        "esc-0001",
        "pending",
        3,
        "29 min",
        "1 min",
        "a-rather-long-agent-name",
        "pushes commits: git push origin main and then some more",
    )
    out = printed(
        monkeypatch, 80, table.table, ("ID", "STATE", "TIER", "LEFT", "AGE", "AGENT", "WHAT"), [row], keep=(0, 1, 2, 3)
    )
    line = out.splitlines()[1]
    assert line.startswith("esc-0001  pending  3     29 min")
    assert len(line) <= 80


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=12).filter(str.isalnum), st.text(max_size=300))),
    st.integers(30, 120),
)
def test_facts_are_harmless_and_fit(pairs: list[tuple[str, str]], width: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        out = printed(monkeypatch, width, table.facts, pairs)
    assert all(line.isprintable() for line in out.split("\n"))


def test_empty_facts_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, 0, table.facts, [("a", ""), ("b", None), ("c", 0)]) == "c           0\n"


@pytest.mark.parametrize(
    ("no_color", "term", "bold"), [("", "xterm", True), ("1", "xterm", False), ("", "dumb", False), ("", "", False)]
)
def test_bold_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch, no_color: str, term: str, bold: bool) -> None:
    monkeypatch.setattr(sys, "stdout", Screen())
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", term)
    assert (table.bold("x") == "\x1b[1mx\x1b[0m") is bold


def test_a_pipe_is_never_bold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setenv("TERM", "xterm")
    assert table.bold("x") == "x"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_is_ascii_without_control_characters(value: object) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for show in (table.document, table.line):
            out = printed(monkeypatch, 0, show, value)
            assert all(32 <= ord(c) < 127 or c == "\n" for c in out)
            assert json.loads(out) == value


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (89_999, "89 s"),
        (90_000, "1 min"),
        (5_399_999, "89 min"),
        (5_400_000, "1 h"),
        (129_600_000, "1 d"),
        (10**15, "11574074 d"),
    ],
)
def test_lengths_of_time(milliseconds: int, words: str) -> None:
    assert table.span(milliseconds) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [(None, ""), (0, "1970-01-01T00:00:00Z"), (1_700_000_000_999, "2023-11-14T22:13:20Z"), (10**18, f"{10**18} ms")],
)
def test_moments_are_utc(at: int | None, words: str) -> None:
    assert table.moment(at) == words


@given(st.integers(0, 2**40))
def test_an_id_may_be_typed_in_any_way(n: int) -> None:
    id = spoken("esc", n)
    bare = id[4:]
    for typed in (
        id,
        bare,
        bare.lstrip("0") or "0",
        id.upper(),
        f" {id} ",
        bare.replace("0", "o"),
        bare.replace("1", "L"),
        bare.replace("1", "i"),
    ):
        assert ids.spoken("esc", typed) == id


@given(st.text(max_size=80))
def test_what_is_no_id_is_refused_or_plain(typed: str) -> None:
    try:
        found = ids.spoken("esc", typed)
    except Usage as no:
        assert len(str(no)) < 500
    else:
        assert found.isascii() and found.startswith("esc-") and len(found) >= 8


@given(st.lists(st.text(alphabet="ab-", min_size=1, max_size=20), unique=True))
def test_short_names_are_unambiguous(names: list[str]) -> None:
    short = ids.short(names)
    for name in names:
        assert name.startswith(short[name])
        others = [one for one in names if one != name and one.startswith(short[name]) and len(short[name]) < len(name)]
        assert others == []


def test_a_card_shows_broken_columns_as_they_are() -> None:
    assert card._value("{not json") == "{not json"
    assert card._value("") is None
    assert card._part("abc", [0, 99]) == ""
    assert card._part("abcdef", [1, 3]) == "bc (columns 2 to 3)"
    assert card._part("abc", "nonsense") == ""
