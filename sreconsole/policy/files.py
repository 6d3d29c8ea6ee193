"""The only door to the disk: what the judge may look at, and nothing when there is nothing to look at."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

MAX_SCRIPT = 65_536


class Files(Protocol):
    """Read-only looks at the agent's files. Paths are absolute. Never raises: None and the path itself mean unknown."""

    def read(self, path: str) -> str | None:
        """Text of a small regular file, or None."""

    def real(self, path: str) -> str:
        """The path with its symbolic links resolved, or the path itself."""

    def project(self, cwd: str) -> str:
        """The root of the repository that holds `cwd`, or an empty string."""

    def size(self, path: str) -> int:
        """Lines of a small regular file, or -1."""


class NoFiles:
    """Looks at nothing: for `explain` about another machine, for tests inside rules, for replay."""

    def read(self, path: str) -> str | None:
        """None: nothing is known."""
        return None

    def real(self, path: str) -> str:
        """The path as it was given."""
        return path

    def project(self, cwd: str) -> str:
        """Unknown."""
        return ""

    def size(self, path: str) -> int:
        """Unknown."""
        return -1


class RealFiles:
    """The local disk, opened without following a last link, never a device or a pipe, never more than 64 KiB."""

    def read(self, path: str) -> str | None:
        """Text of a regular file of at most 64 KiB, or None."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except (OSError, ValueError):
            return None
        try:
            seen = os.fstat(handle)
            if not stat.S_ISREG(seen.st_mode) or seen.st_size > MAX_SCRIPT:
                return None
            return os.read(handle, MAX_SCRIPT).decode("utf-8", "replace")
        except OSError:
            return None
        finally:
            os.close(handle)

    def real(self, path: str) -> str:
        """The path with its links resolved; the path itself when that fails."""
        try:
            return os.path.realpath(path)
        except (OSError, ValueError):
            return path

    def project(self, cwd: str) -> str:
        """The nearest directory at or above `cwd` that holds `.git`, or an empty string."""
        try:
            here = Path(cwd)
            for place in (here, *here.parents):
                if (place / ".git").exists():
                    return str(place)
        except (OSError, ValueError):
            return ""
        return ""

    def size(self, path: str) -> int:
        """Lines of a regular file of at most 64 KiB, or -1."""
        text = self.read(path)
        return -1 if text is None else text.count("\n") + (not text.endswith("\n") and text != "")


def branch(files: Files, project: str) -> str:
    """What is checked out in a repository, read without running git; "" when detached or unknown."""
    if not project:
        return ""
    link = files.read(f"{project}/.git") or ""
    folder = link.removeprefix("gitdir:").strip() if link.startswith("gitdir:") else f"{project}/.git"
    head = files.read(f"{folder}/HEAD") or ""
    return head.removeprefix("ref: refs/heads/").strip() if head.startswith("ref: refs/heads/") else ""
