"""Times in words, the pace of a busy store, and one line being typed."""

from __future__ import annotations

import pytest

from sreconsole.console import clock
from sreconsole.console.dialogs import INERT, Outcome, Prompt
from sreconsole.console.pace import BURST, RATE, Pace
from sreconsole.console.watch import Bell

S, M, H = clock.SECOND, clock.MINUTE, clock.HOUR


@pytest.mark.parametrize(
    ("rest", "says"),
    [(0, "time is up"), (-5 * S, "time is up"), (1500, "00:01 left"), (119 * S, "01:59 left"), (252 * S, "04:10 left"),
     (9 * M + 59 * S, "09:50 left"), (10 * M, "10 min left"), (90 * M, "90 min left"), (3 * H, "3 h left")],
)  # fmt: skip
def test_what_is_left(rest: int, says: str) -> None:
    assert clock.left(10**12 + rest, 10**12) == says


def test_only_one_countdown_is_fine() -> None:
    assert clock.left(77 * S, 0, fine=False) == "01:10 left"
    assert clock.left(7 * S, 0, fine=False) == "00:07 left"


@pytest.mark.parametrize(
    ("gone", "says"),
    [(0, "0 s"), (-S, "0 s"), (89 * S, "89 s"), (4 * M, "4 min"), (134 * M, "2 h 14"), (50 * H, "2 d")],
)
def test_ages(gone: int, says: str) -> None:
    assert clock.age(10**12, 10**12 + gone) == says
    assert clock.age(None, 10**12) == "unknown"


def test_an_hour_of_another_day_carries_its_date() -> None:
    at = 1_795_160_121_930
    assert len(clock.hour(at, at)) == 8
    assert len(clock.hour(at, at + 3 * 24 * H)) == len("20 Nov 07:35:21")
    assert clock.hour(None) == "unknown"


def test_the_pace_lets_a_burst_through_and_then_holds_its_rate() -> None:
    pace, sent, now = Pace(0.0), 0.0, 0.0
    for _ in range(6000):
        now += 0.01
        if pace.wait(now) == 0:
            pace.spent(800, now)
            sent += 800
    assert sent <= BURST + RATE * now + 800
    assert sent >= RATE * now * 0.9
    assert Pace(0.0).wait(0.0) == 0.0


def test_the_bell() -> None:
    bell = Bell()
    assert not bell.heard(frozenset({"a"}))
    assert bell.heard(frozenset({"a", "b"}))
    assert not bell.heard(frozenset({"b"}))
    assert not bell.heard(frozenset({"a", "b"}))


def typed(prompt: Prompt, *keys: str) -> Outcome:
    outcome = Outcome.OPEN
    for key in keys:
        outcome = prompt.press(key, key if len(key) == 1 else {"space": " "}.get(key), 10_000)
    return outcome


def test_a_line_is_edited() -> None:
    prompt = Prompt("reason", "about")
    typed(prompt, *"not", "space", *"today")
    assert prompt.text == "not today"
    typed(prompt, "ctrl+w", *"now", "home", "delete", "N", "end", "!", "left", "backspace")
    assert prompt.text == "Not no!"
    typed(prompt, "ctrl+u")
    assert prompt.text == "!"
    assert typed(prompt, "enter") is Outcome.SENT
    assert typed(prompt, "escape") is Outcome.BACK


def test_what_must_be_typed_cannot_be_pasted() -> None:
    prompt = Prompt("type", "about", must="prod")
    prompt.paste("prod")
    assert prompt.text == "" and "pasting is off" in prompt.problem
    assert typed(prompt, *"pro", "enter") is Outcome.OPEN
    assert typed(prompt, "d", "enter") is Outcome.SENT


def test_a_paste_is_one_line_without_control_characters() -> None:
    prompt = Prompt("reason", "about")
    prompt.paste("a\x1b[31mb\u202e\x07\nsecond")
    assert prompt.text == "a[31mb"


def test_a_prompt_that_leads_to_a_yes_is_inert_at_first() -> None:
    prompt = Prompt("reason", "about", inert=True)
    prompt.shown(1000)
    assert prompt.press("enter", None, 1000 + INERT - 1) is Outcome.OPEN
    assert "just appeared" in prompt.problem
    assert prompt.press("enter", None, 1000 + INERT) is Outcome.SENT


def test_tab_completes() -> None:
    prompt = Prompt(
        "", "about", offers=lambda text: [one for one in ("theme", "themes", "top") if one.startswith(text)]
    )
    typed(prompt, "t", "tab")
    assert prompt.text == "t"
    typed(prompt, "h", "tab")
    assert prompt.text == "theme"
    typed(prompt, "s", "tab")
    assert prompt.text == "themes "


def test_a_long_line_shows_its_cursor() -> None:
    prompt = Prompt("reason", "about", text="x" * 300)
    shown = "".join(span.text for span in prompt.draw(80))
    assert len(shown) <= 80 and shown.endswith("x ")
