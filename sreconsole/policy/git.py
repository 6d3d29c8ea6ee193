"""git and its helpers: what is only read, what is recorded, what loses work, what leaves the machine, what executes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from . import filesystem
from .call import Call, Text
from .options import Options
from .shell import Word
from .wordlist import wordset

_READ = wordset(
    """
    status log diff show blame annotate shortlog describe rev-parse rev-list ls-files ls-tree ls-remote cat-file
    merge-base name-rev grep help version var whatchanged cherry range-diff show-branch show-ref for-each-ref
    check-ignore check-attr check-mailmap count-objects fsck verify-commit verify-tag verify-pack diff-tree diff-index
    diff-files get-tar-commit-id archive request-pull bugreport patch-id interpret-trailers column stripspace
    fmt-merge-msg gitk difftool merge-tree fast-export
    """
)
_WRITE = wordset(
    """
    add commit merge rebase cherry-pick revert mv init clone fetch pull am apply stash tag notes bisect maintenance gc
    repack pack-refs submodule subtree lfs switch sparse-checkout mergetool format-patch bundle write-tree commit-tree
    hash-object read-tree update-index index-pack pack-objects unpack-objects multi-pack-index commit-graph
    rebase--interactive cvsimport svn p4 quiltimport citool gui send-pack flow town machete absorb branchless
    credential-cache mktag rerere instaweb mktree checkout-index fast-import
    """
)
# Settings whose value git runs, or that send its traffic and credentials elsewhere (git-config(1)).
_EXECUTES = re.compile(
    r"""(?ix)^(?:core\.(?:sshcommand|editor|pager|fsmonitor|hookspath|askpass|gitproxy|alternaterefscommand
      |attributesfile|worktree)
    | sequence\.editor | alias\..* | pager\..* | diff\.external | diff\..*\.(?:command|textconv)
      | difftool\..*\.(?:cmd|path)
    | mergetool\..*\.(?:cmd|path) | merge\..*\.driver | filter\..*\.(?:clean|smudge|process) | credential\..*helper
    | credential\.helper | gpg\.(?:.*\.)?program | interactive\.difffilter | browser\..*\.(?:cmd|path)
      | man\..*\.(?:cmd|path)
    | guitool\..*\.cmd | sendemail\.(?:smtpserver|tocmd|cccmd|sendmailcmd|.*cmd) | uploadpack\.packobjectshook
      | remote\..*\.(?:uploadpack|receivepack|proxy|vcs)
    | http\.(?:.*\.)?(?:proxy|proxyauthmethod|extraheader|cookiefile|savecookies|sslverify|sslcainfo|sslcapath
      |sslcert|sslkey|sslbackend
      |sslversion|sslcipherlist|pinnedpubkey|curloptresolve|proxysslcainfo|proxysslcert|proxysslkey|delegation
        |emptyauth)
    | url\..*\.(?:insteadof|pushinsteadof) | protocol\.(?:.*\.)?allow | include\.path | includeif\..*\.path
      | init\.templatedir
    | receive\..*hook | web\.browser | trailer\..*\.(?:command|cmd) | submodule\..*\.update | tar\..*\.command
      | lfs\..*customtransfer.*
    | trace2\..* | transfer\.credentialsinurl | imap\.tunnel | instaweb\.httpd
    | gc\..*hook | pack\..*hook | extensions\..* | fetch\..*hook | sendpack\..*
    )$"""
)
_SAFE_PROGRAM = re.compile(r"^(|true|:|cat|less|less -[A-Za-z]+|more|false|/bin/cat)$")
_RUNS = wordset(
    """
    GIT_SSH_COMMAND GIT_SSH GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_ASKPASS
    SSH_ASKPASS GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_ALLOW_PROTOCOL GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CONFIG
    GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_SSL_NO_VERIFY GIT_SSL_CAINFO GIT_SSL_CAPATH GIT_SSL_CERT GIT_SSL_KEY
    GIT_SSL_VERSION GIT_SSL_CIPHER_LIST GIT_TRACE2_CONFIG_PARAMS GIT_TRACE2_ENV_VARS GIT_TRACE2_EVENT GIT_TRACE2
    GIT_TRACE2_PERF GIT_PROXY_SSL_CAINFO GIT_PROXY_SSL_CERT GIT_PROXY_SSL_KEY GIT_ALTERNATE_OBJECT_DIRECTORIES
    GIT_OBJECT_DIRECTORY GIT_HTTP_PROXY_AUTHMETHOD GIT_PROTOCOL_FROM_USER EDITOR VISUAL PAGER GIT_SHELL GIT_TRACE_CURL
    GIT_COOKIE_FILE GIT_REDIRECT_STDIN GIT_REDIRECT_STDOUT GIT_REDIRECT_STDERR
    """
)
_PROGRAMS = wordset("GIT_EDITOR GIT_SEQUENCE_EDITOR EDITOR VISUAL GIT_PAGER PAGER")
_CONFIG_VARIABLE = re.compile(r"GIT_CONFIG_(KEY|VALUE)_\d+$")
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
PROTECTED = re.compile(
    r"(?i)^(main|master|trunk|develop|development|staging|prod(uction)?|stable|release([-/_].*)?|hotfix/.*|"
    r"gh-pages|live|next)$"
)


def git(call: Call) -> None:
    """Effects of one git command line."""
    _environment(call)
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


def _environment(call: Call) -> None:
    for name, word in {**call.walk.state.exported, **call.assigns}.items():
        upper = name.upper()
        if _CONFIG_VARIABLE.match(upper) or upper in _RUNS:
            if upper in _PROGRAMS and name == upper and _harmless(name, word):
                continue
            call.emit("exec.config", name, word)
            if re.search(r"\s|/", word) and upper.startswith("GIT_SSH_C"):
                _run(call, word, name)


def _harmless(name: str, word: Word) -> bool:
    """`GIT_EDITOR=true`, `GIT_PAGER=cat`, written plainly: quotes inside a word or a substitution hide intent."""
    plain = word.end - word.start - len(name) - 1 - len(word) in (0, 2)
    if not word:
        return plain and "PAGER" in name
    return plain and bool(_SAFE_PROGRAM.match(word)) and not word.dynamic


def _run(call: Call, word: Word, label: str) -> None:
    from .effects import follow

    follow(call, [Text(str(word), label, word)])


def setting(call: Call, word: Word) -> None:
    """One `-c name=value`: a setting that git executes, or that redirects it."""
    name, _, value = word.partition("=")
    if not _EXECUTES.match(name.strip()):
        if name.lower() == "clean.requireforce" and value.lower() in ("false", "no", "0", "off"):
            call.emit("git.discard", "untracked files", word)
        return
    programs = ("core.editor", "sequence.editor", "core.pager")
    if name.lower() in programs and value and _SAFE_PROGRAM.match(value) and _plain_quoting(word):
        return
    if name.lower() in ("core.fsmonitor", "core.hookspath") and value.lower() in ("false", "0", "", "/dev/null"):
        if name.lower() == "core.hookspath":
            call.emit("git.skip-checks", "hooks", word)
        return
    if name.lower().startswith("alias."):
        call.walk.names.add("")
        _alias(call, name[6:], word.like(value))
        return
    call.emit("exec.config", name, word)
    if re.search(r"\s", value):
        _run(call, word.like(value.lstrip("!")), f"git -c {name}")


def _plain_quoting(word: Word) -> bool:
    return word.end - word.start in (len(word), len(word) + 2) or word.end == 0


def _alias(call: Call, name: str, value: Word) -> None:
    if value.startswith("!"):
        call.emit("exec.config", f"alias.{name}", value)
        _run(call, value.like(value[1:]), f"git alias {name}")
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
                filesystem.write(call, word.like(word.partition("=")[2]))
            else:
                call.emit("exec.config", str(word), word)
        elif word.startswith(("--upload-pack", "--exec=")) or word.startswith("ext::"):
            call.emit("exec.config", str(word), word)
        path = word.partition(":")[2] if ":" in word else ""
        if path and verb in ("show", "cat-file", "diff", "log"):
            filesystem.read(call, word.like(path))
    if verb in ("diff", "log", "show") and "--no-index" in rest:
        for word in rest:
            if not word.startswith("-"):
                filesystem.read(call, word)
    if verb == "archive" and any(w.startswith("--remote") or w.startswith("--exec") for w in rest):
        call.emit("net.read", "git archive --remote")
    if verb in ("difftool",) and any(w.startswith(("-x", "--extcmd")) for w in rest):
        _extcmd(call, rest)


def _extcmd(call: Call, rest: Sequence[Word]) -> None:
    for index, word in enumerate(rest):
        value = word.partition("=")[2] if "=" in word else rest[index + 1] if index + 1 < len(rest) else ""
        if word.startswith(("-x", "--extcmd")) and value:
            call.emit("exec.config", "difftool --extcmd", word)
            _run(call, word.like(str(value)), "git difftool -x")


# -- verbs with more than one meaning ---------------------------------------------------------------------------


def _push(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("o push-option receive-pack exec repo"))
    if options.has("n", "dry-run"):
        call.emit("git.read", "push --dry-run")
        return
    traits = set()
    if options.has("f", "force", "force-with-lease", "force-if-includes", "mirror") or any(
        w.startswith("+") for w in options.rest[1:]
    ):
        traits.add("force")
    if options.has("force-with-lease") and not options.has("f", "force"):
        traits.add("lease")
    if options.has("d", "delete", "mirror", "prune") or any(w.startswith((":", "+:")) for w in options.rest[1:]):
        traits.add("delete")
    if options.has("all", "branches", "mirror"):
        traits.add("all")
    if options.has("no-verify"):
        call.emit("git.skip-checks", "pre-push hook")
    if options.has("receive-pack", "exec"):
        call.emit("exec.config", "push --receive-pack")
    remote = str(options.rest[0]) if options.rest else str(options.value("repo") or "origin")
    if remote.startswith("ext::"):
        call.emit("exec.config", remote, options.rest[0])
    references = options.rest[1:] or [Word("HEAD")]
    for word in references:
        branch = re.sub(r"^refs/heads/", "", word.lstrip("+").rpartition(":")[2])
        extra = set(traits)
        if word == "tag" or branch.startswith("refs/tags/") or re.match(r"v?\d+\.\d+", branch):
            extra.add("tag")
        if branch in ("HEAD", "@", ""):
            branch = call.walk.state.variables.get("#branch", [call.walk.place.branch])[0]
        if "$(…)" in branch or "${" in branch:
            branch = call.walk.place.branch
        if not branch:
            extra.add("unknown-branch")
        if options.has("tags", "follow-tags"):
            extra.add("tag")
        call.emit(
            "git.push",
            branch or "the current branch",
            word if word.end else None,
            branch=branch,
            repo=remote,
            remote=remote,
            traits=extra,
            ahead=call.walk.place.ahead,
        )


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
            filesystem.delete(call, word, recursive=True)


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


def _remote(call: Call, rest: list[Word]) -> None:
    verb = rest[0] if rest else ""
    if verb in ("add", "set-url", "rename"):
        if any(w.startswith("ext::") for w in rest):
            call.emit("exec.config", "ext:: remote")
        call.emit("git.config", f"remote {verb}", rest[0], traits={"remote"})
    elif verb in ("remove", "rm", "prune"):
        call.emit("git.config", f"remote {verb}", rest[0], traits={"remote"})
    else:
        call.emit("git.read", "remote")


def _config(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("f file blob type default value comment"))
    words = options.rest
    if words and words[0] in ("get", "list", "get-all", "get-regexp"):
        call.emit("git.read", "config")
        return
    if words and words[0] in ("set", "unset", "edit", "rename-section", "remove-section"):
        words = words[1:]
    elif options.has("get", "get-all", "get-regexp", "list", "l", "get-urlmatch", "show-origin", "name-only"):
        call.emit("git.read", "config")
        return
    if options.has("e", "edit"):
        call.emit("git.config", "config --edit")
        return
    name = str(words[0]) if words else ""
    if len(words) < 2 and not options.has(
        "unset", "unset-all", "remove-section", "rename-section", "add", "replace-all"
    ):
        call.emit("git.read", "config")
        return
    value = str(words[1]) if len(words) > 1 else ""
    executes = _EXECUTES.match(name) and not (
        name.lower() in ("core.editor", "core.pager") and _SAFE_PROGRAM.match(value)
    )
    if executes and not options.has("unset", "unset-all"):
        call.emit("exec.config", name, words[0])
        if value.startswith("!") or " " in value:
            _run(call, words[1].like(value.lstrip("!")), f"git config {name}")
    scope = {"global"} if options.has("global", "system") else set()
    call.emit("git.config", name, traits=scope)


def _update_ref(call: Call, rest: list[Word]) -> None:
    options = Options(rest, wordset("m"))
    name = next((w for w in options.rest if w.startswith("refs/") or w == "HEAD"), Word("refs"))
    branch = re.sub(r"^refs/heads/", "", name)
    traits = {"protected"} if PROTECTED.match(branch) or options.has("d", "stdin") else set()
    call.emit("git.rewrite", str(name), name if name.end else None, traits=traits | {"raw"})


def _history(call: Call, rest: list[Word]) -> None:
    if rest[:1] in (["--help"], ["-h"], ["--analyze"], ["--version"]) or rest == ["--analyze"]:
        return
    call.emit("git.rewrite", "all history", traits={"history"})


def _reflog(call: Call, rest: list[Word]) -> None:
    if rest[:1] in (["expire"], ["delete"]) and not any(w in ("-n", "--dry-run") for w in rest):
        call.emit("git.discard", "reflog", rest[0], traits={"undo"})
    else:
        call.emit("git.read", "reflog")


def _gc(call: Call, rest: list[Word]) -> None:
    hard = any(w.startswith("--prune=now") or w in ("--prune=all") for w in rest) or call.args[:1] == ["prune"]
    call.emit(
        "git.discard" if hard else "git.write",
        "unreachable objects" if hard else "gc",
        traits={"undo"} if hard else set(),
    )


def _prune(call: Call, rest: list[Word]) -> None:
    call.emit(
        "git.read" if any(w in ("-n", "--dry-run") for w in rest) else "git.discard",
        "unreachable objects",
        traits={"undo"},
    )


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
            _run(call, rest[index + 1] if "=" not in word else word.like(value), "git rebase --exec")
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


def _submodule(call: Call, rest: list[Word]) -> None:
    if rest[:1] == ["foreach"] and len(rest) > 1:
        words = [w for w in rest[1:] if not w.startswith("--")]
        _run(call, words[0].like(" ".join(words)), "git submodule foreach")
    if rest[:1] == ["deinit"] and any(w in ("-f", "--force", "--all") for w in rest):
        call.emit("git.discard", "submodule work")
        return
    call.emit("git.read" if rest[:1] in (["status"], ["summary"], []) else "git.write", "submodule")


def _clone(call: Call, rest: list[Word]) -> None:
    for index, word in enumerate(rest):
        if word in ("-c", "--config") and index + 1 < len(rest):
            setting(call, rest[index + 1])
        elif word.startswith("--config="):
            setting(call, word.like(word.partition("=")[2]))
        elif re.match(r"-u$|--upload-pack|--template=", word) or "ext::" in word:
            call.emit("exec.config", str(word), word)
    call.emit("git.write", "clone")


def _fetch(call: Call, rest: list[Word]) -> None:
    if any(w.startswith("--upload-pack") or w.startswith("ext::") for w in rest):
        call.emit("exec.config", "fetch --upload-pack")
    forced = any(
        w in ("-f", "--force") or (w.startswith("+") and ":" in w) or re.fullmatch(r"--for(c(e)?)?", w) for w in rest
    )
    call.emit("git.rewrite" if forced else "git.read", "fetch --force" if forced else "fetch")


def _symbolic(call: Call, rest: list[Word]) -> None:
    words = [w for w in rest if not w.startswith("-")]
    changing = len(words) > 1 or any(w in ("-d", "--delete") for w in rest)
    call.emit("git.rewrite" if changing else "git.read", "HEAD", traits={"raw"} if changing else set())


def _replace(call: Call, rest: list[Word]) -> None:
    if not rest or rest[0] in ("-l", "--list"):
        call.emit("git.read", "replace")
    else:
        call.emit("git.rewrite", "replace", traits={"raw"})


def _lfs(call: Call, rest: list[Word]) -> None:
    if rest[:1] == ["migrate"] and rest[1:2] != ["info"]:
        call.emit("git.rewrite", "all history", traits={"history"})
    elif rest[:1] == ["prune"]:
        call.emit("git.discard", "lfs objects")
    elif rest[:1] == ["push"]:
        call.emit("git.push", "lfs", branch=call.walk.place.branch, traits=set())
    else:
        call.emit("git.read" if rest[:1] in (["ls-files"], ["env"], ["status"]) else "git.write", "lfs")


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


def _send_email(call: Call, rest: list[Word]) -> None:
    call.emit(
        "net.mutate" if "--dry-run" not in rest else "git.read", "git send-email", method="MAIL", traits={"message"}
    )


def _daemon(call: Call, rest: list[Word]) -> None:
    call.emit("proc.service", "git daemon")


_VERBS: dict[str, Callable[[Call, list[Word]], None]] = {
    "push": _push,
    "reset": _reset,
    "clean": _clean,
    "checkout": _checkout,
    "switch": _switch,
    "restore": _restore,
    "branch": _branch,
    "stash": _stash,
    "tag": _tag,
    "remote": _remote,
    "config": _config,
    "update-ref": _update_ref,
    "filter-branch": _history,
    "filter-repo": _history,
    "reflog": _reflog,
    "gc": _gc,
    "prune": _prune,
    "worktree": _worktree,
    "commit": _commit,
    "merge": _merge,
    "pull": lambda call, rest: (_fetch(call, rest), _merge(call, rest), None)[-1],
    "fetch": _fetch,
    "am": _merge,
    "cherry-pick": _merge,
    "rebase": _rebase,
    "bisect": _bisect,
    "submodule": _submodule,
    "clone": _clone,
    "symbolic-ref": _symbolic,
    "replace": _replace,
    "lfs": _lfs,
    "rm": _rm,
    "credential": _credential,
    "credential-store": _credential,
    "credential-osxkeychain": _credential,
    "send-email": _send_email,
    "daemon": _daemon,
    "init": _clone,
}


def _bfg(call: Call) -> None:
    call.emit("git.rewrite", "all history", traits={"history"})


def _filter_repo(call: Call) -> None:
    _history(call, list(call.args))


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
