"""The processes of this machine as /proc shows them: who descends from whom, and ending exactly those."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """One process. `pid` with `started` (clock ticks since boot) is an identity that is never reused."""

    pid: int
    started: int
    parent: int
    name: str

    def __str__(self) -> str:
        return f"{self.pid} {self.name}"


def look(pid: int) -> Process | None:
    """What /proc says of a process now; None when it is gone or only its exit code is left. Fields: proc_pid_stat(5)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets included.
    name, _, rest = stat.partition(b"(")[2].rpartition(b")")
    fields = rest.split()
    if fields[0] in (b"Z", b"X"):
        return None
    return Process(pid, int(fields[19]), int(fields[1]), name.decode(errors="replace"))


def every() -> list[Process]:
    """All processes alive now."""
    pids = (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit())
    return [found for pid in pids if (found := look(pid))]


def descendants(root: int) -> list[Process]:
    """All that descend from `root`, itself left out, the oldest first."""
    return below(root, every())


def below(root: int, processes: list[Process]) -> list[Process]:
    """Those of `processes` that descend from `root`, by start; pure."""
    children: dict[int, list[Process]] = {}
    for one in processes:
        children.setdefault(one.parent, []).append(one)
    found: dict[int, Process] = {}
    ahead = [root]
    while ahead:
        for child in children.get(ahead.pop(), []):
            if child.pid not in found and child.pid != root:
                found[child.pid] = child
                ahead.append(child.pid)
    return sorted(found.values(), key=lambda one: (one.started, one.pid))


def send(process: Process, number: signal.Signals) -> bool:
    """Signal that very process and never a later one of the same pid; whether it was still there to be signalled."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        found = look(process.pid)
        if found is None or found.started != process.started:
            return False
        signal.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
