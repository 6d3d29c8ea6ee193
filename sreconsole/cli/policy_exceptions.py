"""`sreconsole policy except`: lower one rule for a while, with an owner, a reason and an end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sreconsole import paths
from sreconsole.cli import table
from sreconsole.cli.exits import Barred, Failure, Usage, complain
from sreconsole.serve import client

if TYPE_CHECKING:
    from sreconsole.paths import Home
    from sreconsole.policy.exceptions import Entry

app = typer.Typer(help="Lower one rule for a while: with an owner, a reason and an end.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Texts = list[str] | None


@app.command()
def add(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule to lower; `policy explain` names it.")],
    *,
    tier: Annotated[int, typer.Option(metavar="N", min=1, max=3, help="The tier where it holds.")],
    owner: Annotated[str, typer.Option(metavar="WHO", help="Who answers for it.")],
    until: Annotated[str, typer.Option(metavar="DATE", help="Its last day, like 2026-12-01, or 14d from today.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason.")],
    repo: Annotated[Texts, typer.Option(metavar="REPO", help="Only for this repository.")] = None,
    path: Annotated[Texts, typer.Option(metavar="GLOB", help="Only for these files.")] = None,
    command: Annotated[Texts, typer.Option(metavar="WORDS", help="Only for commands that begin so.")] = None,
    effect: Annotated[Texts, typer.Option(metavar="EFFECT", help="Only for this effect.")] = None,
    host: Annotated[Texts, typer.Option(metavar="GLOB", help="Only for these hosts.")] = None,
    env: Annotated[Texts, typer.Option(metavar="NAME", help="Only in this environment.")] = None,
    branch: Annotated[Texts, typer.Option(metavar="GLOB", help="Only for these branches.")] = None,
    tool: Annotated[Texts, typer.Option(metavar="GLOB", help="Only for these tools.")] = None,
    agent: Annotated[Texts, typer.Option(metavar="GLOB", help="Only for these agents.")] = None,
    as_json: Json = False,
) -> None:
    """Add an exception to a rule, check the policy with it, write it and have serve load it.

    It never lowers what is locked, and ends on its day by itself. Options that narrow it may be given more than once;
    without any it holds wherever the rule does.
    """
    from sreconsole.cli.policy import today
    from sreconsole.policy import exceptions

    for name, value in (("--owner", owner), ("--why", why)):
        if not value.strip():
            raise Usage(f"{name}: must say something")
    try:
        end = exceptions.day(until, today())
    except ValueError as problem:
        raise Usage(f"--until: {problem}") from None
    given = {"repo": repo, "path": path, "command": command, "effect": effect, "host": host, "env": env,
             "branch": branch, "tool": tool, "agent": agent}  # fmt: skip
    match = {name: values[0] if len(values) == 1 else values for name, values in given.items() if values}
    with _ours() as home:
        _allowed(home, rule, tier)
        kept, last = _kept(home)
        entry = exceptions.Entry(f"EX-{last + 1}", rule, tier, owner.strip(), end.isoformat(), why.strip(), match)
        _replace(home, exceptions.text([*kept, entry], last + 1))
    loaded = _reload(home)
    if as_json:
        table.document({**_facts(entry), "policy": loaded})
    else:
        days = (end - today()).days
        table.say(f"{entry.id}: {rule} is tier {tier} {_where(entry)} until {end} ({days} days); {_said(loaded)}")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the exceptions of every policy file, those that are over too."""
    from sreconsole.cli.policy import today

    found = _all(paths.home())
    if as_json:
        table.document([_facts(one) for one in found])
    elif not found:
        table.say("There is no exception.")
    else:
        rows = [(one.id, _left(one.days_left(today())), one.tier, one.rule, one.owner, _where(one), one.why, one.where)
                for one in found]  # fmt: skip
        table.table(("ID", "LEFT", "TIER", "RULE", "OWNER", "WHERE", "WHY", "FILE"), rows, keep=(0, 1, 2))


@app.command()
def revoke(id: Annotated[str, typer.Argument(metavar="ID", help="EX-n.")], as_json: Json = False) -> None:
    """End an exception before its day, and have serve load the policy without it."""
    from sreconsole.policy import exceptions

    name = id.upper() if id.upper().startswith("EX-") else f"EX-{id}" if id.isdigit() else id
    with _ours() as home:
        kept, last = _kept(home)
        gone = next((one for one in kept if one.id == name), None)
        if gone is None:
            raise _elsewhere(home, name)
        _replace(home, exceptions.text([one for one in kept if one is not gone], last))
    loaded = _reload(home)
    if as_json:
        table.document({**_facts(gone), "policy": loaded})
    else:
        table.say(f"{gone.id} is over: {gone.rule} holds again; {_said(loaded)}")


