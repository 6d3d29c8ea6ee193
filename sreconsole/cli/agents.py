"""`sreconsole agents`: who runs sessions here, who answers for them, what they may reach."""

from __future__ import annotations

import json
import pwd
from typing import Annotated, Any

import typer

from sreconsole.cli import fleet, ids, table
from sreconsole.cli.exits import NO, Usage
from sreconsole.store import agents, rows, sessions
from sreconsole.store.agents import Agent
from sreconsole.text.safe import safe

app = typer.Typer(help="Enroll agents, see them, and revoke them.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The agent.", autocompletion=ids.agent)]
Many = list[str] | None


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the enrolled agents, revoked ones last."""
    with fleet.store() as store:
        found = agents.every(store)
        live = sessions.live(store)
    count = {one.name: sum(session.agent == one.name for session in live) for one in found}
    if as_json:
        table.document([{**_record(one), "sessions": count[one.name]} for one in found])
    elif not found:
        table.say("No agent is enrolled. Enroll one: sreconsole agents enroll NAME --owner WHO")
    else:
        head = ("NAME", "STATE", "OWNER", "USER", "SESSIONS", "ROLE", "MODEL")
        table.table(
            head,
            [(one.name, _state(one), one.owner, _user(one.uid), count[one.name], one.role, one.model) for one in found],
        )


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show one agent: owner, scope, what maps sessions to it, its sessions."""
    with fleet.store() as store:
        one = agents.get(store, name)
        if one is None:
            raise Usage(f"there is no agent {name[:80]}; look: sreconsole agents list")
        running = [session for session in sessions.live(store) if session.agent == name]
    if as_json:
        return table.document({**_record(one), "sessions": [rows.as_dict(session) for session in running]})
    scope = [f"{key} {_words(value)}" for key, value in json.loads(one.scope).items()]
    maps = [_words(rule) for rule in json.loads(one.rules)]
    revoked = f"{table.moment(one.revoked_at)} by {one.revoked_by}" if one.revoked_at else ""
    print(table.bold(str(safe(f"{one.name}  {_state(one)}"))))
    table.facts(
        [
            ("owner", one.owner), ("user", _user(one.uid)), ("role", one.role), ("model", one.model),
            ("scope", "\n".join(scope) or "none declared"),
            ("maps", "\n".join(maps) or "nothing: only `sreconsole run` names it"),
            ("tiers 1, 2", one.unattended), ("enrolled", f"{table.moment(one.enrolled_at)} by {one.enrolled_by}"),
            ("revoked", revoked), ("sessions", "\n".join(session.id for session in running) or "none is open"),
        ]
    )  # fmt: skip


@app.command()
def enroll(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, - _ and . only.")],
    *,
    owner: Annotated[str, typer.Option(metavar="WHO", help="Who answers for it.")],
    user: Annotated[str, typer.Option(metavar="USER", help="The user it runs as: a name or a number.")] = "",
    role: Annotated[str, typer.Option(metavar="TEXT", help="What it does.")] = "",
    model: Annotated[str, typer.Option(metavar="MODEL", help="The model it runs on.")] = "",
    path: Annotated[Many, typer.Option(metavar="PATH", help="A folder it may touch (repeatable).")] = None,
    repository: Annotated[Many, typer.Option(metavar="REPO", help="A repository it may touch (repeatable).")] = None,
    host: Annotated[Many, typer.Option(metavar="HOST", help="A host it may reach (repeatable).")] = None,
    multiplier: Annotated[
        Many, typer.Option(metavar="K=V", help="A budget times a number, like files=2 (repeatable).")
    ] = None,
    map_folder: Annotated[
        Many, typer.Option(metavar="PATH", help="Sessions in this folder are its own (repeatable).")
    ] = None,
    map_user: Annotated[
        Many,
        typer.Option(
            metavar="USER",
            help="Sessions of this user are its own (repeatable); with --map-folder or --map-repository, both must fit.",
        ),
    ] = None,
    map_repository: Annotated[
        Many,
        typer.Option(metavar="REPO", help="Sessions in this repository are its own, as owner/name (repeatable)."),
    ] = None,
    unattended: Annotated[
        str, typer.Option(metavar="WORDS", help='How its tier 1 and 2 calls are answered: "no opinion" or "allow".')
    ] = "no opinion",
    as_json: Json = False,
) -> None:
    """Name an agent, or replace all that was said of it."""
    scope: dict[str, Any] = {"paths": path, "repositories": repository, "hosts": host}
    if multiplier:
        scope["multipliers"] = dict(_multiplier(one) for one in multiplier)
    reply = fleet.ask(
        "enroll", name=name, owner=owner, uid=_uid("--user", user) if user else None, role=role, model=model,
        scope={key: value for key, value in scope.items() if value}, unattended=unattended,
        rules=_rules(map_folder or [], map_user or [], map_repository or []),
    )  # fmt: skip
    if as_json:
        table.document({"agent": reply["agent"]})
    else:
        table.say(f"{reply['agent']} enrolled, owner {owner}")


@app.command()
def revoke(
    name: Name,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; the log keeps it.")] = "",
    as_json: Json = False,
) -> None:
    """Refuse every further call of an agent's sessions. Exit code 1 if it was revoked already."""
    done = bool(fleet.ask("revoke_agent", name=name, reason=reason)["revoked"])
    if as_json:
        table.document({"agent": name, "revoked": done})
    else:
        table.say(f"{name} revoked" if done else f"{name} was revoked already")
    if not done:
        raise typer.Exit(NO)


def _rules(folders: list[str], users: list[str], repositories: list[str]) -> list[dict[str, Any]]:
    """What maps a session: each rule's words must all fit, one fitting rule is enough."""
    mine: list[dict[str, Any]] = [{"user": _uid("--map-user", user)} for user in users]
    places: list[dict[str, Any]] = [{"folder": folder} for folder in folders]
    places += [{"repository": repository} for repository in repositories]
    return [{**who, **where} for who in mine for where in places] if mine and places else mine + places


def _uid(option: str, user: str) -> int:
    if user.isascii() and user.isdigit() and len(user) < 11:
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError):
        raise Usage(f"{option}: there is no user {user[:80]!r} on this machine; give a name or a number") from None


def _multiplier(text: str) -> tuple[str, float]:
    key, equals, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not key or not equals or not 0 < number <= 1000:
        raise Usage(f"--multiplier: {text[:80]!r} must be a word, = and a number up to 1000, like files=2")
    return key, number


def _record(one: Agent) -> dict[str, Any]:
    return {**rows.as_dict(one), "scope": json.loads(one.scope), "rules": json.loads(one.rules)}


def _state(one: Agent) -> str:
    return "revoked" if one.revoked_at is not None else "enrolled"


def _user(uid: int | None) -> str:
    if uid is None:
        return "-"
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{key} {_user(item) if key == 'user' and isinstance(item, int) else item}" for key, item in value.items()
        )
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
