"""Placeholder for the policy file: tiers by tool and command prefix."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any


class PolicyError(Exception):
    """The policy cannot be used; `problems` holds one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded policy."""

    version: str
    rules: list[dict[str, Any]]


def load(paths: Sequence[Path], today: date) -> Policy:
    """Load policy files. Raises PolicyError."""
    import yaml

    rules, sha = [], hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        sha.update(content)
        try:
            document = yaml.safe_load(content)
            rules += [{**one, "tier": int(one["tier"])} for one in document["rules"]]
        except Exception as error:
            raise PolicyError([f"{path.name}: {error}".replace("\n", " ")]) from error
    return Policy(sha.hexdigest()[:12], rules)
