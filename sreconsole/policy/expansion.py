"""Expansion of shell words: quotes, variables with literal values, braces, field splitting.

A variable holds the values it may have here, in order: an assignment gives one, a `for` loop gives one per turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

from tree_sitter import Node

from .shell import Flow, Source, Word, ansi_c, braces, substitutions, unescape, unescape_double

_PLAIN = re.compile(r"[\w./:=@%+,\-]*\Z", re.ASCII)
_PARAMETER = re.compile(r"\$\{([!#]?)(\w+|[@*?$!#-])(?:\[[^\]]*\])?(.*)\}\Z", re.DOTALL)
_MOST = 32
_LONGEST = 262_144

Values = Mapping[str, list[str]]


class Piece:
    """A stretch of one word: alternative texts, and whether quotes protect it or its value is unknown."""

    __slots__ = ("dynamic", "quoted", "split", "texts")

    def __init__(self, texts: list[str], quoted: bool, dynamic: bool = False, split: bool = False) -> None:
        self.texts, self.quoted, self.dynamic, self.split = texts, quoted, dynamic, split


def expand(node: Node, source: Source, variables: Values, results: Mapping[int, Flow]) -> list[Word]:
    """The words a node of the tree becomes, in order. Never evaluates anything: unknown values stay as `${NAME}`."""
    kind = node.type
    if kind in ("word", "number"):
        text = source.text(node)
        if _PLAIN.match(text):
            start, end = source.place(node.start_byte, node.end_byte)
            return [Word(text, start, end, inner=-1 if source.outer else start)]
    elif kind == "raw_string":
        start, end = source.place(node.start_byte, node.end_byte)
        inner = -1 if source.outer else start + 1
        return [Word(source.text(node)[1:-1], start, end, inner=inner, quoted=True)]
    elif kind == "process_substitution":
        start, end = source.place(node.start_byte, node.end_byte)
        return [Word("/dev/fd/63", start, end, flow=results.get(node.id))]
    return _assemble(node, source, variables, results)


def literal(words: list[Word]) -> str:
    """The words joined by spaces: what one string argument would hold."""
    return " ".join(words)


def _assemble(node: Node, source: Source, variables: Values, results: Mapping[int, Flow]) -> list[Word]:
    start, end = source.place(node.start_byte, node.end_byte)
    whole = source.text(node)
    if whole in ("$@", '"$@"', "$*", "${@}", '"${@}"'):
        return [Word(value, start, end) for value in variables.get("@", [])]
    pieces: list[Piece] = []
    _pieces(node, source, variables, results, pieces)
    flow = (
        next((results[n.id] for n in substitutions(node) if n.id in results), None)
        if "(" in whole or "`" in whole
        else None
    )
    quoted = whole[:1] in "'\""
    if len(pieces) == 1 and len(pieces[0].texts) == 1 and (pieces[0].quoted or _PLAIN.match(pieces[0].texts[0])):
        only = pieces[0]
        inner = -1
        if not source.outer and whole == f'"{only.texts[0]}"':
            inner = start + 1
        elif not source.outer and whole == only.texts[0]:
            inner = start
        return [Word(only.texts[0], start, end, inner=inner, dynamic=only.dynamic, quoted=quoted, flow=flow)]
    dynamic = any(piece.dynamic for piece in pieces)
    words: list[Word] = []
    for choice in _choices(pieces):
        for text in _fields(choice, pieces):
            inner = start + 1 if not source.outer and whole == f'"{text}"' else -1
            words.append(Word(text, start, end, inner=inner, dynamic=dynamic, quoted=quoted, flow=flow))
    return words


def _choices(pieces: list[Piece]) -> list[tuple[str, ...]]:
    if all(len(piece.texts) == 1 for piece in pieces):
        return [tuple(piece.texts[0] for piece in pieces)]
    total, length = 1, 0
    for piece in pieces:
        total *= max(1, len(piece.texts))
        length += sum(map(len, piece.texts))
    if total > _MOST or total * length > _LONGEST:
        return [tuple(piece.texts[0] if piece.texts else "" for piece in pieces)]
    return list(product(*(piece.texts or [""] for piece in pieces)))


def _fields(choice: tuple[str, ...], pieces: list[Piece]) -> list[str]:
    """Brace expansion, then field splitting of unquoted expansions."""
    text = "".join(choice)
    mask: list[bool] = []
    breaks: list[bool] = []
    splits = False
    for part, piece in zip(choice, pieces, strict=True):
        mask += [piece.quoted or piece.split] * len(part)
        if piece.split and not part.isspace() and not any(c in part for c in " \t\n"):
            breaks += [False] * len(part)
        elif piece.split:
            splits = True
            breaks += [c in " \t\n" for c in part]
        else:
            breaks += [False] * len(part)
    if splits:
        return _split(text, breaks, any(piece.quoted for piece in pieces))
    if "{" in text and "}" in text and not all(mask):
        return [value for value, _ in braces(text, mask) if value]
    return [text] if text or any(piece.quoted for piece in pieces) else []


def _split(text: str, breaks: list[bool], keep_empty: bool) -> list[str]:
    fields: list[str] = []
    current: list[str] = []
    for char, is_break in zip(text, breaks, strict=True):
        if is_break:
            if current:
                fields.append("".join(current))
            current = []
        else:
            current.append(char)
    if current or (keep_empty and not fields):
        fields.append("".join(current))
    return fields


def _pieces(node: Node, source: Source, variables: Values, results: Mapping[int, Flow], out: list[Piece]) -> None:
    """Flatten a word's nodes into pieces, by an own stack: words can nest as deep as the text is long."""
    stack: list[tuple[Node, bool]] = [(node, False)]
    while stack:
        current, quoted = stack.pop()
        kind = current.type
        if kind in ("concatenation", "command_name", "translated_string"):
            stack.extend((child, quoted) for child in reversed(current.children) if child.type != "$")
        elif kind == "string":
            _string(current, source, variables, results, out)
        elif kind == "raw_string":
            out.append(Piece([source.text(current)[1:-1]], True))
        elif kind == "ansi_c_string":
            out.append(Piece([ansi_c(source.text(current)[2:-1])], True))
        elif kind in ("simple_expansion", "expansion"):
            out.append(parameter(source.text(current), variables, quoted))
        elif kind == "command_substitution":
            out.append(_substituted(results.get(current.id), quoted))
        elif kind == "arithmetic_expansion":
            out.append(Piece(["1"], True))
        else:
            text = source.text(current)
            if "\\" in text and not quoted:
                _escaped(text, out)
            else:
                out.append(Piece([text], quoted))


