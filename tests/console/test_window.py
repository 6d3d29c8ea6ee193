"""The choice is an id: rows come and go, the finger stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sreconsole.console.window import MOST, Window


def window(*rows: str, height: int = 3) -> Window[str]:
    made: Window[str] = Window(str)
    made.height = height
    made.start(list(rows))
    return made


def test_the_first_is_chosen_and_moves_stay_inside() -> None:
    rows = window("a", "b", "c", "d", "e")
    assert rows.chosen == "a"
    rows.move(99)
    assert (rows.chosen, rows.top) == ("e", 2)
    rows.move(-99)
    assert (rows.chosen, rows.top) == ("a", 0)


def test_new_rows_on_top_do_not_move_the_choice() -> None:
    rows = window("a", "b", "c")
    rows.choose(1)
    rows.replace(["n", "a", "b", "c"])
    assert rows.chosen == "b" and rows.slipped == 1


def test_away_from_the_top_new_rows_are_counted_and_nothing_in_view_moves() -> None:
    rows = window(*"abcdefgh")
    rows.choose(6)
    before = rows.visible
    rows.replace(["n", "m", *"abcdefgh"])
    assert rows.visible == before and rows.unseen == 2
    rows.above(["o"])
    assert rows.visible == before and rows.unseen == 3
    rows.choose(0)
    assert rows.unseen == 0


def test_a_row_that_goes_counts_as_a_slip() -> None:
    rows = window("a", "b", "c")
    rows.choose(1)
    slips = rows.slipped
    rows.replace(["a", "c"])
    assert rows.chosen == "c" and rows.slipped == slips + 1
    rows.replace([])
    assert rows.chosen is None and rows.row is None and rows.at == 0


def test_following_chooses_the_newest() -> None:
    rows = window("b", "a")
    rows.above(["c"], follow=True)
    assert rows.chosen == "c" and rows.top == 0


def test_refresh_replaces_known_rows_only() -> None:
    rows: Window[tuple[str, int]] = Window(lambda row: row[0])
    rows.start([("a", 1), ("b", 1)])
    rows.refresh([("b", 2), ("z", 9)])
    assert rows.rows == [("a", 1), ("b", 2)]


def test_the_far_end_is_let_go() -> None:
    rows: Window[int] = Window(str)
    rows.resize(10)
    rows.start(list(range(MOST)), more_below=True)
    rows.choose(MOST - 1)
    rows.below(list(range(MOST, MOST + 500)), more=True)
    assert len(rows.rows) == MOST and rows.more_above and rows.row == MOST - 1
    assert rows.visible[-1] == MOST - 1
    rows.choose(0)
    rows.above(list(range(-500, 0)))
    assert len(rows.rows) == MOST and rows.more_below and rows.row == 500


@given(st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=8), st.integers(1, 6), st.integers(0, 30))
def test_while_the_chosen_row_exists_it_stays_chosen_and_in_view(
    steps: list[set[int]], height: int, start: int
) -> None:
    rows: Window[int] = Window(str)
    rows.resize(height)
    rows.start(sorted(steps[0]))
    rows.choose(start)
    for step in steps[1:]:
        before, slips = rows.row, rows.slipped
        rows.replace(sorted(step))
        if before in step:
            assert rows.row == before and rows.slipped == slips
        assert (rows.row in rows.visible) if rows.rows else rows.row is None
        assert 0 <= rows.top <= max(0, len(rows.rows) - 1)
