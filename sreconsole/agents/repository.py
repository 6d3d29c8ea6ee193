"""What a folder's git repository is called, read from its files: git itself is never run on an agent's folder."""

from __future__ import annotations

import configparser
import os
import re
import stat
from pathlib import Path

LARGEST = 256 * 1024
HIGHEST = 40
"""Folders climbed before giving up."""

SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\s]+):(?P<path>(?!//).+)")
URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^@/\s]*@)?(?P<host>[^/:\s]*)(?::\d+)?/(?P<path>.+)", re.IGNORECASE)


def names(cwd: str) -> tuple[str, ...]:
    """The names a rule may know the repository around `cwd` by, sorted; () outside of one.

    For each remote `host/owner/name`, `owner/name` and `name`; and the name of the top-level folder.
    """
    found = _top(Path(cwd)) if cwd.startswith("/") else None
    if found is None:
        return ()
    top, git = found
    called = {top.name} | {name for url in remotes(_text(git / "config")) for name in of_url(url)}
    return tuple(sorted(called - {""}))


def remotes(config: str) -> list[str]:
    """The urls of the remotes in a .git/config, in order; included files are not followed. Pure; see git-config(1)."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    try:
        parser.read_string("\n".join(line.strip() for line in config.splitlines()))
    except configparser.Error:
        return []
    sections = (name for name in parser.sections() if re.fullmatch(r'remote\s+".*"', name))
    return [url.strip('"') for name in sections if (url := parser.get(name, "url", fallback=""))]


def of_url(url: str) -> tuple[str, ...]:
    """`host/owner/name`, `owner/name` and `name` of a remote's url, without user, port and `.git`; pure."""
    parts = URL.fullmatch(url) or SCP.fullmatch(url)
    host, path = (parts["host"].lower(), parts["path"]) if parts else ("", url)
    path = path.strip("/").removesuffix(".git").strip("/")
    if not path:
        return ()
    short = path.rsplit("/", 1)[-1]
    if not host:
        return (short,)
    return tuple(dict.fromkeys((f"{host}/{path}", path, short)))


def _top(folder: Path) -> tuple[Path, Path] | None:
    """The top-level folder and the folder of its git files."""
    for one in [folder, *folder.parents][:HIGHEST]:
        git = one / ".git"
        try:
            mode = git.stat().st_mode
        except OSError:
            continue
        if stat.S_ISDIR(mode):
            return one, git
        if stat.S_ISREG(mode) and (linked := _linked(one, _text(git))):
            return one, linked
    return None


def _linked(folder: Path, text: str) -> Path | None:
    """Where a worktree's or submodule's `.git` file points: the folder that holds the config. See gitrepository-layout(5)."""
    if not text.startswith("gitdir:"):
        return None
    git = folder / text.removeprefix("gitdir:").strip()
    common = _text(git / "commondir").strip()
    return Path(os.path.normpath(git / common)) if common else git


def _text(path: Path) -> str:
    """A plain file's text; "" for anything else. Opened so that a pipe in its place cannot hold us up."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.read(descriptor, LARGEST).decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
