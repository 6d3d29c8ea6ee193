"""The console. Importing it loads no screen library; opening it does."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sreconsole.paths import Home


def open_console(
    home: Home,
    *,
    read_only: bool = False,
    database: Path | None = None,
    theme: str | None = None,
    keymap: Mapping[str, str] | None = None,
    start_serve: bool = True,
) -> int:
    """Open the console and return its exit code (0 left, 2 it cannot be drawn here or a setting is wrong).

    `database` is a copied store to look at: no `serve` is spoken to, nothing can be decided. `keymap` maps ids of
    the key table to keys (None: those of config.toml). The theme is the one named, else the one chosen last, else
    that of config.toml.
    """
    from sreconsole import config
    from sreconsole.console import terminal

    no = terminal.why_not(os.environ, interactive=sys.stdin.isatty() and sys.stdout.isatty())
    if no:
        print(f"sreconsole: {no}", file=sys.stderr)
        return 2
    if database is not None and not database.is_file():
        print(f"sreconsole: {database}: no such store", file=sys.stderr)
        return 2
    try:
        settings = config.load(home.settings)
    except config.ConfigError as error:
        print(f"sreconsole: {error}", file=sys.stderr)
        return 2
    terminal.apply(terminal.quieten(os.environ))

    from sreconsole.console.keys import BadKeymap, Keyboard

    try:
        keyboard = Keyboard(settings["console.keys"] if keymap is None else keymap)
    except BadKeymap as error:
        print(f"sreconsole: {error}", file=sys.stderr)
        return 2
    from sreconsole.console import themes
    from sreconsole.console.app import ConsoleApp

    known, problems = themes.load(home)
    if theme is not None and theme not in known:
        print(f"sreconsole: no theme {theme}; there are {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    before = themes.remembered(home) or settings["console.theme"]
    chosen = themes.choose(known, theme, before, no_color=bool(os.environ.get("NO_COLOR")))
    app = ConsoleApp(
        home, themes=known, theme=chosen, keyboard=keyboard, read_only=read_only or database is not None,
        database=database, start_serve=start_serve and not read_only and database is None,
        ascii_only=terminal.ascii_only(os.environ), problems=problems, mouse=settings["console.mouse"],
    )  # fmt: skip
    app.run(mouse=False)
    if app.last_words:
        print(f"sreconsole: {app.last_words}", file=sys.stderr)
    return app.return_code or 0
