"""Denials in a row and in all, and the same effect tried another way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.policy import denials
from sreconsole.policy.denials import Denial, Record


def effect(kind: str, target: str, tier: int = 3) -> dict[str, Any]:
    return {"kind": kind, "target": target, "facts": {"tier": tier}}


def record(*hits: tuple[str, str], tool: str = "Bash", at: int = 0) -> Record:
    return denials.denied(Record(), Denial(at, "c1", tool, "a", hits))


def test_counts_each_call_once() -> None:
    one = record(("fs.delete", "/p/a"))
    assert (one.streak, one.total) == (1, 1)
    assert denials.denied(one, Denial(5, "c1", "Bash", "a")) is one
    two = denials.denied(one, Denial(5, "c2", "Bash", "a"))
    assert (two.streak, two.total) == (2, 2)
    assert denials.ran(two) == Record(0, 2, two.recent)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (("fs.write", "/p/ci.yml"), ("fs.write", "/p/ci.yml"), True),
        (("fs.write", "/p/ci.yml"), ("fs.delete", "/p/ci.yml"), True),
        (("fs.delete", "/p/src"), ("fs.delete", "/p/src/a.py"), True),
        (("fs.delete", "/p/src/a.py"), ("fs.delete", "/p/src"), True),
        (("fs.delete", "/p/src"), ("fs.write", "/p/src/a.py"), True),
        (("fs.write", "/p/src"), ("fs.write", "/p/src/a.py"), False),
        (("fs.delete", "/p/src"), ("fs.delete", "/p/src2/a.py"), False),
        (("net.mutate", "https://x"), ("net.mutate", "https://x"), True),
        (("net.mutate", "https://x"), ("net.mutate", "https://y"), False),
        (("db.destroy", "users"), ("fs.delete", "users"), False),
        (("git.push", ""), ("git.push", ""), False),
    ],
)
def test_what_comes_to_the_same(before: tuple[str, str], after: tuple[str, str], same: bool) -> None:
    assert denials.same(before, after) == same
    found = denials.workaround(record(before), "b", [effect(*after)], 1000, 5000)
    assert (found is not None) == same


def test_another_way_is_not_a_retry_nor_late_nor_a_read() -> None:
    one = record(("fs.write", "/p/a"))
    again = [effect("fs.write", "/p/a")]
    assert denials.workaround(one, "a", again, 1000, 5000) is None
    assert denials.workaround(one, "b", again, 5001, 5000) is None
    assert denials.workaround(one, "b", again, 1000, 5000, "Bash") is None
    assert denials.workaround(one, "b", again, 1000, 5000, "Edit") is not None
    assert denials.workaround(one, "b", [effect("fs.read", "/p/a")], 1000, 5000) is None


def test_a_denial_is_about_what_was_strictest() -> None:
    found = denials.hits(
        [effect("fs.write", "/p/a", 2), effect("infra.destroy", "prod", 4), effect("fs.read", "/p/b", 4)]
    )
    assert found == (("infra.destroy", "prod"),)


@pytest.mark.parametrize(
    ("budgets", "wanted"),
    [
        ({}, (3, 20)),
        ({"denials": {"consecutive": 2}}, (2, 20)),
        ({"denials": {"total": 5}}, (3, 5)),
        ({"denials": 7}, (3, 20)),
    ],
)
def test_thresholds(budgets: dict[str, Any], wanted: tuple[int, int]) -> None:
    assert denials.thresholds(budgets) == wanted


@given(st.lists(st.booleans(), max_size=60))
def test_the_total_never_falls_and_the_record_stays_small(story: list[bool]) -> None:
    one, total = Record(), 0
    for number, refused in enumerate(story):
        if refused:
            one, total = denials.denied(one, Denial(number, f"c{number}", "Bash", "a")), total + 1
        else:
            one = denials.ran(one)
        assert (one.total, len(one.recent) <= denials.KEPT, one.streak <= one.total) == (total, True, True)
