"""Shell text read with tree-sitter-bash: a tree, its defects, and words with quotes removed.

Grammar: tree-sitter-bash 0.25. Two of its mis-parses are silent and are caught here: a command named `}` (left over
from `coproc {`) and an assignment whose name is no name (`1A=2`). Positions are byte offsets into the outermost text;
`columns` turns them into text columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_bash
from tree_sitter import Language, Node, Parser, Tree

# The kernel refuses one argument longer than 128 KiB (MAX_ARG_STRLEN), so no client can run more than this by `sh -c`.
MAX_BYTES = 131_072
MAX_COMMANDS = 1_500
MAX_DEPTH = 12

_MASK = bytes(byte if 0 < byte < 128 else ord(".") for byte in range(256))
_LANGUAGE = Language(tree_sitter_bash.language())
_PARSER = Parser(_LANGUAGE)
_NAME = re.compile(rb"[A-Za-z_]\w*(\[|$)")


@dataclass(slots=True)
class Flow:
    """What goes through a pipe or comes out of a substitution.

    `text` is the literal output when it is known; `span` and `base` say where it stands in the outermost text (`base`
    -1: not one to one). `items` are path patterns the output names (`find src` gives `src/*`); `marks` say where
    unknown output came from: `network`, `decoded`, `secret`, `environment`.
    """

    text: str | None = None
    span: tuple[int, int] | None = None
    base: int = -1
    items: list[str] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Append literal output of one more command of the same group."""
        self.text = (self.text or "") + text


class Word(str):
    """One argument after quote removal.

    `start`, `end`: bytes in the outermost text. `inner`: outermost byte of the first character when the text inside
    maps one to one, else -1. `dynamic`: holds an expansion whose value is not known (kept as `${NAME}`). `flow`: the
    output of a process substitution that stands here.
    """

    start: int
    end: int
    inner: int
    dynamic: bool
    quoted: bool
    flow: Flow | None

    __slots__ = ("dynamic", "end", "flow", "inner", "quoted", "start")

    def __new__(
        cls,
        text: str,
        start: int = 0,
        end: int = 0,
        *,
        inner: int = -1,
        dynamic: bool = False,
        quoted: bool = False,
        flow: Flow | None = None,
    ) -> Word:
        """Make a word of `text` that stands at bytes `start` to `end`."""
        word = super().__new__(cls, text)
        word.start, word.end, word.inner = start, end, inner
        word.dynamic, word.quoted, word.flow = dynamic, quoted, flow
        return word

    def like(self, text: str, *, dynamic: bool | None = None) -> Word:
        """Another text that stands where this word stands."""
        return Word(text, self.start, self.end, dynamic=self.dynamic if dynamic is None else dynamic)


@dataclass(slots=True)
class Source:
    """One piece of shell text and where it stands in the outermost text.

    `base` is the outermost byte of its first byte; where escapes make that inexact, `outer` covers the whole piece.
    """

    data: bytes
    base: int = 0
    outer: tuple[int, int] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Outermost bytes of a range of this piece."""
        return self.outer or (self.base + start, self.base + end)

    def text(self, node: Node) -> str:
        """The node's own text."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")


def parse(data: bytes) -> Tree:
    """The syntax tree of shell text; offsets are those of `data`. Never fails: defects are ERROR and MISSING nodes.

    The grammar's scanner hands code points above 255 to C's isalpha(), which reads outside its table and crashes on
    some (tree-sitter-bash 0.25.1, found by fuzzing). To a shell such characters are plain letters of a word, so the
    parser is shown a dot for every byte above 127. Take texts from `data`, never from the tree.
    """
    return _PARSER.parse(data.translate(_MASK))


def defect(tree: Tree, data: bytes) -> tuple[int, int] | None:
    """Bytes of the first place the grammar could not read, or None. Iterative: nesting has no limit here."""
    root = tree.root_node
    if not root.has_error:
        return None
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            return node.start_byte, max(node.end_byte, node.start_byte + 1)
        stack.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return 0, len(data)


_LEADING_BRACE = re.compile(rb"(^|[;&|(\n]|\b(?:then|do|else)\b)([ \t]*)(?=\{[^\s{};&|]+,[^\s{};&|]*\})")


