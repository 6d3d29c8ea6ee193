"""`sreconsole sessions`: the runs of agents' clients that the gate has seen."""

from __future__ import annotations

from typing import Annotated

import typer

from sreconsole.cli import card, fleet, ids, table, usage
from sreconsole.cli.exits import NO
from sreconsole.store import escalations, log, rows, sessions
from sreconsole.store.sessions import Session
from sreconsole.text.safe import safe

app = typer.Typer(help="See the runs of agents' clients, and release parked ones.")

NEWEST = 20

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The session; a beginning is enough.", autocompletion=ids.seen)]


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Look at the newest so many.")] = 500,
    as_json: Json = False,
) -> None:
    """List the sessions not known to have ended, the one heard of last first."""
    with fleet.store() as store:
        found = [one for one in sessions.newest(store, limit) if every or one.ended_at is None]
        waits = {one.session for one in escalations.waiting(store)}
    if as_json:
        table.document([{**rows.as_dict(one), "state": _state(one, waits)} for one in found])
    elif not found:
        table.say("No session was ever seen." if every else "No session is open.")
    else:
        now = fleet.now()
        name = ids.short(one.id for one in found) if table.wide() else {one.id: one.id for one in found}
        head = ("SESSION", "STATE", "SEEN", "CALLS", "ASKED", "REFUSED", "AGENT", "FOLDER")
        lines = [
            (name[one.id], _state(one, waits), table.ago(one.seen_at, now), one.calls, one.asked, one.refused,
             one.agent or "-", one.cwd)
            for one in found
        ]  # fmt: skip
        table.table(head, lines, keep=(0, 2, 3, 4, 5))


@app.command()
def show(id: Id, as_json: Json = False) -> None:
    """Show one session: who, where, what it waits for, what it did last."""
    with fleet.store() as store:
        name = ids.session(store, id)
        one = sessions.get(store, name)
        assert one is not None
        open_ = escalations.of_session(store, name)
        newest = log.before(store, None, log.Filter(session=name), NEWEST)[::-1]
    state = _state(one, {e.session for e in open_})
    if as_json:
        record = {**rows.as_dict(one), "state": state}
        waiting = [card.record(e) for e in open_]
        return table.document({**record, "escalations": waiting, "events": [card.event(entry) for entry in newest]})
    now = fleet.now()
    print(table.bold(str(safe(f"{one.id}  {state}"))))
    table.facts(_what(one, now))
    table.heading("Waits for" if open_ else "Waits for nothing")
    for e in open_:
        table.row(f"{e.id}  {e.state}  {table.span(e.deadline - now)} left  {card.does(e)}")
    table.heading(f"Newest events, {NEWEST} at most")
    for entry in newest:
        table.row(f"{table.moment(entry.at)}  {entry.kind}  {entry.summary}")


@app.command()
def release(
    id: Id,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the log keeps it.")] = "",
    as_json: Json = False,
) -> None:
    """End a session's park: its tier 3 calls are asked again. Exit code 1 if it is not parked."""
    fleet.ready()
    with fleet.store() as store:
        name = ids.session(store, id)
    was = str(fleet.ask("release", session=name, reason=reason)["was"])
    if as_json:
        table.document({"session": name, "was": was})
    else:
        table.say(f"{name} released from {was}" if was else f"{name} is not parked")
    if not was:
        raise typer.Exit(NO)


app.command("usage")(usage.command)


def _state(one: Session, waits: set[str]) -> str:
    """The one word that matters most. `open` says only that no end was seen."""
    if one.ended_at is not None:
        return "ended"
    if one.stopped:
        return "stopped"
    if one.parked_on:
        return "parked"
    return "waiting" if one.id in waits else "open"


def _what(one: Session, now: int) -> list[tuple[str, object]]:
    proof = f"scope {one.scope} holds its processes" if one.provable else "not provable: no scope of ours holds it"
    ended = f"{table.moment(one.ended_at)}: {one.end_reason or 'unknown why'}" if one.ended_at else ""
    return [
        ("agent", f"{one.agent or 'not enrolled'} ({one.mapped_by or 'nothing maps it'})"),
        ("boundary", proof),
        (
            "client",
            f"{one.client}, mode {one.mode or 'unknown'}, {'somebody sits there' if one.attended else 'unattended'}",
        ),
        ("process", f"pid {one.pid or 'unknown'}, uid {one.uid}"),
        ("folder", one.cwd),
        ("transcript", one.transcript),
        ("opened", f"{table.moment(one.opened_at)}, {table.ago(one.opened_at, now)}"),
        ("seen", f"{table.moment(one.seen_at)}, {table.ago(one.seen_at, now)}"),
        ("ended", ended),
        ("parked on", f"{one.parked_on}; end it: sreconsole sessions release {one.id}" if one.parked_on else ""),
        ("stopped", one.stopped),
        ("calls", f"{one.calls} seen, {one.asked} asked, {one.refused} refused"),
    ]
