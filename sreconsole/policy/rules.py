"""The policy file: schema, checks, compilation. Strictest wins; only a dated exception lowers a tier."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .asking import asking, duration
from .matching import NAMES, Match, compare
from .problems import Lines, Report, line_of, parse
from .wordlist import wordset

TOP = wordset(
    """
    version default on_parse_error environments critical_paths rules chains exceptions budgets redact escalation
    """
)
RULE = wordset(
    """
    id tier match why instead tests locked wait page_after then confirm approvers attended owner links
    """
)
EXCEPTION = wordset("id rule match tier owner until why")
CHAIN = wordset("id tier steps within page why")
STEP = frozenset(
    {
        "effect",
        "env",
        "uses",
        "decision",
        "as",
        "effect_same_target",
        "other_tool",
        "trait",
        "path",
        "host",
        "not",
        "any",
    }
)
ENVIRONMENT = wordset("kube_context hosts env dsn_vars profiles names")
ESCALATION = wordset("wait page_after then confirm approvers attended")
TEST = wordset("bash tool input tier cwd branch name client")
BUDGETS = wordset(
    """
    files_touched lines_added lines_removed external_calls subagents turns parallel_calls tokens usd denials warn_at
    per
    """
)
_SELF_EXPLAINED = frozenset({"tool", "verb", "client", "agent"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule. `where` is FILE:LINE. `ask` holds its own escalation words."""

    id: str
    tier: int
    match: Match
    why: str
    instead: str = ""
    locked: bool = False
    where: str = ""
    ask: Mapping[str, Any] = field(default_factory=dict)
    tests: Sequence[Mapping[str, Any]] = ()
    tightens: bool = False


@dataclass(frozen=True, slots=True)
class Exemption:
    """One exception: until `until` (a date, inclusive) `rule` gives `tier` where `match` holds."""

    id: str
    rule: str
    match: Match
    tier: int
    owner: str
    until: str
    why: str
    where: str = ""


@dataclass(slots=True)
class Compiled:
    """What one or more files say, checked: plain data."""

    rules: list[Rule] = field(default_factory=list)
    exceptions: list[Exemption] = field(default_factory=list)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    critical: list[str] = field(default_factory=list)
    chains: list[dict[str, Any]] = field(default_factory=list)
    budgets: dict[str, Any] = field(default_factory=dict)
    redact: dict[str, Any] = field(default_factory=dict)
    escalation: dict[str, Any] = field(default_factory=dict)
    default_tier: int = 2
    default_why: str = ""
    error_tier: int = 3
    error_why: str = ""


def compile_file(text: str, file: str, today: datetime.date, out: Compiled, *, tightens: bool = False) -> list[str]:
    """Check one file and add it to `out`. Gives the problems, one line each; an empty list means it loaded."""
    report = Report(file)
    top = parse(text, report)
    report.unknown(top, "", TOP)
    version = top.get("version", 1)
    if version != 1:
        report.add(line_of(top, "version"), "version", f"{version!r} is not known, this build reads version 1")
    if tightens:
        for key in ("exceptions", "environments", "default", "on_parse_error", "budgets", "escalation", "redact"):
            if key in top:
                report.add(
                    line_of(top, key), key, "a repository's own file can only add rules, critical_paths and chains"
                )
    _defaults(top, report, out)
    _environments(top, report, out)
    _paths(top, report, out)
    _rules(top, report, out, tightens)
    _chains(top, report, out)
    _budgets(top, report, out)
    if not tightens:
        _exceptions(top, report, out, today)
        _escalation_defaults(top, report, out)
    return report.problems


def _mapping(value: Any, report: Report, line: int, path: str) -> Lines:
    if isinstance(value, Lines):
        return value
    if value is not None:
        report.add(line, path, "must be a mapping")
    return Lines()


def _sequence(top: Lines, key: str, report: Report) -> list[Any]:
    value = top.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        report.add(line_of(top, key), key, "must be a list")
        return []
    return value


