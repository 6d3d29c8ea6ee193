"""Who is on the other end of a socket: what the kernel says, never what the peer claims."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SHELLS = {"sh", "dash", "bash", "zsh", "env"}
"""What may stand between a client and its hook."""

AGENT_MARKS = (b"CLAUDECODE=", b"CODEX_SANDBOX=", b"GEMINI_SESSION_ID=", b"SRECONSOLE_SCOPE=")
"""Variables the clients put into everything they start."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its pid with its start (clock ticks since boot) is an identity that is never reused."""

    pid: int
    started: int
    parent: int
    uid: int
    name: str
    terminal: int


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end of a unix socket when it connected."""

    pid: int
    uid: int
    gid: int
    started: int = 0


def peer(connection: socket.socket) -> Peer:
    """SO_PEERCRED of a connected unix socket."""
    pid, uid, gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    found = process(pid)
    return Peer(pid, uid, gid, found.started if found else 0)


def process(pid: int) -> Process | None:
    """What /proc says of a process now; None when it is gone. Fields as in proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
            uid = os.fstat(file.fileno()).st_uid
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets included.
    name, _, rest = stat.partition(b"(")[2].rpartition(b")")
    fields = rest.split()
    if fields[0] in (b"Z", b"X"):
        return None
    return Process(pid, int(fields[19]), int(fields[1]), uid, name.decode(errors="replace"), int(fields[4]))


def ancestry(pid: int) -> list[Process]:
    """The process and its ancestors, nearest first, without init."""
    line: list[Process] = []
    while pid > 1 and len(line) < 64 and (found := process(pid)):
        line.append(found)
        pid = found.parent
    return line


def client(pid: int) -> Process | None:
    """The agent's client above a hook, found with as few looks as possible: it is asked at every call."""
    found = process(pid)
    above = process(found.parent) if found and found.parent > 1 else None
    nearest = above
    while above and above.name in SHELLS and above.parent > 1:
        further = process(above.parent)
        if further and further.uid != above.uid:
            # Another user's process is no client of this one: a client that calls itself a shell bars only itself.
            break
        above = further
    return above if above and above.name not in SHELLS else nearest


def alive(pid: int, started: int) -> bool:
    """Whether that very process still runs."""
    found = process(pid)
    return found is not None and found.started == started


def effective(pid: int) -> int | None:
    """The user a process acts as. Not the owner of its /proc files: those are root's once it has changed user."""
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"Uid:"):
            return int(line.split()[2])
    return None


@cache
def boot() -> str:
    """This boot's id: a (pid, start) pair means nothing after it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@cache
def user(uid: int) -> str:
    """The user's name, or the number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@cache
def home(uid: int) -> str:
    """The user's home folder ("" if unknown)."""
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return ""


def login(line: list[Process]) -> str:
    """How a person came here: the sshd in the ancestry (root's, so its title is to be believed), else the terminal."""
    for one in line:
        if one.name.startswith("sshd") and _real_uid(one.pid) == 0:
            title = _read(f"/proc/{one.pid}/cmdline").replace(b"\0", b" ").strip().decode(errors="replace")
            return title or "ssh"
    return "terminal" if line and line[0].terminal else "no terminal"


def _real_uid(pid: int) -> int | None:
    """The real user id (proc_pid_status(5)). The owner of the files in /proc is root's also for who is not dumpable."""
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"Uid:"):
            return int(line.split()[1])
    return None


def login_uid(pid: int) -> int | None:
    """The audit login uid, where pam_loginuid set one."""
    text = _read(f"/proc/{pid}/loginuid").strip()
    return int(text) if text.isdigit() and int(text) != 0xFFFFFFFF else None


def agent_marks(pid: int) -> list[str]:
    """Names of variables in the process's first environment that only an agent's client sets."""
    environment = _read(f"/proc/{pid}/environ").split(b"\0")
    return [mark.decode().rstrip("=") for mark in AGENT_MARKS if any(one.startswith(mark) for one in environment)]


def cgroups(pid: int) -> list[str]:
    """The control groups a process is in."""
    return [
        line.split(":", 2)[2] for line in _read(f"/proc/{pid}/cgroup").decode().splitlines() if line.count(":") >= 2
    ]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
