"""Settings and variables by which git runs a program or sends its traffic elsewhere."""

from __future__ import annotations

import re

from .call import Call, Text
from .options import Options
from .shell import Word
from .wordlist import wordset

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
    GIT_OBJECT_DIRECTORY GIT_HTTP_PROXY_AUTHMETHOD GIT_PROTOCOL_FROM_USER EDITOR VISUAL PAGER GIT_SHELL
    GIT_TRACE_CURL GIT_COOKIE_FILE GIT_REDIRECT_STDIN GIT_REDIRECT_STDOUT GIT_REDIRECT_STDERR
    """
)


_PROGRAMS = wordset("GIT_EDITOR GIT_SEQUENCE_EDITOR EDITOR VISUAL GIT_PAGER PAGER")


_CONFIG_VARIABLE = re.compile(r"GIT_CONFIG_(KEY|VALUE)_\d+$")


def environment_settings(call: Call) -> None:
    """Variables in front of git by which it runs a program or trusts another place."""
    for name, word in {**call.walk.state.exported, **call.assigns}.items():
        upper = name.upper()
        if _CONFIG_VARIABLE.match(upper) or upper in _RUNS:
            if upper in _PROGRAMS and name == upper and _harmless(name, word):
                continue
            call.emit("exec.config", name, word)
            if re.search(r"\s|/", word) and upper.startswith("GIT_SSH_C"):
                run_text(call, word, name)


def _harmless(name: str, word: Word) -> bool:
    """`GIT_EDITOR=true`, `GIT_PAGER=cat`, written plainly: quotes inside a word or a substitution hide intent."""
    plain = word.end - word.start - len(name) - 1 - len(word) in (0, 2)
    if not word:
        return plain and "PAGER" in name
    return plain and bool(_SAFE_PROGRAM.match(word)) and not word.dynamic


def run_text(call: Call, word: Word, label: str) -> None:
    """Queue the command a setting makes git run."""
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
        from .git import alias

        alias(call, name[6:], word.like(value))
        return
    call.emit("exec.config", name, word)
    if re.search(r"\s", value):
        run_text(call, word.like(value.lstrip("!")), f"git -c {name}")


def _plain_quoting(word: Word) -> bool:
    return word.end - word.start in (len(word), len(word) + 2) or word.end == 0


def config(call: Call, rest: list[Word]) -> None:
    """`git config`: read or changed; a value that git runs is its own effect."""
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
            run_text(call, words[1].like(value.lstrip("!")), f"git config {name}")
    scope = {"global"} if options.has("global", "system") else set()
    call.emit("git.config", name, traits=scope)
