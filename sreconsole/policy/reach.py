"""The files a path or glob of a planned action hits: counted on disk, without following a link."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

MOST_FILES = 100_000

WILD = "*?["


@dataclass(slots=True)
class Reach:
    """What was found: files by path with their bytes; `folders` walked whole; `links` that lead elsewhere.

    `capped` says why counting stopped before the end ("" if it did not).
    """

    until: float
    most: int = MOST_FILES
    files: dict[str, int] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    new: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    capped: str = ""
    _looked: int = 0

    @property
    def bytes(self) -> int:
        """Their size together."""
        return sum(self.files.values())

    def add(self, path: str, root: str, *, whole: bool, deep: bool = False) -> None:
        """Count what an absolute path or glob hits. `whole` takes folders with all that is in them, `deep` matches a
        glob's last part in every folder below, `root` is the folder within which links may lead."""
        head, parts = _literal(path)
        parent = str(Path(head).parent) if not parts else head
        real = os.path.realpath(parent)
        if real != os.path.normpath(parent) and not _under(real, os.path.realpath(root or "/nowhere")):
            self.links.append(parent)
            return
        found = False
        for one in self._matches(head, parts, deep):
            found = True
            if self._stop():
                return
            self._take(one, whole)
        if not found and not parts:
            self.new.add(path)

    def _matches(self, head: str, parts: list[str], deep: bool) -> Iterator[str]:
        if not parts:
            if os.path.lexists(head):
                yield head
            return
        for entry in _entries(head):
            if self._stop():
                return
            hit = _matches(entry.name, parts[0])
            if hit and len(parts) == 1:
                yield entry.path
            elif hit and not any(mark in part for part in parts[1:] for mark in WILD) and _folder(entry):
                rest = "/".join([entry.path, *parts[1:]])
                if os.path.lexists(rest):
                    yield rest
            elif hit and _folder(entry):
                yield from self._matches(entry.path, parts[1:], deep)
            if deep and not (hit and len(parts) == 1) and _folder(entry):
                yield from self._matches(entry.path, parts, deep)

    def _take(self, path: str, whole: bool) -> None:
        try:
            seen = os.lstat(path)
        except OSError:
            return
        if not stat.S_ISDIR(seen.st_mode):
            self.files[path] = seen.st_size
        elif whole:
            self.folders.append(path)
            self._walk(path)

    def _walk(self, folder: str) -> None:
        waiting = [folder]
        while waiting:
            for entry in _entries(waiting.pop()):
                if self._stop():
                    return
                if _folder(entry):
                    waiting.append(entry.path)
                else:
                    self.files[entry.path] = _size(entry)

    def _stop(self) -> bool:
        if not self.capped and len(self.files) >= self.most:
            self.capped = f"counting stopped at {self.most:,} files"
        self._looked += 1
        if not self.capped and self._looked % 256 == 0 and time.monotonic() > self.until:
            self.capped = "counting stopped, it took too long"
        return bool(self.capped)


def _literal(path: str) -> tuple[str, list[str]]:
    """The part in front of the first wildcard, and the parts from there on."""
    parts = path.split("/")
    for at, part in enumerate(parts):
        if any(mark in part for mark in WILD):
            if os.path.lexists(path):
                break
            return "/".join(parts[:at]) or "/", parts[at:]
    return path.rstrip("/") or "/", []


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            # Read and closed at once: a deep tree would else hold a descriptor for each of its levels.
            found = list(islice(entries, MOST_FILES + 1))
    except OSError:
        return
    yield from found


def _folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0


def _under(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
