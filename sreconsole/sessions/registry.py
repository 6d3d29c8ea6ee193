"""Claude Code's own word about its running processes: `sessions/<pid>.json`, undocumented, since 2.1.139.

The process is recognised by its start time (`procStart`, field 22 of /proc/<pid>/stat), because a pid comes back, and only
within its pid namespace (`pidDomain`).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .claude_usage import text
from .record import millis
from .standing import Registry

LARGEST = 64 << 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the registry. `started` is in clock ticks since boot, 0 where the client did not write it."""

    session: str
    pid: int
    started: int
    cwd: str
    said: Registry


def started_at(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None when there is none. The name may hold spaces and ")"."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()
    return int(fields[19]) if len(fields) > 19 else None


@cache
def namespace() -> str:
    """Our pid namespace as the client writes it at the end of `pidDomain`: "pid:[4026531836]"."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def read(folder: Path, started: Callable[[int], int | None] = started_at) -> Iterator[Entry]:
    """Every entry that can be read; orphans of older versions (`pid-<n>.json`) and broken files are passed over."""
    try:
        names = sorted(folder.iterdir())
    except OSError:
        return
    for path in names:
        if path.suffix != ".json" or not path.stem.isdigit() or path.is_symlink():
            continue
        try:
            if path.stat().st_size > LARGEST:
                continue
            told = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(told, dict) and text(told.get("sessionId")):
            yield _entry(int(path.stem), told, started)


def _entry(pid: int, told: dict[str, Any], started: Callable[[int], int | None]) -> Entry:
    began = told.get("procStart")
    began = int(began) if isinstance(began, int | str) and str(began).isdigit() else 0
    now = started(pid)
    alive: bool | None = now is not None and (not began or now == began)
    domain = text(told.get("pidDomain"))
    if domain and not domain.endswith(namespace()):
        alive = None
    at = millis(told.get("statusUpdatedAt")) or millis(told.get("updatedAt"))
    return Entry(
        text(told.get("sessionId")), pid, began, text(told.get("cwd")), Registry(text(told.get("status")), at, alive)
    )
