"""`sreconsole log`: read, search and follow the fleet log."""

from __future__ import annotations

import sqlite3
import sys
import time
from dataclasses import replace
from typing import Annotated

import typer

from sreconsole import paths
from sreconsole.cli import card, fleet, ids, table
from sreconsole.cli.exits import Usage
from sreconsole.serve import client
from sreconsole.store import log, sessions
from sreconsole.store.event import Entry
from sreconsole.store.log import Filter

FIELDS = ("kind", "session", "agent", "subject")
MARKS = (" ", "-", "!", "P")
"""A severity's mark: information, notice, warning, page."""

PAUSE = 0.25
"""Seconds between two looks of a follower; a look at an unchanged log reads one row."""

LOOKS_A_CHECK = 8
CHUNK = 1000


def command(
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUERY]", help="Words to find; kind:K session:S agent:A subject:X severe narrow it."),
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    kind: Annotated[str, typer.Option(metavar="KIND", help="Only events of this kind, like escalation.opened.")] = "",
    session: Annotated[
        str, typer.Option(metavar="ID", help="Only this session's; a beginning is enough.", autocompletion=ids.seen)
    ] = "",
    agent: Annotated[str, typer.Option(metavar="NAME", help="Only this agent's.", autocompletion=ids.agent)] = "",
    severe: Annotated[bool, typer.Option("--severe", help="Only warnings and what paged.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=0, max=1_000_000, help="The newest so many.")] = 50,
    before: Annotated[
        int | None, typer.Option(metavar="SEQ", min=0, help="Only what is older than this number.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document; with --follow, JSON lines.")
    ] = False,
) -> None:
    """Read the fleet log, oldest first; the newest events are at the end."""
    where = parsed(" ".join(query or []))
    given = {"kind": kind, "session": session, "agent": agent}
    where = replace(where, **{name: value for name, value in given.items() if value}, severe=severe or where.severe)
    with fleet.store() as store:
        where = _whole(store, where)
        last = log.bounds(store)[1]
        found = log.before(store, before, where, limit)[::-1]
        if follow:
            _print(found, lines=as_json)
            _follow(store, last, where, as_json)
        elif as_json:
            table.document([card.event(one) for one in found])
        elif found:
            _print(found, lines=False)
        else:
            table.say("No such event." if where != Filter() or before is not None else "The fleet log is empty.")


def parsed(query: str) -> Filter:
    """A filter as typed: `kind: session: agent: subject: severe`, everything else is full text. Raises Usage."""
    narrowed, words, severe = dict[str, str](), list[str](), False
    for word in query.replace("\0", " ").split():
        name, colon, value = word.partition(":")
        if name in FIELDS and colon:
            if not value:
                raise Usage(f"{name}: needs a value, like {name}:{'escalation.opened' if name == 'kind' else 'x'}")
            narrowed[name] = value
        elif word == "severe":
            severe = True
        else:
            words.append(word)
    return Filter(**narrowed, severe=severe, words=" ".join(words))


def _whole(store: sqlite3.Connection, where: Filter) -> Filter:
    """A session may be given by its beginning; one the store has never seen may still be an event's."""
    if not where.session or sessions.get(store, where.session):
        return where
    found = [one.id for one in sessions.newest(store, 1000) if one.id.startswith(where.session)]
    if len(found) > 1:
        raise Usage(f"session {where.session[:80]} is the beginning of {len(found)} sessions; type more of it")
    return replace(where, session=found[0]) if found else where


def _follow(store: sqlite3.Connection, last: int, where: Filter, as_json: bool) -> None:
    """Print what is appended after `last`, and say when `serve` goes away or comes back."""
    home, looks, up = paths.home(), 0, client.running(paths.home())
    while True:
        newest = log.bounds(store)[1]
        while last < newest:
            found = log.after(store, last, where, CHUNK)
            _print(found, lines=as_json)
            last = found[-1].seq if len(found) == CHUNK else newest
        looks += 1
        if looks % LOOKS_A_CHECK == 0 and client.running(home) != up:
            up = not up
            print(
                f"sreconsole: serve is {'back' if up else 'down; nothing new will come'}", file=sys.stderr, flush=True
            )
        time.sleep(PAUSE)


def _print(found: list[Entry], *, lines: bool) -> None:
    for entry in found:
        if lines:
            table.line(card.event(entry))
            continue
        who = entry.agent or entry.session[:8]
        mark = MARKS[entry.severity] if 0 <= entry.severity < len(MARKS) else "?"
        kind = f"{entry.kind} [{who}]" if who else entry.kind
        table.row(f"{entry.seq:>5} {mark} {table.moment(entry.at)} {kind} {entry.summary}")
    sys.stdout.flush()
