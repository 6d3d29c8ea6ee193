"""`sreconsole doctor`: what is wired, what is not, and the exact fix."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sreconsole.gate.install import MANAGED
from sreconsole.paths import Home

LEVELS = ("ok", "warn", "bad")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: its name, ok, warn or bad, what was found, and a command line that mends it."""

    name: str
    level: str
    found: str
    fix: str = ""

    def facts(self) -> dict[str, str]:
        """For JSON."""
        return {"name": self.name, "level": self.level, "found": self.found, "fix": self.fix}


def ok(name: str, found: str) -> Check:
    """It is as it should be."""
    return Check(name, "ok", found)


def warn(name: str, found: str, fix: str = "") -> Check:
    """It works, but should be otherwise."""
    return Check(name, "warn", found, fix)


def bad(name: str, found: str, fix: str = "") -> Check:
    """It does not work."""
    return Check(name, "bad", found, fix)


@dataclass(frozen=True, slots=True)
class Visit:
    """What the doctor is given: the home, and ways to ask that belong to rooms above this one.

    `hello()` is what `serve` says of itself (raises OSError when it cannot be reached); `keyring()` names the keyring
    in use; `version` is ours; `wall` is UTC milliseconds; `size` the terminal's columns and lines (None: no terminal).
    """

    home: Home
    hello: Callable[[], Mapping[str, Any]]
    keyring: Callable[[], str]
    version: str
    wall: int
    project: Path = field(default_factory=Path)
    managed: Path = MANAGED
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, and whether the gate is enforced: a tool of an agent cannot run past it, kernel permitting."""

    checks: tuple[Check, ...]
    enforced: bool
    reasons: tuple[str, ...]

    @property
    def worst(self) -> str:
        """The worst level found."""
        return max((one.level for one in self.checks), key=LEVELS.index, default="ok")

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "checks": [one.facts() for one in self.checks], "worst": self.worst,
            "verdict": "enforced" if self.enforced else "advisory", "reasons": list(self.reasons),
        }  # fmt: skip


def examine(visit: Visit) -> Report:
    """Look at everything. What waits (processes, sockets, the disk) is looked at side by side."""
    from sreconsole.gate import doctor_client, doctor_home, doctor_machine, doctor_serve, doctor_store, doctor_terminal

    try:
        hello: Mapping[str, Any] | None = visit.hello()
        silence = ""
    except OSError as error:
        hello, silence = None, str(error)
    client = doctor_client.Clients(visit, hello)
    parts: list[tuple[str, Callable[[], list[Check]]]] = [
        ("serve", lambda: doctor_serve.checks(visit, hello, silence)),
        ("home", lambda: doctor_home.checks(visit)),
        ("secrets", lambda: doctor_home.secrets(visit)),
        ("store", lambda: doctor_store.checks(visit)),
        ("clients", client.checks),
        ("machine", lambda: doctor_machine.checks(visit)),
        ("terminal", lambda: doctor_terminal.checks(visit)),
    ]
    with ThreadPoolExecutor(len(parts)) as pool:
        looks: list[tuple[str, Future[list[Check]]]] = [(name, pool.submit(look)) for name, look in parts]
        checks = [check for name, look in looks for check in _seen(name, look)]
    reasons = [*client.doubts, *_doubts(visit, hello)]
    return Report(tuple(checks), not reasons, tuple(reasons))


def _seen(name: str, look: Future[list[Check]]) -> list[Check]:
    """A look that fails is a finding, not the end of the visit."""
    if error := look.exception():
        return [bad(name, f"could not be looked at: {type(error).__name__}: {error}")]
    return look.result()


def _doubts(visit: Visit, hello: Mapping[str, Any] | None) -> list[str]:
    """Why what `serve` and its home are does not enforce anything."""
    if hello is None:
        return ["serve does not run: every call that is not a plain read is refused"]
    doubts = (
        []
        if hello.get("boundary") == "enforced"
        else [str(hello.get("boundary_why") or "serve does not say who agents are")]
    )
    if visit.home.kind != "system":
        doubts.append(f"this home is {visit.home.kind}, not a system's: its user's other programs can change it")
    return doubts