def _tier(value: Any, report: Report, line: int, path: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 4:
        return value
    report.add(line, path, f"{value!r} is no tier, write 1, 2, 3 or 4")
    return 4


def _defaults(top: Lines, report: Report, out: Compiled) -> None:
    for key, least in (("default", 1), ("on_parse_error", 3)):
        if key not in top:
            continue
        entry = _mapping(top[key], report, line_of(top, key), key)
        report.unknown(entry, key, ("tier", "why"))
        tier = _tier(entry.get("tier", 2), report, line_of(entry, "tier"), f"{key}.tier")
        if tier < least:
            report.add(line_of(entry, "tier"), f"{key}.tier", f"what cannot be read is never below tier {least}")
        if key == "default":
            out.default_tier, out.default_why = tier, str(entry.get("why") or "")
        else:
            out.error_tier, out.error_why = max(tier, 3), str(entry.get("why") or "")


def _environments(top: Lines, report: Report, out: Compiled) -> None:
    entries = _mapping(top.get("environments"), report, line_of(top, "environments"), "environments")
    for name, value in entries.items():
        path = f"environments.{name}"
        spec = _mapping(value, report, line_of(entries, name), path)
        report.unknown(spec, path, ENVIRONMENT)
        found = out.environments.setdefault(str(name), {})
        for key in ("kube_context", "hosts", "dsn_vars", "profiles", "names"):
            if key in spec:
                found[key] = [*found.get(key, []), *texts(spec[key], report, line_of(spec, key), f"{path}.{key}")]
        if "env" in spec:
            variables = _mapping(spec["env"], report, line_of(spec, "env"), f"{path}.env")
            found["env"] = {**found.get("env", {}), **{str(k): str(v) for k, v in variables.items()}}


def _paths(top: Lines, report: Report, out: Compiled) -> None:
    if "critical_paths" in top:
        out.critical += texts(top["critical_paths"], report, line_of(top, "critical_paths"), "critical_paths")


def texts(value: Any, report: Report, line: int, path: str) -> list[str]:
    """A text or a list of texts as a list; anything else is a problem."""
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, (dict, list)) or item is None for item in items):
        report.add(line, path, "must be a text or a list of texts")
        return []
    return [str(item) for item in items]


def _rules(top: Lines, report: Report, out: Compiled, tightens: bool) -> None:
    seen = {rule.id for rule in out.rules}
    for index, value in enumerate(_sequence(top, "rules", report)):
        path = f"rules[{index}]"
        entry = _mapping(value, report, line_of(top, "rules"), path)
        report.unknown(entry, path, RULE)
        name = str(entry.get("id") or "")
        if not name:
            report.add(entry.line, path, "needs an id")
        elif name in seen:
            report.add(line_of(entry, "id"), f"{path}.id", f"{name} is already the id of another rule")
        seen.add(name)
        out.rules.append(_rule(entry, report, path, name, tightens))


def _rule(entry: Lines, report: Report, path: str, name: str, tightens: bool) -> Rule:
    if "tier" not in entry:
        report.add(entry.line, path, "needs a tier")
    tier = _tier(entry.get("tier", 4), report, line_of(entry, "tier"), f"{path}.tier")
    why = str(entry.get("why") or "").strip()
    match = check_match(entry.get("match"), report, line_of(entry, "match"), f"{path}.match")
    # A rule at tier 1 or 2 stops nobody, and one on tools' names alone explains itself by naming them.
    if not why and tier > 2 and not set(match) <= _SELF_EXPLAINED:
        report.add(entry.line, f"{path}.why", "a rule that asks or refuses needs a why")
    why = why or _named(match)
    if not match and "match" not in entry:
        report.add(entry.line, path, "needs a match")
    locked = bool(entry.get("locked", False))
    if locked and tier != 4:
        report.add(line_of(entry, "locked"), f"{path}.locked", "only tier 4 can be locked")
    return Rule(
        id=name,
        tier=tier,
        match=match,
        why=why or name,
        instead=str(entry.get("instead") or "").strip(),
        locked=locked,
        where=f"{report.file}:{entry.line}",
        ask=asking(entry, report, path, tier),
        tests=_tests(entry, report, path),
        tightens=tightens,
    )


