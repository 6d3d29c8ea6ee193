"""GraphQL bodies: which root fields a mutation calls. PocketOS lost its volume to a POST of one."""

from __future__ import annotations

import json
import re
from itertools import islice

_OPERATION = re.compile(r"\b(mutation|subscription|query)\b\s*\w*\s*(?:\([^)]*\))?\s*(?:@\w+\s*)*\{")
_FIELD = re.compile(r"(?:[A-Za-z_]\w*\s*:\s*)?([A-Za-z_]\w*)\s*[({\s}]")


_MOST = 65_536


def mutations(body: str) -> list[str]:
    """Names of the root fields of every mutation in a body (raw GraphQL, or JSON with `query`)."""
    text = _document(body)
    if text is None:
        return []
    found: list[str] = []
    for match in islice(_OPERATION.finditer(text), 20):
        if match.group(1) == "mutation":
            found += _roots(text, match.end())
    if not found and re.search(r"\bmutation\b", text):
        found = re.findall(r"\b([a-z]+[A-Z]\w*)\s*\(", text) or ["unknown"]
    return found


def is_graphql(body: str) -> bool:
    """Whether a body holds a GraphQL document."""
    text = _document(body)
    return text is not None and bool(_OPERATION.search(text) or re.match(r"\s*\{\s*\w+\s*[({]", text))


def _document(body: str) -> str | None:
    text = body[:_MOST].strip()
    if text.startswith(("{", "[")):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        items = data if isinstance(data, list) else [data]
        queries = [str(item["query"]) for item in items if isinstance(item, dict) and "query" in item]
        if queries:
            return "\n".join(queries)
        if data is not None:
            return None
    match = re.search(r'"query"\s*:\s*"((?:[^"\\]|\\.)*)', text, re.DOTALL)
    if match:
        return re.sub(r"\\(.)", r"\1", match.group(1))
    if re.search(r"\b(mutation|query)\b", text) and "{" in text:
        return text
    return None


def _roots(text: str, start: int) -> list[str]:
    """Field names at depth one from `start` (just after the opening brace)."""
    found: list[str] = []
    depth, parens, index = 1, 0, start
    while index < len(text) and depth and index - start < 8_000:
        char = text[index]
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
        elif char == "(":
            parens += 1
        elif char == ")":
            parens -= 1
        elif depth == 1 and parens <= 0 and (char.isalpha() or char == "_"):
            match = re.compile(r"([A-Za-z_]\w*)\s*(:?)").match(text, index)
            if match:
                if not match.group(2):
                    found.append(match.group(1))
                index = match.end()
                continue
        index += 1
    return found[:20]


def subject(body: str) -> str:
    """The first literal argument of a mutation: the id it works on, or an empty text."""
    found = re.search(r"\(\s*(?:input\s*:\s*\{\s*)?\w+\s*:\s*\\?[\"']([\w.:/-]{1,80})", _document(body) or "")
    return found.group(1) if found else ""
