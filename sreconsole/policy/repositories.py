"""A repository's own policy file: found around where a session stands, and only ever tightening."""

from __future__ import annotations

import datetime
import os
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

from .action import Verdict
from .files import MAX_SCRIPT, Files
from .policy import Policy, tightened
from .problems import PolicyError

NAME = ".sreconsole/policy.yaml"
HIGHEST = 40
"""Folders climbed before giving up."""

MOST = 64
"""Compiled policies kept; the one used longest ago goes first."""

Marks = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Local:
    """The policy in force at one place; `problem` says what is wrong with a repository's own file there."""

    policy: Policy
    problem: str = ""


class Repositories:
    """The home's policy as each repository tightens it, compiled once a version of the repository's file."""

    def __init__(self, policy: Policy, today: datetime.date, files: Files) -> None:
        self._policy, self._today, self._files = policy, today, files
        self._kept: OrderedDict[Marks, Local] = OrderedDict()

    def at(self, cwd: str) -> Local:
        """The policy for a session that stands in `cwd`: the file of every repository around it counts.

        A repository inside another cannot shed the outer one's rules. Only a folder with a `.git` has such a file, so
        nobody tightens what is not theirs by a file in /tmp.
        """
        marks = found(cwd)
        if not marks:
            return Local(self._policy)
        known = self._kept.get(marks)
        if known is None:
            known = self._kept[marks] = self._compiled(marks)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        self._kept.move_to_end(marks)
        return known

    def _compiled(self, marks: Marks) -> Local:
        policy, problem = self._policy, ""
        for path, *_ in reversed(marks):
            text = self._files.read(path)
            if text is None:
                problem = problem or f"{path}: is not a readable file of at most {MAX_SCRIPT} bytes"
                continue
            try:
                policy = tightened(policy, text, path, self._today)
            except PolicyError as error:
                problem = problem or error.problems[0]
        return Local(policy, problem)


def found(cwd: str) -> Marks:
    """The policy files of the repositories around a folder, innermost first: path, inode, size, time of change."""
    if not cwd.startswith("/"):
        return ()
    marks = []
    here = Path(os.path.normpath(cwd))
    for folder in [here, *here.parents][:HIGHEST]:
        path = str(folder / NAME)
        if not _there(folder / ".git") or not _there(folder / NAME):
            continue
        try:
            seen = Path(path).stat()
        except (OSError, ValueError):
            # A link to nowhere, or a folder that is closed to us: what cannot be looked at is not overlooked.
            marks.append((path, 0, 0, 0))
        else:
            marks.append((path, seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return tuple(marks)


def _there(path: Path) -> bool:
    """Whether there is something of that name, or nobody lets us know."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return path.name != ".git"
    return True


def broken(verdict: Verdict, problem: str) -> Verdict:
    """A verdict under a repository's file that does not load: nobody knows what it forbids, so a human looks."""
    if not problem or verdict.tier >= 3:
        return verdict
    return replace(
        verdict,
        tier=3,
        rule="repository.policy",
        why=f"The repository's own policy does not load, so everything here is asked: {problem}.",
        instead="Have a human mend the file: `sreconsole policy check`.",
        where=problem.partition(": ")[0],
    )
