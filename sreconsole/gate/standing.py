"""How a client's settings stand: which of them run the gate, and which switch it off."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sreconsole.gate import install, wiring
from sreconsole.gate.install import MANAGED, ONLY_MANAGED
from sreconsole.gate.settings_file import Unusable
from sreconsole.gate.wiring import Wire
from sreconsole.paths import Home

SIMPLE = "CLAUDE_CODE_SIMPLE"
"""With this variable the client runs no hook at all."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One settings file: `recorded` are the commands that were installed, `found` ours in the file, `off` what it
    says against hooks. `problem`: why it could not be read.
    """

    scope: str
    path: Path
    exists: bool
    recorded: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, list[str]] = field(default_factory=dict)
    off: tuple[str, ...] = ()
    only_managed: bool = False
    problem: str = ""

    @property
    def missing(self) -> list[str]:
        """Events without exactly the command on record (or any of ours, if nothing is on record)."""
        if self.recorded:
            return [event for event, command in self.recorded.items() if self.found.get(event) != [command]]
        return [event for event in wiring.EVENTS if event not in self.found]

    @property
    def wired(self) -> bool:
        """Whether every event runs the gate, as it was installed."""
        return bool(self.recorded) and bool(self.found) and not self.missing

    @property
    def installed(self) -> Wire | None:
        """What the commands on record have baked in. What else the file may name is nobody's word but its author's."""
        command = self.recorded.get("PreToolUse")
        return wiring.parts(command) if command else None

    @property
    def words(self) -> str:
        """The state in words."""
        if self.problem:
            return self.problem
        against = f"; {', '.join(self.off)}" if self.off else ""
        if self.wired:
            return f"wired, {len(self.found)} events, as recorded{against}"
        if self.found and not self.recorded:
            return f"wired, {len(self.found)} events, but this home has no record of it{against}"
        if self.found:
            return f"wired, but not as recorded: {_some(self.missing)}{against}"
        if self.recorded:
            return f"was wired; its hooks are {'gone' if self.exists else 'gone with the file'}{against}"
        return f"{'not wired' if self.exists else 'no file'}{against}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "scope": self.scope, "path": str(self.path), "exists": self.exists, "wired": self.wired,
            "events": sorted(self.found), "missing": self.missing if self.recorded or self.found else [],
            "off": list(self.off), "problem": self.problem, "state": self.words,
        }  # fmt: skip


def standings(home: Home, project: Path, managed: Path = MANAGED) -> list[Standing]:
    """Every settings file that counts for a session in that project, and every other one on record. Raises Unusable."""
    recorded = install.commands(home)
    scopes = {one.path: one.scope for one in install.wirings(home).values()}
    found: dict[Path, Standing] = {}
    for scope, path in (*_places(project, managed), *((scope, Path(path)) for path, scope in scopes.items())):
        try:
            real = path.resolve()
        except (OSError, RuntimeError):
            real = path
        if real not in found:
            found[real] = _standing(scope, path, real, recorded.get(str(path)) or recorded.get(str(real)) or {})
    return list(found.values())


def variables(environ: Mapping[str, str]) -> list[str]:
    """What this environment says against hooks."""
    value = environ.get(SIMPLE, "")
    return [f"{SIMPLE}={value} is set: the client runs no hooks"] if value not in ("", "0", "false") else []


def _places(project: Path, managed: Path) -> Iterator[tuple[str, Path]]:
    yield "user", install.place("user", project)
    yield "project", install.place("project", project)
    yield "local", project.absolute() / ".claude" / "settings.local.json"
    yield "managed", managed
    drops = managed.with_suffix(".d")
    if drops.is_dir() and os.access(drops, os.R_OK):
        for path in sorted(drops.glob("*.json")):
            yield "managed", path


def _standing(scope: str, path: Path, real: Path, recorded: Mapping[str, str]) -> Standing:
    try:
        # Looked at, not written: a link may lead anywhere here.
        file = install.read(real, "managed")
    except Unusable as problem:
        return Standing(scope, path, real.exists(), recorded, problem=str(problem))
    value = file.value
    off = []
    if value.get("disableAllHooks"):
        off.append("disableAllHooks switches every hook off")
    variables_ = value.get("env")
    if isinstance(variables_, dict) and str(variables_.get(SIMPLE, "")) not in ("", "0", "false"):
        off.append(f"env.{SIMPLE} switches every hook off")
    return Standing(scope, path, file.content is not None, recorded, wiring.wirings(value), tuple(off),
                    scope == "managed" and value.get(ONLY_MANAGED) is True)  # fmt: skip


def _some(events: list[str]) -> str:
    return ", ".join(events[:3]) + (f" and {len(events) - 3} more" if len(events) > 3 else "")
