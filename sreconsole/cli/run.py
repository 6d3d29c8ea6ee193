"""`sreconsole run AGENT -- COMMAND …`: start an agent in a scope of its own."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sreconsole.agents.command import Command
    from sreconsole.agents.scope import Scope
    from sreconsole.paths import Home


def command(
    agent: Annotated[str, typer.Argument(help="The enrolled agent.", show_default=False)],
    command: Annotated[list[str], typer.Argument(help="What to run, after --.", show_default=False)],
    keep: Annotated[bool, typer.Option("--keep", help="Leave what is still alive when the command ends.")] = False,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME", help="A variable another user's command gets too.")
    ] = None,
) -> None:
    """Run a command as an agent, in a scope of its own: what it starts is the agent's, and ends with it.

    The exit code is the command's own (128 + n where signal n ended it), 3 where serve cannot be reached and 4 where
    the agent is revoked or asks for a scope itself; then nothing runs.
    """
    raise typer.Exit(run(agent, command, keep=keep, passed=env or []))


def run(agent: str, words: Sequence[str], *, keep: bool, passed: Sequence[str]) -> int:
    """Everything `sreconsole run` does; its exit code."""
    from sreconsole import paths
    from sreconsole.agents.command import Command, NotStarted
    from sreconsole.agents.person import CannotBecome, environment, to_become
    from sreconsole.agents.scope import around
    from sreconsole.serve.client import Line, Refused, ServeDown, ensure

    home = paths.home()
    try:
        ensure(home)
    except (ServeDown, OSError) as down:
        return _say(f"{down}; nothing was run", 3)
    child = Command()
    try:
        scope = around(child.pid)
        with Line(home) as line:
            opened = line.ask("open_scope", agent=agent, kind=scope.kind, cgroup=scope.path, command=shlex.join(words))
    except Refused as refused:
        return _never(child, scope, str(refused), refused.code)
    except (ServeDown, OSError) as down:
        return _never(child, scope, f"{down}; nothing was run", 3)
    id, uid = str(opened["scope"]), opened.get("uid")
    try:
        who = to_become(uid, agent)
    except CannotBecome as no:
        _close(home, id, 4)
        return _never(child, scope, str(no), 4)
    try:
        child.start(words, environment(os.environ, who, id, passed), who)
        code = child.wait()
    except NotStarted as problem:
        _say(str(problem), 0)
        code = problem.code
    if _settle(scope, child, id, keep):
        _close(home, id, code)
    return code


def _settle(scope: Scope, child: Command, id: str, keep: bool) -> bool:
    """Deal with what outlived the command; whether the scope is proven empty."""
    from sreconsole.agents.scope import end

    child.reap(0)
    left = scope.members()
    if not left:
        scope.release()
        return True
    names = ", ".join(map(str, left))
    if keep:
        _say(f"left running in scope {id}, which stays open: {names}", 0)
        return False
    _say(f"still alive in scope {id}, ending: {names}", 0)
    if stubborn := end(scope, child.reap):
        _say(f"scope {id} is NOT empty, still alive: {', '.join(map(str, stubborn))}", 0)
        return False
    _say(f"scope {id} is empty", 0)
    return True


def _close(home: Home, id: str, code: int) -> None:
    """Tell serve that the scope is empty; if it cannot be told, it finds out by itself."""
    from sreconsole.serve.client import Line, Refused, ServeDown

    try:
        with Line(home) as line:
            line.ask("close_scope", scope=id, exit=code)
    except (Refused, ServeDown) as problem:
        _say(f"scope {id} is empty, but serve could not be told ({problem}); it will close it by itself", 0)


def _never(child: Command, scope: Scope, why: str, code: int) -> int:
    child.abandon()
    scope.release()
    return _say(why, code)


def _say(words: str, code: int) -> int:
    print(f"sreconsole: {words}", file=sys.stderr, flush=True)
    return code
