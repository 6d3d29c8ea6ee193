"""Placeholder for the judge."""

from __future__ import annotations

import fnmatch

from sreconsole.policy.action import Action, Effect, Verdict
from sreconsole.policy.rules import Policy


def judge(action: Action, policy: Policy) -> Verdict:
    """The strictest matching rule."""
    best = Verdict(3, "unknown-tool", "unknown tool", does=f"uses {action.tool}", target=action.tool)
    if action.tool in ("Bash", "Edit", "Write", "Task", "Agent"):
        best = Verdict(2, "default", "logged, reviewed later", does=f"runs {action.tool}")
    if action.tool in ("Read", "Grep", "Glob", "LS", "TodoWrite"):
        best = Verdict(1, "default", "a read", does="reads")
    command = str(action.input.get("command", ""))
    for rule in policy.rules:
        match = rule["match"]
        if "tool" in match and not fnmatch.fnmatch(action.tool, match["tool"]):
            continue
        if "command" in match and not any(command.startswith(one) for one in match["command"]):
            continue
        if rule["tier"] > best.tier or best.rule in ("default", "unknown-tool"):
            best = Verdict(rule["tier"], rule["id"], rule["why"], does=rule.get("does", command), target=rule.get("target", command),
                           effects=(Effect(rule.get("effect", "unknown"), command),) if action.tool == "Bash" else (), wait=float(str(rule.get("wait", "1800")).rstrip("s")),
                           then=rule.get("then", "refuse"), page_after=float(str(rule.get("page_after", "0")).rstrip("s")), attended=rule.get("attended", "ask"))
    return best
