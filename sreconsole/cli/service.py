"""`sreconsole service`: let systemd keep `serve` running."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sreconsole.cli.exits import Absent, Barred, Failure, Usage

if TYPE_CHECKING:
    from sreconsole.serve.service import NoService, Service

app = typer.Typer(help="Let systemd keep serve running.", no_args_is_help=True)

System = Annotated[bool, typer.Option("--system", help="For the whole machine, as a user of its own.")]
Group = Annotated[str, typer.Option("--group", help="With --system: the group of people on call.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@app.command()
def install(
    *,
    system: System = False,
    group: Group = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Print the unit and do nothing.")] = False,
) -> None:
    """Show the unit, ask, put it in place and start it."""
    from sreconsole import paths
    from sreconsole.serve import service as services

    words = services.program()
    if system and not group:
        raise Usage("--system needs --group: the people on call, for example --group oncall")
    service = _service(system=system, group=group, words=words)
    if show:
        typer.echo(service.text, nl=False)
        return
    try:
        services.unfit(service, words, group)
        services.booted(service, services.run)
        home = paths.Home("system", *paths.SYSTEM) if system else paths.home()
        _present(service)
        if not (yes or _agreed()):
            raise typer.Exit(1)
        for line in services.install(service, home, services.run):
            typer.echo(line)
    except services.NoService as no:
        raise _no(no) from no


@app.command()
def status(*, system: System = False, as_json: Json = False) -> None:
    """What systemd says of the service: exit code 0 if it runs, 1 if not, 3 without systemd."""
    import json

    from sreconsole.serve import service as services

    service = _service(system=system, group="oncall", words=services.program())
    try:
        said = services.status(service, services.run)
    except services.NoService as no:
        raise _no(no, brief=as_json) from no
    if as_json:
        typer.echo(json.dumps({"name": service.name, "unit": str(service.unit), **said}, indent=2))
    else:
        pid = f", pid {said['MainPID']}" if said.get("MainPID", "0") != "0" else ""
        typer.echo(f"{service.name}: {said.get('ActiveState', 'unknown')} ({said.get('SubState', 'unknown')}){pid}")
    if said.get("ActiveState") != "active":
        raise typer.Exit(1)


@app.command()
def uninstall(
    *, system: System = False, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Stop the service and take its unit away; state and configuration stay."""
    from sreconsole.serve import service as services

    service = _service(system=system, group="oncall", words=services.program())
    if not service.unit.exists():
        typer.echo(f"{service.unit}: not installed")
        return
    typer.echo(
        f"Stops {service.name} and removes {service.unit}. Every call of a wired agent is refused until serve runs again."
    )
    if not (yes or _agreed()):
        raise typer.Exit(1)
    try:
        for line in services.uninstall(service, services.run):
            typer.echo(line)
    except services.NoService as no:
        raise _no(no) from no


def _service(*, system: bool, group: str, words: list[str]) -> Service:
    import os

    from sreconsole import paths
    from sreconsole.serve import service as services

    if system:
        return services.system_service(words, group)
    home = paths.home()
    if home.kind == "system":
        raise Usage("this machine has a system home; add --system")
    return services.user_service(home, words, os.environ)


def _present(service: Service) -> None:
    for path, text in {**service.files, **service.once, service.unit: service.text}.items():
        typer.echo(f"# {path}\n{text}")
    typer.echo("Then: " + "; ".join(" ".join(one) for one in (*service.commands, *map(list, service.optional))))
    typer.echo("A serve that was started by hand is ended first; hooks that wait find the new one within a minute.")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise Usage("there is nobody to ask here: look at the above, then add --yes")
    return typer.confirm("Do it?", default=False)


def _no(no: NoService, *, brief: bool = False) -> Failure:
    """One line with its exit code; what can be done instead goes before it, unless `brief`."""
    if no.instead and not brief:
        typer.echo(no.instead)
    return {2: Usage, 3: Absent, 4: Barred}.get(no.code, Failure)(str(no))
