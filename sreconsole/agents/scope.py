"""What holds an agent's processes together: a control group of their own, else this process as their reaper.

Either way nothing the agent starts gets out by forking twice and calling setsid(2): a control group is left only by
who may write another one, and under a child subreaper (PR_SET_CHILD_SUBREAPER, prctl(2)) orphans become children of
the recorded root instead of init's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sreconsole.agents import processes
from sreconsole.agents.processes import Process

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

PATIENCE = 5.0
"""Seconds between asking the left-over processes to end and ending them."""

KILLING = 5.0
"""Seconds that killed processes are waited for before they are reported as still alive."""


class Scope(Protocol):
    """`kind` is "cgroup" or "subreaper"; `path` is the control group as /proc/PID/cgroup names it ("" without one)."""

    kind: str
    path: str

    def take(self, pid: int) -> bool:
        """Put a process that has not run anything yet into the scope; False when that is not possible here."""
        ...

    def members(self) -> list[Process]:
        """Who is alive in it now."""
        ...

    def kill(self) -> None:
        """End all at once."""
        ...

    def release(self) -> None:
        """Forget it, once it is empty."""
        ...


@dataclass(frozen=True, slots=True)
class Tree:
    """The control groups (v2): mounted at `mount`, which shows them from `root` down; `own` is ours."""

    mount: Path
    root: str
    own: str

    def folder(self, path: str) -> Path:
        """Where a group's files are."""
        return self.mount / path.removeprefix(self.root.rstrip("/")).lstrip("/")

    def inside(self, path: str) -> list[Process]:
        """Who is alive in a group or in one below it."""
        found: dict[int, Process] = {}
        for file in self.folder(path).rglob("cgroup.procs"):
            try:
                pids = [int(line) for line in file.read_text().split()]
            except OSError:
                continue
            found |= {pid: one for pid in pids if (one := processes.look(pid))}
        return sorted(found.values(), key=lambda one: (one.started, one.pid))

    def remove(self, path: str) -> None:
        """Remove a group of `run` and what is below it; one that is not empty, or not ours to remove, stays."""
        top = self.folder(path)
        if not top.name.startswith("sreconsole-"):
            return
        below = sorted((one for one in top.rglob("*") if one.is_dir()), key=lambda one: -len(one.parts))
        for folder in (*below, top):
            try:
                folder.rmdir()
            except OSError:
                return


