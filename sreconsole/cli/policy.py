"""`sreconsole policy`: check, test and explain the policy before it counts, lower it for a while, and load it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sreconsole import paths
from sreconsole.cli import fleet, policy_exceptions, policy_explain, policy_replay, table
from sreconsole.cli.exits import NO, Usage, complain
from sreconsole.serve.client import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sreconsole.policy.policy import Policy, Tested

app = typer.Typer(help="Check, test and explain the policy, lower it for a while, and load it.")
app.command("explain")(policy_explain.command)
app.command("replay")(policy_replay.command)
app.add_typer(policy_exceptions.app, name="except")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Files = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE]...", help="Policy files; without any, those of this home.")
]


@app.command()
def check(file: Files = None, as_json: Json = False) -> None:
    """Load policy files over the policy that comes with sreconsole, without using them; one line a problem.

    Exit code 1 if there is one.
    """
    from sreconsole.policy.problems import PolicyError

    files = chosen(file)
    version, problems = "", list[str]()
    try:
        version = loaded(files).version
    except PolicyError as error:
        problems = error.problems
    if as_json:
        table.document({"files": [str(one) for one in files], "version": version, "problems": problems})
    elif problems:
        for problem in problems:
            table.say(problem)
    else:
        names = ", ".join(map(str, files)) or "the one that comes with sreconsole"
        table.say(f"policy {version} is sound: {names}")
    if problems:
        raise typer.Exit(NO)


@app.command()
def test(
    file: Files = None,
    *,
    starter: Annotated[
        bool, typer.Option("--starter", help="Also the tests of the policy that comes with sreconsole.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit report there.")] = None,
    as_json: Json = False,
) -> None:
    """Run the tests inside the rules; one line a failure, and exit code 1 if there is one."""
    from sreconsole.policy.policy import STARTER, load
    from sreconsole.policy.problems import PolicyError

    files = chosen(file)
    ran: list[Tested] = []
    try:
        policy = load(files, today(), starter=True, tested=False)
    except PolicyError as error:
        failures = error.problems
    else:
        # What the shipped rules say of themselves a stricter file of yours may overrule: they are tested alone.
        beside = STARTER.name
        ran = list(policy.tested(beside))
        failures = [*(one.problem for one in ran if one.problem), *policy.instead_test(beside)]
        if starter:
            alone = load([], today(), starter=True, tested=False)
            own = list(alone.tested())
            ran += own
            failures += [*(one.problem for one in own if one.problem), *alone.instead_test()]
    if junit is not None:
        from sreconsole.cli.policy_junit import report

        junit.write_text(report(ran, failures), encoding="utf-8")
    if as_json:
        table.document({"files": [str(one) for one in files], "tests": len(ran), "failures": failures})
    else:
        for failure in failures:
            table.say(failure)
        if not failures:
            hint = "" if ran else "; write some under `tests:` of a rule, or run those that come along: --starter"
            table.say(f"{len(ran)} test{'' if len(ran) == 1 else 's'} passed{hint}")
    if failures:
        raise typer.Exit(NO)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a policy file, for editors."""
    from sreconsole.policy.schema import text

    print(text(), end="")


@app.command()
def reload(as_json: Json = False) -> None:
    """Have serve read policy and configuration again; a bad one changes nothing."""
    try:
        version = str(fleet.ask("reload")["policy"])
    except Refused as refused:
        for problem in refused.reply.get("problems", [])[1:]:
            complain(str(problem))
        raise
    if as_json:
        table.document({"policy": version})
    else:
        table.say(f"policy {version} is in force")


def chosen(files: Sequence[Path] | None) -> list[Path]:
    """The files named, or those of the home. Raises Usage for one that is not there."""
    from sreconsole.policy.folder import files_of

    found = list(files) if files else files_of(paths.home().config)
    for one in found:
        if not one.is_file():
            raise Usage(f"{one}: no such file")
    return found


def loaded(files: Sequence[Path] | None) -> Policy:
    """These files, or the home's, over the policy that comes with sreconsole. Raises Usage and PolicyError."""
    from sreconsole.policy.policy import load

    return load(chosen(files), today(), starter=True)


def today() -> date:
    """The day exceptions end by, in UTC as at the gate."""
    return datetime.now(UTC).date()
