"""What a client's settings must hold for its calls to reach the gate. Pure: settings in, settings out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_WAIT = 25 * 3600
"""Seconds the client waits for a gate's answer: longer than any question may wait (24 h), so `serve` always answers first."""

NEWS_WAIT = 30
GATES = ("PreToolUse", "PermissionRequest", "ConfigChange", "Elicitation")
WAITS = ("PreToolUse", "Elicitation")

EVENTS = (
    "PreToolUse", "PermissionRequest", "PermissionDenied", "PostToolUse", "PostToolUseFailure", "PostToolBatch",
    "UserPromptSubmit", "SessionStart", "SessionEnd", "Stop", "StopFailure", "SubagentStart", "SubagentStop",
    "TaskCreated", "TaskCompleted", "Notification", "PreCompact", "PostCompact", "PostModelSwitch", "ConfigChange",
    "Elicitation",
)  # fmt: skip
"""Every event worth keeping. Not MessageDisplay, which fires for each piece of streamed text."""

MATCHED = ("PreToolUse", "PermissionRequest", "PermissionDenied", "PostToolUse", "PostToolUseFailure")
"""Events whose entries take a tool matcher."""


@dataclass(frozen=True, slots=True)
class Wire:
    """What is baked into an installed hook: interpreter, hook file, socket, and the user `serve` runs as."""

    python: Path
    hook: Path
    socket: Path
    uid: int

    def command(self, client: str, event: str) -> str:
        """The command line of one event. A gate's also refuses when the interpreter itself cannot start."""
        seconds = LONGEST_WAIT - 60 if event in WAITS else NEWS_WAIT - 10
        words = [
            str(self.python),
            "-I",
            "-S",
            str(self.hook),
            str(self.socket),
            str(self.uid),
            client,
            event,
            str(seconds),
        ]
        line = shlex.join(words)
        return f"{line} || {{ echo 'Refused: the gate is unavailable' >&2; exit 2; }}" if event in GATES else line

    def entry(self, client: str, event: str) -> dict[str, Any]:
        """One event's entry for Claude Code's settings."""
        seconds = LONGEST_WAIT if event in WAITS else NEWS_WAIT
        hook: dict[str, Any] = {"type": "command", "command": self.command(client, event), "timeout": seconds}
        if event in GATES:
            hook["onFailure"] = "block"
        if event in WAITS:
            hook["statusMessage"] = "sreconsole: a human may have to look at this"
        return {"matcher": "*", "hooks": [hook]} if event in MATCHED else {"hooks": [hook]}


def wired(settings: Mapping[str, Any], wire: Wire, client: str) -> dict[str, Any]:
    """The settings with our entries in place of any earlier ones of ours; everything else as it was."""
    bare = unwired(settings)
    hooks = {event: list(entries) for event, entries in bare.get("hooks", {}).items()}
    for event in EVENTS:
        hooks.setdefault(event, []).append(wire.entry(client, event))
    return {**bare, "hooks": hooks}


def unwired(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without our entries, and without what they leave empty."""
    hooks: dict[str, Any] = {}
    for event, entries in settings.get("hooks", {}).items():
        left = [entry for entry in (_without(entry) for entry in entries) if entry is not None]
        if left or not entries:
            hooks[event] = left
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    if hooks or settings.get("hooks") == {}:
        return {**rest, "hooks": hooks}
    return rest


def ours(hook: Any) -> bool:
    """Whether a hook entry is one of ours: it runs our hook file."""
    return isinstance(hook, dict) and "sreconsole-hook-" in str(hook.get("command", ""))


def _without(entry: Any) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get("hooks"), list):
        return entry
    kept = [hook for hook in entry["hooks"] if not ours(hook)]
    if len(kept) == len(entry["hooks"]):
        return entry
    return {**entry, "hooks": kept} if kept else None
