"""`sreconsole policy explain`: what the gate would make of an action, as a card or as JSON lines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sreconsole import paths
from sreconsole.cli import table
from sreconsole.cli.exits import NO, Usage

if TYPE_CHECKING:
    from sreconsole.policy.action import Action
    from sreconsole.policy.policy import Policy

LONGEST = 16 * 1024 * 1024
"""Bytes of one line of input; more is answered as an error and skipped."""

CHUNK = 256 * 1024


def command(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]", help="A shell command, best in one pair of quotes.")
    ] = None,
    *,
    tool: Annotated[str, typer.Option(metavar="NAME", help="Another tool than the shell: Edit, WebFetch, mcp__x__y")] = "",
    given: Annotated[str, typer.Option("--input", metavar="JSON", help="That tool's arguments, an object.")] = "",
    cwd: Annotated[str, typer.Option(metavar="DIR", help="Where it would run; without it, here.")] = "",
    client: Annotated[str, typer.Option(metavar="CLIENT", help="Whose tool it is.")] = "claude-code",
    file: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="Judge by this file instead of the home's.")
    ] = None,
    files: Annotated[
        bool | None,
        typer.Option("--files/--no-files", help="Look at the disk for scripts, links and branches, or not. Without "
                     "either: only for one action, in a folder that is here and yours."),
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Read actions as JSON lines from standard input; answer each by a line.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:  # fmt: skip
    """Explain the tier of one planned action: what it does, which rule, why, and what would lower it.

    With --jsonl each line is {"command", "cwd"} or {"tool", "input", "cwd", "client"}, and is answered in order by one
    line {"tier", "rule", "why", "instead", "effects", "trail", "unparseable", ...}; one that cannot be read is answered
    by {"error", "tier": 3}, and the exit code is 1 at the end.
    """
    if jsonl:
        if words or tool or given:
            raise Usage("--jsonl reads actions from standard input; give no COMMAND, --tool or --input with it")
        if not stream(_policy(file), files is True, cwd, client):
            raise typer.Exit(NO)
        return
    from sreconsole.policy import explain

    place = cwd or str(Path.cwd())
    action = _action(words, tool, given, place, client)
    policy = _policy(file)
    verdict = verdicts(policy, _mine(place) if files is None else files)(action)
    if as_json:
        table.document(explain.record(verdict))
    else:
        print(explain.card(action, verdict, table.wide() or 80, policy))


def stream(policy: Policy, files: bool, cwd: str, client: str) -> bool:
    """Answer every line of standard input; whether all could be read."""
    import gc

    from sreconsole.policy import explain

    judged, sound = verdicts(policy, files), True
    # What is loaded by now stays to the end; looking through it again after every few verdicts is a tenth of the time.
    gc.collect()
    gc.freeze()
    for batch in batches():
        answers = []
        for raw in batch:
            if raw is None:
                answers.append(explain.failed(f"the line is longer than {LONGEST} bytes"))
                continue
            try:
                action = explain.action_of(raw.decode(), cwd, client)
                answers.append(explain.line(judged(action)))
            except UnicodeDecodeError as error:
                answers.append(explain.failed(f"not UTF-8 at byte {error.start}"))
            except ValueError as error:
                answers.append(explain.failed(str(error)))
            except Exception as error:  # noqa: BLE001 - one line must not end the run; unknown is never below 3
                answers.append(explain.failed(f"could not be judged ({type(error).__name__})"))
        sound = sound and not any(answer.startswith('{"error"') for answer in answers)
        sys.stdout.write("\n".join(answers) + "\n")
        sys.stdout.flush()
    return sound


def batches() -> Iterator[list[bytes | None]]:
    """The lines of standard input as they come: whatever is there is one batch, so that no answer waits for more.

    None stands for a line that is too long.
    """
    source = getattr(sys.stdin, "buffer", None)
    if source is None:
        yield from ([line.encode("utf-8", "surrogatepass").rstrip(b"\n")] for line in sys.stdin)
        return
    parts: list[bytes] = []
    size = 0
    while chunk := source.read1(CHUNK):
        first, *others = chunk.split(b"\n")
        size += len(first)
        if size <= LONGEST:
            parts.append(first)
        if others:
            *whole, rest = others
            yield [_joined(parts, size), *whole]
            parts, size = [rest], len(rest)
    if size:
        yield [_joined(parts, size)]


def _joined(parts: list[bytes], size: int) -> bytes | None:
    return b"".join(parts) if size <= LONGEST else None


def verdicts(policy: Policy, files: bool) -> Callable[[Action], Any]:
    """How an action is judged: by the policy alone, or as the gate does, with the disk and the repository's own file."""
    from datetime import UTC, datetime

    from sreconsole.policy.files import RealFiles, branch
    from sreconsole.policy.judge import Facts, judge
    from sreconsole.policy.repositories import Repositories, broken

    guarded = guarded_folders()
    if not files:
        blind = Facts(guarded=guarded)
        return lambda action: judge(action, policy, blind)
    disk = RealFiles()
    own = Repositories(policy, datetime.now(UTC).date(), disk)

    def look(action: Action) -> Any:
        local, project = own.at(action.cwd), disk.project(action.cwd)
        facts = Facts(disk, project, branch(disk, project), guarded=guarded)
        return broken(judge(action, local.policy, facts), local.problem)

    return look


def guarded_folders() -> tuple[str, ...]:
    """The gate's own folders, as `serve` guards them."""
    home = paths.home()
    return tuple(str(folder) for folder in (home.config, home.state, home.runtime))


def _action(words: list[str] | None, tool: str, given: str, cwd: str, client: str) -> Action:
    from sreconsole.policy.action import Action

    user = str(Path.home())
    if bool(words) == bool(tool):
        raise Usage("give a COMMAND, or --tool NAME with --input JSON, or --jsonl")
    if words:
        if given:
            raise Usage("--input: belongs to --tool, a COMMAND has none")
        return Action(client, "Bash", {"command": " ".join(words)}, cwd, home=user)
    try:
        arguments = json.loads(given or "{}")
    except (ValueError, RecursionError) as error:
        raise Usage(f"--input: not JSON: {error}") from None
    if not isinstance(arguments, dict):
        raise Usage("--input: must be a JSON object")
    return Action(client, tool, arguments, cwd, home=user)


def _mine(folder: str) -> bool:
    """Whether a folder is on this machine and the caller's own: then what stands in it is what is meant."""
    try:
        return Path(folder).is_dir() and Path(folder).stat().st_uid == os.geteuid()
    except (OSError, ValueError):
        return False


def _policy(file: Path | None) -> Policy:
    """The home's policy, or a file's, over the one that comes with sreconsole. Raises Usage and PolicyError."""
    from sreconsole.cli.policy import loaded

    return loaded([file] if file else None)
