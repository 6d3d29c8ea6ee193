"""What a git command would publish, drop or throw away, counted in a repository. See git-push(1), git-reset(1)."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from .checkout import Checkout, Unmeasurable
from .gitcommand import GitCommand

PUSH_VALUED = ("-o", "--push-option", "--receive-pack", "--exec", "--repo")


class Tally(Protocol):
    """Where the numbers go."""

    added: int
    removed: int
    notes: list[str]
    undo: str

    def count(self, **more: int) -> None: ...
    def cannot(self, why: str) -> None: ...


def measure(tally: Tally, command: GitCommand, checkout: Checkout) -> None:
    """Count what one command would do. Verbs that change nothing that is kept elsewhere count nothing.

    Raises Unmeasurable.
    """
    if (known := _VERBS.get(command.verb)) is not None:
        known(tally, command, checkout)


def whole_repository(tally: Tally, checkout: Checkout) -> None:
    """The repository itself is deleted: its commits that no remote is known to have go with it."""
    heads, remotes = checkout.refs("refs/heads/"), checkout.refs("refs/remotes/")
    tips = [*heads.values(), *([checkout.head] if checkout.head else [])]
    left = checkout.count(*tips, *(f"^{sha}" for sha in remotes.values())) if tips else 0
    tally.notes.append("the repository itself")
    tally.count(dropped=left)


def _push(tally: Tally, command: GitCommand, checkout: Checkout) -> None:
    if command.has("n", "dry-run"):
        return
    words = _push_words(command)
    remote = words[0] if words else _upstream(checkout)
    known = checkout.refs(f"refs/remotes/{remote}/") if re.fullmatch(r"[\w.-]+", remote) else {}
    if not known:
        raise Unmeasurable(f"nothing was ever fetched from {remote[:60]}, so what it has is not known here")
    for source, branch in _refspecs(command, words[1:], checkout):
        there = known.get(f"refs/remotes/{remote}/{branch}", "")
        if not source:
            others = [sha for name, sha in known.items() if name != f"refs/remotes/{remote}/{branch}"]
            if not there:
                raise Unmeasurable(f"{remote}/{branch} is not known here")
            tally.count(commits=0, dropped=checkout.count(there, *(f"^{sha}" for sha in others)))
            tally.notes.append(f"deletes {remote}/{branch}")
            tally.undo = f"push {there[:7]} back"
            continue
        _publish(tally, checkout, checkout.resolve(source), there, list(known.values()))
    forced = command.has("f", "force", "force-with-lease", "mirror") or any(one.startswith("+") for one in words[1:])
    if not forced and not tally.undo:
        tally.undo = "revert"


def _publish(tally: Tally, checkout: Checkout, tip: str, there: str, known: list[str]) -> None:
    """Commits the remote does not have, against what was last fetched from it, and those it would lose."""
    tally.count(commits=checkout.count(tip, *(f"^{sha}" for sha in known)))
    dropped = checkout.count(there, f"^{tip}") if there else 0
    tally.count(dropped=dropped, lost=0)
    if dropped:
        tally.undo = f"push {there[:7]} back"
    if not there:
        tally.notes.append("new branch")
        bases = checkout.git("merge-base", "--all", tip, *known[:50]).split() if known else []
        there = bases[0].decode() if bases else ""
    if there:
        _lines(tally, checkout.changed(there, tip) if dropped else checkout.changed(f"{there}...{tip}"))


def _lines(tally: Tally, changed: dict[str, tuple[int, int]]) -> None:
    tally.count(files=len(changed))
    tally.added += sum(added for added, _ in changed.values())
    tally.removed += sum(removed for _, removed in changed.values())


def _thrown_away(tally: Tally, changed: dict[str, tuple[int, int]]) -> None:
    """Uncommitted changes that go: lines that were added are what is lost."""
    _lines(tally, changed)
    tally.count(lost=len(changed))


def _reset(tally: Tally, command: GitCommand, checkout: Checkout) -> None:
    if not command.has("hard", "merge", "h"):
        return
    if not checkout.head:
        raise Unmeasurable("nothing is committed yet")
    to = checkout.resolve(command.operands[0]) if command.operands else checkout.head
    _thrown_away(tally, checkout.changed(checkout.head))
    if to != checkout.head:
        tally.count(dropped=_only_here(checkout, checkout.head, to))
        tally.undo = f"git reset --hard {checkout.head[:7]}, for what was committed"


def _only_here(checkout: Checkout, tip: str, to: str) -> int:
    """Commits of the branch that are left behind and that no other branch or remote has."""
    own = f"refs/heads/{checkout.branch}"
    others = [sha for name, sha in checkout.refs("refs/heads/").items() if name != own]
    others += checkout.refs("refs/remotes/").values()
    return checkout.count(tip, f"^{to}", *(f"^{sha}" for sha in others))


def _checkout(tally: Tally, command: GitCommand, checkout: Checkout) -> None:
    if command.has("f", "force", "discard-changes"):
        _thrown_away(tally, checkout.changed(checkout.head))
        return
    paths = list(command.paths)
    source = list(command.operands)
    if not paths:
        # Without `--`: what is a revision is one, the rest are paths.
        if source and _is_revision(checkout, source[0]):
            source, paths = source[:1], source[1:]
        else:
            source, paths = [], source
    if paths:
        revision = [checkout.resolve(source[0])] if source else []
        _thrown_away(tally, checkout.changed(*revision, paths=_below(command, checkout, paths)))


def _restore(tally: Tally, command: GitCommand, checkout: Checkout) -> None:
    if command.has("S", "staged") and not command.has("W", "worktree"):
        return
    given = next((one.partition("=")[2] for one in command.options if one.startswith("--source=")), "")
    operands = list(command.operands)
    if not given and command.has("s", "source") and operands:
        given = operands.pop(0)
    revision = [checkout.resolve(given)] if given else []
    paths = [*operands, *command.paths]
    _thrown_away(tally, checkout.changed(*revision, paths=_below(command, checkout, paths)))


def _clean(tally: Tally, command: GitCommand, checkout: Checkout) -> None:
    if command.has("n", "dry-run"):
        return
    names = checkout.untracked(folders=command.has("d"), ignored=command.has("x", "X"))
    if command.has("X"):
        hidden = checkout.ignored()
        folders = tuple(one for one in hidden if one.endswith("/"))
        names = [one for one in names if one in set(hidden) or (folders and one.startswith(folders))]
    within = tuple(_below(command, checkout, [*command.operands, *command.paths]))
    if within and "." not in within:
        names = [one for one in names if any(one == path or one.startswith(f"{path}/") for path in within)]
    sizes = 0
    for name in names:
        try:
            sizes += (checkout.top / name).lstat().st_size
        except OSError:
            continue
    tally.count(files=len(names), bytes=sizes, lost=len(names))


def _stash(tally: Tally, command: GitCommand, checkout: Checkout) -> None:
    verb = command.operands[0] if command.operands else "push"
    tip = checkout.ref("refs/stash")
    if verb not in ("drop", "clear"):
        return
    if not tip:
        raise Unmeasurable("there is no stash")
    if verb == "clear" or len(command.operands) > 1:
        raise Unmeasurable("which stashes go")
    _thrown_away(tally, checkout.changed(f"{tip}^1", tip))
    tally.undo = f"git stash apply {tip[:7]}, until git prunes it"


def _branch(tally: Tally, command: GitCommand, checkout: Checkout) -> None:
    if not command.has("D") and not (command.has("d", "delete") and command.has("f", "force")):
        return
    for name in command.operands:
        tip = checkout.ref(f"refs/heads/{name}")
        if not tip:
            raise Unmeasurable(f"there is no branch {name[:60]}")
        others = [sha for other, sha in checkout.refs("refs/heads/").items() if other != f"refs/heads/{name}"]
        others += checkout.refs("refs/remotes/").values()
        tally.count(dropped=checkout.count(tip, *(f"^{sha}" for sha in others)), lost=0)
        tally.undo = f"git branch {name[:60]} {tip[:7]}"


def _push_words(command: GitCommand) -> list[str]:
    found, skip = [], False
    for word in command.words:
        if skip:
            skip = False
        elif word in PUSH_VALUED:
            skip = True
        elif not word.startswith("-"):
            found.append(word)
    return found


def _refspecs(command: GitCommand, words: list[str], checkout: Checkout) -> list[tuple[str, str]]:
    """(source revision, branch at the other end) of each; an empty source deletes."""
    if command.has("all", "branches", "mirror"):
        return [(name, name.removeprefix("refs/heads/")) for name in checkout.refs("refs/heads/")]
    found = []
    for word in words or ["HEAD"]:
        source, colon, target = word.removeprefix("+").partition(":")
        branch = (target if colon else source).removeprefix("refs/heads/")
        branch = checkout.branch if branch in ("HEAD", "@") else branch
        if not branch or branch.startswith("refs/"):
            raise Unmeasurable(f"which branch {word[:60]} means")
        found.append(("" if (colon and not source) or command.has("d", "delete") else source, branch))
    return found


def _upstream(checkout: Checkout) -> str:
    """The remote a bare `git push` goes to, by git's own default: what is configured is not read."""
    names = {name.split("/")[2] for name in checkout.refs("refs/remotes/")}
    return next(iter(names)) if len(names) == 1 else "origin"


def _is_revision(checkout: Checkout, word: str) -> bool:
    try:
        return bool(checkout.resolve(word))
    except Unmeasurable:
        return False


def _below(command: GitCommand, checkout: Checkout, paths: list[str]) -> list[str]:
    """Paths as the command line says them, relative to the repository's top."""
    found = []
    for path in paths:
        whole = str(checkout.top) if path.startswith(":/") else os.path.normpath(Path(command.folder) / path)
        inside = os.path.relpath(whole, checkout.top)
        if inside.startswith("..") or any(mark in path for mark in "*?[$"):
            raise Unmeasurable(f"which files {path[:60]} means")
        found.append(inside)
    return found


_VERBS: dict[str, Callable[[Tally, GitCommand, Checkout], None]] = {
    "push": _push,
    "reset": _reset,
    "checkout": _checkout,
    "switch": _checkout,
    "restore": _restore,
    "clean": _clean,
    "stash": _stash,
    "branch": _branch,
}
