"""`sreconsole grants`: approvals given ahead, and ending them."""

from __future__ import annotations

from typing import Annotated

import typer

from sreconsole.cli import fleet, ids, table
from sreconsole.cli.exits import NO
from sreconsole.store import grants, rows
from sreconsole.store.grants import Grant

app = typer.Typer(help="See the approvals given ahead, and end them.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Look at the newest so many.")] = 200,
    as_json: Json = False,
) -> None:
    """List the grants that still have time and uses."""
    now = fleet.now()
    with fleet.store() as store:
        found = [one for one in grants.newest(store, limit) if every or _state(one, now) == "live"]
    if as_json:
        table.document([{**rows.as_dict(one), "state": _state(one, now)} for one in found])
    elif not found:
        table.say("No grant was ever made." if every else "No grant is live.")
    else:
        head = ("ID", "STATE", "LEFT", "USED", "SESSION", "BY", "TOOL", "TARGET")
        table.table(head, [_row(one, now) for one in found], keep=(0, 1, 2, 3))


@app.command()
def revoke(
    id: Annotated[
        str,
        typer.Argument(metavar="ID", help="The grant; `gr-` and zeros may be left out.", autocompletion=ids.granted),
    ],
    as_json: Json = False,
) -> None:
    """End a grant now. Exit code 1 if it was over already."""
    name = ids.spoken("gr", id)
    done = bool(fleet.ask("revoke_grant", grant=name)["revoked"])
    if as_json:
        table.document({"grant": name, "revoked": done})
    else:
        table.say(f"{name} revoked" if done else f"{name} was over already")
    if not done:
        raise typer.Exit(NO)


def _state(one: Grant, now: int) -> str:
    if one.revoked_at is not None:
        return "revoked"
    if one.used >= one.uses:
        return "used up"
    return "live" if one.until > now else "over"


def _row(one: Grant, now: int) -> tuple[object, ...]:
    left = table.span(one.until - now) if _state(one, now) == "live" else "-"
    return one.id, _state(one, now), left, f"{one.used}/{one.uses}", one.session[:8], one.made_by, one.tool, one.target
