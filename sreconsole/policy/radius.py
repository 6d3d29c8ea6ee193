"""The measured blast radius of a question: read-only, capped, and "not measurable" said plainly.

Nothing of the agent's is executed and no network is used. Runs in a process of its own, which may be killed:
`python -m sreconsole.policy.radius` answers JSON lines on standard input with JSON lines on standard output.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import gitreach, rows
from .checkout import Checkout, Unmeasurable
from .gitcommand import commands
from .reach import Reach

SECONDS = 1.2
"""What one measurement takes at most; whoever waits kills it a little later."""

MEMORY = 2 * 1024**3

ROWS = ("db.write", "db.destroy")
ELSEWHERE = ("infra.", "net.", "forge.", "mcp.", "exec.remote", "pkg.publish")


@dataclass(slots=True)
class Radius:
    """What a planned action hits. `lost` counts files with no copy, `dropped` commits; `None` is unknown.

    `files` and `bytes` are what is deleted, overwritten or thrown away, `added` and `removed` lines of what is
    published or thrown away, `commits` those a push publishes.
    """

    files: int | None = None
    bytes: int | None = None
    new: int = 0
    added: int = 0
    removed: int = 0
    commits: int | None = None
    dropped: int | None = None
    lost: int | None = None
    ignored: int = 0
    rows: int | None = None
    notes: list[str] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)
    undo: str = ""
    capped: str = ""

    def count(self, **more: int) -> None:
        """Add to numbers, of which None is where nothing was measured yet."""
        for name, value in more.items():
            setattr(self, name, (getattr(self, name) or 0) + value)

    def cannot(self, why: str) -> None:
        """Say, once, what cannot be measured."""
        if why not in self.unmeasured:
            self.unmeasured.append(why)

    def record(self) -> dict[str, Any]:
        """As stored: numbers that were measured, `words` for the card, `unmeasured` ("" when all of it was)."""
        numbers = {name: getattr(self, name) for name in ("files", "bytes", "commits", "dropped", "lost", "rows")}
        more = {name: getattr(self, name) for name in ("new", "added", "removed", "ignored")}
        found = {name: value for name, value in numbers.items() if value is not None}
        found |= {name: value for name, value in more.items() if value}
        if self.capped:
            found["capped"] = self.capped
        return {"words": words(self), **found, "undo": self.undo, "unmeasured": "; ".join(self.unmeasured)}


def measure(question: Mapping[str, Any], until: float) -> dict[str, Any]:
    """The radius of one question: its `effects`, `command` ("" for another tool than a shell) and `cwd`.

    `until` is a moment of `time.monotonic()`. Never raises for what is found on disk.
    """
    radius, effects, cwd = Radius(), list(question.get("effects") or []), str(question.get("cwd") or "/")
    command = str(question.get("command") or "")
    files = [one for one in effects if one.get("kind") in ("fs.delete", "fs.write")]
    gits = [one for one in effects if str(one.get("kind", "")).startswith("git.") and one["kind"] != "git.read"]
    for one in effects:
        if one.get("kind") in ROWS:
            _rows(radius, one, command, question.get("databases") or {}, until)
        elif why := _out_of_reach(one):
            radius.cannot(why)
    try:
        if files:
            _files(radius, files, cwd, command, until)
        if gits:
            _gits(radius, command, cwd, until)
    except Unmeasurable as no:
        radius.cannot(str(no))
    except (OSError, RecursionError, ValueError) as error:
        radius.cannot(f"the disk could not be read ({type(error).__name__})")
    if not effects:
        radius.cannot("what it does is not known")
    return radius.record()


def words(radius: Radius) -> str:
    """The radius in one line, such as `3 commits · 14 files +212 −40 · nothing lost · undo: revert`."""
    parts = []
    if radius.commits is not None:
        parts.append(_many(radius.commits, "commit") if radius.commits else "no commits")
    if radius.files is not None:
        parts.append(_hit(radius))
        if radius.bytes:
            parts.append(size(radius.bytes))
    if radius.new:
        parts.append(f"{radius.new} new")
    parts += radius.notes
    if radius.dropped:
        parts.append(f"{_many(radius.dropped, 'commit')} dropped")
    if radius.lost:
        parts.append(f"{_many(radius.lost, 'file')} with no copy")
    elif radius.lost == 0 and not radius.dropped and not radius.capped:
        parts.append("nothing lost")
    if radius.ignored:
        parts.append(f"{radius.ignored:,} ignored by git")
    if radius.capped:
        parts.append(radius.capped)
    if radius.undo:
        parts.append(f"undo: {radius.undo}")
    if radius.unmeasured:
        parts.append(f"not measurable: {'; '.join(radius.unmeasured)}")
    return " · ".join(parts) or "hits nothing that is there"


def size(count: int) -> str:
    """Bytes as people say them: `512 B`, `3.2 MB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{value / 1000:.1f} TB"


def _hit(radius: Radius) -> str:
    count = radius.files or 0
    text = f"over {count:,} files" if radius.capped else _many(count, "file")
    lines = [f"+{radius.added:,}"] if radius.added else []
    lines += [f"−{radius.removed:,}"] if radius.removed else []
    return " ".join([text, *lines])


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _out_of_reach(effect: Mapping[str, Any]) -> str:
    kind, facts = str(effect.get("kind", "")), effect.get("facts") or {}
    if facts.get("remote") in ("ssh", "pod", "container"):
        return f"it runs on {effect.get('host') or 'another machine'}"
    if kind.startswith("db.") and kind != "db.read":
        return "what it changes in the database"
    if kind.startswith(ELSEWHERE) and not kind.endswith(".read"):
        return "it happens on another machine"
    if kind.startswith(("exec.", "unknown", "proc.shell")):
        return "what it runs is not known before it runs"
    return ""


def _rows(radius: Radius, effect: Mapping[str, Any], command: str, databases: Mapping[str, str], until: float) -> None:
    try:
        found, estimated = rows.count(effect, command, databases, until)
    except rows.Uncountable as no:
        radius.cannot(f"rows, {no}")
        return
    radius.count(rows=found)
    radius.notes.append(f"{'about ' if estimated else ''}{_many(found, 'row')}")


def _files(radius: Radius, effects: Sequence[Mapping[str, Any]], cwd: str, command: str, until: float) -> None:
    reach = Reach(until)
    root = _root(cwd)
    deep = bool(re.search(r"\bfind\b", command))
    for one in effects:
        target, facts = str(one.get("target", "")), one.get("facts") or {}
        traits = set(facts.get("traits") or ())
        if facts.get("remote") in ("ssh", "pod", "container"):
            continue
        if not target.startswith("/") or "$" in target or "[REDACTED:" in target or facts.get("zone") == "unknown":
            radius.cannot("a target that is not known before it runs")
        elif facts.get("zone") in ("null", "device"):
            radius.cannot("a device")
        else:
            whole = bool(traits & {"recursive", "moved", "catastrophic", "tree"})
            reach.add(target, root, whole=whole, deep=deep and any(mark in target for mark in "*?["))
    for link in reach.links:
        radius.cannot(f"{link} is behind a link that leads out; it is not followed")
    radius.capped = reach.capped
    radius.new += len(reach.new) if any(one["kind"] == "fs.write" for one in effects) else 0
    if not reach.files and not reach.folders and (reach.links or radius.unmeasured):
        return
    radius.count(files=len(reach.files), bytes=reach.bytes)
    if reach.files and not reach.capped:
        _copies(radius, reach, cwd, until)


def _copies(radius: Radius, reach: Reach, cwd: str, until: float) -> None:
    """How many of the files no commit holds as they are. A repository that is deleted itself takes all with it."""
    try:
        checkout = Checkout(_first_folder(reach), until)
    except Unmeasurable:
        radius.count(lost=len(reach.files))
        radius.notes.append("in no repository")
        return
    with checkout:
        top = f"{checkout.top}/"
        if any(path.startswith(f"{top}.git/") for path in reach.files):
            gitreach.whole_repository(radius, checkout)
            radius.count(lost=sum(1 for path in reach.files if not path.startswith(f"{top}.git/")))
            return
        inside = {path[len(top) :] for path in reach.files if path.startswith(top)}
        clean = checkout.tracked() - set(checkout.changed(checkout.head)) if checkout.head else set[str]()
        dirty = inside - clean
        hidden = checkout.ignored() if dirty else []
        folders = tuple(one for one in hidden if one.endswith("/"))
        alone = set(hidden)
        ignored = sum(1 for one in dirty if one in alone or (folders and one.startswith(folders)))
        radius.ignored += ignored
        radius.count(lost=len(dirty) - ignored + len(reach.files) - len(inside))
        if not radius.lost and inside and not radius.undo:
            radius.undo = "git restore"


def _first_folder(reach: Reach) -> str:
    path = reach.folders[0] if reach.folders else next(iter(reach.files))
    return path if reach.folders else str(Path(path).parent)


def _gits(radius: Radius, command: str, cwd: str, until: float) -> None:
    found = commands(command, cwd)
    if found is None or any(not one.folder for one in found):
        radius.cannot("its git command is not spelt out plainly")
        return
    for one in found:
        try:
            with Checkout(one.folder, until) as checkout:
                gitreach.measure(radius, one, checkout)
        except Unmeasurable as no:
            radius.cannot(f"git {one.verb}: {no}")


def _root(cwd: str) -> str:
    """The repository's top around a folder, else the folder."""
    here = Path(cwd)
    return next((str(one) for one in [here, *here.parents] if os.path.lexists(one / ".git")), cwd)


def main() -> None:
    """Answer questions until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            found = measure(json.loads(line), time.monotonic() + SECONDS)
        except MemoryError:
            found = {"words": "not measurable: too much memory", "unmeasured": "too much memory", "undo": ""}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
