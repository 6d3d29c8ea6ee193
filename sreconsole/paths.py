"""Where things are: config, state and runtime folders. Nothing here touches the disk but to look."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SYSTEM = (Path("/etc/sreconsole"), Path("/var/lib/sreconsole"), Path("/run/sreconsole"))
"""The home of a system install: config, state, runtime."""


@dataclass(frozen=True, slots=True)
class Home:
    """One fleet's folders. `kind` is "named" ($SRECONSOLE_HOME), "system" or "private"."""

    kind: str
    config: Path
    state: Path
    runtime: Path

    @property
    def store(self) -> Path:
        """The fleet's database."""
        return self.state / "fleet.db"

    @property
    def policy(self) -> Path:
        """The policy file; beside it may stand a folder `policy.d`."""
        return self.config / "policy.yaml"

    @property
    def settings(self) -> Path:
        """The configuration file."""
        return self.config / "config.toml"

    @property
    def hook_socket(self) -> Path:
        """Where hooks submit."""
        return self.runtime / "hook.sock"

    @property
    def operator_socket(self) -> Path:
        """Where humans decide."""
        return self.runtime / "operator.sock"

    @property
    def log(self) -> Path:
        """What `serve` writes when it runs detached."""
        return self.state / "serve.log"

    @property
    def hooks(self) -> Path:
        """Where installed hook files live, outside the environment they came from."""
        return self.state / "hooks"


def home() -> Home:
    """The home in force: the one the environment names, else a system install, else the user's own.

    A system install is never shadowed by a private one: an agent must not lead a hook to a gate of its own.
    """
    named = os.environ.get("SRECONSOLE_HOME")
    if named:
        return at(Path(named))
    if SYSTEM[1].is_dir():
        return Home("system", *SYSTEM)
    return private()


def at(folder: Path) -> Home:
    """The home in one folder."""
    folder = Path(os.path.abspath(folder.expanduser()))
    return Home("named", folder, folder, folder / "run")


def private() -> Home:
    """The user's own home, after the XDG base directory specification."""
    user = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or user / ".config") / "sreconsole"
    state = Path(os.environ.get("XDG_STATE_HOME") or user / ".local/state") / "sreconsole"
    session = os.environ.get("XDG_RUNTIME_DIR")
    runtime = Path(session) / "sreconsole" if session else state / "run"
    return Home("private", config, state, runtime)
