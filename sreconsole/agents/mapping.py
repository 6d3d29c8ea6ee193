"""Whose session is it: from the scope that holds its processes, else by rule, else nobody's."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sreconsole.store.agents import Agent
from sreconsole.store.sessions import Scope


@dataclass(frozen=True, slots=True)
class Owner:
    """An agent's name (may be empty), whether a scope proves it, and how it was found, in words."""

    agent: str
    provable: bool
    how: str
    scope: str = ""
    revoked: bool = False


def owner(
    agents: Iterable[Agent], scopes: Iterable[Scope], identities: Sequence[tuple[int, int]], groups: Sequence[str],
    uid: int, cwd: str,
) -> Owner:  # fmt: skip
    """The agent of a session.

    `identities` are (pid, start) of the client and its ancestors, `groups` its control groups, `uid` its user.
    A scope that `sreconsole run` opened names it for certain; a rule (user, folder) only maps it.
    """
    known = {agent.name: agent for agent in agents}
    for scope in scopes:
        held = scope.kind == "cgroup" and any(
            group == scope.cgroup or group.startswith(scope.cgroup + "/") for group in groups
        )
        if held or (scope.pid, scope.started) in identities:
            agent = known.get(scope.agent)
            return Owner(scope.agent, True, f"scope {scope.id}", scope.id, bool(agent and agent.revoked_at))
    for agent in known.values():
        if rule := _matching(agent, uid, cwd):
            return Owner(agent.name, False, f"rule: {rule}", revoked=bool(agent.revoked_at))
    return Owner("", False, "no scope, no rule")


def _matching(agent: Agent, uid: int, cwd: str) -> str:
    for rule in json.loads(agent.rules):
        if "user" in rule and rule["user"] != uid:
            continue
        folder = rule.get("folder")
        if folder and not (cwd == folder or cwd.startswith(folder.rstrip("/") + "/") or fnmatch.fnmatch(cwd, folder)):
            continue
        return ", ".join(f"{key} {value}" for key, value in rule.items())
    return ""
