"""From one simple command to its effects: redirections, shell builtins, wrappers, interpreters, then the tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from . import (
    cloud,
    clusters,
    databases,
    filesystem,
    flows,
    gatekeeping,
    git,
    interpreters,
    network,
    packages,
    processes,
    services,
)
from . import unwrap as wrappers
from .action import Effect
from .call import Argv, Call, Code, Context, Redirect, Step, Text
from .paths import Surroundings
from .script import Walk
from .secrets import env_file, holds_secret, secret_variable
from .shell import MAX_DEPTH, Flow, Source, Word
from .wordlist import wordset

PROGRAMS: dict[str, Callable[[Call], None]] = {
    **filesystem.TABLE,
    **git.TABLE,
    **network.TABLE,
    **packages.TABLE,
    **processes.TABLE,
    **databases.TABLE,
    **clusters.TABLE,
    **cloud.TABLE,
    **services.TABLE,
    **interpreters.TABLE,
}
# Wrappers that do something themselves beside what they run.
_BOTH = wordset("find gfind tar gtar bsdtar rsync zip docker podman nerdctl vim vi nvim")
_WRITES = (">", ">>", ">|", "&>", "&>>", "<>", ">&")


def read_shell(text: str, place: Surroundings) -> Walk:
    """Every effect of a shell command text, in the order they would happen. Nothing runs."""
    walk = Walk(place, settle)
    walk.read(text, Context(Source(b"")))
    walk.run()
    return walk


def settle(call: Call) -> None:
    """Note the effects of one command, or queue what it would run in its place."""
    walk = call.walk
    if not call.argv:
        _redirections(call, None)
        if call.assigns:
            for name, word in call.assigns.items():
                walk.state.variables[name] = [str(word)]
        return
    walk.calls.append(call)
    if len(walk.calls) > 3_000 or call.context.depth > MAX_DEPTH * 2:
        walk.problem(call.span, "wrappers inside wrappers without end")
        walk._stack.clear()
        return
    name = str(call.argv[0])
    if name in _OPENS or name in _CLOSES:
        _reserved(call, name)
        return
    if name in walk.state.functions:
        _redirections(call, None)
        walk.enter_function(call)
        return
    if name in walk.state.aliases and name not in call.context.within:
        _alias(call, walk.state.aliases[name])
        return
    if call.argv[0].dynamic or "*" in name or "?" in name or "[" in name[1:]:
        call = _named(call)
    gatekeeping.look(call)
    _program(call)


_OPENS = wordset("{ then do else elif if while until ! for select case function")
_CLOSES = wordset("} fi done esac")
_COMPOUND = wordset("{ ( if while until for select case")


def _reserved(call: Call, name: str) -> None:
    """A reserved word read as a command's name: legal only behind `time` and `coproc`, else a sign of a misreading."""
    if name != "!" and not call.walk.loose:
        call.walk.problem(call.span, f"a command named {name}")
    if name not in _CLOSES and name not in ("for", "select", "case", "function"):
        follow(call, [Argv(call.args, name, stdin=call.stdin)] if call.args else [])
    if name == "}":
        _redirections(call, None)


def _program(call: Call) -> None:
    walk = call.walk
    builtin = _BUILTINS.get(call.name)
    if builtin is not None and builtin(call):
        _redirections(call, None)
        return
    if call.name in ("time", "coproc") and any(w in _COMPOUND for w in call.args[:3]):
        walk.loose = True
    steps = wrappers.steps(call)
    if steps is None:
        steps = interpreters.steps(call)
    if steps is not None:
        _redirections(call, None)
        if call.name in _BOTH and not {"exec", "compose"} & {str(w) for w in call.args[:3]}:
            PROGRAMS[call.name](call)
        follow(call, steps)
        return
    out = Flow()
    program = PROGRAMS.get(call.name)
    if program is not None:
        if not _asks_help(call):
            program(call)
    elif call.name not in filesystem.QUIET:
        unknown(call)
    flows.produce(call, out)
    _redirections(call, out)
    _pass_on(call, out)


def _pass_on(call: Call, out: Flow) -> None:
    sink = call.context.out
    if sink is None or any(r.operator in (">", ">>", "&>", ">|") for r in call.redirects):
        return
    if out.text is not None:
        sink.add(out.text)
        sink.base, sink.span = out.base, out.span
    sink.items += out.items
    sink.marks |= out.marks
    if out.text is not None and sink.marks & {"network", "unknown", "decoded"} and not out.marks:
        return


