"""Redirections, heredocs and here-strings of one command, read from the tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tree_sitter import Node

from .call import Call, Context, Redirect
from .expansion import double_quoted
from .shell import Flow
from .wordlist import wordset

if TYPE_CHECKING:
    from .script import Walk

BLOCKS = wordset(
    """
    program do_group compound_statement if_statement elif_clause else_clause while_statement c_style_for_statement
    case_item negated_command list ERROR
    """
)
STATEMENTS = BLOCKS | wordset(
    """
    command redirected_statement pipeline subshell for_statement case_statement function_definition
    declaration_command unset_command variable_assignment variable_assignments test_command
    """
)


def redirections(walk: Walk, call: Call, redirects: list[Node], context: Context) -> list[tuple[Any, ...]]:
    """Note a command's redirections; gives what the grammar put behind a heredoc's first line, still to walk."""
    later: list[tuple[Any, ...]] = []
    for node in redirects:
        if node.type == "herestring_redirect":
            words = walk.expand(node.children[-1], context)
            call.stdin = Flow(
                text=" ".join(words) + "\n",
                span=(words[0].start, words[0].end) if words else None,
                base=words[0].inner if words else -1,
            )
            if words and words[0].dynamic:
                call.stdin.marks.add("unknown")
        elif node.type == "heredoc_redirect":
            later += _heredoc(walk, call, node, context)
        else:
            _file_redirect(walk, call, node, context)
    return later


def _file_redirect(walk: Walk, call: Call, node: Node, context: Context) -> None:
    operator, target = "", None
    for child in node.children:
        if child.type == "file_descriptor":
            continue
        if not child.is_named:
            operator = operator or child.type
        elif target is None:
            target = child
        else:
            call.argv += walk.expand(child, context)
    if target is None:
        return
    words = walk.expand(target, context)
    if operator in (">&", "<&") and words and re.fullmatch(r"\d+|-|\d+-", words[0]):
        return
    call.redirects += [Redirect(operator, word) for word in words]


def _heredoc(walk: Walk, call: Call, node: Node, context: Context) -> list[tuple[Any, ...]]:
    later: list[tuple[Any, ...]] = []
    quoted = False
    flow = Flow(text="")
    call.stdin = flow
    after = None
    for child in node.children:
        kind = child.type
        if kind == "heredoc_start":
            quoted = any(mark in context.source.text(child) for mark in "'\"\\")
        elif kind == "heredoc_body":
            _heredoc_body(walk, child, flow, context, quoted)
        elif kind == "file_redirect":
            _file_redirect(walk, call, child, context)
        elif kind == "pipeline":
            after = Flow()
            later.append((walk.visit, child, context.but(pipe=after)))
        elif kind in STATEMENTS:
            later.append((walk.visit, child, context))
        elif child.is_named and kind != "heredoc_end":
            call.argv += walk.expand(child, context)
    if after is not None:
        call.context = call.context.but(out=after)
    return later


def _heredoc_body(walk: Walk, node: Node, flow: Flow, context: Context, quoted: bool) -> None:
    start, end = node.start_byte, node.end_byte
    flow.span = context.source.place(start, end)
    if quoted:
        flow.text = context.source.data[start:end].decode("utf-8", "replace")
        flow.base = -1 if context.source.outer else context.source.place(start, end)[0]
        return
    pieces = double_quoted(node, (start, end), context.source, walk.state.variables, walk.results)
    flow.text = "".join(piece.texts[0] for piece in pieces if piece.texts)
    if any(piece.dynamic for piece in pieces):
        flow.marks.add("unknown")
