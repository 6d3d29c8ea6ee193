"""`sreconsole policy`: check the policy files before they count, and load them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sreconsole import paths
from sreconsole.cli import fleet, table
from sreconsole.cli.exits import NO, Usage, complain
from sreconsole.paths import Home
from sreconsole.serve.client import Refused

app = typer.Typer(help="Check the policy, and load it.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def check(
    file: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Policy files; without any, those of this home.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Load policy files over the policy that comes with sreconsole, without using them; one line a problem.

    Exit code 1 if there is one.
    """
    files = file or files_of(paths.home())
    for one in files:
        if not one.is_file():
            raise Usage(f"{one}: no such file")
    version, problems = _loaded(files)
    if as_json:
        table.document({"files": [str(one) for one in files], "version": version, "problems": problems})
    elif problems:
        for problem in problems:
            table.say(problem)
    else:
        names = ", ".join(map(str, files)) or "the one that comes with sreconsole"
        table.say(f"policy {version} is sound: {names}")
    if problems:
        raise typer.Exit(NO)


@app.command()
def reload(as_json: Json = False) -> None:
    """Have serve read policy and configuration again; a bad one changes nothing."""
    try:
        version = str(fleet.ask("reload")["policy"])
    except Refused as refused:
        for problem in refused.reply.get("problems", [])[1:]:
            complain(str(problem))
        raise
    if as_json:
        table.document({"policy": version})
    else:
        table.say(f"policy {version} is in force")


def files_of(home: Home) -> list[Path]:
    """The policy files of a home, in order; none where only the policy that comes with sreconsole counts."""
    found = [home.policy] if home.policy.exists() else []
    folder = home.config / "policy.d"
    if folder.is_dir():
        found += sorted(folder.glob("*.yaml"))
    return found


def _loaded(files: list[Path]) -> tuple[str, list[str]]:
    """The version of a sound policy, and the problems of one that is not."""
    from sreconsole.policy.policy import load
    from sreconsole.policy.problems import PolicyError

    try:
        return load(files, datetime.now(UTC).date(), starter=True).version, []
    except PolicyError as error:
        return "", list(error.problems)
