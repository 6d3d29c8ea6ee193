"""A client's settings file: read with care, written whole or not at all, in the user's own style."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import pwd
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 8 * 1024 * 1024
"""Bytes of a settings file that anybody could have meant."""

BOM = b"\xef\xbb\xbf"


class Unusable(Exception):
    """The file cannot be read, understood or written; one line that names file, place and fix. Nothing was changed."""


class Changed(Exception):
    """Somebody else changed the file in the meantime. Nothing was written."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file as it was read. `content` is None where there is no file yet."""

    path: Path
    content: bytes | None
    value: dict[str, Any]
    note: str = ""

    @property
    def text(self) -> str:
        """What stands in it, as text ("" if there is no file)."""
        return (self.content or b"").decode("utf-8-sig")

    def render(self, value: dict[str, Any]) -> bytes:
        """Another value in this file's style: its indent (2 spaces if it shows none), line ends, byte order mark."""
        found = re.search(r"\n( {2,8}|\t)\"", self.text)
        indent = found[1] if found else "  "
        text = json.dumps(value, indent=indent, ensure_ascii=False)
        if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
            # Half a character, written as an escape: only an escape can carry it on.
            text = json.dumps(value, indent=indent)
        if self.content is None or self.content.endswith(b"\n"):
            text += "\n"
        if b"\r\n" in (self.content or b""):
            text = text.replace("\n", "\r\n")
        return (BOM if (self.content or b"").startswith(BOM) else b"") + text.encode()


def read(path: Path, within: Path, own_links: bool) -> SettingsFile:
    """Read a settings file, following links inside `within`, and the user's own links out of it if `own_links`.

    A missing or empty file is empty settings. Raises Unusable.
    """
    place, note = real(path, within, own_links)
    try:
        content = contents(place)
    except FileNotFoundError:
        return SettingsFile(place, None, {}, note)
    except OSError as error:
        raise Unusable(f"{place}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise Unusable(f"{place}: larger than {LARGEST >> 20} MiB: no settings file; look what it is")
    return SettingsFile(place, content, parse(place, content), note)


def contents(path: Path) -> bytes:
    """A file's bytes, one more than LARGEST at most. Raises OSError, also for what is no plain file.

    A repository may put a pipe or a device where a settings file belongs: neither is waited for.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        return file.read(LARGEST + 1)


def parse(path: Path, content: bytes) -> dict[str, Any]:
    """The settings in a file's bytes. Raises Unusable, with line and column."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unusable(f"{path}:{line}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if not text.strip():
        return {}
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise Unusable(
            f"{path}:{error.lineno}:{error.colno}: not JSON: {_hint(text, error)}; nothing was changed"
        ) from error
    except (ValueError, RecursionError) as error:
        words = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Unusable(f"{path}: {words}; nothing was changed") from error
    if not isinstance(value, dict):
        raise Unusable(f"{path}:1:1: not a JSON object; nothing was changed")
    return value


def real(path: Path, within: Path, own_links: bool) -> tuple[Path, str]:
    """Where a settings file really is, and a note about links that were followed ("" for none). Raises Unusable."""
    # Not resolve(): it would follow the very links that are looked at here.
    path = Path(os.path.abspath(path))
    try:
        place = path.resolve(strict=path.is_symlink())
    except (OSError, RuntimeError) as error:
        raise Unusable(f"{path}: a link that leads nowhere; remove it or mend it") from error
    if place.is_dir():
        raise Unusable(f"{path}: a folder, must be a file")
    link = _link(path, within)
    if link is None or place == path:
        return place, ""
    if place.is_relative_to(within.resolve()):
        return place, f"{link} is a link; the file is {place}"
    owner = place.stat() if place.exists() else place.parent.stat()
    if own_links and link.lstat().st_uid == os.geteuid() == owner.st_uid and not owner.st_mode & 0o022:
        return place, f"{link} is your own link out of {within}; the file is {place}"
    raise Unusable(f"{path}: {link} is a link out of {within}, to {place}; name the file itself, or put it there")


def replace(file: SettingsFile, content: bytes, mode: int) -> list[Path]:
    """Write a file whole: beside it, flushed, then moved over it, with the mode and owner it had (`mode` if new).

    Returns the folders made for it. Raises Changed if it is not as it was read, Unusable if it cannot be written.
    """
    made: list[Path] = []
    try:
        made = make(file.path.parent, 0o755 if mode & 0o004 else 0o700)
        before = file.path.stat() if file.content is not None else None
        temporary = file.path.with_name(f".{file.path.name}.{secrets.token_hex(6)}")
        try:
            write(temporary, content, before.st_mode & 0o7777 if before else mode, before)
            unchanged(file)
            if file.content is None:
                # A link fails if somebody was faster; a move would overwrite their file.
                os.link(temporary, file.path)
            else:
                temporary.replace(file.path)
        finally:
            temporary.unlink(missing_ok=True)
        sync(file.path.parent)
    except FileExistsError:
        raise Changed(f"{file.path}: somebody else has just made it; look at it and run the command again") from None
    except OSError as error:
        _unmake(made)
        raise Unusable(f"{error.filename or file.path}: {error.strerror}; nothing was changed") from error
    return made


def remove(file: SettingsFile, folders: list[Path]) -> None:
    """Remove a file that is as it was read, and those of the folders that are empty then. Raises Changed, Unusable."""
    try:
        unchanged(file)
        file.path.unlink()
    except OSError as error:
        raise Unusable(f"{file.path}: {error.strerror}; nothing was changed") from error
    _unmake(folders)


def unchanged(file: SettingsFile) -> None:
    """Raises Changed unless the file still holds what was read."""
    now = contents(file.path) if file.path.exists() else None
    if now != file.content:
        raise Changed(f"{file.path}: changed by somebody else meanwhile; nothing was written, run the command again")


def write(path: Path, content: bytes, mode: int, owner: os.stat_result | None = None) -> None:
    """Write a new file of that mode and owner, and flush it. Raises OSError, and Unusable for a foreign owner."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            try:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            except PermissionError:
                if owner.st_uid != os.geteuid():
                    raise Unusable(
                        f"{path.parent}: the file belongs to {_name(owner.st_uid)}; run this as them"
                    ) from None
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def sync(folder: Path) -> None:
    """Flush a folder, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make(folder: Path, mode: int) -> list[Path]:
    """Make a folder and those above it that are missing, all of that mode; the ones made."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=mode)
        one.chmod(mode)
    return missing


def digest(content: bytes) -> str:
    """SHA-256 (hex)."""
    return hashlib.sha256(content).hexdigest()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{json.dumps(twice)} stands twice in one object; keep one")
    return value


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _hint(text: str, error: json.JSONDecodeError) -> str:
    rest, before = text[error.pos :].lstrip(), text[: error.pos].rstrip()
    if rest.startswith(("//", "/*")):
        return "comments are not JSON"
    if rest[:1] in ("}", "]") and before.endswith(","):
        return "a comma before the closing bracket"
    if rest.startswith(",") and rest[1:].lstrip()[:1] in ("}", "]"):
        return "a comma before the closing bracket"
    return error.msg[:1].lower() + error.msg[1:]


def _link(path: Path, within: Path) -> Path | None:
    """The outermost link on the way to a file: in `within`, or the file and its folder themselves."""
    ways = [one for one in (*reversed(path.parents), path) if one.is_relative_to(within) and one != within]
    return next((one for one in ways or (path.parent, path) if one.is_symlink()), None)


def _unmake(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
