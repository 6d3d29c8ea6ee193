"""Following many sessions at once: which files changed, what they say, and a first screen before all is read."""

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from . import claude_records
from .claude_usage import records_in
from .codex_records import CodexReader
from .gemini_records import GeminiReader
from .logfiles import CODEX, GEMINI, Faults, log_files, open_log, whose
from .record import Answered, Record, Restarted, Skipped
from .session import Session, fold
from .tail import Cursor, Lines, Tail
from .tokens import NO_TOKENS

HEAD = 4096
PEEK = 64 << 10
HELD = 256
"""Descriptors held open for the files that changed last; the others are opened when they change again."""


def reader(client: str) -> Callable[[dict[str, Any]], Iterator[Record]]:
    """A fresh reader of one file of a client. Readers remember: one file, one reader."""
    if client == CODEX:
        return CodexReader().records
    if client == GEMINI:
        return GeminiReader().records
    return claude_records.records


def parse(line: bytes, read: Callable[[dict[str, Any]], Iterator[Record]]) -> Iterator[Record]:
    """The records of one line of a log, whatever is in it."""
    try:
        parsed = msgspec.json.decode(line)
        objects: Iterable[Any] = (parsed,) if isinstance(parsed, dict) else ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        objects = records_in(line)
    found = False
    for one in objects:
        found = True
        yield from read(one)
    if not found:
        yield Skipped(0, "", "unreadable")


@dataclass(slots=True)
class Log:
    """One followed file: its tail, its reader, and the size and time it had when it was last looked at."""

    path: Path
    client: str
    tail: Tail
    read: Callable[[dict[str, Any]], Iterator[Record]]
    size: int = -1
    changed: int = 0
    session: str = ""

    def take(self) -> tuple[list[Record], bool]:
        """What was added, as records, and whether there is more. Raises OSError."""
        lines: Lines = self.tail.look()
        found: list[Record] = []
        if lines.restarted:
            self.read = reader(self.client)
            found.append(Restarted(0, "", lines.restarted))
        found.extend(Skipped(0, "", "too long") for _ in range(lines.too_long))
        for line in lines.lines:
            found.extend(parse(line, self.read))
        return found, lines.more


@dataclass(slots=True)
class Follower:
    """All logs under some folders. Call `discover` now and then, `changed` often, `catch_up` for what it gives.

    A call belongs to the session it was seen in first: a resumed or forked one copies it, and costs of sessions can be
    added up. A subagent's file is folded into its parent's session, because its records name that session. A file that
    vanished stays in `sessions`: what was folded from it is ours.
    """

    folders: list[Path]
    logs: dict[Path, Log] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    _open: dict[Path, None] = field(default_factory=dict)
    _owner: dict[str, str] = field(default_factory=dict)

    def discover(self, cursors: dict[str, Cursor] | None = None) -> list[Log]:
        """Logs that were not known yet. `cursors` (by path) are where an earlier run stopped."""
        new = []
        for path in log_files([one for one in self.folders if one.exists()], self.faults):
            if path in self.logs or path.suffix == ".json":
                continue
            try:
                fd = open_log(path)
            except OSError as error:
                self.faults.add(path, f"cannot be read ({error.strerror})")
                continue
            try:
                client = whose(os.pread(fd, HEAD, 0), path)
            finally:
                os.close(fd)
            log = Log(path, client, Tail(path, (cursors or {}).get(str(path))), reader(client))
            self.logs[path] = log
            new.append(log)
        return new

    def changed(self) -> list[Log]:
        """Logs whose size or time is another than when they were last taken: one stat each, nothing is opened."""
        found = []
        for log in self.logs.values():
            try:
                info = os.stat(log.path, follow_symlinks=False)  # noqa: PTH116 - one call for each of 500 logs a second
            except OSError:
                continue
            if (info.st_size, info.st_mtime_ns) != (log.size, log.changed) and stat.S_ISREG(info.st_mode):
                log.size, log.changed = info.st_size, info.st_mtime_ns
                found.append(log)
        return found

    def catch_up(self, log: Log, now: int) -> Session | None:
        """Folds what was added to one log, and returns its session. None where the log names no session yet."""
        more = True
        while more:
            try:
                records, more = log.take()
            except OSError as error:
                self.faults.add(log.path, f"cannot be read ({error.strerror})")
                break
            if records and isinstance(records[0], Restarted):
                self._begin_again(log)
            for record in records:
                self._fold(log, record, now)
        self._hold(log)
        return self.sessions.get(log.session or str(log.path))

    def _begin_again(self, log: Log) -> None:
        """One file's history began anew: the other files of its session are read again too, at the next look."""
        for other in self.logs.values():
            if other is not log and other.session and other.session == log.session:
                other.tail.close()
                other.tail, other.read, other.size = Tail(other.path), reader(other.client), -1

    def _fold(self, log: Log, record: Record, now: int) -> None:
        named = getattr(record, "session", "")
        if named and not log.session:
            held = self.sessions.pop(str(log.path), None)
            log.session = named
            if held is not None and named not in self.sessions:
                self.sessions[named] = held
        key = log.session or str(log.path)
        if isinstance(record, Answered) and record.key and self._owner.setdefault(record.key, key) != key:
            record = replace(record, tokens=NO_TOKENS)
        self.sessions[key] = fold(self.sessions.get(key) or Session(client=log.client), record, now)

    def _hold(self, log: Log) -> None:
        self._open.pop(log.path, None)
        self._open[log.path] = None
        while len(self._open) > HELD:
            self.logs[next(iter(self._open))].tail.close()
            self._open.pop(next(iter(self._open)))

    def cursors(self) -> dict[str, Cursor]:
        """Where each log's reading stands, to be stored."""
        return {str(path): log.tail.cursor for path, log in self.logs.items()}


def peek(path: Path, now: int) -> Session | None:
    """A session's last words, from the last 64 KB of its file (1 MB where one line fills that): enough for a first
    screen, not for totals. Its tokens and counts are of that piece only. None where the file says nothing."""
    try:
        fd = open_log(path)
    except OSError:
        return None
    try:
        size = os.fstat(fd).st_size
        client = whose(os.pread(fd, HEAD, 0), path)
        for piece in (PEEK, 16 * PEEK):
            state = _last_words(os.pread(fd, piece, max(0, size - piece)), client, now, whole=size <= piece)
            if state.heard or size <= piece:
                break
    finally:
        os.close(fd)
    return state if state.heard else None


def _last_words(tail: bytes, client: str, now: int, *, whole: bool) -> Session:
    lines = tail.split(b"\n")
    read, state = reader(client), Session(client=client)
    for line in lines if whole else lines[1:]:
        if line:
            for record in parse(line, read):
                state = fold(state, record, now)
    return state


def cursor_json(cursor: Cursor) -> str:
    """A cursor as text, for a row of the store."""
    return json.dumps(
        [
            cursor.device,
            cursor.inode,
            cursor.offset,
            cursor.scanned,
            cursor.head.hex(),
            cursor.behind.hex(),
            cursor.skipping,
        ]
    )


def cursor_from(told: str) -> Cursor:
    """The cursor `cursor_json` wrote. Raises ValueError for anything else."""
    device, inode, offset, scanned, head, behind, skipping = json.loads(told)
    return Cursor(
        int(device), int(inode), int(offset), int(scanned), bytes.fromhex(head), bytes.fromhex(behind), bool(skipping)
    )
