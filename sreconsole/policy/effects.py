"""From one simple command to its effects: redirections, shell builtins, wrappers, interpreters, then the tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from . import (
    cloud,
    clusters,
    databases,
    edits,
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
from .builtins import BUILTINS
from .call import Argv, Call, Code, Context, Redirect, Step, Text
from .paths import Surroundings
from .script import Walk
from .shell import MAX_DEPTH, Flow, Source
from .shells import SHELLS
from .strangers import asks_help, unknown
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
    builtin = BUILTINS.get(call.name)
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
        if not asks_help(call):
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
        edits.write(call, target, appends=redirect.operator in (">>", "&>>"), text=text)
        if redirect.operator == ">" and call.name in ("", ":", "true") and not call.redirects[1:]:
            call.touch("fs.write", target, traits={"emptied"})
    elif redirect.operator == "<":
        edits.read(call, target)


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
        if word in SHELLS or word in ("rm", "dd", "shred"):
            follow(call, [Argv(call.args[index:], str(first))])
            break
    if re.search(r"(^|\s)-\w*[rf]\w*(\s|$)", " ".join(call.args)) and any(
        w in ("/", "~", "/*") or w == call.walk.place.home for w in call.args
    ):
        call.emit("fs.delete", "/", call.args[-1], traits={"catastrophic", "recursive"}, zone="root")
    return Call(
        call.walk, [first.like(":"), *call.args], call.context, call.assigns, call.redirects, call.stdin, call.span
    )


# -- shell builtins ---------------------------------------------------------------------------------------------


# -- programs nobody told us about --------------------------------------------------------------------------------


def effects_of(text: str, place: Surroundings) -> list[Effect]:
    """The effects of a shell text alone."""
    return read_shell(text, place).effects


__all__ = ["Code", "effects_of", "follow", "read_shell", "settle", "unknown"]
