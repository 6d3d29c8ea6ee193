"""The configuration file: `config.toml` in the home. Every field has a default; a wrong one is one clear line."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """config.toml cannot be used; the message names file, field and fix."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: its dotted name, its type, its default, what it is for."""

    name: str
    kind: type[Any]
    default: Any
    says: str


FIELDS = (
    Field("console.theme", str, "night", "theme of the console"),
    Field("console.keys", dict, {}, 'keys changed by id, as in docs/keys.md: approve = "y"'),
    Field("console.mouse", bool, True, "whether the console takes the mouse"),
    Field("console.hold_seconds", float, 3.0, "how long an approval can be taken back (0 to 60)"),
    Field("oncall.now", str, "", "who is on call, as shown; rotations follow later"),
    Field("operators.users", list, [], "users who may decide besides the one who runs serve"),
    Field("operators.groups", list, [], "groups whose members may decide"),
    Field("emit.users", list, [], "users whose `emit` may be of a kind that triggers acts"),
    Field("pager.webhook.url", str, "", "where pages are sent (POST, JSON, signed)"),
    Field("pager.webhook.secret_file", str, "", "file (0600) with the key of the signature; else credential `webhook`"),
    Field("audit.heads", list, [], 'where heads of the log are sent: "journald", "syslog", "file:/path"'),
    Field("audit.every_seconds", float, 60.0, "how often a head is sent"),
    Field("retention.days", int, 0, "fleet log older than this is pruned (0: never)"),
    Field(
        "radius.databases",
        dict,
        {},
        "read-only connections to count rows by: host, environment or variable = libpq string",
    ),
    Field("serve.workers", int, 2, "processes that judge (1 to 16)"),
)
"""Every setting there is; docs/configuration.md is tested against it."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force, by dotted name."""

    path: Path
    values: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def load(path: Path) -> Config:
    """Read a config.toml; a missing file is all defaults. Raises ConfigError."""
    values = {one.name: one.default for one in FIELDS}
    if not os.path.lexists(path):
        return Config(path, values)
    if path.exists() and not path.is_file():
        # A pipe in its place would be waited for, and everything with it.
        raise ConfigError(f"{path}: is not a plain file; put a config.toml there, or nothing")
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error
    known = {one.name: one for one in FIELDS}
    for name, value in _flat(document, known):
        if name not in known:
            near = _nearest(name, known)
            raise ConfigError(f"{path}: {name}: unknown setting{f', did you mean {near}' if near else ''}")
        values[name] = _checked(path, known[name], value)
    if not 0 <= values["console.hold_seconds"] <= 60:
        raise ConfigError(f"{path}: console.hold_seconds: must be between 0 and 60")
    if not 1 <= values["serve.workers"] <= 16:
        raise ConfigError(f"{path}: serve.workers: must be between 1 and 16")
    return Config(path, values)


def _flat(document: dict[str, Any], known: dict[str, Field], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in known:
            found += _flat(value, known, f"{name}.")
        else:
            found.append((name, value))
    return found


def _checked(path: Path, one: Field, value: Any) -> Any:
    if one.kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, one.kind) or (one.kind is int and isinstance(value, bool)):
        raise ConfigError(f"{path}: {one.name}: is {type(value).__name__}, must be {one.kind.__name__} ({one.says})")
    if one.kind is list and not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{path}: {one.name}: every item must be text in quotes")
    if one.kind is dict and not all(isinstance(item, str) for item in value.values()):
        raise ConfigError(f"{path}: {one.name}: every value must be text in quotes")
    return value


def _nearest(name: str, known: dict[str, Field]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, known, 1)), "")
