"""What every policy test shares: the shipped policy, loaded once, and one way to judge a command."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from sreconsole.policy.action import Action, Verdict
from sreconsole.policy.judge import NO_FACTS, Facts, judge
from sreconsole.policy.policy import Policy, load

TODAY = datetime.date(2026, 6, 1)
Judge = Callable[..., Verdict]


@pytest.fixture(scope="session")
def starter() -> Policy:
    return load([], TODAY, starter=True)


@pytest.fixture(scope="session")
def shell(starter: Policy) -> Judge:
    """Judge a shell command in /home/test/repo."""

    def look(command: str, facts: Facts = NO_FACTS, cwd: str = "/home/test/repo") -> Verdict:
        return judge(Action("claude-code", "Bash", {"command": command}, cwd, home="/home/test"), starter, facts)

    return look


@pytest.fixture(scope="session")
def tool(starter: Policy) -> Judge:
    """Judge a call of another tool in /home/test/repo."""

    def look(name: str, given: dict[str, Any], facts: Facts = NO_FACTS, client: str = "claude-code") -> Verdict:
        return judge(Action(client, name, given, "/home/test/repo", home="/home/test"), starter, facts)

    return look
