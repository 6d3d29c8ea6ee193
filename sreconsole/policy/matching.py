"""Compiled matchers: whether one effect of one action is what a rule speaks about.

A compiled match is plain data (it goes to the cache as JSON): a mapping of matcher name to value. All entries must
hold; `any`, `all` and `not` nest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .action import Action, Effect
from .paths import Surroundings, path_matches, under, words_glob
from .wordlist import wordset

Match = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """One effect of one action, as rules see it. `argvs` are the commands of the action after unwrapping."""

    action: Action
    effect: Effect
    place: Surroundings
    critical: Sequence[str]
    argv: Sequence[str] = ()


def holds(match: Match, subject: Subject) -> bool:
    """Whether every entry of a match holds."""
    return all(_ONE[name](value, subject) for name, value in match.items())


def listed(value: Any) -> list[str]:
    """A scalar or a list as a list of texts."""
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _glob(value: Any, text: str) -> bool:
    return any(words_glob(pattern).match(text) for pattern in listed(value))


def _effect(value: Any, subject: Subject) -> bool:
    kind = subject.effect.kind
    return any(kind == item or (item.endswith("*") and kind.startswith(item[:-1])) for item in listed(value))


def _env(value: Any, subject: Subject) -> bool:
    return subject.effect.environment in listed(value)


def _tool(value: Any, subject: Subject) -> bool:
    return _glob(value, subject.action.tool)


def _client(value: Any, subject: Subject) -> bool:
    return _glob(value, subject.action.client)


def _agent(value: Any, subject: Subject) -> bool:
    return _glob(value, subject.action.agent)


def _command(value: Any, subject: Subject) -> bool:
    """A command matches when its words begin with the words written, after wrappers are taken off."""
    argv = [str(word) for word in (subject.effect.facts.get("argv") or subject.argv)]
    if not argv:
        return False
    argv[0] = argv[0].rsplit("/", 1)[-1]
    if argv[0] == "git":
        while len(argv) > 2 and argv[1] in ("-C", "-c", "--git-dir", "--work-tree"):
            del argv[1:3]
    for item in listed(value):
        words = item.split()
        head = [word for word in argv if not word.startswith("-") or word in words]
        if argv[: len(words)] == words or head[: len(words)] == words:
            return True
        if len(head) >= len(words) and all(_word(a, b) for a, b in zip(words, head, strict=False)):
            return True
    return False


def _word(pattern: str, text: str) -> bool:
    return pattern == text or ("*" in pattern and bool(words_glob(pattern).match(text)))


def _path(value: Any, subject: Subject) -> bool:
    effect = subject.effect
    if not effect.kind.startswith(("fs.", "secret.", "gate.")):
        return False
    if isinstance(value, Mapping):
        return all(_path_entry(name, item, subject) for name, item in value.items())
    return _path_globs(listed(value), subject)


def _path_entry(name: str, value: Any, subject: Subject) -> bool:
    zone = str(subject.effect.facts.get("zone", ""))
    if name == "outside":
        return zone not in ("project", "null", "")
    if name == "inside":
        return zone == "project"
    if name == "under":
        return any(_under(item, zone, subject) for item in listed(value))
    patterns = list(subject.critical) if value == "critical_paths" else listed(value)
    return _path_globs(patterns, subject)


def _under(item: str, zone: str, subject: Subject) -> bool:
    if item in wordset(
        """
        tmp cache system device home home-config project root unknown elsewhere other
        """
    ):
        return zone == item
    root = subject.place.home + item[1:] if item.startswith("~") else item
    return under(subject.effect.target, root.rstrip("/"))


def _path_globs(patterns: Sequence[str], subject: Subject) -> bool:
    effect, place = subject.effect, subject.place
    inside = str(effect.facts.get("inside", ""))
    for pattern in patterns:
        glob, _, part = pattern.partition("#")
        if path_matches(glob, effect.target, inside, place):
            changed = effect.facts.get("changed")
            if not part or changed is None or f'"{part}"' in changed or f"{part}:" in changed:
                return True
        elif "recursive" in effect.facts.get("traits", ()) and _holds_below(glob, inside):
            return True
    return False


@lru_cache(maxsize=4096)
def _holds_below(pattern: str, inside: str) -> bool:
    """Whether a directory that is lost whole holds what a pattern names."""
    fixed = re.split(r"[*?{\[]", pattern, maxsplit=1)[0].rstrip("/")
    return bool(fixed and inside and inside != "." and under(fixed, inside))


def _host(value: Any, subject: Subject) -> bool:
    return bool(subject.effect.host) and _glob(value, subject.effect.host)


def _branch(value: Any, subject: Subject) -> bool:
    branch = subject.effect.facts.get("branch")
    return branch is not None and any(words_glob(p.replace("**", "*")).match(str(branch)) for p in listed(value))


def _repo(value: Any, subject: Subject) -> bool:
    return any(_glob(value, name) for name in repository_names(str(subject.effect.facts.get("repo", ""))))


_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/\s]*@)?([^/:\s]+)(?::\d+(?=/))?[:/]+(.+?)(?:\.git)?/*$", re.IGNORECASE
)


@lru_cache(maxsize=2048)
def repository_names(written: str) -> tuple[str, ...]:
    """What a rule may call the repository a command names: as written, and of an address `host/owner/name` and `owner/name`."""
    found = _ADDRESS.match(written) if "://" in written or "@" in written else None
    if found is None:
        return (written,)
    host, path = found.group(1).lower(), found.group(2)
    return (written, f"{host}/{path}", path)


def _method(value: Any, subject: Subject) -> bool:
    return str(subject.effect.facts.get("method", "")).upper() in [item.upper() for item in listed(value)]


def _mutation(value: Any, subject: Subject) -> bool:
    return any(_glob(value, name) for name in subject.effect.facts.get("mutations", ()))


def _verb(value: Any, subject: Subject) -> bool:
    verbs = subject.effect.facts.get("verbs") or verbs_of(subject.action.tool)
    return any(item.lower() in verbs for item in listed(value))


@lru_cache(maxsize=2048)
def verbs_of(tool: str) -> frozenset[str]:
    """Words of a tool's name after its server: `mcp__github__merge_pull_request` gives merge, pull, request."""
    name = tool.split("__", 2)[-1]
    return frozenset(w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))


