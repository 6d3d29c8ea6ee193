"""`sreconsole policy replay`: last week's calls against a changed policy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sreconsole.cli import fleet, table
from sreconsole.cli.exits import Usage
from sreconsole.text.safe import safe

if TYPE_CHECKING:
    from sreconsole.policy.replay import Change, Replay

SHOWN = 20
"""Changed calls of each kind on a screen; --json and --jsonl have more."""

WORDS = {"newly_asked": "Newly asked", "newly_refused": "Newly refused", "newly_free": "Newly free"}


def command(
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back: 12h, 7d, or a date.")] = "7d",
    file: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="The changed policy, in place of the home's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print each changed call as one JSON line.")] = False,
) -> None:
    """Judge the fleet log's calls again: what a changed policy would newly ask, refuse or let go, rule by rule.

    With --policy, both the policy of this home and the FILE judge the same recorded arguments. Without, the policy of
    this home is compared with what the gate said then; there a difference may also come from what the log does not
    keep: secrets, and the files on the agent's disk. For newly free calls it says what humans had decided.
    """
    from sreconsole.cli.policy import loaded
    from sreconsole.cli.policy_explain import guarded_folders
    from sreconsole.policy import replay
    from sreconsole.policy.judge import Facts

    start = _start(since, fleet.now())
    policies = [loaded(None)] if file is None else [loaded(None), loaded([file])]
    with fleet.store() as store:
        result = replay.again(replay.entries(store, start), policies, Facts(guarded=guarded_folders()))
    compared = {"before": "log" if file is None else policies[0].version, "after": policies[-1].version}
    if jsonl:
        for change in result.changes:
            table.line(replay.row(change))
    elif as_json:
        table.document({"since": table.moment(start), "policies": compared, **replay.document(result)})
    else:
        _show(result, start, file is None)


def _start(since: str, now: int) -> int:
    """The time a replay starts at, UTC milliseconds. Raises Usage."""
    from sreconsole.policy.asking import duration

    seconds = duration(since)
    if seconds is not None:
        return now - int(seconds * 1000)
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        raise Usage(f"--since: {since!r} is no time; write one like 12h, 7d or 2026-11-01") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _show(result: Replay, start: int, logged: bool) -> None:
    then, now = (result.asks(one) for one in (result.before, result.after))
    whose = "as the gate said then" if logged else "by this home's policy"
    table.say(f"{result.calls} calls since {table.moment(start)}; {then:.2f} asks per 100 calls before ({whose}), "
              f"{now:.2f} after.")  # fmt: skip
    if result.unread or result.questions:
        table.say(f"Left out: {result.unread} whose arguments were too large to be kept, {result.questions} questions "
                  "agents asked.")  # fmt: skip
    changed = [(name, *counts) for name, counts in sorted(result.rules.items()) if counts[0] != counts[1]]
    if changed:
        table.heading("Asked or refused, by rule")
        table.table(("RULE", "BEFORE", "AFTER"), changed)
    for kind, words in WORDS.items():
        if count := result.counts[kind]:
            decided = ", ".join(f"{number} {how}" for how, number in result.decided.most_common())
            table.heading(f"{words}: {count}" + (f" (then: {decided})" if kind == "newly_free" else ""))
            _calls([one for one in result.changes if one.change == kind])
            if count > SHOWN:
                table.say(f"and {count - SHOWN} more; --jsonl prints the first 500 of each kind")
    if not any(result.counts.values()):
        table.say("No call would be answered differently.")


def _calls(changes: Iterable[Change]) -> None:
    rows = []
    for one in list(changes)[:SHOWN]:
        given = one.call.action.input
        words = given.get("command") if isinstance(given.get("command"), str) else json.dumps(dict(given))
        what = safe(f"{one.call.action.tool}: {words}").cut(100)
        rows.append((one.call.seq, f"{one.before[0]} > {one.after[0]}", one.after[1], one.decided or "-", what))
    table.table(("SEQ", "TIER", "RULE", "THEN", "CALL"), rows, keep=(0, 1))
