"""Loops and functions that start processes without end (fork bombs), told from the syntax tree alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tree_sitter import Node

from .shell import Source

_ALWAYS = {
    "while": re.compile(r"\s*(?:(?:\S*/)?true|:|\[\[?\s+(?:1|true)\s+\]\]?|\(\(\s*[1-9]\d*\s*\)\)|test 1)\s*\Z"),
    "until": re.compile(r"\s*(?:(?:\S*/)?false|!\s*true|\(\(\s*0\s*\)\))\s*\Z"),
}
_MOST = 2_000


def loop(node: Node, source: Source) -> bool:
    """Whether a loop never ends by its condition and leaves a background process behind on each turn."""
    if node.type == "c_style_for_statement":
        head = source.text(node).split("))", 1)[0]
        parts = head.partition("((")[2].split(";")
        if len(parts) != 3 or parts[1].strip():
            return False
    else:
        word = node.children[0].type
        start = node.children[0].end_byte
        body = next((child for child in node.children if child.type == "do_group"), None)
        if body is None:
            return False
        condition = source.data[start : body.start_byte].decode("utf-8", "replace").strip().rstrip(";").strip()
        if not _ALWAYS.get(word, _ALWAYS["while"]).match(condition):
            return False
    body = next((child for child in node.children if child.type == "do_group"), None)
    return body is not None and _leaks(body, source)


def _leaks(body: Node, source: Source) -> bool:
    """Whether one turn of the body starts a background process that no later top-level `wait` or exit holds."""
    pending = escaped = False
    for child in body.children:
        if child.type == "&":
            pending = True
        elif child.is_named and child.type == "subshell" and _leaks(child, source):
            # A subshell's children are not ours: no `wait` here holds them.
            escaped = True
        elif child.is_named and child.type == "command":
            first = source.text(child).split(None, 1)[:1]
            if first in (["wait"], ["fg"]):
                pending = False
            elif first in (["break"], ["exit"], ["return"]):
                return False
    return pending or escaped


def function(name: str, body: Node, source: Source, functions: Mapping[str, tuple[Node, Source]]) -> bool:
    """Whether a function starts itself, in the background or through a pipe, directly or by way of others."""
    seen: set[str] = set()
    todo = [(body, source, False)]
    visited = 0
    while todo:
        node, text, spawned = todo.pop()
        visited += 1
        if visited > _MOST:
            return False
        if node.type == "command":
            called = next(iter(text.text(node).split(None, 1)), "")
            if called == name:
                return True
            if called in functions and called not in seen:
                seen.add(called)
                inner, inner_source = functions[called]
                todo.append((inner, inner_source, spawned))
            continue
        if node.type in ("if_statement", "case_statement", "list", "while_statement"):
            continue
        todo.extend((child, text, spawned) for child in node.children if child.is_named)
    return False
