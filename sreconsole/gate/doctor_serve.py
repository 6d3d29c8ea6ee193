"""The doctor's look at `serve`: does it run, is it one, are its doors the right width, does it have its policy."""

from __future__ import annotations

import shlex
import socket
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sreconsole.gate import install
from sreconsole.gate.doctor import Check, Visit, bad, ok, warn

PATIENCE = 1.0


def checks(visit: Visit, hello: Mapping[str, Any] | None, silence: str) -> list[Check]:
    """What is found of `serve`."""
    if hello is None:
        fix = "sreconsole service install" if visit.home.kind != "system" else "systemctl start sreconsole"
        return [
            bad("serve", silence, fix),
            warn("policy", "not known while serve is down", "sreconsole policy check"),
        ]
    return [_runs(visit, hello), _one(visit, hello), *_doors(visit), _you(hello), *_policy(visit, hello)]


def listener(path: Path) -> tuple[int, int] | None:
    """(pid, uid) of the process that listens on a unix socket, by the kernel; None when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(PATIENCE)
        try:
            line.connect(str(path))
            pid, uid, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:
            return None
    return pid, uid


def _runs(visit: Visit, hello: Mapping[str, Any]) -> Check:
    words = f"{hello.get('version')}, pid {hello.get('pid')}, up {_long(visit.wall - int(hello.get('started_at', 0)))}"
    if hello.get("full"):
        return bad(
            "serve",
            f"{words}; its disk is full: everything new is refused",
            f"df -h {shlex.quote(str(visit.home.state))}",
        )
    if hello.get("version") != visit.version:
        return warn(
            "serve", f"{words}; this is {visit.version}", f"kill -TERM {hello.get('pid')} && sreconsole service status"
        )
    return ok("serve", words)


def _one(visit: Visit, hello: Mapping[str, Any]) -> Check:
    found = {str(path): listener(path) for path in (visit.home.hook_socket, visit.home.operator_socket)}
    pids = {one[0] for one in found.values() if one}
    silent = [path for path, one in found.items() if one is None]
    if silent:
        return bad("one instance", f"nobody listens on {', '.join(silent)}", f"kill -TERM {hello.get('pid')}")
    if pids != {hello.get("pid")}:
        others = ", ".join(str(pid) for pid in sorted(pids - {hello.get("pid")}))
        return bad(
            "one instance",
            f"serve is {hello.get('pid')}, but {others} listens too",
            f"kill -TERM {others.replace(',', '')}",
        )
    return ok("one instance", f"pid {hello.get('pid')} holds both sockets")


def _doors(visit: Visit) -> list[Check]:
    home, found = visit.home, []
    uid = install.serves_as(home)
    for path, widest in ((home.hook_socket, 0o666), (home.operator_socket, 0o660)):
        try:
            seen = path.stat()
        except OSError as error:
            found.append(bad(path.name, f"{path}: {error.strerror}", "sreconsole serve"))
            continue
        mode = stat.S_IMODE(seen.st_mode)
        words = f"{path}, mode {mode:04o}, user {seen.st_uid}"
        if seen.st_uid != uid:
            found.append(bad(path.name, f"{words}; must be user {uid}", f"ls -l {shlex.quote(str(path))}"))
        elif mode & ~widest:
            found.append(
                bad(path.name, f"{words}; may be {widest:04o} at most", f"chmod {widest:o} {shlex.quote(str(path))}")
            )
        elif path == home.hook_socket and home.kind == "system" and mode & 0o666 != 0o666:
            found.append(
                bad(path.name, f"{words}; agents of other users cannot reach it", f"chmod 666 {shlex.quote(str(path))}")
            )
        else:
            found.append(ok(path.name, words))
    return found


def _you(hello: Mapping[str, Any]) -> Check:
    you = hello.get("you") or {}
    if hello.get("can_decide"):
        return ok("you", f"{you.get('name')} may decide")
    return warn("you", f"{you.get('name')} may not decide: {hello.get('why_not')}")


def _policy(visit: Visit, hello: Mapping[str, Any]) -> list[Check]:
    problems = hello.get("policy_problems") or []
    if problems:
        return [bad("policy", f"not loaded, {hello.get('policy')} stays in force: {problem}", "sreconsole policy check")
                for problem in problems]  # fmt: skip
    if not hello.get("policy"):
        return [bad("policy", "none is loaded: every call is refused", "sreconsole policy check")]
    own = visit.home.policy.exists() or (visit.home.config / "policy.d").is_dir()
    if not own:
        return [warn("policy", f"{hello.get('policy')}, the starter policy: nobody has chosen yet",
                     f"$EDITOR {shlex.quote(str(visit.home.policy))}")]  # fmt: skip
    return [ok("policy", f"{hello.get('policy')} loaded")]


def _long(milliseconds: int) -> str:
    minutes = max(0, milliseconds) // 60_000
    if minutes < 2:
        return f"{max(0, milliseconds) // 1000} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