def _named(match: Mapping[str, Any]) -> str:
    """A reason made of the names a rule matches: `mcp__* that create, update or send`."""
    tools = " or ".join(match.get("tool", ["tools"]))
    verbs = match.get("verb", [])
    return f"Policy names {tools}" + (f" that {', '.join(verbs)}." if verbs else ".") if "tool" in match else ""


def _tests(entry: Lines, report: Report, path: str) -> list[dict[str, Any]]:
    found = []
    for index, value in enumerate(_sequence(entry, "tests", report)):
        where = f"{path}.tests[{index}]"
        test = _mapping(value, report, line_of(entry, "tests"), where)
        report.unknown(test, where, TEST)
        if ("bash" in test) == ("tool" in test):
            report.add(test.line, where, "needs either bash or tool")
        _tier(test.get("tier"), report, test.line, f"{where}.tier")
        found.append({**_plain(test), "line": test.line})
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def check_match(value: Any, report: Report, line: int, path: str) -> dict[str, Any]:
    """A match as plain data; unknown keys and wrong shapes are problems."""
    if value is None:
        return {}
    entry = _mapping(value, report, line, path)
    report.unknown(entry, path, NAMES)
    found: dict[str, Any] = {}
    for key, item in entry.items():
        where, at = f"{path}.{key}", line_of(entry, key)
        if key == "not":
            found[key] = check_match(item, report, at, where)
        elif key in ("any", "all"):
            if not isinstance(item, list) or not item:
                report.add(at, where, "must be a list of matches")
                continue
            found[key] = [check_match(one, report, at, f"{where}[{index}]") for index, one in enumerate(item)]
        elif key == "path" and isinstance(item, Lines):
            found[key] = _path_match(item, report, where)
        elif key == "shrink":
            found[key] = _shrink(item, report, at, where)
        elif key == "remote" and isinstance(item, bool):
            found[key] = item
        elif key in NAMES:
            found[key] = texts(item, report, at, where)
    return found


def _path_match(entry: Lines, report: Report, path: str) -> dict[str, Any]:
    report.unknown(entry, path, ("outside", "inside", "under", "glob"))
    found: dict[str, Any] = {}
    for key, item in entry.items():
        line = line_of(entry, key)
        if key in ("outside", "inside") and item != "project":
            report.add(line, f"{path}.{key}", "only `project` is known")
        if key == "glob" and item == "critical_paths":
            found[key] = "critical_paths"
        elif key in ("outside", "inside", "under", "glob"):
            found[key] = texts(item, report, line, f"{path}.{key}")
    return found


def _shrink(value: Any, report: Report, line: int, path: str) -> dict[str, str]:
    entry = _mapping(value, report, line, path)
    report.unknown(entry, path, ("lines_removed", "or_ratio"))
    for key, item in entry.items():
        if not re.fullmatch(r"\s*(>=|<=|>|<|==?)?\s*[\d.]+\s*", str(item)):
            report.add(line_of(entry, key), f"{path}.{key}", "write a condition like >= 200")
    return {str(key): str(item) for key, item in entry.items()}