def mend_braces(data: bytes) -> bytes:
    """The text with `""` in front of a brace expansion that begins a command, which the grammar cannot read."""
    return _LEADING_BRACE.sub(rb'\1\2""', data)


def bad_assignment(node: Node) -> bool:
    """Whether an assignment's name is not a name a shell would take (`1A=2` runs a command called `1A=2`)."""
    name = node.child(0)
    text = name.text if name is not None else None
    return text is None or not _NAME.match(text)


def columns(text: str, data: bytes, span: tuple[int, int]) -> tuple[int, int]:
    """Byte range to text columns."""
    if len(data) == len(text):
        return span
    start = len(data[: span[0]].decode("utf-8", "ignore"))
    return start, start + len(data[span[0] : span[1]].decode("utf-8", "ignore"))


_ESCAPES = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ANSI = re.compile(
    r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)",
    re.DOTALL,
)


def ansi_c(text: str) -> str:
    """The value of `$'…'` content (bash manual, ANSI-C quoting)."""

    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] in "xuU" and len(code) > 1:
            number = int(code[1:], 16)
            return chr(number) if number < 0x110000 else "�"
        if code[0] in "01234567":
            return chr(int(code, 8) & 0xFF)
        if code[0] == "c" and len(code) == 2:
            return chr(ord(code[1]) & 0x1F)
        return _ESCAPES.get(code, code)

    return _ANSI.sub(one, text)


def unescape(text: str) -> str:
    """An unquoted word's text without its backslashes."""
    return re.sub(r"\\(\n)?(.?)", r"\2", text, flags=re.DOTALL) if "\\" in text else text


def unescape_double(text: str) -> str:
    """Text between double quotes without the backslashes that bash removes there."""
    return re.sub(r"\\(?:\n|([$`\"\\]))", lambda m: m.group(1) or "", text) if "\\" in text else text


def braces(text: str, quoted: list[bool], limit: int = 64) -> list[tuple[str, list[bool]]]:
    """Brace expansion of one word (`{a,b}`, `{1..3}`); `quoted` masks the characters quotes protect."""
    for start in range(len(text)):
        if text[start] != "{" or quoted[start] or (start and text[start - 1] == "$" and not quoted[start - 1]):
            continue
        found = _brace_at(text, quoted, start)
        if found is None:
            continue
        end, parts = found
        result: list[tuple[str, list[bool]]] = []
        for part, mask in parts:
            joined = text[:start] + part + text[end + 1 :]
            result.extend(braces(joined, quoted[:start] + mask + quoted[end + 1 :], limit))
            if len(result) >= limit:
                break
        return result[:limit]
    return [(text, quoted)]


def _brace_at(text: str, quoted: list[bool], start: int) -> tuple[int, list[tuple[str, list[bool]]]] | None:
    depth, begin, parts = 0, start + 1, []
    for index in range(start, len(text)):
        if quoted[index]:
            continue
        char = text[index]
        if char == "{":
            depth += 1
        elif char == "," and depth == 1:
            parts.append((text[begin:index], quoted[begin:index]))
            begin = index + 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                parts.append((text[begin:index], quoted[begin:index]))
                return (index, parts) if len(parts) > 1 else _range(parts[0][0], index)
    return None


def _range(text: str, end: int) -> tuple[int, list[tuple[str, list[bool]]]] | None:
    match = re.fullmatch(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])", text)
    if not match:
        return None
    low, high = match.groups()
    if low.lstrip("-").isdigit() and high.lstrip("-").isdigit() and len(low) < 10 and len(high) < 10:
        first, last = int(low), int(high)
        values = [str(n) for n in range(first, last + (1 if last >= first else -1), 1 if last >= first else -1)[:64]]
    elif len(low) == 1 and len(high) == 1:
        first, last = sorted((ord(low), ord(high)))
        values = [chr(n) for n in range(first, last + 1)]
    else:
        return None
    return end, [(value, [False] * len(value)) for value in values]


def substitutions(node: Node) -> Iterator[Node]:
    """Command and process substitutions below a node, in order, not those inside one another."""
    stack = [node]
    while stack:
        current = stack.pop()
        kind = current.type
        if kind in ("command_substitution", "process_substitution"):
            yield current
        elif current.child_count:
            stack.extend(reversed(current.children))
