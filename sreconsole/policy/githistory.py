"""git where it rewrites or drops what was recorded: refs, history, reflog, garbage."""

from __future__ import annotations

import re

from .call import Call
from .options import Options
from .shell import Word
from .wordlist import wordset

PROTECTED = re.compile(
    r"(?i)^(main|master|trunk|develop|development|staging|prod(uction)?|stable|release([-/_].*)?|hotfix/.*|"
    r"gh-pages|live|next)$"
)


def update_ref(call: Call, rest: list[Word]) -> None:
    """`git update-ref`: moves a ref past every check."""
    options = Options(rest, wordset("m"))
    name = next((w for w in options.rest if w.startswith("refs/") or w == "HEAD"), Word("refs"))
    branch = re.sub(r"^refs/heads/", "", name)
    traits = {"protected"} if PROTECTED.match(branch) or options.has("d", "stdin") else set()
    call.emit("git.rewrite", str(name), name if name.end else None, traits=traits | {"raw"})


def rewrite_history(call: Call, rest: list[Word]) -> None:
    """`git filter-branch`, `git filter-repo`: all commits anew."""
    if rest[:1] in (["--help"], ["-h"], ["--analyze"], ["--version"]) or rest == ["--analyze"]:
        return
    call.emit("git.rewrite", "all history", traits={"history"})


def edit_reflog(call: Call, rest: list[Word]) -> None:
    """`git reflog`: shown, or expired (what undoes mistakes is gone)."""
    if rest[:1] in (["expire"], ["delete"]) and not any(w in ("-n", "--dry-run") for w in rest):
        call.emit("git.discard", "reflog", rest[0], traits={"undo"})
    else:
        call.emit("git.read", "reflog")


def collect(call: Call, rest: list[Word]) -> None:
    """`git gc`; with `--prune=now` unreachable commits are gone."""
    hard = any(w.startswith("--prune=now") or w in ("--prune=all") for w in rest) or call.args[:1] == ["prune"]
    call.emit(
        "git.discard" if hard else "git.write",
        "unreachable objects" if hard else "gc",
        traits={"undo"} if hard else set(),
    )


def prune(call: Call, rest: list[Word]) -> None:
    """`git prune`: unreachable commits are gone."""
    call.emit(
        "git.read" if any(w in ("-n", "--dry-run") for w in rest) else "git.discard",
        "unreachable objects",
        traits={"undo"},
    )


def symbolic(call: Call, rest: list[Word]) -> None:
    """`git symbolic-ref`: read, or HEAD moved."""
    words = [w for w in rest if not w.startswith("-")]
    changing = len(words) > 1 or any(w in ("-d", "--delete") for w in rest)
    call.emit("git.rewrite" if changing else "git.read", "HEAD", traits={"raw"} if changing else set())


def replace_object(call: Call, rest: list[Word]) -> None:
    """`git replace`: history shows another object."""
    if not rest or rest[0] in ("-l", "--list"):
        call.emit("git.read", "replace")
    else:
        call.emit("git.rewrite", "replace", traits={"raw"})
