"""The table of keys and what is made from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sreconsole.console.keys import EVERYWHERE, FORBIDDEN, KEYS, BadKeymap, Keyboard, document, problems

DOCS = Path(__file__).parents[2] / "docs/keys.md"


def test_the_page_is_fresh() -> None:
    assert DOCS.read_text() == document(), "run: python -m sreconsole.console.keys > docs/keys.md"


def test_no_key_clashes_and_none_is_forbidden() -> None:
    assert problems(KEYS) == []
    assert not any(key in FORBIDDEN or key.startswith("alt+") for one in KEYS for key in one.keys)


def test_every_entry_has_words_and_lives_somewhere() -> None:
    assert all(one.words and one.on and set(one.on) <= set(EVERYWHERE) for one in KEYS)
    assert len({one.id for one in KEYS}) == len(KEYS)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"aprove": "Y"}, "keys.aprove: there is no such command"),
        ({"approve": "ctrl+b"}, "does not reach every terminal"),
        ({"approve": "alt+a"}, "does not reach every terminal"),
        ({"approve": "d"}, "d is already"),
    ],
)
def test_a_bad_keymap_says_what_is_wrong(changes: dict[str, str], says: str) -> None:
    with pytest.raises(BadKeymap, match=says):
        Keyboard(changes)


def test_keys_are_remapped_by_id() -> None:
    keyboard = Keyboard({"approve": "Y, ctrl+y"})
    found = keyboard.find("home", "Y")
    assert found is not None and found.id == "approve"
    assert keyboard.find("home", "ctrl+y") == found
    assert keyboard.find("home", "a") is None


def test_every_twin_is_a_command_there_is() -> None:
    """A key's command line exists with the options it names."""
    import re

    from sreconsole.cli.words import command

    for one in KEYS:
        if not one.twin:
            continue
        words = one.twin.split()[1:]
        found = command()
        while words and words[0].islower() and not words[0].startswith("-"):
            found = found.get_command(None, words.pop(0))  # type: ignore[attr-defined,arg-type]
            assert found is not None, one.twin
        options = {name for parameter in found.params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", one.twin)) <= options, one.twin
