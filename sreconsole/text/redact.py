"""Secrets taken out of text and JSON-like values before anything is stored.

Three kinds of evidence, strongest first: a published format (`credentials`), a place that only carries secrets such as
the password of a URL or a client's password flag (`carriers`), and a name such as `client_secret` with a value that
looks like one (`assignments`). What is found is replaced as a whole by `[REDACTED:kind]`, never in part.

A checksum that fails does not save a token: under its issuer's exact prefix and length it may be mistyped, cut or of a
newer layout, and missing a secret is worse than hiding a word. One that holds does the opposite: such a token is taken
out even when it looks like filler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sreconsole.text import assignments, carriers
from sreconsole.text.credentials import FORMATS, Format, compiled

Span = tuple[str, int, int]

_MARKER = re.compile(r"\[REDACTED:[a-z0-9-]{1,64}\]")
_ESCAPE_BEFORE = re.compile(
    r"(?:\\[nrtbfv0]|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|\x1b\[[0-9;]{0,16}m)\Z"
)
# Every published credential is a run of these, this long: looking for marks in the runs alone is ten times cheaper.
_RUN = re.compile(r"[A-Za-z0-9_+/=.:%@~-]{16,}")
# Too short for a published credential, and nothing in it that a carrier or an assignment could not do without.
_WORD = re.compile(r"[A-Za-z0-9_.-]{0,15}")
_REPEATED = re.compile(r"(.)\1{3,}+")
_LEVELS = 8
_CONTENTS = ("value", "values", "data")


@dataclass(frozen=True)
class Redacted:
    """`text` with every secret replaced; `kinds` of what was replaced, in order of first appearance."""

    text: str
    kinds: tuple[str, ...]


def redact(text: str) -> Redacted:
    """Replace every secret in `text` by `[REDACTED:kind]`. Idempotent; linear in the length of the text."""
    spans = secrets(text)
    if not spans:
        return Redacted(text, ())
    pieces, at = [], 0
    for kind, start, end in spans:
        pieces += [text[at:start], f"[REDACTED:{kind}]"]
        at = end
    return Redacted("".join(pieces) + text[at:], tuple(dict.fromkeys(kind for kind, _, _ in spans)))


def secrets(text: str) -> list[Span]:
    """(kind, start, end) of every secret, in order, not overlapping; columns are indices into `text`.

    Earlier `[REDACTED:…]` marks separate the text into parts that are read on their own, and so do the spans found:
    the parts between are read again until nothing is found, so that redacting twice changes nothing.
    """
    if _WORD.fullmatch(text):
        return []
    found: list[Span] = []
    parts = _between(
        0, len(text), [("", m.start(), m.end()) for m in _MARKER.finditer(text)] if "[REDACTED:" in text else []
    )
    for _ in range(_LEVELS):
        fresh: list[Span] = []
        again: list[tuple[int, int]] = []
        for start, end in parts:
            spans = [(kind, start + low, start + high) for kind, low, high in _merged(_evidence(text[start:end]))]
            if spans:
                fresh += spans
                again += _between(start, end, spans)
        if not fresh:
            break
        found += fresh
        parts = again
    return sorted(found, key=lambda span: span[1])


def redact_value(value: Any) -> tuple[Any, tuple[str, ...]]:
    """A copy of a JSON-like value with its secrets replaced, and their kinds.

    Strings are redacted; a string under a key that names a secret is replaced whole unless it is plainly a
    placeholder or a reference; so is the argument after a secret flag in a list, and `value` beside `name`. Walks with
    its own stack: nesting may be as deep as memory allows. Other objects are kept as they are.
    """
    kinds: dict[str, None] = {}
    root: list[Any] = [None]
    waiting: list[tuple[Any, Any, Any, str]] = [(root, 0, value, "")]
    while waiting:
        holder, place, item, named = waiting.pop()
        if isinstance(item, str):
            holder[place] = _string(item, named, kinds)
        elif isinstance(item, dict):
            holder[place] = _shell(item, named, kinds, waiting)
        elif isinstance(item, (list, tuple)):
            copy: list[Any] = [None] * len(item)
            holder[place] = copy
            waiting += [
                (copy, index, child, named or (assignments.flag_kind(item[index - 1]) if index else ""))
                for index, child in reversed(list(enumerate(item)))
            ]
        else:
            holder[place] = item
    return root[0], tuple(kinds)


def _string(item: str, named: str, kinds: dict[str, None]) -> str:
    if named and assignments.is_value(named, item):
        kinds[named] = None
        return f"[REDACTED:{named}]"
    done = redact(item)
    kinds.update(dict.fromkeys(done.kinds))
    return done.text


def _shell(
    item: dict[Any, Any], named: str, kinds: dict[str, None], waiting: list[tuple[Any, Any, Any, str]]
) -> dict[Any, Any]:
    """The copy of a dict with its keys in place, its values queued."""
    copy: dict[Any, Any] = {}
    label = item.get("name", item.get("key"))
    said = assignments.kind_of_name(label) if isinstance(label, str) and "value" in item else ""
    queued = []
    for key, child in item.items():
        shown = key
        if isinstance(key, str) and not _WORD.fullmatch(key):
            shown = _string(key, "", kinds)
        while shown in copy:
            shown = f"{shown}'"
        copy[shown] = None
        own = assignments.kind_of_name(key) if isinstance(key, str) else ""
        queued.append((copy, shown, child, own or ((said or named) if key in _CONTENTS else "")))
    waiting += reversed(queued)
    return copy


def _evidence(text: str) -> Iterator[tuple[int, int, int, str]]:
    """(start, end, weight, kind) of everything suspicious; the lightest weight names what overlaps."""
    lower = text.lower()
    if len(lower) != len(text):  # one letter (İ) grows when lowered, and would shift every column after it
        lower = text.replace("İ", "I").lower()
    runs = "\n".join(_RUN.findall(text))
    for form in FORMATS if runs else ():
        for mark in form.marks:
            if mark in runs:
                yield from _published(form, mark, text)
    for start, end, kind in carriers.find(text, lower):
        yield start, end, 1, kind
    for start, end, kind in assignments.find(text, lower):
        yield start, end, 2, kind


def _published(form: Format, mark: str, text: str) -> Iterator[tuple[int, int, int, str]]:
    pattern = compiled(form.pattern)
    at = text.find(mark)
    while at >= 0:
        start = at - form.back
        match = pattern.match(text, start) if start >= 0 and (not form.apart or _apart(text, start)) else None
        if match is None:
            at = text.find(mark, _past(form, text, at))
            continue
        group = 1 if pattern.groups else 0
        if _earnest(form, mark, match.group(group)):
            yield match.start(group), match.end(group), 0, form.kind
        at = text.find(
            mark, max(match.end() - len(mark) + 1, at + 1)
        )  # the next one's mark may begin in this one's run


def _past(form: Format, text: str, at: int) -> int:
    run = compiled(form.stride).match(text, at) if form.stride else None
    return run.end() if run else at + 1


def _apart(text: str, start: int) -> bool:
    """Whether no word runs into `start`; the letter of an escape such as `\\n` or `%3D` is not a word."""
    before = text[start - 1 : start]
    if not (before.isalnum() or before == "_"):
        return True
    return _ESCAPE_BEFORE.search(text[max(0, start - 20) : start]) is not None


def _earnest(form: Format, mark: str, credential: str) -> bool:
    """Whether this is more than the filler of a manual: eight varied characters, leaving repetition aside."""
    if form.checksum is not None and form.checksum(credential):
        return True
    body = _REPEATED.sub("", credential.removeprefix(mark))
    return len(body) >= 8 and len(set(body)) > 4


def _merged(found: Iterator[tuple[int, int, int, str]]) -> list[Span]:
    """Overlapping evidence becomes one span over all of it, named by the strongest."""
    merged: list[tuple[int, int, int, str]] = []
    for start, end, weight, kind in sorted(found):
        if merged and start < merged[-1][1]:
            low, high, strongest, name = merged[-1]
            if weight < strongest:
                strongest, name = weight, kind
            merged[-1] = (low, max(high, end), strongest, name)
        else:
            merged.append((start, end, weight, kind))
    return [(kind, start, end) for start, end, _, kind in merged]


def _between(start: int, end: int, spans: list[Span]) -> list[tuple[int, int]]:
    parts = []
    for _, low, high in spans:
        parts.append((start, low))
        start = high
    return [part for part in [*parts, (start, end)] if part[1] > part[0]]
