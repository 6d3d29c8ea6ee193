"""What a tool's result says: did it fail, with which exit code, was it denied and by whom."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

KEPT = 2_000
"""Characters of foreign text a record keeps."""

_EXIT = re.compile(r"\A(?:Error: )?Exit code (\d+)|^Process exited with code (-?\d+)|^Exit code: (-?\d+)", re.MULTILINE)
_USER = re.compile(
    r"The user doesn't want to|\[Request interrupted by user|user rejected|rejected by user|User denied", re.I
)
_POLICY = re.compile(
    r"hook error|has been denied|Permission to use|denied by (?:policy|sreconsole|the gate)"
    r"|blocked by (?:a |the )?(?:hook|policy)|permission denied by|requires approval|not allowed by"
    r"|Tool execution for .* denied by policy",
    re.I,
)
_SIBLING = re.compile(r"Sibling tool call errored")
_FREE = ("description", "timeout", "timeout_ms", "justification", "activeForm", "run_in_background", "yield_time_ms")


def exit_code(text: str) -> int | None:
    """The exit code a result states in words, as Claude Code and Codex write it."""
    found = _EXIT.search(text[:4_000])
    return int(next(group for group in found.groups() if group is not None)) if found else None


def denial(text: str, failed: bool, decision: Any = None) -> str:
    """Who refused the call: "user", "policy", "sibling", or "". `decision` is the client's own word where it has one."""
    if isinstance(decision, Mapping) and decision.get("decision") in ("reject", "deny", "rejected", "denied"):
        return "user" if str(decision.get("source", "")).startswith("user") else "policy"
    if not failed:
        return ""
    head = text[:1_000]
    if _SIBLING.search(head):
        return "sibling"
    if _USER.search(head):
        return "user"
    return "policy" if _POLICY.search(head) else ""


def flat(content: Any) -> str:
    """The words of a result's content: text, or a list of blocks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(one["text"] for one in content if isinstance(one, dict) and isinstance(one.get("text"), str))
    return "" if content is None else json.dumps(content, default=str)


def digest(*parts: Any) -> str:
    """Names a call or a result: equal input, equal name."""
    try:
        text = msgspec.json.encode(parts, order="deterministic")
    except (TypeError, ValueError, UnicodeEncodeError, RecursionError):
        text = json.dumps(parts, sort_keys=True, default=str).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def call_digest(tool: str, given: Any) -> str:
    """Names a call without the words that may vary while it stays the same call."""
    if isinstance(given, Mapping):
        given = {key: value for key, value in given.items() if key not in _FREE}
    return digest(tool, given)


def patched_lines(patch: Any) -> tuple[int, int]:
    """(added, removed) of Claude Code's `structuredPatch`."""
    added = removed = 0
    for hunk in patch if isinstance(patch, list) else ():
        lines = hunk.get("lines") if isinstance(hunk, dict) else None
        for line in lines if isinstance(lines, list) else ():
            if isinstance(line, str):
                added += line.startswith("+")
                removed += line.startswith("-")
    return added, removed


def diff_lines(diff: str) -> tuple[int, int]:
    """(added, removed) of a unified diff or of an `apply_patch` text."""
    added = removed = 0
    for line in diff.splitlines():
        added += line.startswith("+") and not line.startswith("+++")
        removed += line.startswith("-") and not line.startswith("---")
    return added, removed


def patched_paths(patch: str) -> tuple[str, ...]:
    """The files an `apply_patch` text names."""
    return tuple(re.findall(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", patch, re.MULTILINE))
