"""`sreconsole pages`: what was sent to wake somebody, and whether it arrived."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sreconsole.cli import fleet, table
from sreconsole.cli.exits import NO
from sreconsole.store import outbox, rows

app = typer.Typer(help="See what was sent to wake somebody, and try it.")

PATIENCE = 30.0
"""Seconds to wait for a test page; `serve` itself gives up waiting after 15."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="The newest so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List the newest pages."""
    with fleet.store() as store:
        found = [rows.as_dict(one) for one in outbox.newest(store, limit)]
    if as_json:
        table.document(found)
    elif not found:
        table.say("No page was ever sent.")
    else:
        _show(found)


@app.command()
def test(as_json: Json = False) -> None:
    """Send a test page by every channel, and wait for what came of it. Exit code 1 if one did not arrive."""
    letters = fleet.ask("page_test", patience=PATIENCE)["letters"]
    if as_json:
        table.document(letters)
    else:
        _show(letters)
    if not letters or any(one["state"] != "sent" for one in letters):
        raise typer.Exit(NO)


def _show(letters: list[dict[str, Any]]) -> None:
    now = fleet.now()
    head = ("ID", "STATE", "CHANNEL", "TRIES", "MADE", "ABOUT", "ERROR")
    lines = [
        (
            one["id"],
            one["state"],
            one["channel"],
            one["attempts"],
            table.ago(one["made_at"], now),
            one["subject"],
            one["error"],
        )
        for one in letters
    ]
    table.table(head, lines, keep=(0, 1, 3, 4))