def follow(call: Call, steps: Sequence[Step]) -> None:
    """Queue what a wrapper runs, so that it is read next."""
    walk = call.walk
    for step in reversed(steps):
        trail = (*call.context.trail, step.label) if step.label not in _OPENS else call.context.trail
        where = getattr(step, "where", None) or call.where
        context = call.context.but(trail=trail, depth=call.context.depth + 1, where=where)
        if isinstance(step, Argv):
            inner = Call(
                walk,
                list(step.words),
                context,
                assigns={**call.assigns, **step.assigns},
                redirects=[r for r in call.redirects if r.operator == "<"],
                stdin=step.stdin,
                span=call.span,
            )
            walk._stack.append((settle, inner))
        elif isinstance(step, Text):
            _queue_text(call, step, context)
        else:
            interpreters.read_code(call, step, context)


def _queue_text(call: Call, step: Text, context: Context) -> None:
    source = Source(b"")
    if step.word is not None:
        same = step.word.inner >= 0 and str(step.word) == step.script
        source = Source(b"", step.word.inner) if same else Source(b"", 0, (step.word.start, step.word.end))
    elif step.flow is not None and step.flow.base >= 0:
        source = Source(b"", step.flow.base)
    else:
        span = step.flow.span if step.flow is not None and step.flow.span else call.span
        source = Source(b"", 0, span)
    # A text given to a shell of its own sees its own arguments; `source` and `trap` share ours.
    walk = call.walk
    if not step.here:
        walk._stack.append((walk._restore, walk.state))
        walk.state = walk.state.copy()
        walk.state.variables["@"] = [str(a) for a in step.arguments]
        for index, argument in enumerate(step.arguments[:9], 1):
            walk.state.variables[str(index)] = [str(argument)]
        if context.where.kind != "local" and call.where.kind == "local":
            walk.state.cwd = None
            walk.state.functions.clear()
        fresh = walk.state
        walk.state = walk._stack[-1][1]
        walk._stack.append((_read_in, walk, fresh, step.script, context.but(source=source, pipe=None)))
    else:
        walk._stack.append((walk.read, step.script, context.but(source=source, pipe=None)))


def _read_in(walk: Walk, state: object, script: str, context: Context) -> None:
    walk._restore(state)  # type: ignore[arg-type]
    walk.read(script, context)


def _redirections(call: Call, out: Flow | None) -> None:
    for redirect in call.redirects:
        _redirection(call, redirect, out)


def _redirection(call: Call, redirect: Redirect, out: Flow | None) -> None:
    target = redirect.target
    match = re.match(r"/dev/(tcp|udp)/([^/]+)/(\d+)", target)
    if match:
        call.emit("net.mutate", target, target, host=match.group(2), method="SOCKET")
    elif redirect.operator in _WRITES:
        if target.flow is not None:
            return
        known = out or call.context.out
        text = known.text if known is not None else "" if not call.argv else None
        filesystem.write(call, target, appends=redirect.operator in (">>", "&>>"), text=text)
        if redirect.operator == ">" and call.name in ("", ":", "true") and not call.redirects[1:]:
            call.touch("fs.write", target, traits={"emptied"})
    elif redirect.operator == "<":
        filesystem.read(call, target)


def _alias(call: Call, text: str) -> None:
    inner = call.context.but(within=(*call.context.within, str(call.argv[0])))
    step = Text(f"{text} {' '.join(call.args)}".strip(), f"alias {call.argv[0]}")
    follow(Call(call.walk, call.argv, inner, call.assigns, call.redirects, call.stdin, call.span), [step])


def _named(call: Call) -> Call:
    """A command whose name is not literal: what remains without the unknown parts, or an unknown command."""
    first = call.argv[0]
    name = first.rsplit("/", 1)[-1]
    if name and not re.search(r"[$*?\[(…]", name):
        return call
    bare = re.sub(r"\$\{[^}]*\}|\$\w+|\$\(…\)", "", first)
    if bare and bare != first and bare.rsplit("/", 1)[-1] in PROGRAMS:
        return Call(
            call.walk, [first.like(bare), *call.args], call.context, call.assigns, call.redirects, call.stdin, call.span
        )
    tool = re.search(
        r"(?i)\$\{?(PYTHON\d?|PY|NODE|NPM|PNPM|YARN|CARGO|GO|MAKE|CC|CXX|PIP|UV|JAVA|MVN|GRADLE|PYTEST|RUBY)\}?$", first
    )
    if tool:
        plain = {"PY": "python", "CC": "cc", "CXX": "c++"}.get(tool.group(1).upper(), tool.group(1).lower())
        return Call(
            call.walk,
            [first.like(plain), *call.args],
            call.context,
            call.assigns,
            call.redirects,
            call.stdin,
            call.span,
        )
    flow = first.flow
    origin = next((m for m in ("network", "decoded") if flow is not None and m in flow.marks), "")
    call.emit(
        "exec.unknown", str(first)[:60], first, origin=origin, resolved="the command's name is not known before it runs"
    )
    for index, word in enumerate(call.args):
        if word in wrappers.SHELLS or word in ("rm", "dd", "shred"):
            follow(call, [Argv(call.args[index:], str(first))])
            break
    if re.search(r"(^|\s)-\w*[rf]\w*(\s|$)", " ".join(call.args)) and any(
        w in ("/", "~", "/*") or w == call.walk.place.home for w in call.args
    ):
        call.emit("fs.delete", "/", call.args[-1], traits={"catastrophic", "recursive"}, zone="root")
    return Call(
        call.walk, [first.like(":"), *call.args], call.context, call.assigns, call.redirects, call.stdin, call.span
    )


