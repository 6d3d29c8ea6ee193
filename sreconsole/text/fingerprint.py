"""Secrets known again without being kept: a keyed hash of each, under a key that never leaves the home.

HMAC-SHA-256 (RFC 2104), its first 128 bits in hexadecimal. Without the key a mark says nothing, not even about a guess.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sreconsole.text import assignments
from sreconsole.text.redact import secrets

KEY_BYTES = 32
MOST_MARKS = 64
MOST_WORDS = 512
MOST_TEXT = 512 * 1024
"""Characters looked at in one value."""

SHORTEST = 8
_RUN = re.compile(r"[^\s'\"`,;()<>{}|&\\\[\]]{8,4096}")
_PART = re.compile(r"[^:@=/?#]{8,4096}")
_SCHEME = re.compile(r"(?i)^(bearer|basic|token)\s+")


class KeyUnsafe(Exception):
    """The key cannot be used; the message names the file and the fix."""


def key(path: Path) -> bytes:
    """The home's key, made (0600) when there is none. Raises KeyUnsafe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return _made(path)
    except OSError as error:
        raise KeyUnsafe(f"{path}: {error.strerror}; remove it, and serve makes a new one") from error
    try:
        state, found = os.fstat(descriptor), os.read(descriptor, KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    if state.st_mode & 0o077 or state.st_uid != os.getuid() or len(found) != KEY_BYTES:
        raise KeyUnsafe(
            f"{path}: is not a {KEY_BYTES}-byte file of one's own with mode 0600; remove it, serve makes a new one"
        )
    return found


def mark(secret: str, key: bytes) -> str:
    """The fingerprint of one secret: 32 hexadecimal digits. Quotes and a scheme such as `Bearer` are not part of it."""
    text = _SCHEME.sub("", secret.strip().strip("'\""))
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()


def marks(value: Any, key: bytes) -> dict[str, str]:
    """Fingerprint to kind of every secret in a JSON-like value, at most 64. Text beyond 512 KiB is not looked at."""
    found: dict[str, str] = {}
    room = MOST_TEXT
    for named, text in _texts(value):
        room -= len(text)
        if named and assignments.is_value(named, text):
            found.setdefault(mark(text, key), named)
        else:
            for kind, start, end in secrets(text[: max(0, room + len(text))]):
                found.setdefault(mark(text[start:end], key), kind)
        if room <= 0 or len(found) >= MOST_MARKS:
            break
    return dict(list(found.items())[:MOST_MARKS])


def words(value: Any, key: bytes) -> list[str]:
    """Fingerprints of everything in a value that could be a secret once seen: its long words and their parts."""
    found: dict[str, None] = {}
    for _, text in _texts(value):
        for run in _RUN.findall(text[:MOST_TEXT]):
            for word in (run, *(_PART.findall(run) if _PART.fullmatch(run) is None else ())):
                found[mark(word, key)] = None
                if len(found) >= MOST_WORDS:
                    return list(found)
    return list(found)


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """(kind its key says, text) of every string in a value."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        named, item = waiting.pop()
        if isinstance(item, str):
            yield named, item
        elif isinstance(item, dict):
            waiting += [
                ((assignments.kind_of_name(name) or "") if isinstance(name, str) else "", child)
                for name, child in item.items()
            ]
        elif isinstance(item, (list, tuple)):
            waiting += [(named, child) for child in item]


def _made(path: Path) -> bytes:
    fresh = os.urandom(KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KeyUnsafe(f"{path}: cannot be made: {error.strerror}") from error
    try:
        os.write(descriptor, fresh)
    finally:
        os.close(descriptor)
    return fresh
