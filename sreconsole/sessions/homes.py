"""Where the clients keep their logs: from their own environment variables, for several homes at once.

A project is never decoded from a folder's name (that name loses characters): `cwd` is read from the records.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .logfiles import CLAUDE, CODEX, GEMINI


@dataclass(frozen=True, slots=True)
class Home:
    """One client's folder of one user. `logs` are the folders its session logs lie under, `registry` where it names
    its running processes (None: it does not)."""

    client: str
    root: Path
    logs: tuple[Path, ...]
    registry: Path | None = None


def claude_home(root: Path) -> Home:
    return Home(CLAUDE, root, (root / "projects",), root / "sessions")


def codex_home(root: Path) -> Home:
    return Home(CODEX, root, (root / "sessions", root / "archived_sessions"))


def gemini_home(root: Path) -> Home:
    """Chats lie under a folder per project in `tmp`, and in older versions beside it."""
    return Home(GEMINI, root, (root / "tmp", root / "chats"))


def homes(environment: Mapping[str, str], user_homes: tuple[Path, ...]) -> list[Home]:
    """The homes that exist, each once: those the environment names, then the usual ones of each user.

    CLAUDE_CONFIG_DIR and CODEX_HOME name the folder itself (several, separated by commas or colons);
    GEMINI_CLI_HOME (older: GEMINI_CONFIG_DIR) names the folder `.gemini` lies in, or that folder.
    """
    found: list[Home] = []
    for variable, make in (("CLAUDE_CONFIG_DIR", claude_home), ("CODEX_HOME", codex_home)):
        found.extend(make(path) for path in _named(environment.get(variable, "")))
    for variable in ("GEMINI_CLI_HOME", "GEMINI_CONFIG_DIR"):
        for path in _named(environment.get(variable, "")):
            found.append(gemini_home(path if path.name == ".gemini" else path / ".gemini"))
    for user in user_homes:
        config = (
            Path(environment.get("XDG_CONFIG_HOME") or user / ".config") if user == user_homes[0] else user / ".config"
        )
        found += [claude_home(user / ".claude"), claude_home(config / "claude")]
        found += [codex_home(user / ".codex"), gemini_home(user / ".gemini")]
    seen: set[tuple[int, int, str]] = set()
    return [home for home in found if _is_new(home, seen)]


def _named(value: str) -> Iterator[Path]:
    for part in value.replace(",", os.pathsep).split(os.pathsep):
        if part.strip():
            yield Path(part.strip()).expanduser()


def _is_new(home: Home, seen: set[tuple[int, int, str]]) -> bool:
    try:
        info = home.root.stat()
    except OSError:
        return False
    key = (info.st_dev, info.st_ino, home.client)
    new = key not in seen
    seen.add(key)
    return new
