"""Where a home keeps its policy: which files there are, in which order they are loaded. Loads no parser."""

from __future__ import annotations

import os
from pathlib import Path

EXCEPTIONS = "exceptions.yaml"
"""What `policy except` writes, in `policy.d`: loaded last, since exceptions speak of rules."""


def files_of(config: Path) -> list[Path]:
    """The policy files of a configuration folder in the order they are loaded: `policy.yaml`, then `policy.d/*.yaml`."""
    first, folder = config / "policy.yaml", config / "policy.d"
    # One that leads nowhere is there all the same: a policy that cannot be read, not the absence of one.
    found = [first] if os.path.lexists(first) else []
    if folder.is_dir():
        found += sorted(folder.glob("*.yaml"), key=lambda path: (path.name == EXCEPTIONS, path.name))
    return found
