"""Usage out of Claude Code's logs, as fast as they can be read: only lines that can hold usage are parsed."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from .callbook import EMBEDDED, FAST, SIDECHAIN, CallBook
from .logfiles import CLAUDE, Blocks
from .tokens import MOST, Tokens, anthropic, count, of_anthropic

_USAGE = b'"output_tokens"'  # every usage names its output; a long needle is found 1.7 times as fast as `"usage"`
_OWN_TOTAL = b'"cost-state"'
_TAIL = 32 << 10
_RECORD_START = re.compile(r'\{\s*"')


class _Split(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = 0
    ephemeral_1h_input_tokens: int | None = 0


class _Usage(msgspec.Struct):
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0
    cache_creation: _Split | None = None
    speed: str | None = None


class _Message(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None


class _Embedded(msgspec.Struct):
    type: str | None = None
    requestId: str | None = None
    uuid: str | None = None
    timestamp: str | None = None
    message: _Message | None = None


class _Progress(msgspec.Struct):
    message: _Embedded | None = None


class _Line(msgspec.Struct):
    type: str | None = None
    timestamp: str | None = None
    sessionId: str | None = None
    requestId: str | None = None
    uuid: str | None = None
    isSidechain: bool | None = False
    message: _Message | None = None
    data: _Progress | None = None


_decode = msgspec.json.Decoder(_Line).decode


class ClaudeUsage:
    """Adds the calls of log files to a book. `unreadable` counts lines that held usage and could not be parsed."""

    def __init__(self, book: CallBook) -> None:
        self.book = book
        self.unreadable = 0
        self.own_totals: dict[str, Any] = {}

    def read(self, fd: int, blocks: Blocks) -> None:
        """One file. Raises OSError."""
        for buffer, end in blocks.of(fd):
            self._block(buffer, end)
        self._read_own_total(fd)

    def _block(self, buffer: bytearray, end: int) -> None:
        find, rfind = buffer.find, buffer.rfind
        at = find(_USAGE, 0, end)
        with memoryview(buffer) as view:
            while at >= 0:
                start = rfind(b"\n", 0, at) + 1
                stop = find(b"\n", at, end)
                if stop < 0:
                    stop = end
                self._line(view[start:stop])
                at = find(_USAGE, stop, end)

    def _line(self, raw: memoryview) -> None:
        try:
            line = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._loose(bytes(raw))
            return
        message = line.message
        if message is not None and message.usage is not None and line.type in ("assistant", None):
            flags = SIDECHAIN if line.isSidechain else 0
            self._count(message, line.requestId, line.uuid, line.timestamp, line.sessionId, flags)
        elif line.data is not None and line.data.message is not None:
            inner = line.data.message
            if inner.message is not None and inner.message.usage is not None and inner.type in ("assistant", None):
                when = inner.timestamp or line.timestamp
                self._count(inner.message, inner.requestId, inner.uuid, when, line.sessionId, EMBEDDED | SIDECHAIN)

    def _count(
        self,
        message: _Message,
        request: str | None,
        uuid: str | None,
        when: str | None,
        session: str | None,
        flags: int,
    ) -> None:
        if message.model == "<synthetic>":
            return
        usage = message.usage
        assert usage is not None
        split = usage.cache_creation
        tokens = anthropic(
            usage.input_tokens or 0,
            usage.output_tokens or 0,
            usage.cache_read_input_tokens or 0,
            usage.cache_creation_input_tokens or 0,
            (split.ephemeral_5m_input_tokens or 0) if split else 0,
            (split.ephemeral_1h_input_tokens or 0) if split else 0,
        )
        if min(tokens) < 0 or max(tokens) > MOST:
            tokens = Tokens(*map(count, tokens))
        if usage.speed == "fast":
            flags |= FAST
        about = (CLAUDE, message.model or "unknown", (when or "")[:10], session or "", "")
        key = message.id or (f"\0{request}" if request else f"\0\0{uuid}" if uuid else "")
        self.book.add(key, request or "" if message.id else "", about, flags, tokens)

    def _loose(self, raw: bytes) -> None:
        """A line the strict way refused: joined records, zeros from a crash, lone surrogates, odd types."""
        counted = False
        for record in records_in(raw):
            message: Any = record.get("message")
            inner: Any = record
            flags = SIDECHAIN if record.get("isSidechain") is True else 0
            if record.get("type") not in ("assistant", None) or not isinstance(message, dict):
                data = record.get("data")
                inner = data.get("message") if isinstance(data, dict) else None
                if not isinstance(inner, dict) or inner.get("type") not in ("assistant", None):
                    continue
                message, flags = inner.get("message"), EMBEDDED | SIDECHAIN
            if isinstance(message, dict) and isinstance(message.get("usage"), dict):
                self._count_loose(message, inner, record, flags)
                counted = True
        self.unreadable += not counted and not _is_json(raw)

    def _count_loose(self, message: dict[str, Any], inner: dict[str, Any], record: dict[str, Any], flags: int) -> None:
        usage = message["usage"]
        model = text(message.get("model"))
        if model == "<synthetic>":
            return
        if usage.get("speed") == "fast":
            flags |= FAST
        when = text(inner.get("timestamp")) or text(record.get("timestamp"))
        about = (CLAUDE, model or "unknown", when[:10], text(record.get("sessionId")), "")
        identity, request = text(message.get("id")), text(inner.get("requestId"))
        uuid = text(inner.get("uuid"))
        key = identity or (f"\0{request}" if request else f"\0\0{uuid}" if uuid else "")
        self.book.add(key, request if identity else "", about, flags, of_anthropic(usage))

    def _read_own_total(self, fd: int) -> None:
        """`cost-state`, the client's own total for a session; each one replaces the one before."""
        size = os.fstat(fd).st_size
        tail = os.pread(fd, _TAIL, max(0, size - _TAIL))
        at = tail.rfind(_OWN_TOTAL)
        if at < 0:
            return
        stop = tail.find(b"\n", at)
        for record in records_in(tail[tail.rfind(b"\n", 0, at) + 1 : stop if stop >= 0 else None]):
            if record.get("type") == "cost-state" and isinstance(record.get("modelUsage"), dict):
                self.own_totals[text(record.get("sessionId"))] = record


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def records_in(raw: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects of one line, however it was damaged: joined (`}{`), begun inside another, padded with zeros.

    After something unreadable the next place that looks like a record's start is tried, 64 times at most.
    """
    line = raw.replace(b"\0", b"").decode("utf-8", "replace").strip()
    decoder = json.JSONDecoder()
    at = tries = 0
    while at < len(line) and tries < 64:
        try:
            value, at = decoder.raw_decode(line, at)
            if isinstance(value, dict):
                yield value
            while at < len(line) and line[at] in " \t\r,":
                at += 1
        except (ValueError, RecursionError):
            tries += 1
            found = _RECORD_START.search(line, at + 1)
            if found is None:
                return
            at = found.start()
