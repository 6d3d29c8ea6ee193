"""The first word of every command: which module holds it. A word whose module is not there is simply absent."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}
"""Help as plain text: quick, and the same on every terminal."""

SHORT = {"help_option_names": ["--help", "-h"]}

WORDS = (
    "demo", "serve", "service", "doctor", "hooks", "agents", "run", "ask", "escalations", "log", "emit", "audit",
    "grants", "reviews", "policy", "sessions", "quarantine", "rollback", "deploys", "watches", "incidents",
    "postmortem", "oncall", "handoff", "pages", "maintenance", "sources", "replay", "runbook", "evals", "themes",
    "backup", "man",
)  # fmt: skip
"""The fixed words, in the order help shows them. Each is a module of that name with `app` or `command`."""


class Words(TyperGroup):
    """Finds a word's module when it is used, so that no command pays for another."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The words whose modules are there."""
        return [word for word in WORDS if importlib.util.find_spec(f"sreconsole.cli.{word}")]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command behind a word, or None."""
        if cmd_name not in WORDS:
            return None
        name = f"sreconsole.cli.{cmd_name}"
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as missing:
            if missing.name != name:
                raise
            return None
        found = typer.main.get_command(_typer(module))
        found.name = cmd_name
        return found


def _typer(module: Any) -> typer.Typer:
    """A module's `app`, or its `command` (with its `CONTEXT`, if it has one) as an app of one command."""
    app = getattr(module, "app", None)
    if not isinstance(app, typer.Typer):
        app = typer.Typer()
        app.command(context_settings={**SHORT, **getattr(module, "CONTEXT", {})})(module.command)
    # Whoever wrote the word made a plain app of it: help and errors are the program's, completion the root's.
    app.rich_markup_mode = None
    app.pretty_exceptions_enable = False
    app._add_completion = False
    if not isinstance(app.info.context_settings, dict):
        app.info.context_settings = SHORT
    if len(app.registered_commands) + len(app.registered_groups) > 1 or app.registered_callback:
        app.info.no_args_is_help = True
    return app


app = typer.Typer(cls=Words, context_settings=SHORT, **PLAIN)


@app.callback(invoke_without_command=True)
def sreconsole(
    context: typer.Context,
    read_only: Annotated[bool, typer.Option("--read-only", help="Open the console to look, not to decide.")] = False,
    database: Annotated[
        Path | None, typer.Option("--database", metavar="FILE", help="Open the console on a copied store.")
    ] = None,
    theme: Annotated[str | None, typer.Option("--theme", metavar="NAME", help="Theme of the console.")] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """The on-call console for fleets of coding agents.

    Alone it opens the console and starts `serve` if none runs. Every listing takes --json.
    Exit codes: 0 done, 1 the answer is no, 2 wrong usage or input, 3 the daemon or a source cannot be reached,
    4 refused by policy or identity.
    """
    from sreconsole.cli import app as program

    if version:
        import sreconsole as package

        print(f"sreconsole {package.__version__}")
        raise typer.Exit()
    opens = read_only or database is not None or theme is not None
    if context.invoked_subcommand is None:
        raise typer.Exit(program.open_console(read_only, database, theme))
    if opens:
        raise typer.BadParameter("--read-only, --database and --theme open the console and take no command")


def command() -> Any:
    """The command line as a click command."""
    return typer.main.get_command(app)
