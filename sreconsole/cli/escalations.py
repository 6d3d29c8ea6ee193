"""`sreconsole escalations`: see what waits for a human, and decide it."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from sreconsole.cli import answer, card, editor, fleet, ids, table
from sreconsole.cli.exits import Barred, Failure, Usage
from sreconsole.store import escalations, log, rows
from sreconsole.store.escalations import OPEN, Escalation

STATES = ("pending", "held", "deferred", "approved", "denied", "expired", "cancelled", "invalidated")
HISTORY = 200
LATER = "later"
"""The `decision` of a question that was put off."""

app = typer.Typer(help="See what waits for a human, and decide it.")

Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="The escalation; `esc-` and zeros may be left out.", autocompletion=ids.waiting),
]
AnyId = Annotated[
    str,
    typer.Argument(metavar="ID", help="The escalation; `esc-` and zeros may be left out.", autocompletion=ids.known),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the agent reads it and the log keeps it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Answer the confirmation, but never a typed one.")]


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over, newest first.")] = False,
    state: Annotated[str, typer.Option(metavar="STATE", help=f"Only these: {', '.join(STATES)}.")] = "",
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="At most this many.")] = 200,
    before: Annotated[str, typer.Option(metavar="ID", help="Only those opened before this one (with --all).")] = "",
    as_json: Json = False,
) -> None:
    """List the escalations that wait, the soonest deadline first."""
    if state and state not in STATES:
        raise Usage(f"--state: {state!r} is none of {', '.join(STATES)}")
    with fleet.store() as store:
        if every or state or before:
            older = _known(escalations.get(store, ids.spoken("esc", before)), before).n if before else None
            found = escalations.newest(store, older, limit, state)
        else:
            found = escalations.waiting(store)[:limit]
    if as_json:
        table.document([card.record(one) for one in found])
    elif not found:
        table.say("Nothing waits for a human." if not (every or state) else "No such escalation.")
    else:
        now = fleet.now()
        head = ("ID", "STATE", "TIER", "LEFT", "AGE", "AGENT", "WHAT")
        table.table(head, [_row(one, now) for one in found], keep=(0, 1, 2, 3))


@app.command()
def show(
    id: AnyId,
    raw: Annotated[bool, typer.Option("--raw", help="Print the redacted arguments as JSON, nothing else.")] = False,
    as_json: Json = False,
) -> None:
    """Show one escalation: what, why, who, and what became of it."""
    name = ids.spoken("esc", id)
    with fleet.store() as store:
        e = _known(escalations.get(store, name), name)
        history = log.before(store, None, log.Filter(subject=name), HISTORY)[::-1]
    if raw:
        table.document(card.record(e)["input"])
    elif as_json:
        table.document({**card.record(e), "history": [card.event(one) for one in history]})
    else:
        card.show(e, history, fleet.now())


@app.command()
def approve(
    id: Id,
    *,
    reason: Reason = "",
    yes: Yes = False,
    choice: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Answer a question with this choice (repeatable).")
    ] = None,
    words: Annotated[str, typer.Option("--answer", metavar="TEXT", help="Answer a question in your own words.")] = "",
    break_glass: Annotated[
        bool, typer.Option("--break-glass", help="Alone, where two are asked for: needs --reason, and pages.")
    ] = False,
    edit: Annotated[
        bool, typer.Option("--edit", help="Change the arguments in $EDITOR first; they are judged again.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back your own approval while it is held.")] = False,
    as_json: Json = False,
) -> None:
    """Let it run: once, exactly what was asked."""
    name = ids.spoken("esc", id)
    if undo:
        return _told(fleet.ask("undo", escalation=name), as_json)
    if break_glass and not reason.strip():
        raise Usage("--break-glass needs --reason TEXT")
    e = _look(name)
    if edit:
        return _edited(e, reason, yes, as_json, alone=not (break_glass or choice or words))
    given = answer.build(e, choice or [], words) if e.state in OPEN else None
    if e.state in OPEN:
        _confirm(e, yes, "Break the glass and approve" if break_glass else "Approve")
    binding: dict[str, Any] = {"escalation": name, "version": e.version, "digest": e.digest, "reason": reason}
    if break_glass:
        return _told(fleet.ask("break_glass", **binding), as_json)
    _told(fleet.ask("approve", **binding, hold=0, answer=given), as_json)


@app.command()
def deny(id: Id, reason: Reason = "", as_json: Json = False) -> None:
    """Refuse it, at once."""
    _told(fleet.ask("deny", escalation=ids.spoken("esc", id), reason=reason), as_json)


@app.command()
def later(id: Id, reason: Reason = "", as_json: Json = False) -> None:
    """Refuse it now; `allow` may let exactly this call run later, once."""
    e = _look(ids.spoken("esc", id))
    _told(fleet.ask("later", escalation=e.id, version=e.version, digest=e.digest, reason=reason), as_json)


@app.command()
def allow(
    id: AnyId,
    *,
    minutes: Annotated[float, typer.Option(metavar="N", help="For how long, 15 at most.")] = 15.0,
    reason: Reason = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Let a call that was put off (`later`) run when the agent asks for exactly it again: once."""
    e = _look(ids.spoken("esc", id))
    if e.decision == LATER:
        _confirm(e, yes, "Allow once, for exactly this call,")
    _told(fleet.ask("allow_later", escalation=e.id, version=e.version, digest=e.digest, minutes=minutes,
                    reason=reason), as_json)  # fmt: skip


