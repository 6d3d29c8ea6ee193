"""Builtins of the shell that change what later commands mean: cd, export, alias, read, source."""

from __future__ import annotations

import re
from collections.abc import Callable

from .call import Call, Text
from .secrets import env_file, holds_secret, secret_variable
from .shell import Word
from .shells import script_content


def _cd(call: Call) -> bool:
    words = [w for w in call.args if not re.fullmatch(r"-[LPe@]+|--", w)]
    state = call.walk.state
    if call.where.kind != "local":
        state.cwd = str(words[0]) if words and words[0].startswith("/") else None
        return True
    if not words:
        state.cwd = call.walk.place.home
    elif words[0] == "-":
        state.cwd = call.walk.place.cwd
    elif words[0].dynamic:
        state.cwd = None
    else:
        target = call.spot(words[0])
        state.cwd = target.path if target.zone != "unknown" else None
    if state.cwd is not None:
        state.variables["PWD"] = [state.cwd]
    else:
        state.variables.pop("PWD", None)
    return True


def _export(call: Call) -> bool:
    for word in call.args:
        name, equals, value = word.partition("=")
        if equals:
            call.walk.state.variables[name] = [value]
            call.walk.state.exported[name] = word.like(value)
    return True


def _set(call: Call) -> bool:
    if not call.args:
        call.emit("secret.read", "environment", secret="environment")
    elif call.args[0] == "--":
        call.walk.state.variables["@"] = [str(w) for w in call.args[1:]]
        for index, word in enumerate(call.args[1:10], 1):
            call.walk.state.variables[str(index)] = [str(word)]
    return True


def _alias_builtin(call: Call) -> bool:
    for word in call.args:
        name, equals, value = word.partition("=")
        if equals:
            call.walk.state.aliases[name] = value
            # A text that defines an alias and never uses it is read all the same.
            call.walk._stack.insert(0, (_late_alias, call, name, value, word))
    return True


def _late_alias(call: Call, name: str, value: str, word: Word) -> None:
    from .effects import follow

    follow(call, [Text(value, f"alias {name}", word)])


def _read_builtin(call: Call) -> bool:
    names = [w for w in call.args if re.fullmatch(r"[A-Za-z_]\w*", w)]
    flow = call.stdin
    if flow is not None and flow.items:
        values = list(flow.items)
    elif flow is not None and flow.text is not None and not flow.marks:
        values = [line for line in flow.text.split("\n") if line][:32]
    else:
        values = []
    for name in [str(word) for word in names] or ["REPLY"]:
        call.walk.state.variables[name] = list(values) or ["${" + name + "}"]
    return True


def _env(call: Call) -> bool:
    """`env` and `printenv` without a command print every variable."""
    names = [w for w in call.args if not w.startswith("-") and "=" not in w]
    if (call.name == "env" and names) or (
        call.name == "env" and any(w.startswith("-S") or w.startswith("--split") for w in call.args)
    ):
        return False
    if names:
        for name in names:
            if secret_variable(name):
                call.emit("secret.read", str(name), name, secret="variable")
    elif call.where.ephemeral:
        return True
    else:
        call.emit("secret.read", "environment", secret="environment")
        if call.context.out is not None:
            call.context.out.marks.add("environment")
    return True


def _history(call: Call) -> bool:
    call.emit("secret.read" if not call.args else "fs.write", "shell history", secret="history")
    return True


def _source(call: Call) -> bool:
    """A file of settings is used, not shown; a script is read by the wrapper table."""
    if not call.args:
        return True
    path = call.args[0]
    target = call.spot(path)
    if env_file(target.path) or holds_secret(target, path):
        call.emit("secret.use", target.path, path, zone=target.zone)
        return True
    if re.search(
        r"(^|/)(activate|activate\.\w+|\.?(bash|zsh)rc|\.profile|\.bash_profile|nvm\.sh|env|\.cargo/env|"
        r"conda\.sh)$",
        path,
    ):
        return True
    if path.flow is not None or script_content(call, path)[0] is not None:
        return False
    call.emit("unknown" if not path.dynamic else "exec.unknown", str(path), path)
    return True


def _unset(call: Call) -> bool:
    for word in call.args:
        call.walk.state.variables.pop(str(word), None)
    return True


BUILTINS: dict[str, Callable[[Call], bool]] = {
    "cd": _cd,
    "pushd": _cd,
    "export": _export,
    "declare": _export,
    "typeset": _export,
    "readonly": _export,
    "local": _export,
    "set": _set,
    "alias": _alias_builtin,
    "read": _read_builtin,
    "env": _env,
    "printenv": _env,
    "history": _history,
    "fc": _history,
    "source": _source,
    ".": _source,
    "unset": _unset,
}
