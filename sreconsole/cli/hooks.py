"""`sreconsole hooks`: wire a client to the gate, undo it, look at it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sreconsole.cli.exits import Absent, Barred, Failure, Usage

if TYPE_CHECKING:
    from sreconsole.gate.install import Plan

app = typer.Typer(help="Wire a client's hooks to the gate.", no_args_is_help=True)

Client = Annotated[str, typer.Argument(help="claude-code")]
Scope = Annotated[str, typer.Option(help="user, project or managed")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Project = Annotated[Path, typer.Option(help="The project's folder.")]
Managed = Annotated[Path | None, typer.Option("--managed-file", hidden=True)]


@app.command()
def install(
    client: Client, *, scope: Scope = "user", yes: Yes = False, as_json: Json = False, project: Project = Path(),
    managed_file: Managed = None,
    service: Annotated[bool, typer.Option("--service", help="Also install the service.")] = False,
) -> None:  # fmt: skip
    """Put the gate into a client's settings: shows the change, asks, backs up."""
    from datetime import UTC, datetime

    from sreconsole import paths
    from sreconsole.gate import install as hooks

    home = paths.home()
    path = _path(client, scope, project, managed_file, asks=not yes and as_json)
    with _one_line():
        plan = hooks.plan_install(home, client, scope, path)
        agreed = plan.same or _agreed(plan, yes, as_json)
        done = hooks.install(plan, datetime.now(UTC)) if agreed else None
    state = "already installed" if plan.same else "installed" if done else "not installed"
    assert plan.wire is not None
    facts = {
        **_facts(plan, state), "hook": str(plan.wire.hook), "python": str(plan.wire.python),
        "socket": str(plan.wire.socket), "uid": plan.wire.uid, "backup": str(done.backup or "") if done else "",
        "written": [str(one) for one in done.written] if done else [],
    }  # fmt: skip
    _say(facts, as_json)
    if done is None:
        raise typer.Exit(1)
    if service and home.kind != "system":
        from sreconsole.cli.service import install as install_service

        install_service(yes=yes)
    elif not as_json and not plan.same:
        typer.echo("Next: sreconsole service install, so that the gate is always there; then sreconsole doctor.")


@app.command()
def uninstall(
    client: Client, *, scope: Scope = "user", yes: Yes = False, as_json: Json = False, project: Project = Path(),
    managed_file: Managed = None,
) -> None:  # fmt: skip
    """Take the gate out of a client's settings again, byte for byte if nobody changed them since."""
    from sreconsole import paths
    from sreconsole.gate import install as hooks

    path = _path(client, scope, project, managed_file, asks=not yes and as_json)
    no_agent()
    with _one_line():
        plan = hooks.plan_uninstall(paths.home(), client, scope, path)
        agreed = plan.same or _agreed(plan, yes, as_json)
        done = hooks.uninstall(plan) if agreed else None
    state = "not removed" if done is None else "was not installed" if plan.same and plan.old is None else "removed"
    backup = str(done.backup or "") if done else ""
    _say({**_facts(plan, state), "backup": backup, "exact": bool(done and done.exact)}, as_json)
    if done is None:
        raise typer.Exit(1)


@app.command()
def status(
    client: Client = "claude-code", *, as_json: Json = False, project: Project = Path(), managed_file: Managed = None
) -> None:
    """What is wired: exit code 0 if any settings run the gate as recorded, 1 if not."""
    from sreconsole import paths
    from sreconsole.gate import install as hooks
    from sreconsole.gate.standing import standings
    from sreconsole.text.safe import safe

    _path(client, "user", project, managed_file, asks=False)
    with _one_line():
        found = standings(paths.home(), project, managed_file or hooks.MANAGED)
    if as_json:
        typer.echo(json.dumps({"client": client, "settings": [one.facts() for one in found]}, indent=2))
    for one in found if not as_json else ():
        typer.echo(f"{one.scope:8} {safe(one.path)}  {safe(one.words)}")
    if not any(one.wired for one in found):
        raise typer.Exit(1)


def _path(client: str, scope: str, project: Path, managed: Path | None, *, asks: bool) -> Path:
    """The settings file meant, once the words make sense."""
    from sreconsole.gate import install as hooks

    if client not in hooks.CLIENTS:
        raise Usage(f"CLIENT: `{client}` cannot be wired; one of: {', '.join(hooks.CLIENTS)}")
    if scope not in hooks.SCOPES:
        raise Usage(f"--scope: `{scope}` is none of {', '.join(hooks.SCOPES)}")
    if not project.is_dir():
        raise Usage(f"--project: {project} is no folder")
    if asks:
        raise Usage("--json does not ask: add --yes")
    return hooks.place(scope, project, managed or hooks.MANAGED)


def no_agent() -> None:
    """An agent must not take its own gate away. `serve` knows best who is one; without it, what the clients set does."""
    import os

    from sreconsole import paths
    from sreconsole.serve import peers
    from sreconsole.serve.client import Line, Refused, ServeDown

    try:
        with Line(paths.home()) as line:
            hello = line.ask("hello")
        why = "" if hello.get("can_decide") else str(hello.get("why_not"))
    except (ServeDown, Refused):
        marks = dict.fromkeys(mark for one in peers.ancestry(os.getpid()) for mark in peers.agent_marks(one.pid))
        why = f"it was started by an agent's client ({', '.join(marks)} in its environment)" if marks else ""
    if why:
        raise Barred(f"refused: {why}")


def _agreed(plan: Plan, yes: bool, as_json: bool) -> bool:
    from sreconsole.text.safe import safe

    if not as_json:
        for note in plan.notes:
            typer.echo(f"Note: {safe(note)}")
        typer.echo(plan.diff)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Usage("there is nobody to ask here: look at the change above, then add --yes")
    return typer.confirm("Change it?", default=False)


def _facts(plan: Plan, state: str) -> dict[str, Any]:
    return {
        "client": plan.client, "scope": plan.scope, "settings": str(plan.file.path), "state": state,
        "notes": list(plan.notes), "diff": plan.diff if not plan.same else "",
    }  # fmt: skip


def _say(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    from sreconsole.text.safe import safe

    backup = f" (backup: {facts['backup']})" if facts["backup"] else ""
    typer.echo(str(safe(f"{facts['settings']}: {facts['state']}{backup}")))


@contextmanager
def _one_line() -> Iterator[None]:
    """Turns what cannot be done into one line and its exit code."""
    from sreconsole.gate.hook_file import NoInterpreter
    from sreconsole.gate.install import NotYours
    from sreconsole.gate.settings_file import Changed, Unusable

    try:
        yield
    except Unusable as error:
        raise Usage(str(error)) from error
    except Changed as error:
        raise Failure(str(error)) from error
    except NotYours as error:
        raise Barred(str(error)) from error
    except NoInterpreter as error:
        raise Absent(str(error)) from error
