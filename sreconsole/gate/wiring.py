"""What a client's settings must hold for its calls to reach the gate. Pure: settings in, settings out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_WAIT = 25 * 3600
"""Seconds the client waits for a gate's answer: longer than any question waits (24 h), so `serve` answers first."""

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

HOOK_FILE = re.compile(r"sreconsole-hook-\d+\.pyc?")
"""Names of installed hook files, by protocol; the compiled one is what usually runs."""


class Odd(Exception):
    """Settings of another shape than the client's; the message names the field."""


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

    def commands(self, client: str) -> dict[str, str]:
        """The command line of every event: what is recorded of an install."""
        return {event: self.command(client, event) for event in EVENTS}

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
    """The settings with our entries in place of any earlier ones of ours; everything else as it was, where it was.

    Raises Odd when `hooks`, or the entries of an event that is needed, have another shape than the client's.
    """
    bare = unwired(settings)
    hooks = bare.get("hooks", {})
    if not isinstance(hooks, dict):
        raise Odd(f"hooks: is {_word(hooks)}, must be an object of events")
    # Where things stood before they stand again, so that a second install changes nothing.
    was = settings.get("hooks", {})
    events = [event for event in dict.fromkeys((*was, *EVENTS)) if event in hooks or event in EVENTS]
    ordered = {event: hooks.get(event, []) for event in events}
    for event in EVENTS:
        if not isinstance(ordered[event], list):
            raise Odd(f"hooks.{event}: is {_word(ordered[event])}, must be a list")
        ordered[event] = [*ordered[event], wire.entry(client, event)]
    return {**{key: bare.get(key) for key in settings}, "hooks": ordered}


def unwired(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without our entries, and without what they leave empty. Odd shapes hold none of ours and stay."""
    found = settings.get("hooks")
    if not isinstance(found, dict) or not wirings(settings):
        return dict(settings)
    hooks: dict[str, Any] = {}
    for event, entries in found.items():
        if not isinstance(entries, list):
            hooks[event] = entries
            continue
        left = [kept for entry in entries for kept in _without(entry)]
        if left or not entries:
            hooks[event] = left
    return {key: hooks if key == "hooks" else value for key, value in settings.items() if key != "hooks" or hooks}


def wirings(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """The commands of ours in the settings, by event."""
    hooks = settings.get("hooks")
    found: dict[str, list[str]] = {}
    for event, entries in hooks.items() if isinstance(hooks, dict) else ():
        for entry in entries if isinstance(entries, list) else ():
            inner = entry.get("hooks") if isinstance(entry, dict) else None
            for hook in inner if isinstance(inner, list) else ():
                if ours(hook):
                    found.setdefault(event, []).append(hook["command"])
    return found


def ours(hook: Any) -> bool:
    """Whether a hook entry is one of ours: it runs a hook file of ours the way we do."""
    return isinstance(hook, dict) and isinstance(hook.get("command"), str) and parts(hook["command"]) is not None


def parts(command: str) -> Wire | None:
    """What a command line of ours has baked in; None when it is not one."""
    if "sreconsole-hook-" not in command:
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if len(words) < 9 or words[1:3] != ["-I", "-S"] or not HOOK_FILE.fullmatch(Path(words[3]).name):
        return None
    return Wire(Path(words[0]), Path(words[3]), Path(words[4]), int(words[5])) if words[5].isdecimal() else None


def _without(entry: Any) -> list[Any]:
    """An entry without our hooks: as a list of it, or of nothing if it held no others."""
    if not isinstance(entry, dict) or not isinstance(entry.get("hooks"), list):
        return [entry]
    kept = [hook for hook in entry["hooks"] if not ours(hook)]
    if len(kept) == len(entry["hooks"]):
        return [entry]
    return [{**entry, "hooks": kept}] if kept else []


def _word(value: Any) -> str:
    words = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return words.get(type(value), "a number")
