"""Exceptions as entries: read from any policy file, written to the one file that is ours."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from .policy import Policy
from .problems import Lines, Report, line_of, parse
from .tiers import kinds

HEAD = """\
# Exceptions to the policy: kept by `sreconsole policy except add|list|revoke`, which writes this file anew.
# Notes of your own belong in another file. Last id given: EX-{last}
"""
_LAST = re.compile(r"^# .*Last id given: EX-(\d+)$", re.MULTILINE)
_NUMBER = re.compile(r"EX-(\d+)")
FAR = 366
"""Days an exception may last at most: what is needed for longer is a rule."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One exception as it is written down. `until` is the last day it holds (UTC), ISO; `where` is FILE:LINE."""

    id: str
    rule: str
    tier: int
    owner: str
    until: str
    why: str
    match: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""

    def days_left(self, today: datetime.date) -> int | None:
        """Days it still holds, today counted as 0; negative when it is over, None when its date cannot be read."""
        try:
            return (datetime.date.fromisoformat(self.until[:10]) - today).days
        except ValueError:
            return None


def entries(text: str, file: str) -> list[Entry]:
    """The exceptions in a policy file's text, live or over; what is not one is left out (loading complains of it)."""
    top = parse(text, Report(file))
    found = top.get("exceptions")
    if not isinstance(found, list):
        return []
    return [_entry(one, file) for one in found if isinstance(one, Lines) and one.get("id") and one.get("rule")]


def _entry(one: Lines, file: str) -> Entry:
    tier, match = one.get("tier"), one.get("match")
    return Entry(
        id=str(one["id"]), rule=str(one["rule"]), tier=tier if isinstance(tier, int) else 0,
        owner=str(one.get("owner") or ""), until=str(one.get("until") or ""), why=str(one.get("why") or ""),
        match=_plain(match) if isinstance(match, Lines) else {}, where=f"{file}:{line_of(one)}",
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def text(kept: Sequence[Entry], last: int) -> str:
    """Our file: a head that remembers the last id given, then the entries, one after the other."""
    body = [
        {"id": one.id, "rule": one.rule, **({"match": dict(one.match)} if one.match else {}), "tier": one.tier,
         "owner": one.owner, "until": one.until, "why": one.why}
        for one in kept
    ]  # fmt: skip
    # A character that YAML takes for a line break (NEL, LS, PS) must be escaped, and then so is every other.
    plain = all(word.isprintable() for one in kept for word in (one.owner, one.why, *_words(one.match)))
    written = yaml.safe_dump({"version": 1, "exceptions": body}, sort_keys=False, allow_unicode=plain, width=110)
    return HEAD.format(last=last) + written


def _words(match: Mapping[str, Any]) -> list[str]:
    return [str(word) for value in match.values() for word in (value if isinstance(value, list) else [value])]


def last_given(texts: Iterable[str]) -> int:
    """The highest number of an EX-n that was ever given: ids of what was revoked are not given again."""
    numbers = [0]
    for one in texts:
        numbers += [int(match.group(1)) for match in _LAST.finditer(one)]
        numbers += [int(match.group(1)) for e in entries(one, "") if (match := _NUMBER.fullmatch(e.id))]
    return max(numbers)


def day(written: str, today: datetime.date) -> datetime.date:
    """A last day as a person writes it: `2026-12-01`, or `14d` from today. Raises ValueError with the fix."""
    if match := re.fullmatch(r"(\d{1,4})d", written.strip()):
        found = today + datetime.timedelta(days=int(match.group(1)))
    else:
        try:
            found = datetime.date.fromisoformat(written.strip())
        except ValueError:
            raise ValueError(
                f"{written!r} is no date; write one like {today + datetime.timedelta(14)}, or 14d"
            ) from None
    if found < today:
        raise ValueError(f"{found} is over; an exception ends on a day to come")
    if (found - today).days > FAR:
        raise ValueError(f"{found} is more than a year away; what is needed for longer is a rule")
    return found


def lowers(policy: Policy, rule: str, tier: int) -> str:
    """Why an exception of this tier to this rule is refused; "" if it may be made. Locked rules are `locked`'s to say."""
    found = next((one for one in policy.rules if one.id == rule), None)
    if found is None:
        kind = rule.removeprefix("base.")
        if kind == rule or kind not in kinds():
            near = _near(rule, [one.id for one in policy.rules] + [f"base.{kind}" for kind in kinds()])
            return f"no rule is called {rule}{near}"
        return ""
    if tier >= found.tier:
        return f"{rule} is tier {found.tier}; an exception must be lower than that"
    return ""


def locked(policy: Policy, rule: str) -> bool:
    """Whether nothing may lower a rule."""
    return rule == "base.gate.tamper" or any(one.id == rule and one.locked for one in policy.rules)


def _near(word: str, known: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, known, 1, 0.6)
    return f", did you mean {close[0]}" if close else "; `sreconsole policy explain` names the rule that decides"