def _escaped(text: str, out: list[Piece]) -> None:
    for part in re.split(r"(\\.)", text, flags=re.DOTALL):
        if part[:1] == "\\":
            out.append(Piece([unescape(part)], True))
        elif part:
            out.append(Piece([part], False))


def _string(node: Node, source: Source, variables: Values, results: Mapping[int, Flow], out: list[Piece]) -> None:
    out.extend(double_quoted(node, (node.start_byte + 1, node.end_byte - 1), source, variables, results))


def double_quoted(
    node: Node, span: tuple[int, int], source: Source, variables: Values, results: Mapping[int, Flow]
) -> list[Piece]:
    """Pieces of text under double-quote rules (a string, the body of a heredoc) between two bytes of the source."""
    start, end = span
    pieces: list[Piece] = []
    at = start
    for child in node.children:
        if child.type not in ("simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"):
            continue
        _gap(source, at, child.start_byte, pieces)
        if child.type == "command_substitution":
            pieces.append(_substituted(results.get(child.id), True))
        elif child.type == "arithmetic_expansion":
            pieces.append(Piece(["1"], True))
        else:
            pieces.append(parameter(source.text(child), variables, True))
        at = child.end_byte
    _gap(source, at, end, pieces)
    return pieces or [Piece([""], True)]


def _gap(source: Source, start: int, end: int, pieces: list[Piece]) -> None:
    if end > start:
        pieces.append(Piece([unescape_double(source.data[start:end].decode("utf-8", "replace"))], True))


def _substituted(flow: Flow | None, quoted: bool) -> Piece:
    if flow is not None and flow.text is not None:
        return Piece([flow.text.rstrip("\n")], quoted, split=not quoted)
    if flow is not None and flow.items:
        return Piece(list(flow.items), quoted, dynamic=False, split=not quoted)
    return Piece(["$(…)"], quoted, dynamic=True)


def parameter(text: str, variables: Values, quoted: bool) -> Piece:
    """The piece `$NAME` or `${NAME…}` becomes."""
    if not text.startswith("${"):
        return _value(text[1:], variables, quoted)
    match = _PARAMETER.match(text)
    if not match:
        return Piece([text], quoted, dynamic=True)
    prefix, name, rest = match.groups()
    if prefix == "#":
        return Piece(["1"], True)
    if prefix == "!":
        names = variables.get(name)
        return _value(names[0], variables, quoted) if names else Piece([text], quoted, dynamic=True)
    if not rest:
        return _value(name, variables, quoted)
    return _modified(name, rest, variables, quoted)


def _value(name: str, variables: Values, quoted: bool) -> Piece:
    values = variables.get(name)
    if values is not None:
        if name in "@*" and not values:
            return Piece([""], quoted)
        if name in {"*", "@"}:
            return Piece([" ".join(values)], quoted, split=not quoted)
        dynamic = any("${" in value or "$(" in value for value in values)
        return Piece(list(values), quoted, dynamic=dynamic, split=not quoted)
    if name in ("?", "#", "$", "!", "-", "0"):
        return Piece(["$" + name if name in "!$" else "1"], True)
    if name in ("@", "*"):
        return Piece([""], quoted)
    return Piece(["${" + name + "}"], quoted, dynamic=True)


def _modified(name: str, rest: str, variables: Values, quoted: bool) -> Piece:
    values = variables.get(name)
    operator = rest[:2] if rest[:2] in (":-", ":=", ":+", ":?") else rest[:1]
    word = rest[len(operator) :].strip("'\"")
    if operator in (":-", ":=", "-", "="):
        if values and values != [""]:
            return Piece(list(values), quoted, split=not quoted)
        if "$" in word:
            return Piece(["${" + name + "}"], quoted, dynamic=True)
        # Unknown outside this text: it may be the default, it may be set. The default is what can be judged.
        return Piece([unescape(word)], quoted, split=not quoted)
    if operator in (":+", "+"):
        return Piece([word], quoted, dynamic="$" in word)
    if operator in (":?", "?"):
        return _value(name, variables, quoted)
    if values and operator == ":":
        match = re.fullmatch(r":\s*(-?\d+)(?::\s*(\d+))?", rest)
        if match:
            start = int(match.group(1))
            stop = start + int(match.group(2)) if match.group(2) else None
            return Piece([value[start:stop] for value in values], quoted, split=not quoted)
    if values and rest.startswith("/"):
        old, _, new = rest.lstrip("/").partition("/")
        count = -1 if rest.startswith("//") else 1
        return Piece([value.replace(old, new, count) for value in values], quoted, split=not quoted)
    return Piece(["${" + name + "}"], quoted, dynamic=True)
