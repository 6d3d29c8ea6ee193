"""Usage out of Gemini CLI's session logs: JSON lines now, one whole document in older versions."""

import os
from typing import Any

import msgspec

from .callbook import CallBook
from .claude_usage import records_in, text
from .logfiles import GEMINI, Blocks, Faults
from .tokens import count, of_gemini

_TOKENS = b'"tokens"'
_SESSION = b'"sessionId"'
LARGEST_DOCUMENT = 48 << 20


class _Tokens(msgspec.Struct):
    input: int | float | None = 0
    output: int | float | None = 0
    cached: int | float | None = 0
    thoughts: int | float | None = 0
    tool: int | float | None = 0
    total: int | float | None = 0


class _Message(msgspec.Struct):
    id: str | None = None
    timestamp: str | None = None
    model: str | None = None
    type: str | None = None
    tokens: _Tokens | None = None


class _Set(msgspec.Struct):
    messages: list[_Message] | None = None


class _Record(msgspec.Struct):
    id: str | None = None
    timestamp: str | None = None
    model: str | None = None
    type: str | None = None
    tokens: _Tokens | None = None
    sessionId: str | None = None
    startTime: str | None = None
    messages: list[_Message] | None = None
    set: _Set | None = msgspec.field(default=None, name="$set")


_decode = msgspec.json.Decoder(_Record).decode


class GeminiUsage:
    """Adds the calls of log files to a book: a message written again replaces itself, and a message that was taken
    back (`$rewindTo`, `$set` with fewer messages) was still paid for."""

    def __init__(self, book: CallBook) -> None:
        self.book = book
        self.unreadable = 0
        self._session = ""
        self._day = ""
        self._model = ""

    def read(self, fd: int, blocks: Blocks) -> None:
        """One file of JSON lines. Raises OSError."""
        self._session = self._day = self._model = ""
        for buffer, end in blocks.of(fd):
            at = 0
            while at < end:
                stop = buffer.find(b"\n", at, end)
                stop = end if stop < 0 else stop
                if buffer.find(_TOKENS, at, stop) >= 0 or buffer.find(_SESSION, at, stop) >= 0:
                    self._line(bytes(memoryview(buffer)[at:stop]))
                at = stop + 1

    def read_document(self, fd: int, path: str, faults: Faults) -> None:
        """One legacy file: a single JSON object with `messages`. Raises OSError."""
        self._session = self._day = self._model = ""
        size = os.fstat(fd).st_size
        if size > LARGEST_DOCUMENT:
            faults.add(
                path, f"a JSON document of {size >> 20} MB, more than the {LARGEST_DOCUMENT >> 20} MB that are read"
            )
            return
        raw = os.read(fd, size + 1)
        self._line(raw)

    def _line(self, raw: bytes) -> None:
        try:
            record = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._loose(raw)
            return
        if record.sessionId:
            self._session = record.sessionId
            self._day = (record.startTime or "")[:10] or self._day
        for one in (record, *(record.messages or ()), *((record.set.messages if record.set else None) or ())):
            if one.tokens is not None:
                used = {word: getattr(one.tokens, word) for word in _Tokens.__struct_fields__}
                self._count(one.type or "", one.id or "", one.model or "", one.timestamp or "", used)

    def _loose(self, raw: bytes) -> None:
        found = 0
        for record in records_in(raw):
            found += 1
            self._session = text(record.get("sessionId")) or self._session
            changed = record.get("$set")
            lists = [record.get("messages"), changed.get("messages") if isinstance(changed, dict) else None]
            for one in (record, *(m for listed in lists if isinstance(listed, list) for m in listed)):
                if isinstance(one, dict) and isinstance(one.get("tokens"), dict):
                    kind, identity = text(one.get("type")), text(one.get("id"))
                    self._count(kind, identity, text(one.get("model")), text(one.get("timestamp")), one["tokens"])
        if not found:
            self.unreadable += 1

    def _count(self, kind: str, identity: str, model: str, when: str, used: dict[str, Any]) -> None:
        if kind not in ("gemini", "") or not any(count(value) for value in used.values()):
            return
        self._model = model or self._model
        about = (GEMINI, self._model or "unknown", (when or self._day)[:10], self._session, "")
        if identity:
            scope = "" if len(identity) >= 32 else self._session
            self.book.replace(f"gemini\0{scope}\0{identity}", about, of_gemini(used))
        else:
            self.book.add("", "", about, 0, of_gemini(used))
