"""One line for each row of the table: what, measured, its floor in the same run, their ratio, what to build for."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Spread:
    """Median and 99th percentile of times in milliseconds."""

    p50: float
    p99: float

    def __str__(self) -> str:
        return f"{_short(self.p50)} / {_short(self.p99)} ms"


def spread(seconds: Sequence[float]) -> Spread:
    """Of times in seconds."""
    ordered = sorted(seconds)
    return Spread(1000 * statistics.median(ordered), 1000 * ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))])


def row(what: str, measured: object, floor: str = "", ratio: float | None = None, build_for: str = "") -> None:
    """Print one line of the table."""
    print(f"| {what} | {measured} | {floor or '–'} | {'–' if ratio is None else f'{ratio:.2f}'} | {build_for or '–'} |")


def head() -> None:
    """Print the head of the table; the first line ends whatever pytest has written before."""
    print("\n| what | measured | floor in the same run | ratio | build for |\n|---|---|---|---|---|")


def synced(folder: Path, page: bytes = b"x" * 4096) -> float:
    """Seconds for one 4 KiB write and fdatasync on the disk of that folder: the floor under anything durable."""
    descriptor = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        start = time.perf_counter()
        os.write(descriptor, page)
        os.fdatasync(descriptor)
        return time.perf_counter() - start
    finally:
        os.close(descriptor)


def resident(pid: int) -> float:
    """MB a process holds in memory now (VmRSS, proc(5))."""
    return _status(pid, "VmRSS") / 1024


def private(pid: int) -> float:
    """MB that only this process holds (Pss, proc(5)): what is shared with its workers is counted once."""
    return _rollup(pid, "Pss") / 1024


def children(pid: int) -> list[int]:
    """The processes that one has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def spent(pid: int) -> float:
    """Seconds of processor time a process has used (utime and stime, proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(pid: int, name: str) -> int:
    return _field(Path(f"/proc/{pid}/status"), name)


def _rollup(pid: int, name: str) -> int:
    return _field(Path(f"/proc/{pid}/smaps_rollup"), name)


def _field(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name + ":"))


def _short(milliseconds: float) -> str:
    return (
        f"{milliseconds:.3f}"
        if milliseconds < 1
        else f"{milliseconds:.2f}"
        if milliseconds < 100
        else f"{milliseconds:.0f}"
    )
