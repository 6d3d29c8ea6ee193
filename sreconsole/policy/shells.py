"""Shells and their builtins that run text: `sh -c`, `sh FILE`, `eval`, `trap`, `source`, `su -c`, a pipe into `sh`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .call import Call, Step, Text
from .shell import Word
from .wordlist import wordset

SHELLS = wordset("sh bash zsh dash ash ksh mksh fish rbash busybox-sh")


_SHELL_VALUES = wordset("-o +o -O +O --rcfile --init-file")


def run_shell(call: Call) -> list[Step] | None:
    """`sh -c TEXT`, `sh FILE`, `… | sh`, `sh <<EOF`: the text itself, when it is known."""
    args, index, takes_text = call.args, 0, False
    if "-n" in args[:2] or any(re.match(r"-[a-z]*n[a-z]*$", w) for w in args[:1]):
        call.emit("fs.read", "syntax check")
        return []
    while index < len(args) and args[index][:1] in "-+" and args[index] not in ("-", "--"):
        word = args[index]
        if word.startswith("--"):
            if word in ("--version", "--help"):
                return None
            index += 2 if word in _SHELL_VALUES else 1
            continue
        takes_text = takes_text or "c" in word[1:]
        index += 2 if word in _SHELL_VALUES else 1
    if index < len(args) and args[index] in ("-", "--"):
        index += 1
    if takes_text:
        if index >= len(args):
            return []
        return [_script_text(call, args[index], args[index + 1 :], f"{call.name} -c")]
    if index < len(args) and not (len(args) == index + 1 and args[index] == "/dev/stdin"):
        return script_file(call, args[index], args[index + 1 :])
    return from_stdin(call)


def _script_text(call: Call, word: Word, rest: Sequence[Word], label: str) -> Step:
    if word.flow is not None and word.flow.text is None:
        _opaque(call, word)
    elif word.dynamic:
        _dynamic_text(call, word)
    return Text(word, label, word, arguments=[str(w) for w in rest[1:]])


def _dynamic_text(call: Call, word: Word) -> None:
    """Text that is partly unknown: what is known is still read; only a wholly unknown command is a finding."""
    if re.match(r"\s*(\$\{|\$\()", word):
        call.emit("exec.unknown", str(word)[:80], word, resolved="the command is not known before it runs")


def _opaque(call: Call, word: Word) -> None:
    marks = word.flow.marks if word.flow else set()
    source = next((m for m in ("network", "decoded", "secret") if m in marks), "")
    call.emit("exec.remote" if source == "network" else "exec.unknown", str(word)[:80], word, origin=source)


def from_stdin(call: Call) -> list[Step]:
    """A shell that reads its commands from a pipe, a heredoc or a file."""
    for redirect in call.redirects:
        if redirect.operator == "<":
            return script_file(call, redirect.target, ()) or []
    flow = call.stdin
    if flow is None:
        if call.where.kind == "local" and not call.where.root:
            return []
        call.emit("proc.shell", call.where.host or "shell")
        return []
    if flow.text is not None:
        return [Text(flow.text, f"| {call.name}", flow=flow)]
    source = next((m for m in ("network", "decoded", "secret") if m in flow.marks), "")
    call.emit("exec.remote" if source == "network" else "exec.unknown", "a script from a pipe", origin=source)
    return []


def script_file(call: Call, word: Word, rest: Sequence[Word]) -> list[Step] | None:
    """A script run by its path: its content when this session wrote it or the disk shows it."""
    if word.flow is not None:
        if word.flow.text is not None:
            return [Text(word.flow.text, f"{call.name} <(…)", word)]
        _opaque(call, word)
        return []
    text, fresh = script_content(call, word)
    if text is None:
        return None
    return [Text(text, str(word), word if fresh else None, arguments=[str(w) for w in rest])]


def script_content(call: Call, word: str) -> tuple[str | None, bool]:
    """Content of a script on this machine, and whether it was written by this session."""
    if call.where.kind != "local":
        return None, False
    path = call.spot(word).path
    written = call.walk.state.written.get(path)
    if written is not None:
        return written, True
    remembered = call.walk.place.remembered.get(path)
    if remembered is not None:
        return remembered, True
    return call.walk.place.files.read(path), False


def run_eval(call: Call) -> list[Step] | None:
    """`eval TEXT`."""
    args = [w for w in call.args if w != "--"]
    if not args:
        return None
    if any(w.flow is not None and w.flow.text is None for w in args):
        word = next(w for w in args if w.flow is not None)
        if re.match(r"^\$\(…\)$", str(word)) and _known_env_setup(call, word):
            return []
        _opaque(call, word)
        return []
    if len(args) == 1:
        return [_script_text(call, args[0], (), "eval")]
    return [Text(" ".join(args), "eval", args[0])]


def _known_env_setup(call: Call, word: Word) -> bool:
    """`eval "$(ssh-agent -s)"`, `eval "$(direnv hook bash)"`: shell set-up that tools print."""
    return bool(word.flow and "setup" in word.flow.marks)


def run_trap(call: Call) -> list[Step] | None:
    """`trap TEXT SIGNAL`: the text runs later, all the same."""
    args = [w for w in call.args if w != "--"]
    if len(args) < 2 or args[0] in ("-", "", "-p", "-l"):
        return None
    return [Text(args[0], "trap", args[0], here=True)]


def source_file(call: Call) -> list[Step] | None:
    """`source FILE`: its text runs here."""
    if not call.args:
        return None
    found = script_file(call, call.args[0], call.args[1:])
    for step in found or ():
        if isinstance(step, Text):
            step.here = True
    return found
