"""What the terminal can do, and the few sequences of our own that go to it."""

from __future__ import annotations

import codecs
import locale
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

TWIN = "sreconsole escalations list"
COERCED = ("C.UTF-8", "C.utf8", "UTF-8")


class Driver(Protocol):
    """What writes to the terminal."""

    def write(self, data: str) -> None:
        """Write."""


def why_not(environ: Mapping[str, str], *, interactive: bool) -> str:
    """Why no screen can be drawn here, naming what works instead; empty when one can."""
    if not interactive:
        return f"this is not a terminal; without one use: {TWIN}"
    if environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        return f"TERM={environ.get('TERM', '')}: this terminal cannot draw a screen; use: {TWIN}"
    return ""


def ascii_only(environ: Mapping[str, str]) -> bool:
    """Whether the locale cannot show UTF-8 (LC_ALL, LC_CTYPE, LANG, in that order, as POSIX reads them).

    Python itself sets LC_CTYPE to C.UTF-8 where it finds the C locale (PEP 538); that says nothing of the terminal.
    """
    kind = environ.get("LC_CTYPE", "")
    named = environ.get("LC_ALL") or ("" if kind in COERCED else kind) or environ.get("LANG") or ""
    if not named or named in ("C", "POSIX"):
        return True
    encoding = named.partition(".")[2].partition("@")[0] or locale.getpreferredencoding(False)
    try:
        return codecs.lookup(encoding).name != "utf-8"
    except LookupError:
        return True


def quieten(environ: Mapping[str, str]) -> dict[str, str]:
    """Textual's settings for a quiet link. They are read once, when it is imported."""
    return {
        "TEXTUAL_FPS": environ.get("TEXTUAL_FPS", "15" if environ.get("SSH_CONNECTION") else "60"),
        "TEXTUAL_ANIMATIONS": "none",
        "TEXTUAL_SMOOTH_SCROLL": "0",
    }


def title(driver: Driver | None, waiting: int | None) -> None:
    """Put the waiting count into the terminal's title; None clears it."""
    if driver is not None:
        words = "" if waiting is None else f"({waiting}) sreconsole" if waiting else "sreconsole"
        driver.write(f"\x1b]0;{words}\x07")


def mouse(driver: Driver | None, on: bool) -> None:
    """Clicks and the wheel, without reports of every motion."""
    if driver is not None:
        end = "h" if on else "l"
        driver.write(f"\x1b[?1000{end}\x1b[?1006{end}")


def keep_trace(path: Path, error: Exception) -> str:
    """Write an error's trace into a file of our own; says where, or why not."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            traceback.print_exception(error, file=file)
    except OSError as problem:
        return f"its trace could not be kept: {problem.strerror}"
    return f"its trace is in {path}"


def apply(settings: Mapping[str, str]) -> None:
    """Put settings into this process's environment."""
    os.environ.update(settings)
