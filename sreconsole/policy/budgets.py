"""What a session may use up before a human is asked: files, lines, calls outward, subagents, turns, calls at once. Pure.

The limits come from the policy's `budgets`, times the agent's declared multipliers, times one and a half for each time
a human let the session go on. Counts only grow, except that calls at once are those in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

NAMES = (
    "files_touched", "lines_added", "lines_removed", "external_calls", "subagents", "turns", "parallel_calls",
)  # fmt: skip

WORDS = {
    "files_touched": "files",
    "lines_added": "lines added",
    "lines_removed": "lines removed",
    "external_calls": "external calls",
    "subagents": "subagents",
    "turns": "turns",
    "parallel_calls": "calls at once",
}

WARN_AT = 0.8
FURTHER = 1.5
"""What a human's yes multiplies a limit by."""

ABANDONED = 15 * 60_000
"""Milliseconds after which a call that was never reported as done is not counted as running any more."""

MOST_RUNNING = 64
_PLAIN = "parallel_calls"
_OUTSIDE = ("net.", "mcp.", "infra.", "db.", "git.push", "pkg.publish", "exec.remote")
_TOUCHES = ("fs.write", "fs.delete")


@dataclass(frozen=True, slots=True)
class Spent:
    """What one call would use up. `files` are absolute paths; `added` and `removed` are lines."""

    files: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    external: int = 0
    subagents: int = 0

    def cost(self, new_files: int) -> dict[str, int]:
        """By budget, when `new_files` of its files were not touched before."""
        return {
            "files_touched": new_files, "lines_added": self.added, "lines_removed": self.removed,
            "external_calls": self.external, "subagents": self.subagents,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one session (or agent) has used up. `running` holds (call, since) of calls in flight, times in ms."""

    used: Mapping[str, int] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    raised: Mapping[str, int] = field(default_factory=dict)
    running: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Overrun:
    """A budget that the next call would exceed."""

    name: str
    used: int
    limit: int

    def does(self) -> str:
        """For the card: what the agent wants."""
        return f"{self.used} of {self.limit} {WORDS[self.name]}; wants to go on"


def spent(
    tool: str, given: Mapping[str, Any], effects: Sequence[tuple[str, str, str]], size: Callable[[str], int]
) -> Spent:
    """What a call would use up, from its input and its effects as (kind, target, environment).

    `size(path)` gives the lines of a file on disk, -1 if unknown. A file written whole counts by how much it grows or
    shrinks, an edit by the lines it names, a patch by its + and - lines; lines a shell command writes are not counted.
    """
    files = tuple(dict.fromkeys(target for kind, target, _ in effects if kind in _TOUCHES and target))
    outside = any(kind.startswith(_OUTSIDE) and place != "local" for kind, _, place in effects)
    spawns = sum(kind == "agent.spawn" for kind, _, _ in effects)
    added, removed = _lines(given, files, size) if files else (0, 0)
    return Spent(files, added, removed, int(outside), spawns)


def limits(policy: Mapping[str, Any], multipliers: Mapping[str, float], ledger: Ledger) -> dict[str, int]:
    """The limits in force, by budget. A multiplier is named as the budget is, or by its first word (`files`)."""
    found: dict[str, int] = {}
    for name in NAMES:
        if isinstance(given := policy.get(name), (int, float)):
            times = multipliers.get(name, multipliers.get(name.split("_")[0], 1.0))
            found[name] = int(given * max(0.0, times) * FURTHER ** ledger.raised.get(name, 0))
    return found


def over(ledger: Ledger, cost: Mapping[str, int], limits: Mapping[str, int], now: int) -> Overrun | None:
    """The first budget that a call of this cost would exceed."""
    for name, limit in limits.items():
        used = ledger.used.get(name, 0)
        if name == "parallel_calls":
            used = len(_alive(ledger, now))
            asks = used + 1 > limit
        elif name == "turns":
            asks = used >= limit
        else:
            asks = cost.get(name, 0) > 0 and used + cost[name] > limit
        if asks:
            return Overrun(name, used, limit)
    return None


def add(ledger: Ledger, cost: Mapping[str, int]) -> Ledger:
    """Count what a call used up. Costs are zero or more."""
    if not any(cost.values()):
        return ledger
    used = dict(ledger.used)
    for name, count in cost.items():
        if count > 0:
            used[name] = used.get(name, 0) + count
    return replace(ledger, used=used)


def began(ledger: Ledger, call: str, now: int) -> Ledger:
    """A call is on its way."""
    alive = tuple(one for one in _alive(ledger, now) if one[0] != call)
    return replace(ledger, running=(*alive, (call, now))[-MOST_RUNNING:])


def ended(ledger: Ledger, call: str | None) -> Ledger:
    """A call is done; None: all are (the session came to rest)."""
    left = tuple(one for one in ledger.running if call is not None and one[0] != call)
    return ledger if len(left) == len(ledger.running) else replace(ledger, running=left)


def warnings(ledger: Ledger, limits: Mapping[str, int], at: float) -> tuple[Ledger, list[Overrun]]:
    """Budgets that have reached the share `at` of their limit since the last look, each once until it is raised."""
    fresh = [
        Overrun(name, ledger.used.get(name, 0), limit)
        for name, limit in limits.items()
        if name != _PLAIN and limit > 0 and name not in ledger.warned and ledger.used.get(name, 0) >= at * limit
    ]
    if not fresh:
        return ledger, []
    return replace(ledger, warned=(*ledger.warned, *(one.name for one in fresh))), fresh


def further(ledger: Ledger, name: str) -> Ledger:
    """A human let the session go on: this budget is half again as large, and warns again."""
    raised = {**ledger.raised, name: ledger.raised.get(name, 0) + 1}
    return replace(ledger, raised=raised, warned=tuple(one for one in ledger.warned if one != name))


def standing(ledger: Ledger, limits: Mapping[str, int], now: int) -> dict[str, list[int]]:
    """[used, limit] by budget, for a card."""
    alive = len(_alive(ledger, now))
    return {
        name: [alive if name == "parallel_calls" else ledger.used.get(name, 0), limit] for name, limit in limits.items()
    }


def _alive(ledger: Ledger, now: int) -> list[tuple[str, int]]:
    return [one for one in ledger.running if now - one[1] < ABANDONED]


def _lines(given: Mapping[str, Any], files: Sequence[str], size: Callable[[str], int]) -> tuple[int, int]:
    patch = given.get("input") or given.get("patch") or given.get("patchText")
    if isinstance(patch, str) and "\n" in patch:
        lines = patch.split("\n")
        return (
            sum(line.startswith("+") and not line.startswith("+++") for line in lines),
            sum(line.startswith("-") and not line.startswith("---") for line in lines),
        )
    content = given.get("content", given.get("file_text"))
    if isinstance(content, str):
        before, after = max(0, size(files[0])), _count(content)
        return max(0, after - before), max(0, before - after)
    edits = given.get("edits")
    pairs = edits if isinstance(edits, list) else [given]
    added = removed = 0
    for pair in pairs:
        if isinstance(pair, Mapping):
            plus, minus = _edit(
                _text(pair, "old_string", "old_str"), _text(pair, "new_string", "new_str", "new_source")
            )
            added, removed = added + plus, removed + minus
    return added, removed


def _edit(old: str, new: str) -> tuple[int, int]:
    """Lines added and removed, without those that begin or end both texts alike."""
    before, after = old.splitlines(), new.splitlines()
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    tail = 0
    while tail < min(len(before), len(after)) - same and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return len(after) - same - tail, len(before) - same - tail


def _text(pair: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := pair.get(name), str)), "")


def _count(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") and text != "")
