"""git where it meets other repositories: push, fetch, clone, remotes, submodules."""

from __future__ import annotations

import re

from .call import Call
from .gitsettings import run_text, setting
from .options import Options
from .shell import Word
from .wordlist import wordset


def push_to(call: Call, rest: list[Word]) -> None:
    """`git push`: one effect for each ref it moves."""
    options = Options(rest, wordset("o push-option receive-pack exec repo"))
    if options.has("n", "dry-run"):
        call.emit("git.read", "push --dry-run")
        return
    if options.has("no-verify"):
        call.emit("git.skip-checks", "pre-push hook")
    if options.has("receive-pack", "exec"):
        call.emit("exec.config", "push --receive-pack")
    remote = str(options.rest[0]) if options.rest else str(options.value("repo") or "origin")
    if remote.startswith("ext::"):
        call.emit("exec.config", remote, options.rest[0])
    traits = _push_traits(options)
    for word in options.rest[1:] or [Word("HEAD")]:
        branch, extra = _pushed(call, word)
        call.emit(
            "git.push",
            branch or "the current branch",
            word if word.end else None,
            branch=branch,
            repo=remote,
            remote=remote,
            traits=traits | extra,
            ahead=call.walk.place.ahead,
        )


def _push_traits(options: Options) -> set[str]:
    references = options.rest[1:]
    traits = set()
    forces = options.has("f", "force", "force-with-lease", "force-if-includes", "mirror")
    if forces or any(w.startswith("+") for w in references):
        traits.add("force")
    if options.has("d", "delete", "mirror", "prune") or any(w.startswith((":", "+:")) for w in references):
        traits.add("delete")
    if options.has("all", "branches", "mirror"):
        traits.add("all")
    if options.has("tags", "follow-tags"):
        traits.add("tag")
    return traits


def _pushed(call: Call, word: Word) -> tuple[str, set[str]]:
    """The branch a ref of `git push` means at the other end, and whether it is a tag or not known."""
    branch = re.sub(r"^refs/heads/", "", word.lstrip("+").rpartition(":")[2])
    if word == "tag" or branch.startswith("refs/tags/") or re.match(r"v?\d+\.\d+", branch):
        return branch, {"tag"}
    if branch in ("HEAD", "@", ""):
        branch = call.walk.state.variables.get("#branch", [call.walk.place.branch])[0]
    if "$(…)" in branch or "${" in branch:
        branch = call.walk.place.branch
    return branch, set() if branch else {"unknown-branch"}


def edit_remotes(call: Call, rest: list[Word]) -> None:
    """`git remote`: listed or changed; an `ext::` remote runs a command."""
    verb = rest[0] if rest else ""
    if verb in ("add", "set-url", "rename"):
        if any(w.startswith("ext::") for w in rest):
            call.emit("exec.config", "ext:: remote")
        call.emit("git.config", f"remote {verb}", rest[0], traits={"remote"})
    elif verb in ("remove", "rm", "prune"):
        call.emit("git.config", f"remote {verb}", rest[0], traits={"remote"})
    else:
        call.emit("git.read", "remote")


def submodule(call: Call, rest: list[Word]) -> None:
    """`git submodule`; `foreach` runs a command in each."""
    if rest[:1] == ["foreach"] and len(rest) > 1:
        words = [w for w in rest[1:] if not w.startswith("--")]
        run_text(call, words[0].like(" ".join(words)), "git submodule foreach")
    if rest[:1] == ["deinit"] and any(w in ("-f", "--force", "--all") for w in rest):
        call.emit("git.discard", "submodule work")
        return
    call.emit("git.read" if rest[:1] in (["status"], ["summary"], []) else "git.write", "submodule")


def clone_from(call: Call, rest: list[Word]) -> None:
    """`git clone`, `git init`: settings given on the way may run a program."""
    for index, word in enumerate(rest):
        if word in ("-c", "--config") and index + 1 < len(rest):
            setting(call, rest[index + 1])
        elif word.startswith("--config="):
            setting(call, word.like(word.partition("=")[2]))
        elif re.match(r"-u$|--upload-pack|--template=", word) or "ext::" in word:
            call.emit("exec.config", str(word), word)
    call.emit("git.write", "clone")


def fetch_from(call: Call, rest: list[Word]) -> None:
    """`git fetch`: reads; by force it overwrites local refs."""
    if any(w.startswith("--upload-pack") or w.startswith("ext::") for w in rest):
        call.emit("exec.config", "fetch --upload-pack")
    forced = any(
        w in ("-f", "--force") or (w.startswith("+") and ":" in w) or re.fullmatch(r"--for(c(e)?)?", w) for w in rest
    )
    call.emit("git.rewrite" if forced else "git.read", "fetch --force" if forced else "fetch")


def lfs(call: Call, rest: list[Word]) -> None:
    """`git lfs`: its own push, prune and history rewrite."""
    if rest[:1] == ["migrate"] and rest[1:2] != ["info"]:
        call.emit("git.rewrite", "all history", traits={"history"})
    elif rest[:1] == ["prune"]:
        call.emit("git.discard", "lfs objects")
    elif rest[:1] == ["push"]:
        call.emit("git.push", "lfs", branch=call.walk.place.branch, traits=set())
    else:
        call.emit("git.read" if rest[:1] in (["ls-files"], ["env"], ["status"]) else "git.write", "lfs")


def send_email(call: Call, rest: list[Word]) -> None:
    """`git send-email`: mail other people read."""
    call.emit(
        "net.mutate" if "--dry-run" not in rest else "git.read", "git send-email", method="MAIL", traits={"message"}
    )