def _shrink(value: Any, subject: Subject) -> bool:
    removed = subject.effect.facts.get("removed", 0)
    ratio = subject.effect.facts.get("ratio", 0.0)
    tests = []
    if "lines_removed" in value:
        tests.append(compare(str(value["lines_removed"]), float(removed)))
    if "or_ratio" in value:
        tests.append(compare(str(value["or_ratio"]), float(ratio)) and removed >= 10)
    return any(tests)


def compare(text: str, number: float) -> bool:
    """Whether a number holds a condition like `>= 200`."""
    match = re.fullmatch(r"\s*(>=|<=|>|<|==?)?\s*([\d.]+)\s*", text)
    if not match:
        return False
    limit = float(match.group(2))
    operator = match.group(1) or ">="
    return {">=": number >= limit, "<=": number <= limit, ">": number > limit, "<": number < limit}.get(
        operator, number == limit
    )


def _trait(value: Any, subject: Subject) -> bool:
    traits = subject.effect.facts.get("traits", ())
    return any(item in traits for item in listed(value))


def _program(value: Any, subject: Subject) -> bool:
    argv = subject.effect.facts.get("argv") or subject.argv
    return bool(argv) and _glob(value, str(argv[0]).rsplit("/", 1)[-1])


def _target(value: Any, subject: Subject) -> bool:
    return _glob(value, subject.effect.target)


def _remote(value: Any, subject: Subject) -> bool:
    return (
        bool(subject.effect.facts.get("remote")) == bool(value)
        if isinstance(value, bool)
        else subject.effect.facts.get("remote") in listed(value)
    )


_ONE: dict[str, Any] = {
    "effect": _effect,
    "env": _env,
    "tool": _tool,
    "client": _client,
    "agent": _agent,
    "command": _command,
    "path": _path,
    "host": _host,
    "branch": _branch,
    "repo": _repo,
    "method": _method,
    "graphql_mutation": _mutation,
    "verb": _verb,
    "shrink": _shrink,
    "trait": _trait,
    "program": _program,
    "target": _target,
    "remote": _remote,
    "not": lambda value, subject: not holds(value, subject),
    "any": lambda value, subject: any(holds(item, subject) for item in value),
    "all": lambda value, subject: all(holds(item, subject) for item in value),
}
NAMES = frozenset(_ONE)