def _asks_help(call: Call) -> bool:
    """`TOOL … --help` and `TOOL --version` print and stop."""
    args = call.args
    if not args or "--" in args:
        return False
    if args[-1] in ("--help", "-help") and not any(w in ("-f", "--force", "-rf", "-c", "-e") for w in args):
        return True
    return len(args) == 1 and args[0] in ("--version", "-V", "--help", "-h", "version", "help", "-version", "-v")


# -- shell builtins ---------------------------------------------------------------------------------------------


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
    for name in names or ["REPLY"]:
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
    if path.flow is not None or wrappers.script_content(call, path)[0] is not None:
        return False
    call.emit("unknown" if not path.dynamic else "exec.unknown", str(path), path)
    return True


def _unset(call: Call) -> bool:
    for word in call.args:
        call.walk.state.variables.pop(str(word), None)
    return True


_BUILTINS: dict[str, Callable[[Call], bool]] = {
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

# -- programs nobody told us about --------------------------------------------------------------------------------

_DESTROYS = re.compile(
    r"(?i)^(?:force[-_])?(delete|destroy|remove|rm|del|purge|drop|wipe|erase|terminate|obliterate|nuke|kill|"
    r"revoke|truncate|flush|"
    r"flushall|prune|deprovision|unregister|uninstall|decommission|teardown|tear-down|reset|rollback|disable|"
    r"archive|evict|detach|"
    r"deactivate|unpublish|yank|expunge|forget|dropdb|shred|cleanup|empty|invalidate|deregister|drain|unlink|"
    r"takedown)(?:[-_:].*)?$"
)
_CHANGES = re.compile(
    r"(?i)^(deploy|publish|release|promote|push|send|refund|charge|pay|payout|transfer|submit|broadcast|apply|"
    r"rollout|migrate|restore|"
    r"grant|provision|ship|undeploy|upgrade-prod|login|post|tweet)(?:[-_:].*)?$"
)
_ESCAPES = wordset(
    """
    rm dd shred mkfs sudo bash sh zsh dash eval rmdir chmod chown kubectl terraform dropdb shutdown reboot
    """
)


def unknown(call: Call) -> None:
    """A program in no table: its words still say whether it destroys, publishes, or runs something else."""
    args = call.args
    if _asks_help(call):
        return
    text, fresh = (None, False)
    if "/" in call.argv[0]:
        text, fresh = wrappers.script_content(call, call.argv[0])
    if text is not None and interpreters.script(call, text, fresh):
        return
    words = [w for w in args if not w.startswith("-")]
    local = "/" in call.argv[0] and not call.argv[0].startswith(("/usr/", "/bin/", "/opt/", "/sbin/"))
    for index, word in enumerate(args):
        if word in _ESCAPES and index + 1 < len(args):
            call.emit("unknown", call.name, call.argv[0])
            follow(call, [Argv(args[index:], call.name)])
            return
    for word in words[:4]:
        if _DESTROYS.match(word):
            kind = "unknown.destroy" if not local else "unknown"
            call.emit(kind, f"{call.name} {word}", word, verb=str(word))
            return
        if _CHANGES.match(word):
            call.emit("unknown.change", f"{call.name} {word}", word, verb=str(word))
            return
    flags = [w.lstrip("-").split("=")[0] for w in args if w.startswith("--")]
    if any(
        _DESTROYS.match(f) and f not in ("rm", "reset", "prune", "cleanup", "remove", "disable", "drop") for f in flags
    ):
        call.emit("unknown.destroy", call.name)
        return
    name_words = re.split(r"[-_.]", call.name)
    if len(name_words) > 1 and any(_DESTROYS.match(w) for w in name_words[:1]) and local:
        call.emit("unknown.change", call.name, call.argv[0])
        return
    if any(w in ("deploy", "publish", "release") for w in name_words) and local:
        call.emit("unknown.change", call.name, call.argv[0])
        return
    for word in words:
        if "/" in word or "." in word:
            target = call.spot(word)
            if holds_secret(target, word):
                call.emit("secret.use", target.path, word)
    call.emit("unknown", call.name, call.argv[0])


def effects_of(text: str, place: Surroundings) -> list[Effect]:
    """The effects of a shell text alone."""
    return read_shell(text, place).effects


__all__ = ["Code", "effects_of", "follow", "read_shell", "settle", "unknown"]
