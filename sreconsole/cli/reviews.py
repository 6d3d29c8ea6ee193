"""`sreconsole reviews`: look at what tier 2 let through, and say what should not have happened."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sreconsole.cli import fleet, ids, table
from sreconsole.cli.exits import NO, Usage
from sreconsole.store import reviews, rows
from sreconsole.store.reviews import MOST_SHOWN, Review

app = typer.Typer(help="Look at what tier 2 let through, and say what should not have happened.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_(
    *,
    rule: Annotated[str, typer.Option(metavar="RULE", help="Only those of this rule, one by one.")] = "",
    session: Annotated[
        str, typer.Option(metavar="ID", help="Only those of this session.", autocompletion=ids.seen)
    ] = "",
    agent: Annotated[
        str, typer.Option(metavar="NAME", help="Only those of this agent.", autocompletion=ids.agent)
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that were looked at.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="At most this many.")] = 200,
    before: Annotated[str, typer.Option(metavar="ID", help="Only those before this one.")] = "",
    as_json: Json = False,
) -> None:
    """List the calls nobody has looked at: by rule with counts, or one by one where an option narrows them."""
    with fleet.store() as store:
        whose = ids.session(store, session) if session else ""
        start = reviews.get(store, ids.spoken("rev", before)) if before else None
        if before and start is None:
            raise Usage(f"there is no review {before[:80]}; look: sreconsole reviews list --all")
        grouped = not (rule or whose or agent or every or before)
        found = reviews.listing(store, rule=rule, session=whose, agent=agent, every=every,
                                before=start.n if start else None, limit=limit)  # fmt: skip
        groups = reviews.groups(store) if grouped else []
        unread = reviews.unread(store)
    if as_json:
        named = [{"rule": one.rule, "count": one.count, "newest": rows.as_dict(one.newest)} for one in groups]
        table.document({"unread": unread, "groups": named, "reviews": [rows.as_dict(one) for one in found]})
    elif grouped:
        _by_rule(groups)
    elif not found:
        table.say("No such review.")
    else:
        now = fleet.now()
        table.table(("ID", "STATE", "AGE", "AGENT", "RULE", "WHAT"), [_row(one, now) for one in found], keep=(0, 1, 2))


@app.command()
def ok(
    id: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="The reviews; `rev-` and zeros may be left out.")
    ] = None,
    rule: Annotated[str, typer.Option(metavar="RULE", help="All unread ones of this rule.")] = "",
    session: Annotated[
        str, typer.Option(metavar="ID", help="All unread ones of this session.", autocompletion=ids.seen)
    ] = "",
    as_json: Json = False,
) -> None:
    """Mark them as looked at. Exit code 1 if none of them was unread."""
    if bool(id) + bool(rule) + bool(session) != 1:
        raise Usage("give reviews, or --rule, or --session, and only one of these")
    fleet.ready()
    with fleet.store() as store:
        whose = ids.session(store, session) if session else ""
        newest = reviews.listing(store, limit=1)
    asked: dict[str, Any] = {"ids": [ids.spoken("rev", one) for one in id]} if id else {"rule": rule, "session": whose}
    if not id:
        # What arrives from here on was in no list that anybody has seen.
        asked["through"] = newest[0].n if newest else 0
    done = fleet.ask("review_ok", **asked)
    if as_json:
        table.document({"count": done["count"], "ids": done["ids"]})
    else:
        table.say(f"{done['count']} reviewed" if done["count"] else "none of these was unread")
    if not done["count"]:
        raise typer.Exit(NO)


@app.command()
def flag(
    id: Annotated[str, typer.Argument(metavar="ID", help="The review; `rev-` and zeros may be left out.")],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What is wrong with it; the log keeps it.")],
    as_json: Json = False,
) -> None:
    """Say that this should not have happened: it becomes a signal. Exit code 1 if it was flagged already."""
    name = ids.spoken("rev", id)
    if not reason.strip():
        raise Usage("--reason: say what is wrong with it")
    done = bool(fleet.ask("review_flag", review=name, reason=reason)["flagged"])
    if as_json:
        table.document({"id": name, "flagged": done})
    else:
        table.say(f"{name} flagged" if done else f"{name} was flagged already")
    if not done:
        raise typer.Exit(NO)


def _by_rule(groups: list[reviews.Group]) -> None:
    if not groups:
        table.say("Everything was looked at.")
        return
    now = fleet.now()
    head = ("RULE", "UNREAD", "NEWEST", "ID", "WHAT")
    body = [(one.rule, f"{one.count}{'+' if one.count >= MOST_SHOWN else ''}", table.ago(one.newest.at, now),
             one.newest.id, _what(one.newest)) for one in groups]  # fmt: skip
    table.table(head, body, keep=(0, 1, 2, 3))


def _row(one: Review, now: int) -> tuple[object, ...]:
    return one.id, one.state, table.span(now - one.at), one.agent or one.session[:8], one.rule, _what(one)


def _what(one: Review) -> str:
    return one.does if not one.summary or one.summary in one.does else f"{one.does}: {one.summary}"
