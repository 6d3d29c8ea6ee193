"""`sreconsole emit`: put an event of one's own into the fleet log."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from sreconsole.cli import fleet, table
from sreconsole.cli.exits import Usage
from sreconsole.serve.client import LINE_LIMIT


def command(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Words joined by dots, like deploy.finished.")],
    data: Annotated[
        str, typer.Argument(metavar="[JSON]", help="An object with its facts; - reads standard input.")
    ] = "",
    *,
    summary: Annotated[str, typer.Option(metavar="TEXT", help="The line the log shows and searches.")] = "",
    session: Annotated[str, typer.Option(metavar="ID", help="The session it is about.")] = "",
    agent: Annotated[str, typer.Option(metavar="NAME", help="The agent it is about.")] = "",
    uid: Annotated[str, typer.Option(metavar="KEY", help="The same key again is the same event, stored once.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Put an event into the fleet log; kinds that trigger acts need your name in emit.users."""
    reply = fleet.ask("emit", kind=kind, data=_object(data), summary=summary, session=session, agent=agent, uid=uid)
    if as_json:
        table.document({"seq": reply["seq"]})
    else:
        table.say(f"event {reply['seq']}")


def _object(text: str) -> dict[str, Any]:
    """The facts as typed. Raises Usage."""
    if text == "-":
        text = sys.stdin.read(LINE_LIMIT + 1)
        if len(text) > LINE_LIMIT:
            raise Usage(f"standard input: more than {LINE_LIMIT} characters are too much for one event")
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Usage(f'JSON: {error}; an object is needed, like \'{{"service": "api"}}\'') from error
    if not isinstance(found, dict):
        raise Usage(f"JSON: must be an object in braces, is {type(found).__name__}")
    return found
