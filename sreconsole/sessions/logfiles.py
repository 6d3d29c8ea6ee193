"""Finding the clients' log files and reading them in pieces: whose a file is, and its whole lines in little memory."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 1 << 20
LONGEST_LINE = 16 << 20
"""Real lines reach 1 MB. A longer one than this is passed over and said, so that memory stays bounded."""

CLAUDE, CODEX, GEMINI = "claude-code", "codex", "gemini"
_CODEX_HEAD = re.compile(rb'"type"\s*:\s*"(?:session_meta|turn_context|event_msg|response_item|token_usage_record)"')
_GEMINI_HEAD = re.compile(rb'^\s*\{\s*(?:"\$set"|"\$rewindTo"|"sessionId"[^\n]{0,400}"projectHash")')
_GEMINI_LINE = re.compile(rb'"type"\s*:\s*"gemini"')


@dataclass(slots=True)
class Faults:
    """What could not be read, one clear line each; the first `KEPT` in words, the rest as a number."""

    lines: list[str] = field(default_factory=list)
    more: int = 0
    KEPT = 50

    def add(self, path: str | Path, why: str) -> None:
        if len(self.lines) < self.KEPT:
            self.lines.append(f"{path}: {why}")
        else:
            self.more += 1


def log_files(paths: list[Path], faults: Faults) -> Iterator[Path]:
    """Every log file under `paths`, each file once however it is reached, in a stable order.

    A path that is named may be a symbolic link; links met inside a folder are not followed (a loop, or a way out of
    it). Hidden folders are entered: the clients' homes are hidden.
    """
    seen: set[tuple[int, int]] = set()
    for top in paths:
        try:
            info = top.stat()
        except OSError as error:
            faults.add(top, f"cannot be read ({error.strerror})")
            continue
        if not stat.S_ISDIR(info.st_mode):
            if stat.S_ISREG(info.st_mode):
                if (info.st_dev, info.st_ino) not in seen:
                    seen.add((info.st_dev, info.st_ino))
                    yield top
            else:
                faults.add(top, "neither a file nor a folder, passed over")
            continue
        yield from _under(str(top), seen, faults)


def _under(top: str, seen: set[tuple[int, int]], faults: Faults) -> Iterator[Path]:
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            faults.add(folder, f"cannot be listed ({error.strerror})")
            continue
        below = []
        for entry in listed:
            try:
                if entry.is_symlink():
                    if entry.name.endswith((".jsonl", ".json")):
                        faults.add(entry.path, "a symbolic link, not followed")
                elif entry.is_dir(follow_symlinks=False):
                    below.append(entry.path)
                elif entry.name.endswith((".jsonl", ".json")) and entry.is_file(follow_symlinks=False):
                    info = entry.stat(follow_symlinks=False)
                    if (info.st_dev, info.st_ino) not in seen:
                        seen.add((info.st_dev, info.st_ino))
                        yield Path(entry.path)
            except OSError as error:
                faults.add(entry.path, f"cannot be read ({error.strerror})")
        folders.extend(reversed(below))


def open_log(path: str | Path, *, follow: bool = False) -> int:
    """A descriptor for reading a regular file. Never blocks (a FIFO), follows a last link only when told.

    Raises OSError; also for anything that is no regular file.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    fd = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(0, "not a regular file")
    return fd


def whose(head: bytes, path: Path) -> str:
    """The client that wrote a log, from its first bytes and, where they say nothing, from its name.

    Returns "" for a `.json` document that is no Gemini session (the clients keep other JSON beside their logs).
    """
    first = head.split(b"\n", 1)[0][:600]
    if path.suffix == ".json":
        return GEMINI if b'"messages"' in head and b'"sessionId"' in head else ""
    if (_CODEX_HEAD.search(first[:300]) and b'"payload"' in head) or first.lstrip().startswith(b'{"payload"'):
        return CODEX
    if _GEMINI_HEAD.search(first) or (_GEMINI_LINE.search(first) and b'"content"' in head):
        return GEMINI
    if path.name.startswith("rollout-"):
        return CODEX
    if path.parent.name == "chats" and path.name.startswith("session-") and b'"parentUuid"' not in head:
        return GEMINI
    return CLAUDE


class Blocks:
    """Reads files as blocks that end at a line's end, in one buffer that is used again for every file."""

    def __init__(self) -> None:
        self.buffer = bytearray(BLOCK)
        self.long_lines = 0

    def of(self, fd: int) -> Iterator[tuple[bytearray, int]]:
        """(buffer, end) for each block: bytes 0…end are whole lines; the file's last one may lack its newline."""
        have = 0
        self.long_lines = 0
        skipping = False
        while True:
            if have == len(self.buffer):
                if len(self.buffer) >= LONGEST_LINE:
                    skipping = True
                    self.long_lines += 1
                    have = 0
                else:
                    grown = bytearray(min(LONGEST_LINE, len(self.buffer) * 4))
                    grown[:have] = self.buffer
                    self.buffer = grown
            with memoryview(self.buffer) as view:
                got = os.readv(fd, [view[have:]])
            if not got:
                if have and not skipping:
                    yield self.buffer, have
                break
            if skipping:
                newline = self.buffer.find(b"\n", 0, have + got)
                if newline < 0:
                    have = 0
                    continue
                have = have + got - newline - 1
                self.buffer[:have] = self.buffer[newline + 1 : newline + 1 + have]
                skipping, got = False, 0
            end = self.buffer.rfind(b"\n", 0, have + got) + 1
            have += got
            if not end:
                continue
            yield self.buffer, end
            self.buffer[: have - end] = self.buffer[end:have]
            have -= end
        if len(self.buffer) > BLOCK:
            self.buffer = bytearray(BLOCK)
