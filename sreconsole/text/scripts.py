"""Words whose letters come from scripts that imitate each other (the idea of UTS 39 §5, mixed-script detection)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
# Scripts that are written together in one word in Japanese, Chinese and Korean text, and with Latin (UTS 39 §5.2).
_TOGETHER = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"})
_COMMON = frozenset(
    {"MODIFIER", "MICRO", "OHM", "KELVIN", "ANGSTROM", "FEMININE", "MASCULINE", "HALFWIDTH", "COMBINING"}
)
# Greek letters that no one takes for a Latin one: units and formulas such as Δt and λx are ordinary.
_FORMULA = frozenset("ΔΣΩΠΘΛΦΨΞΓδσμπθλφψξωβ")
# Cyrillic letters drawn like Latin ones (from the confusables table of UTS 39).
_CYRILLIC_TWINS = "асеорхуіјѕԁԛԝһӏгпАВЕКМНОРСТХУІЈЅԌԚԜӀ"
_CYRILLIC_PROPER = re.compile(f"(?![{_CYRILLIC_TWINS}])[\u0400-\u04ff]")
_DISGUISES = {"FULLWIDTH": "Fullwidth Latin", "MATHEMATICAL": "Mathematical letters", "CIRCLED": "Circled letters"}


def doubtful(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The words of `text` to warn of, each with its scripts in order of appearance."""
    found: list[tuple[str, tuple[str, ...]]] = []
    foreign = _CYRILLIC_PROPER.search(text) is not None
    for match in _WORD.finditer(text):
        word = match.group()
        if word.isascii():
            continue
        names = _of(word)
        if _mixed(word, names) or (not foreign and len(word) > 1 and names == ("Cyrillic",)):
            found.append((word, names))
    return found


def _of(word: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in map(_script, word) if name))


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    if char.isascii():
        return "Latin" if char.isalpha() else ""
    if not unicodedata.category(char).startswith("L"):
        return "Circled letters" if unicodedata.name(char, "").startswith("CIRCLED LATIN") else ""
    first = unicodedata.name(char, "").partition(" ")[0]
    if first in _COMMON or not first:
        return ""
    return _DISGUISES.get(first) or ("CJK" if first in _TOGETHER else first.capitalize())


def _mixed(word: str, names: tuple[str, ...]) -> bool:
    if names == ("Mathematical letters",):
        return True
    if len(names) < 2:
        return False
    if set(names) == {"Latin", "Greek"}:
        greek = [char for char in word if _script(char) == "Greek"]
        return len(greek) > 1 or greek[0] not in _FORMULA
    return set(names) not in ({"Latin", "CJK"}, {"Fullwidth Latin", "CJK"})
