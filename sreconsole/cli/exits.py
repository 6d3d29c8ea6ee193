"""How a command ends: its exit code, and one clear line instead of a traceback."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sreconsole.text.safe import safe

DONE, NO, WRONG, UNREACHABLE, FORBIDDEN = 0, 1, 2, 3, 4
"""Done, the answer is no, wrong usage or input, daemon or source out of reach, refused by policy or identity."""

INTERRUPTED = 128 + signal.SIGINT

LONGEST = 2000
"""Characters of an error line."""


class Failure(Exception):
    """A command ends here: the message names what and the fix."""

    code = NO


class Usage(Failure):
    """What was typed cannot be meant."""

    code = WRONG


class Absent(Failure):
    """What is needed cannot be reached."""

    code = UNREACHABLE


class Barred(Failure):
    """Who asks may not."""

    code = FORBIDDEN


@dataclass(slots=True)
class Outcome:
    """The exit code so far."""

    code: int = DONE


@contextmanager
def guarded() -> Iterator[Outcome]:
    """Run a command; whatever it raises becomes one line on standard error and an exit code."""
    outcome = Outcome()
    _lenient()
    try:
        yield outcome
        sys.stdout.flush()
    except KeyboardInterrupt:
        outcome.code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough: no failure of ours, and nothing more to say.
        _silence()
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):
            _silence()
        else:
            outcome.code = left.code if isinstance(left.code, int) else NO
    except Exception as error:  # noqa: BLE001 - this is the rim: no traceback ever reaches a user
        message, outcome.code = explain(error)
        if message:
            complain(message)
    _close(outcome)


def complain(message: str) -> None:
    """One line on standard error, harmless whatever is in it."""
    line = safe(message, newline=" ").cut(LONGEST)
    try:
        print(f"sreconsole: {line}", file=sys.stderr, flush=True)
    except OSError:
        _silence()


def explain(error: Exception) -> tuple[str, int]:
    """The line and the exit code for what a command raised."""
    if isinstance(error, Failure):
        return str(error), error.code
    # What other rooms raise is known by name, so that nothing is imported just to be ready for it.
    match type(error).__name__:
        case "Abort":
            return "nothing was done: no answer was given", NO
        case "Exit":
            return "", int(getattr(error, "exit_code", NO))
        case "Refused":
            return str(error), int(getattr(error, "code", NO))
        case "ServeDown":
            return _down(error)
        case "ConfigError" | "PolicyError":
            return str(error), WRONG
        case "NewerSchema":
            return str(error), UNREACHABLE
    if hasattr(error, "format_message"):
        return _usage(error), int(getattr(error, "exit_code", WRONG))
    return _lower(error)


def _lower(error: Exception) -> tuple[str, int]:
    """What the libraries and the system raise."""
    if isinstance(error, sqlite3.Error):
        return _store(error), UNREACHABLE
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, UnicodeError):
        return f"text that is not UTF-8 cannot be used here: {error}", WRONG
    if isinstance(error, RecursionError):
        return "the input is nested too deeply to be read", WRONG
    return f"{type(error).__name__}: {error} ({_place(error)}); this is a fault of sreconsole, please report it", NO


def _down(error: Exception) -> tuple[str, int]:
    if isinstance(error.__cause__, PermissionError):
        return f"you may not speak to serve here ({error.__cause__}); ask for operators.users in config.toml", FORBIDDEN
    return str(error), UNREACHABLE


def _usage(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "sreconsole") if context else "sreconsole"
    message = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
    return f"{message}; see: {path} --help" if message else ""


def _store(error: sqlite3.Error) -> str:
    words = str(error)
    if "malformed" in words or "not a database" in words:
        fix = "the store is damaged; restore a backup, and keep the damaged file"
    elif "no such table" in words or "no such column" in words:
        fix = "the store is empty or not one of sreconsole's; start it: sreconsole serve"
    elif "unable to open" in words or "readonly" in words:
        fix = "look at the rights of the file and its folder"
    elif "locked" in words or "busy" in words:
        fix = "another program holds it; try again"
    else:
        fix = "run: sreconsole doctor"
    return f"the store cannot be read: {words}; {fix}"


def _system(error: OSError) -> tuple[str, int]:
    what = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    if isinstance(error, PermissionError):
        return f"{what}; you may not read it as this user", FORBIDDEN
    return what, UNREACHABLE


def _place(error: Exception) -> str:
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    return f"{Path(trail.tb_frame.f_code.co_filename).name}:{trail.tb_lineno}" if trail else "unknown place"


def _lenient() -> None:
    """A terminal that cannot show a character shows its number instead; a stream that was closed goes nowhere."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _fill()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _fill() -> None:
    """Put something behind the closed standard descriptors, or the next file opened would take their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _silence() -> None:
    """Send what is left of the output nowhere, so that closing it cannot fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _close(outcome: Outcome) -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    except OSError as error:
        complain(f"standard output: {error.strerror or error}")
        outcome.code = outcome.code or UNREACHABLE
        _silence()
