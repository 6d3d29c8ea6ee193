"""A loaded policy: compiled rules, looked up by effect; its version, its cache, its own tests."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sreconsole.text.canonical import canonical

from .action import Action
from .problems import PolicyError
from .rules import Compiled, Exemption, Rule, compile_file

STARTER = Path(__file__).with_name("starter.yaml")
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Tested:
    """One test inside a rule that was run. `where` is FILE:LINE; `problem` is empty when it passed."""

    rule: str
    where: str
    said: str
    problem: str


@dataclass(slots=True)
class Policy:
    """Compiled rules of one or more files. `version` is the first 12 hex digits of a SHA-256 over their content."""

    rules: tuple[Rule, ...]
    exceptions: tuple[Exemption, ...]
    environments: Mapping[str, Mapping[str, Any]]
    critical: tuple[str, ...]
    chains: tuple[Mapping[str, Any], ...]
    budgets: Mapping[str, Any]
    redact: Mapping[str, Any]
    escalation: Mapping[str, Any]
    default_tier: int
    default_why: str
    error_tier: int
    error_why: str
    version: str
    _by_kind: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    def rules_for(self, kind: str) -> tuple[Rule, ...]:
        """Rules that can speak about an effect of this kind: strictest first, among equals the file loaded last."""
        found = self._by_kind.get(kind)
        if found is None:
            files = list(dict.fromkeys(_file(rule) for rule in self.rules))
            speaking = (rule for rule in self.rules if _speaks(rule.match, kind))
            found = tuple(sorted(speaking, key=lambda rule: (-rule.tier, -files.index(_file(rule)))))
            self._by_kind[kind] = found
        return found

    def exceptions_for(self, rule: str) -> list[Exemption]:
        """Live exceptions to one rule."""
        return [e for e in self.exceptions if e.rule == rule] if self.exceptions else []

    def rules_test(self, beside: str = "") -> list[str]:
        """Run the tests inside the rules. Gives one line for each that fails; empty means all passed.

        Rules of the file named `beside` are not tested: what they say of themselves a stricter file may overrule.
        """
        return [tested.problem for tested in self.tested(beside) if tested.problem]

    def tested(self, beside: str = "") -> Iterator[Tested]:
        """Run the tests inside the rules, one after the other; rules of the file named `beside` are left out."""
        from .judge import Facts, judge

        for rule in self._of_other_files(beside):
            for test in rule.tests:
                said = _short(str(test.get("name") or test.get("bash") or test.get("tool")))
                verdict = judge(test_action(test), self, Facts(branch=str(test.get("branch", ""))))
                where = f"{_file(rule)}:{test.get('line', 0)}"
                problem = (
                    ""
                    if verdict.tier == test.get("tier")
                    else (
                        f"{where}: {rule.id}: test wants tier {test.get('tier')}, "
                        f"got {verdict.tier} by {verdict.rule}: {said}"
                    )
                )
                yield Tested(rule.id, where, said, problem)

    def _of_other_files(self, beside: str) -> list[Rule]:
        return [rule for rule in self.rules if not beside or _file(rule) != beside]

    def instead_test(self, beside: str = "") -> list[str]:
        """Advice that is itself as strict as its rule: one line each. Only advice in backquotes is a command."""
        from .judge import judge

        failures = []
        for rule in self._of_other_files(beside):
            for part in rule.instead.split("`")[1::2]:
                verdict = judge(test_action({"bash": part}), self)
                if verdict.tier >= rule.tier:
                    failures.append(
                        f"{rule.where}: {rule.id}: instead: `{_short(part)}` is itself tier {verdict.tier} "
                        f"by {verdict.rule}, advise something below tier {rule.tier}"
                    )
        return failures


def test_action(test: Mapping[str, Any]) -> Action:
    """The action a test inside a rule speaks of. It stands in a project of its own."""
    tool = str(test.get("tool") or "Bash")
    values = test.get("input") if isinstance(test.get("input"), Mapping) else {}
    given = {"command": test["bash"]} if "bash" in test else dict(values or {})
    cwd = str(test.get("cwd") or "/home/agent/project")
    return Action(str(test.get("client") or "claude-code"), tool, given, cwd, home="/home/agent")


test_action.__test__ = False  # type: ignore[attr-defined]


def _file(rule: Rule) -> str:
    return rule.where.rpartition(":")[0]


def _short(text: str) -> str:
    text = text.replace("\n", "⏎")
    return text if len(text) <= 90 else text[:87] + "…"


def _speaks(match: Mapping[str, Any], kind: str) -> bool:
    wanted = match.get("effect")
    if wanted is None:
        return True
    return any(kind == item or (item.endswith("*") and kind.startswith(item[:-1])) for item in wanted)


def load(
    paths: Sequence[Path | str],
    today: datetime.date,
    *,
    tighten: Sequence[Path | str] = (),
    cache: Path | None = None,
    starter: bool = False,
    tested: bool = True,
) -> Policy:
    """Load policy files, in order, as one policy. A `str` is the text itself (named `policy.yaml` in messages).

    `tighten` are files of repositories: they may only add. `starter` puts the shipped rules under yours. `cache` is a
    directory for compiled copies, keyed by content and date. Raises `PolicyError`, whose `problems` name file, line
    and key, one line each; a failing test inside a rule is such a problem, unless `tested` is False.
    """
    texts = [(*_text(path), False) for path in ([STARTER] if starter else []) + list(paths)]
    texts += [(*_text(path), True) for path in tighten]
    key = _key(texts)
    kept = _from_cache(cache, key, today)
    if kept is not None:
        return kept
    compiled = Compiled()
    problems: list[str] = []
    for name, text, tightens in texts:
        problems += compile_file(text, name, today, compiled, tightens=tightens)
    if problems:
        raise PolicyError(problems)
    policy = _policy(compiled)
    if not tested:
        return policy
    under = STARTER.name if starter and len(texts) > 1 else ""
    problems = policy.rules_test(under) + policy.instead_test(under)
    if problems:
        raise PolicyError(problems)
    _to_cache(cache, key, policy, today)
    return policy


def tightened(policy: Policy, text: str, name: str, today: datetime.date) -> Policy:
    """A loaded policy with a repository's own file over it: it may only add. Its tests are not run.

    Tests are for who writes the file (`policy test`); at the gate a wrong one could only ask too often, and running
    what an agent may have written there would cost every other session time. Raises `PolicyError`.
    """
    compiled = Compiled(rules=list(policy.rules), critical=list(policy.critical), chains=[*map(dict, policy.chains)])
    problems = compile_file(text, name, today, compiled, tightens=True)
    added = [rule for rule in compiled.rules if rule.tightens]
    problems += [f"{rule.where}: {rule.id}: {what}" for rule in added if (what := _costly(rule.match))]
    if problems:
        raise PolicyError(problems)
    own = hashlib.sha256(canonical([policy.version, text])).hexdigest()[:12]
    rules, critical, chains = tuple(compiled.rules), tuple(compiled.critical), tuple(compiled.chains)
    return replace(policy, rules=rules, critical=critical, chains=chains, version=own, _by_kind={})


MOST_STARS = 8
LONGEST_PATTERN = 300


def _costly(value: Any) -> str:
    """What is wrong with a pattern that could take long to match; "" if none could."""
    if isinstance(value, Mapping):
        return next((found for item in value.values() if (found := _costly(item))), "")
    if isinstance(value, list):
        return next((found for item in value if (found := _costly(item))), "")
    text = str(value)
    if len(text) > LONGEST_PATTERN or text.replace("**", "*").count("*") > MOST_STARS:
        return f"a pattern has more than {MOST_STARS} stars or {LONGEST_PATTERN} characters: {_short(text)}"
    return ""


def _text(path: Path | str) -> tuple[str, str]:
    if isinstance(path, str):
        return "policy.yaml", path
    try:
        return path.name, path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError([f"{path}:1: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise PolicyError([f"{path}:1: is not UTF-8 at byte {error.start}"]) from error


def _key(texts: Sequence[tuple[str, str, bool]]) -> str:
    return hashlib.sha256(canonical([[name, text, tightens] for name, text, tightens in texts])).hexdigest()[:16]


def _version(compiled: Compiled) -> str:
    """Over what decides: rules without their places and tests, live exceptions, environments, limits."""
    content = asdict(compiled)
    for rule in content["rules"]:
        del rule["where"], rule["tests"]
    for item in content["exceptions"]:
        del item["where"]
    for chain in content["chains"]:
        chain.pop("where", None)
    return hashlib.sha256(canonical(content)).hexdigest()[:12]


def _policy(compiled: Compiled) -> Policy:
    return Policy(
        rules=tuple(compiled.rules),
        exceptions=tuple(compiled.exceptions),
        environments=compiled.environments,
        critical=tuple(compiled.critical),
        chains=tuple(compiled.chains),
        budgets=compiled.budgets,
        redact=compiled.redact,
        escalation=compiled.escalation,
        default_tier=compiled.default_tier,
        default_why=compiled.default_why,
        error_tier=compiled.error_tier,
        error_why=compiled.error_why,
        version=_version(compiled),
    )


def _cache_file(cache: Path, key: str, today: datetime.date) -> Path:
    return cache / f"policy-{_FORMAT}-{key}-{today.isoformat()}.json"


def _from_cache(cache: Path | None, key: str, today: datetime.date) -> Policy | None:
    """A compiled copy made from the same bytes on the same day, or None. A damaged one is as none."""
    if cache is None:
        return None
    try:
        data = json.loads(_cache_file(cache, key, today).read_bytes())
        rules = tuple(Rule(**rule) for rule in data.pop("rules"))
        exceptions = tuple(Exemption(**item) for item in data.pop("exceptions"))
        return Policy(rules=rules, exceptions=exceptions, **data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _to_cache(cache: Path | None, key: str, policy: Policy, today: datetime.date) -> None:
    if cache is None:
        return
    data = {
        "rules": [asdict(rule) for rule in policy.rules],
        "exceptions": [asdict(item) for item in policy.exceptions],
        **{
            key: getattr(policy, key)
            for key in [
                "environments",
                "critical",
                "chains",
                "budgets",
                "redact",
                "escalation",
                "default_tier",
                "default_why",
                "error_tier",
                "error_why",
                "version",
            ]
        },
    }
    target = _cache_file(cache, key, today)
    partial = target.with_suffix(".part")
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.write_text(json.dumps(data), encoding="utf-8")
        partial.replace(target)
    except OSError:
        # Without a cache the next load compiles again: slower, never wrong.
        return