@app.command()
def alike(
    id: Id,
    *,
    approve: Annotated[bool, typer.Option("--approve", help="Say yes to all of them.")] = False,
    deny: Annotated[bool, typer.Option("--deny", help="Say no to all of them.")] = False,
    reason: Reason = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """List the questions that equal this one, or decide all of them at once."""
    e = _look(ids.spoken("esc", id))
    with fleet.store() as store:
        found = [one for one in escalations.waiting(store) if e.alike and one.alike == e.alike] or [e]
    if approve and deny:
        raise Usage("--approve or --deny, not both")
    if not (approve or deny):
        if as_json:
            return table.document([card.record(one) for one in found])
        now = fleet.now()
        head = ("ID", "STATE", "TIER", "LEFT", "AGE", "AGENT", "WHAT")
        return table.table(head, [_row(one, now) for one in found], keep=(0, 1, 2, 3))
    if approve:
        _confirm(e, yes, f"Approve {len(found)} alike ({', '.join(one.id for one in found)}), and with them")
    members = [{"id": one.id, "version": one.version, "digest": one.digest} for one in found if one.id != e.id]
    words: dict[str, Any] = {"escalation": e.id, "version": e.version, "digest": e.digest, "members": members}
    done = fleet.ask("approve_alike" if approve else "deny_alike", **words, reason=reason, hold=0)["decided"]
    if as_json:
        return table.document(done)
    for one in done:
        table.say(f"{one['escalation']} {one['state']}")


@app.command()
def grant(
    id: Id,
    *,
    target: Annotated[str, typer.Option(metavar="PATTERN", help="Targets it is for; * and ? stand for anything.")],
    minutes: Annotated[float, typer.Option(metavar="N", help="For how long, 15 at most.")] = 15.0,
    uses: Annotated[int, typer.Option(metavar="N", help="For how many calls, 100 at most.")] = 1,
    reason: Reason = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Approve it and the like of it, for this session, bounded in time and uses."""
    name = ids.spoken("esc", id)
    e = _look(name)
    if e.state in OPEN:
        _confirm(e, yes, f"Approve, and grant {uses} more on {target!r} for {minutes:g} min")
    _told(fleet.ask("grant", escalation=name, version=e.version, digest=e.digest, target=target, minutes=minutes,
                    uses=uses, reason=reason), as_json)  # fmt: skip


def _edited(e: Escalation, reason: str, yes: bool, as_json: bool, *, alone: bool) -> None:
    """Open the arguments in the editor, show what the policy says of the result, and approve that."""
    if not alone:
        raise Usage("--edit goes with --reason and --yes alone")
    if e.state not in OPEN:
        raise Failure(f"{e.id} is {e.state}: there is nothing to edit any more")
    changed = editor.changed(json.loads(e.input), e.id)
    found = fleet.ask("judge_edit", escalation=e.id, input=changed)["edited"]
    if found["tier"] >= 4:
        raise Barred(f"{e.id}: edited like this it is tier {found['tier']} ({found['rule']}): {found['why']}")
    shown = rows.changed(e, input=json.dumps(changed), digest=found["digest"], radius="",
                         verdict=json.dumps({**json.loads(e.verdict), **found, "effects": [], "span": None}))  # fmt: skip
    _confirm(shown, yes, f"Approve as edited (tier {found['was_tier']} before, {found['tier']} now)")
    typed = found["target"] if found["confirm"] == "type" else None
    _told(fleet.ask("approve", escalation=e.id, version=e.version, digest=e.digest, reason=reason, hold=0,
                    answer={"input": changed}, typed=typed), as_json)  # fmt: skip


def _row(e: Escalation, now: int) -> tuple[object, ...]:
    left = table.span(e.deadline - now) if e.state in ("pending", "held") else "-"
    return e.id, e.state, e.tier, left, table.span(now - e.opened_at), e.agent or e.session[:8], card.does(e)


def _known(found: Escalation | None, typed: str) -> Escalation:
    if found is None:
        raise Usage(f"there is no escalation {typed[:80]}; look: sreconsole escalations list --all")
    return found


def _look(name: str) -> Escalation:
    """The question as it is now, so that what is decided is what was shown."""
    fleet.ready()
    with fleet.store() as store:
        return _known(escalations.get(store, name), name)


def _confirm(e: Escalation, yes: bool, act: str) -> None:
    """Ask on standard error, read one line. Raises Failure when the answer is not yes."""
    word = card.must_type(e)
    if yes and not word:
        return
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        card.show(e, (), fleet.now())
        table.say(f"{act} {e.id}? {f'Type {word} to go on: ' if word else '[y/N] '}")
    finally:
        sys.stdout = out
    sys.stderr.flush()
    typed = sys.stdin.readline(4096).strip()
    if (typed == word) if word else (typed.lower() in ("y", "yes")):
        return
    fix = f"type {word} (--yes does not answer this one)" if word else "answer y, or pass --yes"
    raise Failure(f"{e.id} was not approved: {fix}; nothing was sent")


def _told(reply: dict[str, Any], as_json: bool) -> None:
    """Say what came of an act."""
    done = {key: value for key, value in reply.items() if key not in ("id", "ok")}
    if as_json:
        return table.document(done)
    given, state = done.get("approvals") or [], done.get("state")
    words = f"{done.get('escalation')} {state}"
    if state == "pending" and given:
        words += f": your yes counts, it waits for another person ({len(given)} so far)"
    elif state == "approved":
        words += ": the agent goes on" if done.get("used_at") else ": it is used when the agent asks again"
    if done.get("grant"):
        words += f"; {done['grant']} until {table.moment(done.get('until'))}"
    table.say(words)