def _file(home: Home) -> Path:
    from sreconsole.policy.folder import EXCEPTIONS

    return home.config / "policy.d" / EXCEPTIONS


def _all(home: Home) -> list[Entry]:
    from sreconsole.policy import exceptions
    from sreconsole.policy.folder import files_of

    return [one for path in files_of(home.config) for one in exceptions.entries(_text(path), str(path))]


def _kept(home: Home) -> tuple[list[Entry], int]:
    """The entries of our own file, and the last number given in any. Raises Failure for one that is not ours any more."""
    from sreconsole.policy import exceptions
    from sreconsole.policy.folder import files_of
    from sreconsole.policy.problems import Report, parse

    path = _file(home)
    text = _text(path) if path.exists() else ""
    report = Report(str(path))
    report.unknown(parse(text, report), "", ("version", "exceptions"))
    if report.problems:
        raise Failure(f"{report.problems[0]}; move it to another file, this one is written anew")
    last = exceptions.last_given(_text(one) for one in files_of(home.config))
    return exceptions.entries(text, str(path)), last


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


@contextmanager
def _ours() -> Iterator[Home]:
    """The home whose exceptions this user may change, held against another who changes them at the same moment."""
    import fcntl

    from sreconsole.cli.hooks import no_agent

    no_agent()
    home = paths.home()
    folder = _file(home).parent
    if home.kind == "system":
        _owner(folder if folder.is_dir() else home.config)
    folder.mkdir(mode=0o755 if home.kind == "system" else 0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield home
    finally:
        os.close(handle)


def _owner(folder: Path) -> None:
    """Raises Barred for anybody but the owner of a system's policy."""
    owner = folder.stat().st_uid
    if os.geteuid() != owner:
        import pwd

        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = str(owner)
        raise Barred(f"{folder}: the policy of this machine is {name}'s; only {name} makes exceptions to it")


def _allowed(home: Home, rule: str, tier: int) -> None:
    from sreconsole.cli.policy import loaded
    from sreconsole.policy import exceptions

    policy = loaded(None)
    if exceptions.locked(policy, rule):
        raise Barred(f"{rule} is locked: no exception lowers it")
    if problem := exceptions.lowers(policy, rule, tier):
        raise Usage(problem)


def _replace(home: Home, text: str) -> None:
    """Check the whole policy with this text in our file's place; only then put it there, whole or not at all."""
    from sreconsole.cli.policy import today
    from sreconsole.policy.folder import files_of
    from sreconsole.policy.policy import load

    path = _file(home)
    others = [one for one in files_of(home.config) if one != path]
    with tempfile.TemporaryDirectory() as folder:
        candidate = Path(folder) / path.name
        candidate.write_text(text, encoding="utf-8")
        load([*others, candidate], today(), starter=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644 if home.kind == "system" else 0o600
    handle, partial = tempfile.mkstemp(prefix=".exceptions-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _reload(home: Home) -> str:
    """Have a running `serve` load it: the policy's version, or "" when none runs. It watches its files in any case."""
    try:
        with client.Line(home) as line:
            return str(line.ask("reload")["policy"])
    except client.ServeDown:
        return ""
    except client.Refused as refused:
        complain(f"written, but serve did not load it at once: {refused}")
        return ""


def _elsewhere(home: Home, name: str) -> Failure:
    found = next((one for one in _all(home) if one.id == name), None)
    if found is None:
        return Usage(f"no exception is called {name}; see: sreconsole policy except list")
    return Failure(f"{name} stands in {found.where}, which is not ours to write: remove it there")


def _said(version: str) -> str:
    return f"policy {version} is in force" if version else "it counts when serve has read it"


def _facts(one: Entry) -> dict[str, Any]:
    from sreconsole.cli.policy import today

    left = one.days_left(today())
    return {
        "id": one.id, "rule": one.rule, "tier": one.tier, "owner": one.owner, "until": one.until, "why": one.why,
        "match": dict(one.match), "days_left": left, "expired": left is None or left < 0, "where": one.where,
    }  # fmt: skip


def _where(one: Entry) -> str:
    """What narrows it, in words."""
    parts = (f"{name} {value if isinstance(value, str) else ' or '.join(map(str, value))}"
             for name, value in one.match.items())  # fmt: skip
    return f"for {', '.join(parts)}" if one.match else "everywhere"


def _left(days: int | None) -> str:
    if days is None:
        return "no date"
    return f"{days} d" if days > 0 else "today" if days == 0 else f"over {-days} d"
