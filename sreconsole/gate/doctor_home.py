"""The doctor's look at the home: whose it is, who else could change or read it, and what the pager needs from it."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from sreconsole import config as configuration
from sreconsole.gate import hook_file, install
from sreconsole.gate.doctor import Check, Visit, bad, ok, warn

MOST = 2000
"""Files looked at in one folder."""


def checks(visit: Visit) -> list[Check]:
    """What is found of the home."""
    home = visit.home
    try:
        uid = install.serves_as(home)
    except install.NotYours as problem:
        return [bad("home", str(problem))]
    if not home.state.is_dir():
        return [bad("home", f"{home.state}: no such folder: nothing has run here yet", "sreconsole serve")]
    found = [*_ways(home.config, uid), *_ways(home.state, uid), *_ways(home.runtime, uid)]
    found = list(dict.fromkeys(found)) or [ok("home", f"{home.kind}: {home.state}, user {uid}")]
    return [*found, _closed(visit), *_reach(visit), *_secrets(visit)]


def _ways(folder: Path, uid: int) -> list[Check]:
    """Who else could put another folder in this one's place: every folder above it, and links on the way."""
    found = []
    for one in (folder, *folder.parents):
        try:
            seen = one.lstat()
        except OSError:
            continue
        mode, name = stat.S_IMODE(seen.st_mode), shlex.quote(str(one))
        if stat.S_ISLNK(seen.st_mode):
            if seen.st_uid not in (0, uid):
                found.append(bad("home", f"{one} is a link that belongs to user {seen.st_uid}", f"ls -l {name}"))
            continue
        if seen.st_uid not in (0, uid):
            found.append(
                bad(
                    "home", f"{one} belongs to user {seen.st_uid}, who can replace what is in it", f"chown {uid} {name}"
                )
            )
        if mode & 0o002 and not mode & stat.S_ISVTX:
            found.append(bad("home", f"{one} can be written by everybody", f"chmod o-w {name}"))
        if one == folder and mode & 0o020:
            found.append(bad("home", f"{one} can be written by its group", f"chmod g-w {name}"))
    return found


def _closed(visit: Visit) -> Check:
    """Whether files that hold what agents did, or how we decide, can be read or written by others."""
    home = visit.home
    allowed = 0o640 if home.kind == "system" else 0o600
    wide, writable = [], []
    for folder in dict.fromkeys((home.state, home.config)):
        try:
            paths = _files(folder)
        except OSError as error:
            return warn(
                "files",
                f"{folder} cannot be listed by this user ({error.strerror}): not looked at",
                "sudo sreconsole doctor",
            )
        for path in paths:
            mode = stat.S_IMODE(path.lstat().st_mode)
            if mode & 0o022:
                writable.append(path)
            # Policy and configuration may be read by anybody on a bastion; what was recorded may not.
            elif mode & ~allowed & 0o077 and not (home.kind == "system" and folder == home.config):
                wide.append(path)
    if writable:
        right = "go-w" if home.kind == "system" else f"{allowed:o}"
        return bad("files", f"others can write {_some(writable)}", f"chmod {right} {_quoted(writable)}")
    if wide:
        return warn("files", f"others can read {_some(wide)}", f"chmod {allowed:o} {_quoted(wide)}")
    return ok("files", f"mode {allowed:04o} or less in {home.state}")


def _files(folder: Path) -> list[Path]:
    """The files in a folder itself, MOST of them at most. Raises OSError."""
    with os.scandir(folder) as entries:
        return [
            Path(one.path) for one, _ in zip(entries, range(MOST), strict=False) if one.is_file(follow_symlinks=False)
        ]


def _reach(visit: Visit) -> list[Check]:
    """On a system home, whether agents' users get to the hook file and its socket."""
    home = visit.home
    if home.kind != "system":
        return []
    found = []
    for path in (*sorted(home.hooks.glob("sreconsole-hook-*")), home.hook_socket):
        closed = hook_file.barrier(path)
        if path.exists() and closed is not None:
            letter = "x" if closed.is_dir() else "r"
            found.append(bad("reach", f"agents cannot get to {path}: {closed} is closed to them",
                             f"chmod o+{letter} {shlex.quote(str(closed))}"))  # fmt: skip
    return found or [ok("reach", "agents of every user get to the hook and its socket")]


def _secrets(visit: Visit) -> list[Check]:
    try:
        config = configuration.load(visit.home.settings)
    except configuration.ConfigError as error:
        return [bad("configuration", str(error), f"$EDITOR {shlex.quote(str(visit.home.settings))}")]
    found = [ok("configuration", str(visit.home.settings) if visit.home.settings.exists() else "all defaults")]
    url, file = config["pager.webhook.url"], config["pager.webhook.secret_file"]
    if not url:
        return [*found, warn("pager", "no pager: nobody is told when a question waits",
                             f"$EDITOR {shlex.quote(str(visit.home.settings))}   # [pager.webhook] url = …")]  # fmt: skip
    if file:
        return [*found, _secret_file(Path(file).expanduser())]
    return [*found, ok("pager", "webhook; its key from a systemd credential or the keyring")]


def secrets(visit: Visit) -> list[Check]:
    """Which keyring is in use; asked apart, because a dead one takes its time."""
    keyring = visit.keyring()
    if keyring.startswith("keyring.backends.") and not keyring.endswith((".fail", ".null", ".chainer")):
        return [ok("secrets", f"keyring: {keyring.removeprefix('keyring.backends.')}")]
    words = f"no keyring that keeps secrets here ({keyring}): systemd credentials and 0600 files are used"
    try:
        config = configuration.load(visit.home.settings)
    except configuration.ConfigError:
        return [ok("secrets", words)]
    if config["pager.webhook.url"] and not config["pager.webhook.secret_file"]:
        return [warn("secrets", f"{words}; the webhook's key needs one",
                     f"$EDITOR {shlex.quote(str(visit.home.settings))}   # [pager.webhook] secret_file = …")]  # fmt: skip
    return [ok("secrets", words)]


def _secret_file(path: Path) -> Check:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return bad("pager", f"the webhook's key: {path}: {error.strerror}", f"$EDITOR {shlex.quote(str(path))}")
    if mode & 0o077:
        return bad("pager", f"the webhook's key: {path} can be read by others", f"chmod 600 {shlex.quote(str(path))}")
    return ok("pager", f"webhook, its key in {path}")


def _some(paths: list[Path]) -> str:
    return ", ".join(str(one) for one in paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _quoted(paths: list[Path]) -> str:
    return " ".join(shlex.quote(str(one)) for one in paths[:20])
