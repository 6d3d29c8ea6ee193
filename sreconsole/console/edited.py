"""Edited arguments: out to the user's own editor and back, checked, and shown as a difference before they count."""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sreconsole.console.draw import BLANK, Ink, Line, Span, flow, line, say
from sreconsole.console.question import READABLE, Question
from sreconsole.console.screen import Reading, Sight
from sreconsole.text.safe import safe

REDACTED = "[REDACTED:"
"""How a secret that was never stored begins; an edited call would run this mark itself."""

COMPARED = 2_000
"""Lines of both together that are compared; longer ones are shown one after the other."""

_SETTINGS = re.compile(r"(?i)\b(vim?[<=>]?\d*|ex)(?=:)|(?<=-)\*(?=-)|(?<=Local )V(?=ariables)")
"""What editors take for settings of their own in a file: it is spelt another way, which JSON reads as the same."""


class NotEdited(Exception):
    """Why there is nothing to send; one line."""


def spelt(arguments: Mapping[str, Any]) -> str:
    """Arguments as JSON over lines, in ASCII: an editor is a terminal too. Raises RecursionError when nested too deep."""
    text = json.dumps(arguments, ensure_ascii=True, indent=2)
    return _SETTINGS.sub(lambda found: f"{found[0][:-1]}\\u{ord(found[0][-1]):04x}", text) + "\n"


def read(text: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in an edited text. Raises NotEdited for what is no JSON object, unchanged or unfit to run."""
    if len(text) > READABLE:
        raise NotEdited(f"{len(text):,} characters are more than anybody reads; nothing was sent")
    try:
        found = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except RecursionError:
        raise NotEdited("it is nested too deep; nothing was sent") from None
    except json.JSONDecodeError as error:
        raise NotEdited(f"line {error.lineno} is not JSON ({error.msg}); nothing was sent") from None
    except ValueError as error:
        raise NotEdited(f"{error}; nothing was sent") from None
    if not isinstance(found, dict):
        raise NotEdited("it must stay a JSON object, {…}; nothing was sent")
    if found == before:
        raise NotEdited("nothing was changed; nothing was sent")
    if REDACTED in json.dumps(found):
        raise NotEdited("it holds [REDACTED:…], which would run as it stands: write what belongs there")
    return found


def by_hand(text: str, folder: Path, name: str, environ: Mapping[str, str]) -> str:
    """The text after the user's editor ($VISUAL, $EDITOR, else vi) was through with it. Raises NotEdited.

    The file is 0600 in a folder of its own (0700) under `folder`; that goes with all an editor left there.
    """
    named = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(named)
    except ValueError:
        words = [named]
    program = shutil.which(words[0], path=environ.get("PATH")) if words else None
    if program is None:
        raise NotEdited(f"there is no editor {words[0] if words else ''}: set EDITOR to one; nothing was sent")
    try:
        place = Path(tempfile.mkdtemp(prefix="edit-", dir=folder))
    except OSError as error:
        raise NotEdited(f"no file can be made in {folder}: {error.strerror}; nothing was sent") from None
    # ctrl-c in the editor is the editor's; a handler (unlike ignoring it) is not handed on to the child.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        file = place / f"{name}.json"
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        code = subprocess.run([program, *words[1:], str(file)], env=dict(environ), check=False).returncode
        if code:
            raise NotEdited(f"{words[0]} ended with {code}; nothing was sent")
        with file.open(encoding="utf-8") as opened:
            return opened.read(READABLE + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise NotEdited(f"the edited file cannot be read: {error}; nothing was sent") from None
    finally:
        signal.signal(signal.SIGINT, before)
        shutil.rmtree(place, ignore_errors=True)


class Change(Reading):
    """What was asked against what would run instead; approving sends the new one, esc leaves both alone."""

    name = "change"

    def __init__(self, question: Question, given: dict[str, Any]) -> None:
        super().__init__()
        self.question, self.given = question, given
        self._page: tuple[int, list[Line]] | None = None

    @property
    def about(self) -> Question:
        """The question as it was when it was edited: a decision is bound to that."""
        return self.question

    @property
    def read(self) -> bool:
        """Whether the whole difference has been in view."""
        return self._page is not None and self.furthest >= len(self._page[1])

    @property
    def text(self) -> str:
        """The new arguments."""
        return json.dumps(self.given, ensure_ascii=False, indent=2)

    def answer(self) -> dict[str, Any]:
        """What goes with the approval."""
        return {"input": self.given}

    def title(self, sight: Sight) -> Line:
        """Whose arguments."""
        one = self.question
        return (say(f" {one.id} EDITED ", Ink.NOTICE), say(" "), one.tier, say(" "), one.when(sight.now, stale=sight.stale),
                say(f" · {one.who}", Ink.DIM))  # fmt: skip

    def lines(self, sight: Sight, width: int) -> list[Line]:
        """The difference, line by line; kept until the width changes."""
        if self._page is None or self._page[0] != width:
            self._page, self.furthest = (width, self._drawn(width)), 0
        return self._page[1]

    def _drawn(self, width: int) -> list[Line]:
        words = "− was asked for, + would run instead; the agent gets the new arguments, the log keeps both"
        lines = [line(say(words, Ink.DIM)), BLANK]
        for mark, ink, text in difference(self.question.input, self.given):
            lines += flow((Span(safe(f"{mark} {text}", newline="\n"), ink),), width)
        return lines


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Ink, str]]:
    """Lines of both with `−`, `+` or a blank and their ink; a text's own line feeds are lines here."""
    before, after, found = _lines(old), _lines(new), list[tuple[str, Ink, str]]()
    if len(before) + len(after) > COMPARED:
        steps: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(before), 0, len(after))]
    else:
        steps = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for tag, start, end, first, last in steps:
        if tag == "equal":
            found += [(" ", Ink.DIM, one) for one in before[start:end]]
            continue
        found += [("−", Ink.BAD, one) for one in before[start:end]]
        found += [("+", Ink.GOOD, one) for one in after[first:last]]
    return found


def _lines(arguments: Mapping[str, Any]) -> list[str]:
    lines = list[str]()
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        kind = "" if isinstance(value, str) else " (not a text)"
        lines += [f"{name}{kind}:", *(f"  {part}" for part in text.split("\n"))]
    return lines


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("one name is there twice")
    return found