def _chains(top: Lines, report: Report, out: Compiled) -> None:
    for index, value in enumerate(_sequence(top, "chains", report)):
        path = f"chains[{index}]"
        entry = _mapping(value, report, line_of(top, "chains"), path)
        report.unknown(entry, path, CHAIN)
        tier = _tier(entry.get("tier"), report, line_of(entry, "tier"), f"{path}.tier")
        within = duration(entry.get("within", "15m"))
        if within is None:
            report.add(line_of(entry, "within"), f"{path}.within", "write a time like 15m")
        steps = entry.get("steps")
        if not isinstance(steps, list) or len(steps) < 2:
            report.add(line_of(entry, "steps"), f"{path}.steps", "needs at least two steps")
            steps = []
        for number, step in enumerate(steps):
            report.unknown(
                _mapping(step, report, entry.line, f"{path}.steps[{number}]"), f"{path}.steps[{number}]", STEP
            )
        out.chains.append(
            {
                "id": str(entry.get("id") or path),
                "tier": tier,
                "steps": _plain(steps),
                "within": within or 900.0,
                "page": bool(entry.get("page", False)),
                "why": str(entry.get("why") or ""),
                "where": f"{report.file}:{entry.line}",
            }
        )


def _budgets(top: Lines, report: Report, out: Compiled) -> None:
    entry = _mapping(top.get("budgets"), report, line_of(top, "budgets"), "budgets")
    report.unknown(entry, "budgets", BUDGETS)
    for key, value in entry.items():
        if key == "denials":
            limits = _mapping(value, report, line_of(entry, key), "budgets.denials")
            report.unknown(limits, "budgets.denials", ("consecutive", "total"))
            numbers = list(limits.values())
        else:
            numbers = [] if key == "per" else [value]
        if any(not isinstance(n, (int, float)) or isinstance(n, bool) or n < 0 for n in numbers):
            report.add(line_of(entry, key), f"budgets.{key}", "must be a number, zero or more")
        out.budgets[key] = _plain(value)
    redact = _mapping(top.get("redact"), report, line_of(top, "redact"), "redact")
    report.unknown(redact, "redact", ("rules", "keep_fingerprint", "allow"))
    out.redact.update(_plain(redact))


def _exceptions(top: Lines, report: Report, out: Compiled, today: datetime.date) -> None:
    for index, value in enumerate(_sequence(top, "exceptions", report)):
        path = f"exceptions[{index}]"
        entry = _mapping(value, report, line_of(top, "exceptions"), path)
        report.unknown(entry, path, EXCEPTION)
        for key in ("id", "rule", "owner", "until", "why", "tier"):
            if not entry.get(key):
                report.add(entry.line, f"{path}.{key}", "an exception needs id, rule, tier, owner, until and why")
        until = _date(entry.get("until"))
        if until is None:
            report.add(line_of(entry, "until"), f"{path}.until", "write a date like 2026-12-01")
            continue
        tier = _tier(entry.get("tier"), report, line_of(entry, "tier"), f"{path}.tier")
        rule = next((r for r in out.rules if r.id == entry.get("rule")), None)
        if rule is None and not str(entry.get("rule", "")).startswith("base."):
            report.add(line_of(entry, "rule"), f"{path}.rule", f"no rule is called {entry.get('rule')}")
        if (rule is not None and rule.locked) or entry.get("rule") == "base.gate.tamper":
            report.add(line_of(entry, "rule"), f"{path}.rule", f"{entry.get('rule')} is locked, nothing lowers it")
        match = check_match(entry.get("match"), report, line_of(entry, "match"), f"{path}.match")
        if until >= today:
            out.exceptions.append(
                Exemption(
                    str(entry.get("id")),
                    str(entry.get("rule")),
                    match,
                    tier,
                    str(entry.get("owner")),
                    until.isoformat(),
                    str(entry.get("why")),
                    f"{report.file}:{entry.line}",
                )
            )


def _date(value: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _escalation_defaults(top: Lines, report: Report, out: Compiled) -> None:
    entry = _mapping(top.get("escalation"), report, line_of(top, "escalation"), "escalation")
    report.unknown(entry, "escalation", ESCALATION)
    out.escalation.update(asking(entry, report, "escalation", 3))


__all__ = ["Compiled", "Exemption", "Rule", "compare", "compile_file", "duration"]
