"""git and its helpers: what is only read, what is recorded, what loses work, what leaves the machine, what executes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from . import edits
from .call import Call
from .githistory import collect, edit_reflog, prune, replace_object, rewrite_history, symbolic, update_ref
from .gitremotes import clone_from, edit_remotes, fetch_from, lfs, push_to, send_email, submodule
from .gitsettings import config, environment_settings, run_text, setting
from .options import Options
from .shell import Word
from .wordlist import wordset

_READ = wordset(
    """
    status log diff show blame annotate shortlog describe rev-parse rev-list ls-files ls-tree ls-remote cat-file
    merge-base name-rev grep help version var whatchanged cherry range-diff show-branch show-ref for-each-ref
    check-ignore check-attr check-mailmap count-objects fsck verify-commit verify-tag verify-pack diff-tree
    diff-index diff-files get-tar-commit-id archive request-pull bugreport patch-id interpret-trailers column
    stripspace fmt-merge-msg gitk difftool merge-tree fast-export
    """
)
_WRITE = wordset(
    """
    add commit merge rebase cherry-pick revert mv init clone fetch pull am apply stash tag notes bisect maintenance
    gc repack pack-refs submodule subtree lfs switch sparse-checkout mergetool format-patch bundle write-tree
    commit-tree hash-object read-tree update-index index-pack pack-objects unpack-objects multi-pack-index
    commit-graph rebase--interactive cvsimport svn p4 quiltimport citool gui send-pack flow town machete absorb
    branchless credential-cache mktag rerere instaweb mktree checkout-index fast-import
    """
)
_ASKS = frozenset(
    {
        ("notes", "list"),
        ("notes", "show"),
        ("bundle", "verify"),
        ("bundle", "list-heads"),
        ("sparse-checkout", "list"),
        ("apply", "--check"),
        ("apply", "--stat"),
    }
    | {
        ("maintenance", "run --dry-run"),
        ("multi-pack-index", "verify"),
        ("commit-graph", "verify"),
        ("rerere", "status"),
    }
)
_GLOBAL_VALUES = wordset(
    """
    -C -c --git-dir --work-tree --namespace --super-prefix --config-env --exec-path --attr-source
    """
)


def git(call: Call) -> None:
    """Effects of one git command line."""
    environment_settings(call)
    args, index = call.args, 0
    here = ""
    while index < len(args) and args[index].startswith("-"):
        word = args[index]
        following = args[index + 1] if index + 1 < len(args) else Word("")
        if word == "-c":
            setting(call, following)
        elif word.startswith("-c") and len(word) > 2 and not word.startswith("--"):
            setting(call, word.like(word[2:]))
        elif word.startswith("--config-env"):
            setting(call, word.like(word.partition("=")[2]) if "=" in word else following)
        elif word == "-C":
            here = str(following)
        elif word.startswith("--exec-path="):
            call.emit("exec.config", "git --exec-path", word)
        elif word in ("--upload-pack", "--receive-pack"):
            call.emit("exec.config", str(word), word)
        index += 2 if word in _GLOBAL_VALUES and "=" not in word else 1
    if index >= len(args):
        call.emit("git.read", "git")
        return
    verb, rest = str(args[index]), list(args[index + 1 :])
    if any(w in {"--help", "-h"} for w in rest[:1]):
        return
    if here and not call.spot(here).inside and call.spot(here).zone not in ("tmp",):
        call.walk.names.discard("")
    _verb(call, verb, rest)


def _verb(call: Call, verb: str, rest: list[Word]) -> None:
    special = _VERBS.get(verb)
    if special is not None:
        special(call, rest)
    elif verb in _READ:
        _read(call, verb, rest)
    elif verb in _WRITE and tuple(rest[:1]) and (verb, str(rest[0])) in _ASKS:
        call.emit("git.read", verb)
    elif verb in _WRITE:
        call.emit("git.write", verb)
    elif verb in call.walk.names:
        return
    elif call.left == 0:
        call.emit("unknown", f"git {verb}")


def alias(call: Call, name: str, value: Word) -> None:
    """A git alias set on the command line: a shell command, or other git words."""
    if value.startswith("!"):
        call.emit("exec.config", f"alias.{name}", value)
        run_text(call, value.like(value[1:]), f"git alias {name}")
        return
    call.emit("exec.config", f"alias.{name}", value)
    words = value.split()
    if words:
        _verb(call, words[0], [value.like(w) for w in words[1:]])


def _read(call: Call, verb: str, rest: list[Word]) -> None:
    call.emit("git.read", verb)
    for word in rest:
        if (
            word.startswith(("--output=", "-o="))
            or word.startswith("--open-files-in-pager")
            or (verb == "grep" and re.match(r"-O.", word))
        ):
            if word.startswith("--output"):
                edits.write(call, word.like(word.partition("=")[2]))
            else:
                call.emit("exec.config", str(word), word)
        elif word.startswith(("--upload-pack", "--exec=")) or word.startswith("ext::"):
            call.emit("exec.config", str(word), word)
        path = word.partition(":")[2] if ":" in word else ""
        if path and verb in ("show", "cat-file", "diff", "log"):
            edits.read(call, word.like(path))
    if verb in ("diff", "log", "show") and "--no-index" in rest:
        for word in rest:
            if not word.startswith("-"):
                edits.read(call, word)
    if verb == "archive" and any(w.startswith("--remote") or w.startswith("--exec") for w in rest):
        call.emit("net.read", "git archive --remote")
    if verb in ("difftool",) and any(w.startswith(("-x", "--extcmd")) for w in rest):
        _extcmd(call, rest)


def _extcmd(call: Call, rest: Sequence[Word]) -> None:
    for index, word in enumerate(rest):
        value = word.partition("=")[2] if "=" in word else rest[index + 1] if index + 1 < len(rest) else ""
        if word.startswith(("-x", "--extcmd")) and value:
            call.emit("exec.config", "difftool --extcmd", word)
            run_text(call, word.like(str(value)), "git difftool -x")


# -- verbs with more than one meaning ---------------------------------------------------------------------------


def _reset(call: Call, rest: list[Word]) -> None:
    if any(w in ("--hard", "--merge", "--keep") or re.fullmatch(r"--h(a(r)?)?", w) for w in rest):
        kind = "git.discard" if "--keep" not in rest else "git.write"
        word = next((w for w in rest if w.startswith("--")), None)
        call.emit(kind, "uncommitted changes", word)
    else:
        call.emit("git.write", "reset")


def _clean(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("e exclude"))
    if options.has("n", "dry-run") or not options.has("f", "force", "x", "X", "d", "i"):
        call.emit("git.read", "clean -n")
        return
    call.emit("git.discard", "untracked files")
    for word in options.rest:
        if call.spot(word).outside:
            edits.delete(call, word, recursive=True)


def _checkout(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("b B orphan conflict pathspec-from-file"))
    if options.has("b", "orphan") or rest[:1] == ["-t"] or options.has("t", "track"):
        call.walk.state.variables["#branch"] = [str(options.value("b", "orphan"))]
        call.emit("git.write", "new branch")
        return
    if options.has("f", "force", "theirs", "ours") or options.has("p", "patch"):
        call.emit("git.discard" if options.has("f", "force") else "git.write", "uncommitted changes")
        return
    if options.has("B"):
        call.emit("git.rewrite", str(options.value("B")))
        return
    if "--" in rest:
        at = rest.index(Word("--"))
        paths = rest[at + 1 :]
        call.emit(
            "git.discard" if paths else "git.write", " ".join(paths[:3]) or "checkout", paths[0] if paths else None
        )
        return
    words = options.rest
    if words and (
        words[0] in (".", "*", ":/", "./")
        or len(words) > 1
        or re.search(
            r"\.(py|js|ts|tsx|jsx|go|rs|rb|java|json|md|css|html|c|h|cpp|toml|ya?ml|txt|lock|sh|sql)$", words[0]
        )
    ):
        call.emit("git.discard", " ".join(words[:3]), words[-1])
        return
    if words:
        call.walk.state.variables["#branch"] = [str(words[0])]
    call.emit("git.write", "checkout")


def _switch(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("c C orphan"))
    if options.has("f", "force", "discard-changes"):
        call.emit("git.discard", "uncommitted changes")
        return
    name = options.value("c", "C") or (options.rest[0] if options.rest else Word(""))
    if name:
        call.walk.state.variables["#branch"] = [str(name)]
    call.emit("git.rewrite" if options.has("C") else "git.write", "switch")


def _restore(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("s source"))
    staged_only = options.has("staged", "S") and not options.has("worktree", "W")
    call.emit(
        "git.write" if staged_only or not options.rest else "git.discard", " ".join(options.rest[:3]) or "restore"
    )


def _branch(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("u set-upstream-to contains merged no-merged sort format points-at"))
    if options.has("D") or (options.has("d", "delete") and options.has("f", "force")):
        call.emit("git.discard", f"branch {' '.join(options.rest[:2])}", traits={"branch"})
    elif options.has("f", "force", "M", "C"):
        call.emit("git.rewrite", " ".join(options.rest[:2]) or "branch")
    elif options.has(
        "d", "delete", "m", "move", "c", "copy", "u", "set-upstream-to", "unset-upstream", "edit-description"
    ) or (
        options.rest
        and not options.has(
            "l", "list", "a", "r", "v", "vv", "contains", "merged", "no-merged", "points-at", "show-current"
        )
    ):
        call.emit("git.write", "branch")
    else:
        call.emit("git.read", "branch")


def _stash(call: Call, rest: list[Word]) -> None:
    verb = rest[0] if rest else "push"
    if verb in ("drop", "clear"):
        call.emit("git.discard", f"stash {verb}", rest[0])
    elif verb in ("list", "show"):
        call.emit("git.read", "stash list")
    else:
        call.emit("git.write", "stash")


def _tag(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("m F u n sort format contains"))
    if options.has("d", "delete", "f", "force"):
        call.emit("git.rewrite", f"tag {' '.join(options.rest[:1])}")
    elif options.rest and not options.has("l", "list", "v", "contains", "points-at", "n"):
        call.emit("git.write", "tag")
    else:
        call.emit("git.read", "tag")


def _worktree(call: Call, rest: list[Word]) -> None:
    verb = rest[0] if rest else ""
    forced = any(w in ("-f", "--force", "-ff") for w in rest)
    if verb == "remove":
        call.emit("git.discard" if forced else "git.write", f"worktree {rest[-1]}", rest[-1], traits={"worktree"})
    elif verb == "list":
        call.emit("git.read", "worktree")
    else:
        call.emit("git.write", "worktree")


def _commit(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("m F C c t author date message file"))
    if options.has("no-verify", "n") or any(re.fullmatch(r"--no-v(e(r(i(f(y)?)?)?)?)?", w) for w in rest):
        call.emit("git.skip-checks", "commit hooks", next((w for w in rest if w.startswith(("--no-v", "-"))), None))
    call.emit("git.write", "commit", traits={"amend"} if options.has("amend") else set())


def _merge(call: Call, rest: list[Word]) -> None:
    skips = any(w == "--no-verify" or (re.fullmatch(r"--no-v\w*", w) is not None) for w in rest)
    if skips:
        call.emit("git.skip-checks", "merge hooks")
    call.emit("git.write", "merge")


def _rebase(call: Call, rest: list[Word]) -> None:
    if "--no-verify" in rest:
        call.emit("git.skip-checks", "rebase hooks")
    for index, word in enumerate(rest):
        value = ""
        if word in ("-x", "--exec") and index + 1 < len(rest):
            value = str(rest[index + 1])
        elif word.startswith("--exec="):
            value = word.partition("=")[2]
        if value:
            run_text(call, rest[index + 1] if "=" not in word else word.like(value), "git rebase --exec")
    call.emit("git.write", "rebase")


def _bisect(call: Call, rest: list[Word]) -> None:
    if rest[:1] in (["log"], ["view"], ["visualize"], ["terms"]):
        call.emit("git.read", "bisect")
        return
    if rest[:1] == ["run"]:
        from .call import Argv
        from .effects import follow

        follow(call, [Argv(rest[1:], "git bisect run")])
    call.emit("git.write", "bisect")


def _rm(call: Call, rest: list[Word]) -> None:
    options = Options(rest)
    if options.has("cached", "n", "dry-run"):
        call.emit("git.write", "rm --cached")
        return
    forced = options.has("f", "force")
    whole = any(w in (".", "*", ":/") for w in options.rest)
    call.emit(
        "git.discard" if whole or (forced and options.has("r")) else "git.write", " ".join(options.rest[:3]) or "rm"
    )


def _credential(call: Call, rest: list[Word]) -> None:
    if rest[:1] == ["fill"] or rest[:1] == ["get"]:
        call.emit("secret.read", "git credential", secret="command")
    else:
        call.emit("secret.write", f"git credential {' '.join(rest[:1])}")


def _daemon(call: Call, rest: list[Word]) -> None:
    call.emit("proc.service", "git daemon")


def _pull(call: Call, rest: list[Word]) -> None:
    fetch_from(call, rest)
    _merge(call, rest)


_VERBS: dict[str, Callable[[Call, list[Word]], None]] = {
    "push": push_to,
    "reset": _reset,
    "clean": _clean,
    "checkout": _checkout,
    "switch": _switch,
    "restore": _restore,
    "branch": _branch,
    "stash": _stash,
    "tag": _tag,
    "remote": edit_remotes,
    "config": config,
    "update-ref": update_ref,
    "filter-branch": rewrite_history,
    "filter-repo": rewrite_history,
    "reflog": edit_reflog,
    "gc": collect,
    "prune": prune,
    "worktree": _worktree,
    "commit": _commit,
    "merge": _merge,
    "pull": _pull,
    "fetch": fetch_from,
    "am": _merge,
    "cherry-pick": _merge,
    "rebase": _rebase,
    "bisect": _bisect,
    "submodule": submodule,
    "clone": clone_from,
    "symbolic-ref": symbolic,
    "replace": replace_object,
    "lfs": lfs,
    "rm": _rm,
    "credential": _credential,
    "credential-store": _credential,
    "credential-osxkeychain": _credential,
    "send-email": send_email,
    "daemon": _daemon,
    "init": clone_from,
}


def _bfg(call: Call) -> None:
    call.emit("git.rewrite", "all history", traits={"history"})


def _filter_repo(call: Call) -> None:
    rewrite_history(call, list(call.args))


TABLE: dict[str, Callable[[Call], None]] = {
    "git": git,
    "bfg": _bfg,
    "git-filter-repo": _filter_repo,
    "hub": git,
    "tig": lambda call: call.emit("git.read", "tig"),
    "gitk": lambda call: call.emit("git.read", "gitk"),
    "lazygit": lambda call: call.emit("git.write", "lazygit"),
    "gitleaks": lambda call: call.emit("git.read", "gitleaks"),
}
