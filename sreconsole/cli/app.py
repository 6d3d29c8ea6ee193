"""The words of the command line, each loaded only when it is used; without a word, the console."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import typer

COMPLETE = "_SRECONSOLE_COMPLETE"
"""Set by the shell when it asks for completions instead of an act."""

OPENS = {"--read-only": False, "--database": True, "--theme": True}
"""The options of the console, and whether each takes a value."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code. Never raises."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    from sreconsole.cli import exits

    with exits.guarded() as outcome:
        if words == ["--version"]:
            import sreconsole

            print(f"sreconsole {sreconsole.__version__}")
        elif COMPLETE not in os.environ and (wanted := _console(words)) is not None:
            theme, database = wanted.get("theme"), wanted.get("database")
            read_only = bool(wanted.get("read_only"))
            outcome.code = open_console(read_only, str(database or "") or None, str(theme or "") or None)
        else:
            from sreconsole.cli.words import command

            outcome.code = int(command().main(words, "sreconsole", standalone_mode=False) or 0)
    return outcome.code


def _console(words: list[str]) -> dict[str, str | bool] | None:
    """The console's options if these words only open it; None if they name a command, or are wrong."""
    options: dict[str, str | bool] = {}
    left = iter(words)
    for word in left:
        name, equals, value = word.partition("=")
        if name not in OPENS or (equals and not OPENS[name]):
            return None
        if OPENS[name] and not equals:
            value = next(left, "")
        if OPENS[name] and not value:
            return None
        options[name.strip("-").replace("-", "_")] = value if OPENS[name] else True
    return options


def open_console(read_only: bool = False, database: str | Path | None = None, theme: str | None = None) -> int:
    """Open the console with the keys the configuration names. Raises ConfigError and Absent."""
    from pathlib import Path

    from sreconsole import config, paths
    from sreconsole.cli.exits import Absent

    home = paths.home()
    keys = config.load(home.settings)["console.keys"]
    try:
        from sreconsole.console import open_console as show  # type: ignore[attr-defined,unused-ignore]
    except ImportError as missing:
        raise Absent("this installation has no console; listings: sreconsole escalations list") from missing
    words: dict[str, Any] = {"keymap": keys} if keys else {}
    chosen = Path(database) if database else None
    return int(show(home, read_only=read_only, database=chosen, theme=theme, **words) or 0)


def typer_app() -> typer.Typer:
    """The whole command line as a Typer app."""
    from sreconsole.cli.words import app

    return app
