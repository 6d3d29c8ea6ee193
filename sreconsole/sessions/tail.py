"""Following one log file: every whole line once, whatever happens to the file.

A cursor is where reading stopped, with enough of what was read to notice that the file became another one: its inode,
and the bytes at its beginning and just before where reading stopped. It is plain data and may be stored. A last line without a
newline is taken when it is a whole JSON object (which nothing can lengthen), else it waits. A file that vanished
keeps its cursor: it is not a dead session.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from .logfiles import BLOCK, LONGEST_LINE, open_log

MARK = 64
AT_ONCE = 8 * BLOCK
"""Bytes one call reads at most; the rest is for the next call."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """`offset` is after the last line taken, `scanned` how far no newline was found beyond it, `head` and `behind` the
    bytes at the file's beginning and before `scanned`. `skipping`: inside a line too long to be read."""

    device: int = 0
    inode: int = 0
    offset: int = 0
    scanned: int = 0
    head: bytes = b""
    behind: bytes = b""
    skipping: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """What one look brought. `restarted` says why history begins anew with these lines ("" = it goes on);
    `too_long` counts lines passed over; `more` says that the file holds more than one look reads."""

    lines: tuple[bytes, ...] = ()
    restarted: str = ""
    too_long: int = 0
    more: bool = False
    gone: bool = False


def tail(path: Path, cursor: Cursor) -> tuple[Lines, Cursor]:
    """The lines that were added since `cursor`, and the new cursor. Raises OSError but for a file that is not there.

    Where the file was replaced, what the old one still held is read as well if it can be found beside the new one
    (a rotation); then `more` is set and the next call goes on with the new file.
    """
    try:
        fd = open_log(path)
    except FileNotFoundError:
        return Lines(gone=True), cursor
    try:
        info = os.fstat(fd)
        if cursor.inode and (info.st_dev, info.st_ino) != (cursor.device, cursor.inode):
            rest = _rotated(path, cursor)
            if rest is not None and rest[0].lines:
                return rest
            cursor = Cursor() if rest is not None else cursor
        return look(fd, cursor)
    finally:
        os.close(fd)


def _rotated(path: Path, cursor: Cursor) -> tuple[Lines, Cursor] | None:
    """The unread rest of a file that was renamed within its folder (none: it was read to its end); None when it was not
    renamed but replaced."""
    with os.scandir(path.parent) as entries:
        moved = [one.path for one in entries if one.inode() == cursor.inode and one.is_file(follow_symlinks=False)]
    for name in moved:
        fd = open_log(name)
        try:
            if os.fstat(fd).st_dev == cursor.device:
                found, after = look(fd, cursor, final=True)
                if not found.restarted:
                    return replace(found, more=True), after
        finally:
            os.close(fd)
    return None


def look(fd: int, cursor: Cursor, *, final: bool = False) -> tuple[Lines, Cursor]:
    """As `tail`, on an open file. `final`: nothing will be added, a torn last line is dropped."""
    info = os.fstat(fd)
    restarted = _became_another(fd, cursor, info)
    if restarted or not cursor.inode:
        cursor = Cursor(info.st_dev, info.st_ino)
    elif cursor.inode != info.st_ino or cursor.device != info.st_dev:
        cursor = replace(cursor, device=info.st_dev, inode=info.st_ino)
    if info.st_size <= cursor.scanned and not restarted:
        return Lines(), cursor
    lines, cursor, too_long, more = _take(fd, cursor, info.st_size, final)
    return Lines(lines, restarted, too_long, more), cursor


def _became_another(fd: int, cursor: Cursor, info: os.stat_result) -> str:
    """Why what was read is not this file's beginning any more; "" when it is."""
    if not cursor.inode or not cursor.scanned:
        return ""
    same_file = (info.st_dev, info.st_ino) == (cursor.device, cursor.inode)
    if info.st_size < cursor.scanned:
        return "truncated" if same_file else "replaced"
    head = os.pread(fd, len(cursor.head), 0)
    behind = os.pread(fd, len(cursor.behind), cursor.scanned - len(cursor.behind))
    if head != cursor.head or behind != cursor.behind:
        return "rewritten" if same_file else "replaced"
    return ""


def _take(fd: int, cursor: Cursor, size: int, final: bool) -> tuple[tuple[bytes, ...], Cursor, int, bool]:
    """Whole lines from the cursor on, at most AT_ONCE bytes of them."""
    found: list[bytes] = []
    offset, scanned, skipping, too_long = cursor.offset, max(cursor.scanned, cursor.offset), cursor.skipping, 0
    limit = min(size, scanned + AT_ONCE)
    while scanned < limit:
        chunk = os.pread(fd, min(BLOCK, limit - scanned), scanned)
        if not chunk:
            break
        last = chunk.rfind(b"\n")
        if last < 0:
            scanned += len(chunk)
            if scanned - offset > LONGEST_LINE and not skipping:
                skipping, too_long = True, too_long + 1
            continue
        end = scanned + last + 1
        if skipping:
            offset = scanned + chunk.find(b"\n") + 1
            skipping = False
        data = chunk[offset - scanned : last + 1] if offset >= scanned else os.pread(fd, end - offset, offset)
        found.extend(line for line in data.split(b"\n") if line)
        scanned += len(chunk)
        offset = end
    torn = scanned - offset
    if 0 < torn <= BLOCK and scanned >= size and not skipping:
        fragment = os.pread(fd, torn, offset)
        if _whole(fragment):
            found.append(fragment)
            offset = scanned
        elif final:
            offset = scanned
    behind = os.pread(fd, min(MARK, scanned), max(0, scanned - MARK))
    after = Cursor(cursor.device, cursor.inode, offset, scanned, os.pread(fd, min(MARK, scanned), 0), behind, skipping)
    return tuple(found), after, too_long, scanned < size


def _whole(fragment: bytes) -> bool:
    stripped = fragment.rstrip()
    if not stripped.endswith(b"}") or not stripped.lstrip().startswith(b"{"):
        return False
    try:
        msgspec.json.decode(stripped, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class Tail:
    """One followed file with its descriptor held, so that what a replaced or deleted file still held is read too."""

    def __init__(self, path: Path, cursor: Cursor | None = None) -> None:
        self.path = path
        self.cursor = cursor or Cursor()
        self._fd = -1

    def look(self) -> Lines:
        """What was added since the last look. Raises OSError but for a file that is not there."""
        try:
            info = self.path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return self._rest() if self._fd >= 0 else Lines(gone=True)
        if self._fd >= 0 and (info.st_dev, info.st_ino) != (self.cursor.device, self.cursor.inode):
            rest = self._rest()
            if rest.lines:
                return replace(rest, more=True)
        if self._fd < 0:
            found, self.cursor = tail(self.path, self.cursor)
            if found.gone or (self.cursor.device, self.cursor.inode) != (info.st_dev, info.st_ino):
                return found
            self._fd = open_log(self.path)
            return found
        found, self.cursor = look(self._fd, self.cursor)
        return found

    def _rest(self) -> Lines:
        """The end of the file that was open, which is not looked at again. Where it lives on under another name the
        history goes on in the new file; where it was deleted, the new file is compared with it."""
        found, self.cursor = look(self._fd, self.cursor, final=True)
        if not found.more:
            if os.fstat(self._fd).st_nlink:
                self.cursor = Cursor()
            self.close()
        return replace(found, gone=not found.lines)

    def close(self) -> None:
        """Gives the descriptor back; the cursor stays, and the next look opens the file again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
