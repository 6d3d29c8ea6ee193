"""Walk a shell script as it would run: state, pipes, functions, loops; each simple command becomes a `Call`.

The walk keeps an own stack, so nesting cannot overflow Python's. Nothing is executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tree_sitter import Node, Tree

from . import endless, gatekeeping
from .action import Effect
from .call import Call, Context
from .expansion import expand as expand_node
from .paths import Surroundings
from .redirections import BLOCKS, STATEMENTS, redirections
from .shell import (
    MAX_BYTES,
    MAX_COMMANDS,
    MAX_DEPTH,
    Flow,
    Source,
    Word,
    bad_assignment,
    defect,
    mend_braces,
    parse,
    substitutions,
)

_MAX_NODES = 60_000
_MAX_NESTED = 64
_MAX_VALUE = 8_192


@dataclass(slots=True)
class State:
    """What earlier statements have set. `written` maps absolute paths to text written earlier in this very script;
    `tainted` maps variables to the marks of the command output they hold."""

    cwd: str | None
    variables: dict[str, list[str]]
    exported: dict[str, Word] = field(default_factory=dict)
    functions: dict[str, tuple[Node, Source]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    tainted: dict[str, set[str]] = field(default_factory=dict)

    def copy(self) -> State:
        """A copy a subshell may change."""
        return State(
            self.cwd,
            dict(self.variables),
            dict(self.exported),
            dict(self.functions),
            dict(self.aliases),
            self.written,
            dict(self.tainted),
        )


class Walk:
    """One reading of one command text. `problems` are (span, what could not be read): any one makes it unparseable."""

    def __init__(self, place: Surroundings, settle: Callable[[Call], None]) -> None:
        self.place = place
        self.effects: list[Effect] = []
        self.calls: list[Call] = []
        self.problems: list[tuple[tuple[int, int], str]] = []
        self.state = State(
            place.cwd,
            {
                "HOME": [place.home],
                "PWD": [place.cwd],
                "IFS": [" "],
                "TMPDIR": ["/tmp"],
                "USER": [place.home.rsplit("/", 1)[-1]],
            },
        )
        self.names: set[str] = set()
        # The grammar reads `time { …; }` as a command called time and its words: reserved words then stand as names.
        self.loose = False
        self._called: set[str] = set()
        self._settle = settle
        self._stack: list[tuple[Any, ...]] = []
        self.results: dict[int, Flow] = {}
        self._trees: list[Tree] = []
        self._nodes = 0
        self._busy = False

    # -- text in ------------------------------------------------------------------------------------------------

    def read(self, text: str, context: Context) -> None:
        """Queue shell text: parsed now, walked before anything queued earlier."""
        data = text.encode("utf-8", "surrogatepass")
        span = context.source.place(0, len(data))
        if b"\0" in data:
            self.problem(span, "a zero byte in the command")
        if len(data) > MAX_BYTES:
            self.problem(span, f"longer than {MAX_BYTES // 1024} KiB")
            return
        if context.depth > MAX_DEPTH:
            self.problem(span, f"commands inside commands more than {MAX_DEPTH} deep")
            return
        tree = parse(data)
        broken = defect(tree, data)
        if broken is not None:
            mended = mend_braces(data)
            if mended != data and defect(again := parse(mended), mended) is None:
                context.source.outer = context.source.outer or span
                tree, data, broken = again, mended, None
        self._trees.append(tree)
        context.source.data = data
        if broken is not None:
            self.problem(context.source.place(*broken), "the shell's grammar stops here")
        self._stack.append((self.visit, tree.root_node, context))

    def run(self) -> None:
        """Walk until nothing is queued. Functions that were defined and never called are read last."""
        if self._busy:
            return
        self._busy = True
        try:
            while True:
                while self._stack:
                    entry = self._stack.pop()
                    entry[0](*entry[1:])
                left = [name for name in self.state.functions if name not in self._called]
                if not left:
                    return
                for name in left:
                    self._called.add(name)
                    body, source = self.state.functions[name]
                    self._stack.append((self.visit, body, Context(source, within=(name,), trail=(f"{name}()",))))
        finally:
            self._busy = False

    def problem(self, span: tuple[int, int], what: str) -> None:
        """Note something that could not be read."""
        if len(self.problems) < 8:
            self.problems.append((span, what))

    # -- statements ---------------------------------------------------------------------------------------------

    def visit(self, node: Node, context: Context) -> None:
        """Read one statement, or queue its parts."""
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            self._give_up(node, context, "too many statements")
            return
        kind = node.type
        if kind == "command":
            self._command(node, context, ())
        elif kind in BLOCKS:
            self._block(node, context)
        else:
            handler = _HANDLERS.get(kind)
            if handler is not None:
                handler(self, node, context)
            elif kind != "comment":
                self._substitute([node], context)

    def _give_up(self, node: Node, context: Context, why: str) -> None:
        self.problem(context.source.place(node.start_byte, node.end_byte), why)
        self._stack.clear()
        self.state.functions.clear()

    def _block(self, node: Node, context: Context) -> None:
        if node.type in ("while_statement", "c_style_for_statement") and endless.loop(node, context.source):
            self._bomb(node, context, "starts processes for ever")
        children = node.children
        entries: list[tuple[Any, ...]] = []
        for index, child in enumerate(children):
            if not child.is_named:
                continue
            if child.type in STATEMENTS:
                following = children[index + 1].type if index + 1 < len(children) else ""
                inner = context
                if following == "&" or context.background:
                    inner = context.but(background=following == "&")
                entries.append((self.visit, child, inner))
            elif child.type != "comment" and child.child_count:
                entries.append((self._substitute, [child], context))
        self._stack.extend(reversed(entries))

    def _bomb(self, node: Node, context: Context, why: str) -> None:
        span = context.source.place(node.start_byte, node.end_byte)
        self.effects.append(Effect("proc.bomb", why, span=span, facts={"trail": context.trail, "argv": ()}))

    def _substitute(self, nodes: Sequence[Node], context: Context, then: tuple[Any, ...] | None = None) -> None:
        """Queue the substitutions below these nodes, then `then`."""
        if then is not None:
            self._stack.append(then)
        found = [sub for node in nodes for sub in substitutions(node)]
        for sub in reversed(found):
            flow = Flow()
            self.results[sub.id] = flow
            reads = not (sub.type == "process_substitution" and context.source.text(sub).startswith(">("))
            inner = context.but(out=flow if reads else None, pipe=None, background=False, nested=context.nested + 1)
            if inner.nested > _MAX_NESTED:
                self._give_up(sub, context, f"substitutions more than {_MAX_NESTED} deep")
                return
            self._stack.append((self._restore, self.state))
            self._stack.append((self._enter_subshell, sub, inner))

    def _enter_subshell(self, node: Node, context: Context) -> None:
        self.state = self.state.copy()
        self._block(node, context)
        if not any(child.type in STATEMENTS for child in node.children):
            for child in node.children:
                if child.type == "file_redirect":
                    self._command_parts(None, context, [child])

    def _restore(self, state: State) -> None:
        self.state = state

    def _subshell(self, node: Node, context: Context) -> None:
        self._stack.append((self._restore, self.state))
        self._stack.append((self._enter_subshell, node, context))

    def _pipeline(self, node: Node, context: Context) -> None:
        stages = [child for child in node.children if child.is_named and child.type != "comment"]
        pipe, entries = context.pipe, []
        for index, stage in enumerate(stages):
            out = context.out if index == len(stages) - 1 else Flow()
            entries.append((self.visit, stage, context.but(pipe=pipe, out=out, background=False)))
            pipe = out
        self._stack.extend(reversed(entries))

    def _redirected(self, node: Node, context: Context) -> None:
        body, redirects = None, []
        for child in node.children:
            if child.type.endswith("_redirect"):
                redirects.append(child)
            elif child.is_named and body is None:
                body = child
        if body is None or body.type == "command":
            self._command(body, context, redirects)
            return
        nodes = [r for r in redirects if r.type != "heredoc_redirect"]
        self._substitute(nodes, context, (self._redirected_block, body, context, redirects))

    def _redirected_block(self, body: Node, context: Context, redirects: list[Node]) -> None:
        out = Flow()
        call = Call(self, [], context.but(out=out))
        call.span = context.source.place(body.start_byte, body.end_byte)
        later = redirections(self, call, redirects, context)
        self._stack.extend(reversed(later))
        self._stack.append((self._settle_late, call))
        pipe = call.stdin or context.pipe
        outflow = out if any(r.operator.startswith((">", "&>")) for r in call.redirects) else context.out
        self._stack.append((self.visit, body, context.but(pipe=pipe, out=outflow)))

    def _settle_late(self, call: Call) -> None:
        self._settle(call)

    def _for(self, node: Node, context: Context) -> None:
        self._substitute([c for c in node.children if c.type != "do_group"], context, (self._for_body, node, context))

    def _for_body(self, node: Node, context: Context) -> None:
        name, values = "", []
        for child in node.children:
            if child.type == "variable_name" and not name:
                name = context.source.text(child)
            elif child.type == "do_group":
                self._stack.append((self.visit, child, context))
            elif child.is_named:
                words = self.expand(child, context)
                values += [str(word) for word in words]
                if any(word.dynamic for word in words):
                    values = ["${" + name + "}"]
                    break
        if name:
            self.state.variables[name] = values[:32] or ["${" + name + "}"]

    def _case(self, node: Node, context: Context) -> None:
        self._block_of([c for c in node.children if c.type == "case_item"], context)
        self._substitute([c for c in node.children if c.type != "case_item"], context)

    def _block_of(self, nodes: list[Node], context: Context) -> None:
        self._stack.extend((self.visit, child, context) for child in reversed(nodes))

    def _function(self, node: Node, context: Context) -> None:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is None or body is None:
            return
        text = context.source.text(name)
        self.state.functions[text] = (body, context.source)
        if endless.function(text, body, context.source, self.state.functions):
            self._bomb(node, context, f"{text} starts itself for ever")

    def enter_function(self, call: Call) -> None:
        """Queue the body of the function a call names, with the call's words as its arguments."""
        name = call.argv[0]
        body, source = self.state.functions[name]
        self._called.add(name)
        within = call.context.within
        if name in within or len(within) > MAX_DEPTH:
            return
        self.state.variables["@"] = [str(word) for word in call.args]
        for index, word in enumerate(call.args[:9], 1):
            self.state.variables[str(index)] = [str(word)]
        inner = Context(
            source,
            pipe=call.stdin,
            out=call.context.out,
            trail=(*call.context.trail, f"{name}()"),
            depth=call.context.depth + 1,
            where=call.where,
            within=(*within, name),
        )
        self._stack.append((self.visit, body, inner))

    # -- assignments --------------------------------------------------------------------------------------------

    def _assignment(self, node: Node, context: Context) -> None:
        self._substitute([node], context, (self._assign_all, [node], context, False))

    def _assignments(self, node: Node, context: Context) -> None:
        self._substitute([node], context, (self._assign_all, list(node.children), context, False))

    def _declaration(self, node: Node, context: Context) -> None:
        exports = context.source.text(node).startswith(("export", "declare -x", "typeset -x"))
        self._substitute([node], context, (self._assign_all, list(node.children), context, exports))
        if context.source.text(node) in ("export", "export -p", "declare", "declare -p", "declare -x", "set"):
            span = context.source.place(node.start_byte, node.end_byte)
            facts = {"trail": context.trail, "argv": ("export",), "secret": "environment"}
            self.effects.append(Effect("secret.read", "environment", span=span, facts=facts))

    def _assign_all(self, nodes: list[Node], context: Context, exports: bool) -> None:
        for child in nodes:
            if child.type == "variable_assignment":
                pair = self._value(child, context)
                if pair is not None:
                    name, word = pair
                    self.state.variables[name] = [str(word)]
                    if word.flow is not None and word.flow.marks:
                        self.state.tainted[name] = set(word.flow.marks)
                    if gatekeeping.executes(name, word):
                        facts = {"trail": context.trail, "argv": ()}
                        self.effects.append(Effect("exec.config", name, span=(word.start, word.end), facts=facts))
                    if exports or name in self.state.exported:
                        self.state.exported[name] = word

    def _value(self, node: Node, context: Context) -> tuple[str, Word] | None:
        span = context.source.place(node.start_byte, node.end_byte)
        if bad_assignment(node):
            self.problem(span, "an assignment whose name is no name")
            return None
        name = context.source.text(node.children[0]).split("[", 1)[0]
        value = node.child_by_field_name("value")
        appends = any(child.type == "+=" for child in node.children)
        if value is None:
            word = Word("", *span)
        elif value.type == "array":
            parts = [w for c in value.children if c.is_named for w in self.expand(c, context)]
            word = Word(" ".join(parts), *span, dynamic=any(p.dynamic for p in parts))
        else:
            parts = self.expand(value, context)
            text = " ".join(parts)
            word = Word(text, *span, dynamic=any(p.dynamic for p in parts), flow=parts[0].flow if parts else None)
        if len(word) > _MAX_VALUE:
            word = Word("${" + name + "}", *span, dynamic=True)
        if appends:
            word = word.like(" ".join(self.state.variables.get(name, [""])) + word)
        return name, word

    def expand(self, node: Node, context: Context) -> list[Word]:
        """The words a node becomes here. What a variable was filled from stays known."""
        words = expand_node(node, context.source, self.state.variables, self.results)
        if self.state.tainted and words:
            text = context.source.text(node)
            for name, marks in self.state.tainted.items():
                if name in text and re.search(rf"\$\{{?{name}\b", text):
                    for word in words:
                        word.flow = word.flow or Flow(marks=marks)
        return words

    # -- simple commands ----------------------------------------------------------------------------------------

    def _command(self, node: Node | None, context: Context, redirects: Sequence[Node]) -> None:
        nodes = [*([node] if node is not None else []), *redirects]
        data = context.source.data
        start, end = nodes[0].start_byte, nodes[-1].end_byte
        piece = data[start:end]
        if b"(" in piece or b"`" in piece:
            inner = [n for n in nodes if n.type != "heredoc_redirect"]
            bodies = [c for n in nodes if n.type == "heredoc_redirect" for c in n.children if c.type == "heredoc_body"]
            self._substitute([*inner, *bodies], context, (self._command_parts, node, context, list(redirects)))
        else:
            self._command_parts(node, context, list(redirects))

    def _command_parts(self, node: Node | None, context: Context, redirects: list[Node]) -> None:
        call = Call(self, [], context, stdin=context.pipe)
        if node is not None:
            call.span = context.source.place(node.start_byte, node.end_byte)
            for child in node.children:
                kind = child.type
                if kind == "variable_assignment":
                    pair = self._value(child, context)
                    if pair is not None:
                        call.assigns[pair[0]] = pair[1]
                elif kind.endswith("_redirect"):
                    redirects.append(child)
                elif kind in ("subshell", "compound_statement"):
                    self._behind_a_word(call, child, context)
                elif child.is_named:
                    call.argv += self.expand(child, context)
        elif redirects:
            call.span = context.source.place(redirects[0].start_byte, redirects[-1].end_byte)
        if len(self.calls) >= MAX_COMMANDS:
            if node is not None:
                self._give_up(node, context, f"more than {MAX_COMMANDS} commands")
            return
        later = redirections(self, call, redirects, context) if redirects else ()
        self._stack.extend(reversed(later))
        self._settle(call)

    def _behind_a_word(self, call: Call, node: Node, context: Context) -> None:
        """`time ( … )` and `coproc ( … )`: read what stands inside. Behind any other word it is no shell grammar."""
        if not call.argv or call.argv[0] not in ("time", "coproc"):
            self.problem(context.source.place(node.start_byte, node.end_byte), "a parenthesis where no command begins")
        self._stack.append((self.visit, node, context))


_HANDLERS: dict[str, Callable[[Walk, Node, Context], None]] = {
    "redirected_statement": Walk._redirected,
    "pipeline": Walk._pipeline,
    "subshell": Walk._subshell,
    "for_statement": Walk._for,
    "case_statement": Walk._case,
    "function_definition": Walk._function,
    "variable_assignment": Walk._assignment,
    "variable_assignments": Walk._assignments,
    "declaration_command": Walk._declaration,
}
