"""The operating-system user an agent runs as, and the environment it gets."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where programs are when the caller's PATH names no folder that another user should look in."""

KEPT = ("TERM", "COLORTERM", "NO_COLOR", "LANG", "LANGUAGE", "TZ")
"""What another user's environment takes over, with everything that begins with LC_."""


class CannotBecome(Exception):
    """We may not run something as that user; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user: `groups` are the supplementary ones, `home` is "/" for a user the system does not know."""

    uid: int
    gid: int
    name: str
    home: str
    groups: tuple[int, ...]


def person(uid: int) -> Person:
    """Who that uid is. One without an entry gets no groups but its own and no home."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Person(uid, uid, str(uid), "/", ())
    groups = tuple(sorted(set(os.getgrouplist(entry.pw_name, entry.pw_gid))))
    return Person(uid, entry.pw_gid, entry.pw_name, entry.pw_dir or "/", groups)


def to_become(uid: int | None, name: str) -> Person | None:
    """Whom the agent's command has to become; None where it runs as we do. Raises CannotBecome."""
    if uid is None or uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise CannotBecome(
            f"agent {name} runs as {person(uid).name}: start it as root (sudo sreconsole run {name} -- …)"
        )
    return person(uid)


def become(one: Person) -> None:
    """Be that user from now on, for good. Raises OSError."""
    os.setgroups(list(one.groups))
    os.setresgid(one.gid, one.gid, one.gid)
    os.setresuid(one.uid, one.uid, one.uid)


def environment(
    before: Mapping[str, str], one: Person | None, scope: str, passed: Iterable[str] = ()
) -> dict[str, str]:
    """What the command finds in its environment; pure.

    As the same user it is the caller's. Another user gets a clean one: nothing of the caller's but the terminal, the
    language and what `passed` names.
    """
    mark = {"SRECONSOLE_SCOPE": scope}
    if one is None:
        return {**before, **mark}
    kept = {name: value for name, value in before.items() if name in KEPT or name.startswith("LC_") or name in passed}
    own = {
        "HOME": one.home,
        "USER": one.name,
        "LOGNAME": one.name,
        "SHELL": "/bin/sh",
        "PATH": path(before.get("PATH", ""), before),
    }
    return {**kept, **own, **mark}


def path(before: str, environment: Mapping[str, str]) -> str:
    """The folders of a PATH that are not the caller's own and not relative, else the usual ones; pure."""
    home = environment.get("HOME", "").rstrip("/")
    found = [
        one
        for one in before.split(":")
        if one.startswith("/") and not (home and (one == home or one.startswith(home + "/")))
    ]
    return ":".join(dict.fromkeys(found)) or PATH
