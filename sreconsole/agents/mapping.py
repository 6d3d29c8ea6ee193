"""Whose session is it: from the scope that holds its processes, else by rule, else nobody's. Pure.

A rule names one or more of `user` (a uid), `folder` (an absolute path, which covers what lies in it, or a pattern) and
`repository` (as `host/owner/name`, `owner/name`, `name`, the top-level folder's name, or a pattern of these); all that
it names must fit. The most specific rule that fits wins, compared in this order:

1. a rule that names more beats one that names less;
2. a repository beats a folder, a folder beats a user;
3. an exact repository or folder beats a pattern;
4. more literal characters beat fewer: the deeper folder, the longer name;
5. an agent enrolled after the other was revoked beats it; any other tie with a revoked agent is the revoked one's;
6. the agent whose name sorts first.

A rule maps a session and proves nothing: its user, folder and repository are the agent's own to choose.
"""

from __future__ import annotations

import fnmatch
import json
import os.path
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sreconsole.store.agents import Agent
from sreconsole.store.sessions import Scope

NAMES = ("user", "folder", "repository")
MARKS = "*?["


@dataclass(frozen=True, slots=True)
class Owner:
    """An agent's name (may be empty), whether a scope proves it, and how it was found, in words."""

    agent: str
    provable: bool
    how: str
    scope: str = ""
    revoked: bool = False


class BadRule(ValueError):
    """A rule that maps nothing or cannot be read; the message names the rule, the field and the fix."""


def owner(
    agents: Iterable[Agent], scopes: Iterable[Scope], identities: Sequence[tuple[int, int]], groups: Sequence[str],
    uid: int, cwd: str, repositories: Sequence[str] = (),
) -> Owner:  # fmt: skip
    """The agent of a session.

    `identities` are (pid, start) of the client and its ancestors, nearest first, `groups` its control groups, `uid` its
    user, `repositories` the names its repository goes by. A scope that `sreconsole run` opened names it for certain,
    the innermost one if there are several; a rule only maps it.
    """
    known = {agent.name: agent for agent in agents}
    if scope := _holding(scopes, identities, groups):
        agent = known.get(scope.agent)
        return Owner(scope.agent, True, f"scope {scope.id}", scope.id, bool(agent and agent.revoked_at))
    fitting = [
        (_rank(rule), agent, rule)
        for agent in known.values()
        for rule in read(agent.rules)
        if fits(rule, uid, cwd, repositories)
    ]  # fmt: skip
    if not fitting:
        return Owner("", False, "no scope and no rule, not provable")
    best = max(rank for rank, _, _ in fitting)
    equal = {agent.name: rule for rank, agent, rule in reversed(fitting) if rank == best}
    agent = _first([known[name] for name in equal])
    words = ", ".join(f"{name} {equal[agent.name][name]}" for name in NAMES if name in equal[agent.name])
    return Owner(agent.name, False, f"rule: {words}, not provable", revoked=agent.revoked_at is not None)


def checked(rules: Any) -> list[dict[str, Any]]:
    """Rules as an operator gave them. Raises BadRule."""
    if not isinstance(rules, list):
        raise BadRule('rules: must be a list of rules like {"folder": "/srv/app"}')
    for number, rule in enumerate(rules, 1):
        where = f"rules: rule {number}"
        if not isinstance(rule, dict) or not rule:
            raise BadRule(f'{where}: must name at least one of {", ".join(NAMES)}, like {{"folder": "/srv/app"}}')
        for name, value in rule.items():
            if name not in NAMES:
                raise BadRule(f"{where}: {name}: unknown; a rule names {', '.join(NAMES)}")
            if name == "user" and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
                raise BadRule(f"{where}: user: must be a uid, like 1001")
            if name != "user" and (not isinstance(value, str) or not value.strip()):
                raise BadRule(f"{where}: {name}: must be text that is not empty")
            if name == "folder" and not value.startswith("/"):
                raise BadRule(f"{where}: folder: must be an absolute path, like /srv/app")
    return rules


def read(rules: str) -> list[dict[str, Any]]:
    """The rules of a stored agent; one that could not be enrolled today maps nothing."""
    found: list[dict[str, Any]] = []
    try:
        stored = json.loads(rules)
    except ValueError:
        return []
    for rule in stored if isinstance(stored, list) else []:
        try:
            found += checked([rule])
        except BadRule:
            continue
    return found


def fits(rule: Mapping[str, Any], uid: int, cwd: str, repositories: Sequence[str]) -> bool:
    """Whether a session of that user, folder and repository is meant by the rule."""
    if "user" in rule and rule["user"] != uid:
        return False
    if "folder" in rule and not _inside(rule["folder"], cwd):
        return False
    return "repository" not in rule or any(fnmatch.fnmatchcase(one, rule["repository"]) for one in repositories)


def _inside(folder: str, cwd: str) -> bool:
    if not cwd.startswith("/"):
        return False
    # Not resolved on disk: `..` must not lead out of a folder in name only.
    real = os.path.normpath(cwd)
    if _pattern(folder):
        return fnmatch.fnmatchcase(real, folder.rstrip("/")) or fnmatch.fnmatchcase(real, folder.rstrip("/") + "/*")
    wanted = os.path.normpath(folder)
    return real == wanted or real.startswith(wanted.rstrip("/") + "/")


def _rank(rule: Mapping[str, Any]) -> tuple[int, tuple[bool, bool, bool], tuple[bool, bool], tuple[int, int]]:
    texts = [str(rule.get("repository", "")), os.path.normpath(rule["folder"]) if "folder" in rule else ""]
    return (
        len(rule),
        ("repository" in rule, "folder" in rule, "user" in rule),
        (bool(texts[0]) and not _pattern(texts[0]), bool(texts[1]) and not _pattern(texts[1])),
        (_literal(texts[0]), _literal(texts[1])),
    )


def _first(agents: Sequence[Agent]) -> Agent:
    """Whose is a session that the rules of several fit equally well."""
    live = [one for one in agents if one.revoked_at is None]
    revoked = [one for one in agents if one.revoked_at is not None]
    since = max((one.revoked_at or 0 for one in revoked), default=0)
    newer = [one for one in live if not revoked or one.enrolled_at > since]
    return min(newer or revoked or live, key=lambda one: one.name)


def _holding(scopes: Iterable[Scope], identities: Sequence[tuple[int, int]], groups: Sequence[str]) -> Scope | None:
    """The innermost scope around a process: the nearest root among its ancestors, else the deepest control group."""
    place = {identity: n for n, identity in enumerate(identities)}
    found: list[tuple[tuple[int, int, str], Scope]] = []
    for scope in scopes:
        if (scope.pid, scope.started) in place:
            found.append(((0, place[(scope.pid, scope.started)], scope.id), scope))
        elif scope.kind == "cgroup" and scope.cgroup.strip("/") and any(_below(one, scope.cgroup) for one in groups):
            found.append(((1, -len(scope.cgroup), scope.id), scope))
    return min(found, key=lambda one: one[0])[1] if found else None


def _below(group: str, scope: str) -> bool:
    return group == scope or group.startswith(scope.rstrip("/") + "/")


def _pattern(text: str) -> bool:
    return any(mark in text for mark in MARKS)


def _literal(text: str) -> int:
    return sum(character not in MARKS for character in text)