class Subreaper:
    """All that descends from this process."""

    kind = "subreaper"
    path = ""

    def __init__(self) -> None:
        """Become the reaper. Raises OSError where the kernel has no subreapers (before Linux 3.4)."""
        prctl(PR_SET_CHILD_SUBREAPER, 1)

    def take(self, pid: int) -> bool:
        """A child is in it by being a child."""
        return True

    def members(self) -> list[Process]:
        """Every descendant alive."""
        return processes.descendants(os.getpid())

    def kill(self) -> None:
        """Stop all first, so that none can fork while its siblings end."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for one in self.members():
                processes.send(one, number)

    def release(self) -> None:
        """Nothing is left behind on disk."""


class Group(Subreaper):
    """A control group (v2) of its own, under ours. Who leaves it is still a descendant, and still found."""

    kind = "cgroup"

    def __init__(self, tree: Tree) -> None:
        """Nothing is made yet. Raises OSError as Subreaper."""
        super().__init__()
        self._tree = tree
        own = processes.look(os.getpid())
        self.path = f"{tree.own.rstrip('/')}/sreconsole-{os.getpid()}-{own.started if own else 0}"

    def take(self, pid: int) -> bool:
        """Make the group and move the process there; False without the right to do so."""
        folder = self._tree.folder(self.path)
        try:
            folder.mkdir()
            (folder / "cgroup.procs").write_text(f"{pid}\n")
        except OSError:
            self.release()
            return False
        return group_of(pid) == self.path

    def members(self) -> list[Process]:
        """Those in the group or in groups made below it, and every other descendant."""
        found = {one.pid: one for one in (*super().members(), *self._tree.inside(self.path))}
        return sorted(found.values(), key=lambda one: (one.started, one.pid))

    def kill(self) -> None:
        """By `cgroup.kill` where the kernel has it (5.14), and whoever is outside one by one."""
        with contextlib.suppress(OSError):  # An older kernel: what follows does it one by one.
            (self._tree.folder(self.path) / "cgroup.kill").write_text("1\n")
        super().kill()

    def release(self) -> None:
        """Remove the group and the groups below it; one that is not empty stays."""
        self._tree.remove(self.path)


class Unit(Group):
    """A transient scope unit that systemd makes for us: the way in where our own group may not be written."""

    def take(self, pid: int) -> bool:
        """Ask the manager to make the unit around the process, and wait until it is there."""
        unit = f"{Path(self.path).name}.scope"
        asked = subprocess.run(start_unit(unit, pid), capture_output=True, timeout=10, check=False)
        until = time.monotonic() + 3.0
        while asked.returncode == 0 and time.monotonic() < until:
            found = group_of(pid)
            if found.rsplit("/", 1)[-1] == unit:
                self.path = found
                return True
            time.sleep(0.01)
        return False

    def release(self) -> None:
        """The manager removes an empty scope by itself."""


def start_unit(unit: str, pid: int) -> list[str]:
    """The command that makes a transient scope unit around one process. Interface: org.freedesktop.systemd1(5)."""
    manager = "org.freedesktop.systemd1"
    return [
        "busctl", "--system" if os.geteuid() == 0 else "--user", "--quiet", "call", manager, "/org/freedesktop/systemd1",
        f"{manager}.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail",
        "3", "PIDs", "au", "1", str(pid), "CollectMode", "s", "inactive-or-failed",
        "Description", "s", "an agent started by sreconsole run", "0",
    ]  # fmt: skip


def possible() -> list[Callable[[], Scope]]:
    """The kinds of scope worth trying here, the strongest first; the last always works."""
    kinds: list[Callable[[], Scope]] = []
    if found := tree():
        if Path("/run/systemd/system").is_dir() and shutil.which("busctl"):
            kinds.append(lambda: Unit(found))
        kinds.append(lambda: Group(found))
    return [*kinds, Subreaper]


def around(pid: int) -> Scope:
    """A scope that holds this child of ours, which must not have run anything yet."""
    for kind in possible():
        try:
            scope = kind()
            if scope.take(pid):
                return scope
        except (OSError, subprocess.SubprocessError):
            continue
    return Subreaper()


def tree() -> Tree | None:
    """The control groups (v2) as they are mounted here; None without them."""
    try:
        inside = group_of(os.getpid())
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if after.startswith("cgroup2 ") and inside.startswith(fields[3].rstrip("/")):
            return Tree(Path(fields[4]), fields[3], inside)
    return None


def group_of(pid: int) -> str:
    """The control group (v2) of a process, as cgroups(7) names it; "" if it is in none or gone."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return ""
    return next((line[3:] for line in lines if line.startswith("0::")), "")


def end(scope: Scope, hurry: Callable[[float], bool], patience: float = PATIENCE) -> list[Process]:
    """End everything in the scope; who is still alive afterwards (empty: proven empty).

    `hurry(seconds)` waits that long while it reaps, and says whether there is no more patience.
    """
    for one in scope.members():
        processes.send(one, signal.SIGTERM)
        processes.send(one, signal.SIGCONT)
    until = time.monotonic() + patience
    while scope.members() and time.monotonic() < until and not hurry(0.02):
        pass
    until = time.monotonic() + KILLING
    while (left := scope.members()) and time.monotonic() < until:
        scope.kill()
        hurry(0.02)
    if not left:
        scope.release()
    return left


def prctl(option: int, value: int) -> None:
    """prctl(2) with one argument. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
