"""The lines around a list: status, tabs, the banner for what is wrong, and the keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sreconsole.console import clock
from sreconsole.console.draw import Ink, Line, Span, between, cells, line, say
from sreconsole.console.keys import Key, written
from sreconsole.console.screen import Sight


@dataclass(frozen=True, slots=True)
class Word:
    """What the console last said to its user, and until when it stands (UTC milliseconds)."""

    text: str
    ink: Ink
    until: int


def status(sight: Sight, word: Word | None, state: str, read_only: bool, width: int) -> Line:
    """Who is on call and how things stand; a word to the user takes the whole line while it lasts.

    `state` is what the numbers are worth: `live`, `stale`, `connecting`, `a copy`.
    """
    if word is not None and word.text:
        return line(say(f" {word.text}", word.ink))
    hello = sight.hello
    on_call = hello.get("on_call")
    left = line(
        say(" sreconsole", Ink.STRONG), say(f" · on call: {on_call}" if on_call else " · nobody set on call", Ink.DIM)
    )
    parts: list[Span] = []
    you = hello.get("you")
    if isinstance(you, dict) and you.get("name"):
        parts.append(say(f" as {you['name']} · ", Ink.DIM))
    boundary = hello.get("boundary")
    if boundary == "enforced":
        parts.append(say("enforced", Ink.GOOD))
    else:
        parts.append(say("ADVISORY" if boundary == "advisory" else "boundary unknown", Ink.WARN))
    if hello.get("full"):
        parts.append(say(" · DISK FULL", Ink.ALARM))
    if read_only:
        parts.append(say(" · read-only", Ink.WARN))
    parts.append(say(f" · {state} ", Ink.GOOD if state == "live" else Ink.BAD if state == "stale" else Ink.WARN))
    return between(left, tuple(parts), width)


def tabs(titles: Sequence[tuple[str, str, str, int]], current: str, heading: str, width: int) -> Line:
    """The screens with their keys and counts; `titles` are (id, key, title, count), the filter stands at the right."""
    parts = list[Span]()
    for id, key, title, count in titles:
        number = f" {count}" if count else ""
        parts += [say(f" {written(key)} {title}{number} ", Ink.CHIP if id == current else Ink.DIM), say(" ")]
    return between(tuple(parts), line(say(f"{heading} ", Ink.ACCENT)) if heading else (), width)


def banner(sight: Sight, down_since: int | None, why: str, read_only: str, width: int) -> Line:
    """What is wrong, so that it cannot be missed; a plain rule when nothing is."""
    if read_only:
        return line(say(f" read-only: {read_only}", Ink.NOTICE))
    if down_since is not None:
        since = clock.hour(down_since, sight.now)
        words = f" SERVE IS DOWN since {since}: nothing can be decided, times marked ? are stale · {why}"
        return line(say(words, Ink.ALARM))
    if sight.hello.get("full"):
        return line(
            say(" DISK FULL: nothing new is recorded, risky calls are refused. Free space on serve's disk.", Ink.ALARM)
        )
    if problems := sight.hello.get("policy_problems"):
        first = problems[0] if isinstance(problems, list) else problems
        return line(say(f" the policy file is not in force: {first}", Ink.NOTICE))
    if sight.up and not sight.hello.get("can_decide", True):
        return line(say(f" you cannot decide here: {sight.hello.get('why_not') or 'serve gave no reason'}", Ink.NOTICE))
    if sight.up and sight.hello.get("boundary") == "advisory":
        return line(say(f" advisory: {sight.hello.get('boundary_why') or 'agents run as your own user'}", Ink.WARN))
    return rule(width)


def rule(width: int, words: str = "") -> Line:
    """A line across, with words in it where there is more to see."""
    if not words:
        return line(say("─" * width, Ink.DIM))
    said = say(f" {words} ", Ink.KEY)
    return (say("──", Ink.DIM), said, say("─" * max(0, width - 2 - cells((said,))), Ink.DIM))


def keys(available: Iterable[tuple[Key, str]], width: int) -> Line:
    """The keys worth knowing here, as many as fit; one that would be refused now is dim and in brackets."""
    shown = [(key, no, _pair(key, no)) for key, no in available if key.short and key.keys]
    # Help is never crowded out: whoever does not know the others finds them there.
    last = next((pair for key, _, pair in shown if key.id == "help"), ())
    parts, room = [say(" ")], width - 1 - cells(last)
    for key, _, pair in shown:
        if key.id != "help" and cells(pair) + 2 <= room:
            parts += [*pair, say("  ")]
            room -= cells(pair) + 2
    return (*parts, *last)


def _pair(key: Key, no: str) -> Line:
    shown = "1-9" if key.id == "choose" else written(key.keys[0])
    return (say(f"({shown} {key.short})", Ink.DIM),) if no else (say(shown, Ink.KEY), say(f" {key.short}"))
