"""A verdict for people and for programs: the card as text, one JSON line. Pure rendering, nothing is decided here."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from .action import Action, Effect, Verdict
from .policy import Policy

MARK = "▔"
_WORDS = {1: "auto", 2: "runs, reviewed later", 3: "a human decides", 4: "refused"}
_ELLIPSIS = "…"


def action_of(line: str, cwd: str = "", client: str = "") -> Action:
    """The action of one JSON line: `{"command", "cwd"}`, or `{"tool", "input", "cwd", "client"}`.

    `cwd` and `client` stand in where the line has none. Raises ValueError in one line when it is neither.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    client, cwd = str(data.get("client") or client), str(data.get("cwd") or cwd)
    home = str(data.get("home") or "")
    identity = {key: str(data.get(key) or "") for key in ("session", "subagent", "agent")}
    if isinstance(data.get("command"), str):
        return Action(client or "claude-code", "Bash", {"command": data["command"]}, cwd, home=home, **identity)
    if isinstance(data.get("tool"), str):
        given = data.get("input")
        if not isinstance(given, dict):
            raise ValueError("input must be an object")
        return Action(client or "claude-code", data["tool"], given, cwd, home=home, **identity)
    raise ValueError("needs command, or tool and input")


def record(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data, keys in a fixed order."""
    return {
        "tier": verdict.tier,
        "rule": verdict.rule,
        "why": verdict.why,
        "instead": verdict.instead,
        "does": verdict.does,
        "target": verdict.target,
        "environment": verdict.environment,
        "effects": [_effect(effect) for effect in verdict.effects],
        "trail": list(verdict.trail),
        "span": list(verdict.span) if verdict.span is not None else None,
        "unparseable": verdict.unparseable,
        "where": verdict.where,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": effect.kind, "target": effect.target}
    for key in ("host", "environment", "resolved"):
        value = getattr(effect, key)
        if value:
            found[key] = value
    if effect.span is not None:
        found["span"] = list(effect.span)
    if "tier" in effect.facts:
        found["tier"] = effect.facts["tier"]
    return found


def line(verdict: Verdict) -> str:
    """The verdict as one line of JSON, without line feed. Lone surrogates are written as escapes."""
    text = json.dumps(record(verdict), ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() or text.isprintable() else json.dumps(record(verdict), separators=(",", ":"))


def failed(problem: str) -> str:
    """The line that answers a line that could not be judged: like everything unknown it asks. Without line feed."""
    return json.dumps({"error": problem[:400], "tier": 3})


def card(action: Action, verdict: Verdict, width: int = 80, policy: Policy | None = None) -> str:
    """The verdict as a card for a terminal: plain text, `▔` under the guilty part, at most `width` columns wide.

    With the policy it was judged by, the card also says which exception would lower it, or that none can.
    """
    rows = [f"tier {verdict.tier} · {_WORDS.get(verdict.tier, '')} · {verdict.does or action.tool}"]
    command = action.input.get("command")
    if isinstance(command, str):
        rows += ["", *excerpt(command, verdict.span, width)]
    else:
        shown = json.dumps(dict(action.input), default=str)
        rows += [
            "",
            f"  {action.tool} {_short(visible(shown), width - 4 - len(action.tool))}",
        ]
    rows.append("")
    rows += _pairs(verdict)
    rows += [f"{'lower' if not at else '':<9}{way}" for at, way in enumerate(lowered(verdict, policy))]
    return "\n".join(part for row in rows for part in _wrapped(visible(row), width))


def _pairs(verdict: Verdict) -> list[str]:
    deciding = [e for e in verdict.effects if e.facts.get("tier") == verdict.tier] or list(verdict.effects[:1])
    rows = []
    if len(verdict.trail) > 1:
        rows.append(f"{'trail':<9}{' > '.join(verdict.trail)}")
    for effect in deciding[:4]:
        rows.append(f"{'effect':<9}{effect.kind} {effect.target}".rstrip())
    more = len(verdict.effects) - len(deciding[:4])
    if more > 0:
        rows.append(f"{'':<9}and {more} more of lower or equal tier")
    first = deciding[0] if deciding else None
    if first is not None:
        how = f" ({first.resolved})" if first.resolved else ""
        rows.append(f"{'where':<9}{first.environment or first.host or 'this machine'}{how}")
    rows.append(f"{'rule':<9}{verdict.rule} ({verdict.where})")
    rows.append(f"{'why':<9}{verdict.why}")
    if verdict.instead:
        rows.append(f"{'instead':<9}{verdict.instead}")
    return rows


def lowered(verdict: Verdict, policy: Policy | None = None) -> list[str]:
    """What would lower the tier, one line each: leaving out what decides it, an exception; or that nothing does."""
    if verdict.tier < 3:
        return []
    ways = []
    tiers = [int(effect.facts.get("tier", 1)) for effect in verdict.effects]
    rest = [tier for tier in tiers if tier < verdict.tier]
    if rest and not verdict.unparseable:
        deciding = len(tiers) - len(rest)
        part = "the marked part" if deciding == 1 else f"the {deciding} parts that decide it"
        ways.append(f"without {part} it is tier {max(rest)}")
    if policy is not None:
        ways.append(_exception(verdict, policy))
    return ways


def _exception(verdict: Verdict, policy: Policy) -> str:
    rule = next((one for one in policy.rules if one.id == verdict.rule), None)
    if verdict.rule == "base.gate.tamper" or (rule is not None and rule.locked):
        return "no exception: this rule is locked"
    if verdict.unparseable:
        return "no exception: what cannot be read is always asked"
    if rule is None and not verdict.rule.startswith("base."):
        return "no exception: the rule is the repository's own; change it there"
    words = f"`sreconsole policy except add {verdict.rule} --tier {verdict.tier - 1} --owner … --until … --why …`"
    return f"a dated exception to the rule: {words}"


def excerpt(text: str, span: tuple[int, int] | None, width: int = 80) -> list[str]:
    """The command's lines around a span of text columns, with `▔` under the span; other lines are left out."""
    lines = text.split("\n")
    if span is None:
        return [f"  {_short(visible(one), width - 2)}" for one in lines[:3]] + (
            [f"  {_ELLIPSIS}"] if len(lines) > 3 else []
        )
    rows: list[str] = []
    at = 0
    for one in lines:
        start, end = max(span[0] - at, 0), min(span[1] - at, len(one))
        if start < end and len(rows) < 8:
            rows += _marked(one, start, end, width - 2)
        at += len(one) + 1
    return rows or [f"  {_short(visible(lines[0]), width - 2)}"]


def _marked(text: str, start: int, end: int, width: int) -> list[str]:
    """One line and its marks, cut around the marked part when it is too long."""
    left = 0
    if columns(text[:end]) > width:
        left = max(0, start - width // 4)
    shown, marked, used = "", "", 0
    for index in range(left, len(text)):
        char = visible(text[index])
        size = columns(char)
        if used + size > width - 1:
            shown += _ELLIPSIS
            break
        shown += char
        marked += (MARK if start <= index < end else " ") * size
        used += size
    return [f"  {shown}", f"  {marked.rstrip()}"]


def visible(text: str) -> str:
    """Text without control, bidirectional or invisible characters: each is shown as its code."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c.isprintable() and unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn") else _named(c) for c in text
    )


def _named(char: str) -> str:
    return "⏎" if char == "\n" else "→" if char == "\t" else f"<U+{ord(char):04X}>"


def columns(text: str) -> int:
    """Terminal columns of visible text (wide characters take two, combining marks none)."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _short(text: str, width: int) -> str:
    while columns(text) > width:
        text = text[: max(1, len(text) * width // (columns(text) + 1))]
        if columns(text) <= width:
            return text[:-1] + _ELLIPSIS
    return text


def _wrapped(row: str, width: int) -> list[str]:
    """A row broken at spaces, later lines under the value."""
    if columns(row) <= width or row.startswith("  "):
        return [row]
    head, rows = "", []
    for word in row.split(" "):
        candidate = f"{head} {word}" if head else word
        if columns(candidate) > width and head.strip():
            rows.append(head)
            candidate = " " * 9 + word
        head = candidate
    return [*rows, head]


def refusal(verdict: Verdict) -> str:
    """One paragraph for the model whose call is refused: what, why, by which rule, what instead."""
    parts = [f"Refused (tier {verdict.tier}, {verdict.rule}): this {verdict.does}.", verdict.why]
    if verdict.instead:
        parts.append(f"Instead: {verdict.instead}")
    return visible(" ".join(part.strip() for part in parts if part.strip()))
