"""An escalation as a person reads it: what it does, how it is spelt, who asks, and what it is bound to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sreconsole.console import clock
from sreconsole.console.draw import Ink, Line, Span, cells, clipped, column, cut, flow, line, phrased, say
from sreconsole.store.escalations import OPEN, Escalation
from sreconsole.text.safe import look

LABEL = 11
"""Cells of the labels in front of a peek's and a card's lines."""

READABLE = 200_000
"""Characters of a call that are shown. Nobody reads more, so what is longer cannot be approved here."""

PARSED = 8_000_000
"""Characters of stored JSON that are parsed; more of it is shown as it stands."""

WORDS = 2_000
"""Characters of a reason or a description that are shown."""

MOST_DENIALS = (3, 20)
"""Refusals in a row that ask a human, and in all that stop the session (SPEC B4)."""

NEAR = 0.8
"""Share of a budget from which it is said in the ink of a warning."""

CHOOSING = ("question", "plan", "elicitation", "ask")
"""Kinds that are answered and not only allowed."""


@dataclass(frozen=True)
class Question:
    """One escalation with its JSON read leniently: what cannot be read is shown as it stands."""

    row: Escalation

    @property
    def id(self) -> str:
        """Its spoken id."""
        return self.row.id

    @property
    def open(self) -> bool:
        """Whether it still waits for a human."""
        return self.row.state in OPEN

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """What the policy said."""
        return _object(self.row.verdict)

    @cached_property
    def input(self) -> dict[str, Any]:
        """The redacted arguments; an unreadable text stands under the key `input`."""
        stored = self.row.input
        return _object(stored) or ({"input": stored} if stored not in ("", "{}") else {})

    @property
    def editable(self) -> bool:
        """Whether its arguments are a JSON object that can be written out and read back."""
        return bool(_object(self.row.input))

    @property
    def json(self) -> str:
        """All arguments as JSON, over lines where they are not nested too deep for it."""
        try:
            return pretty(self.input)
        except RecursionError:
            return self.row.input

    @cached_property
    def unread(self) -> int:
        """Characters of the call that are not shown because nobody could read them all."""
        return max(0, sum(len(raw.text) for raw in self._all) - READABLE)

    @cached_property
    def choices(self) -> list[dict[str, Any]]:
        """The questions to pick answers for, each with `question`, `options` (labels) and `multi`."""
        try:
            found = json.loads(self.row.choices or "[]")
        except ValueError:
            return []
        if isinstance(found, dict):
            found = [found]
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    @property
    def target(self) -> str:
        """What it hits, as the policy named it."""
        return str(self.verdict.get("target") or "")

    @property
    def approvers(self) -> int:
        """How many people must say yes."""
        return _number(self.verdict.get("approvers"), 1)

    @property
    def yeses(self) -> list[dict[str, Any]]:
        """Who has said yes so far."""
        try:
            found = json.loads(self.row.approvals or "[]")
        except ValueError:
            return []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    @property
    def later(self) -> bool:
        """Whether it was refused for now, and may still be allowed once."""
        return self.row.decision == "later" and not self.row.used_at

    @property
    def typed(self) -> bool:
        """Whether an approval must be typed out."""
        return self.verdict.get("confirm") == "type"

    @cached_property
    def spelt(self) -> Line:
        """The bytes that would run, redacted, with the part the policy objects to in another ink."""
        pieces, room = list[Span](), READABLE
        for raw in self._all:
            pieces.append(_kept(raw.text[:room], raw.ink))
            room -= len(raw.text)
            if room <= 0:
                break
        return tuple(pieces)

    @cached_property
    def _all(self) -> list[_Raw]:
        command = self.input.get("command")
        try:
            if self.row.tool != "Bash" or not isinstance(command, str):
                return _arguments(self.input) or [_Raw("(no arguments)", Ink.DIM)]
            # What the agent says of its command is not part of what runs, every other argument is.
            more = {name: value for name, value in self.input.items() if name not in ("command", "description")}
            return [*_spanned(command, self.verdict.get("span")), *([_Raw("\n"), *_arguments(more)] if more else [])]
        except RecursionError:
            return [_Raw(self.row.input)]

    @cached_property
    def does(self) -> str:
        """In words: the policy's, else its first effect, else the tool's name."""
        if self.verdict.get("does"):
            return str(self.verdict["does"])
        if self.row.kind in CHOOSING and self.choices:
            return str(self.choices[0].get("question") or "asks")
        for effect in self._effects:
            return f"{effect.get('kind', 'unknown')} {effect.get('target', '')}".strip()
        return f"uses {self.row.tool or self.row.kind}"

    @property
    def _effects(self) -> list[dict[str, Any]]:
        found = self.verdict.get("effects")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    @property
    def who(self) -> str:
        """The agent, and the subagent that asks."""
        name = self.row.agent or self.row.session or "unknown"
        return f"{name} › {self.row.subagent}" if self.row.subagent else name

    @property
    def tier(self) -> Span:
        """`T3`, or `ASK` for a question."""
        if self.row.kind in CHOOSING:
            return say("ASK", Ink.ACCENT)
        return say(f"T{self.row.tier} ", Ink.BAD if self.row.tier >= 4 else Ink.WARN)

    def urgent(self, now: int) -> bool:
        """Whether it will be refused within two minutes."""
        return self.row.state == "pending" and self.row.deadline - now < 2 * clock.MINUTE

    def when(self, now: int, *, stale: bool = False, fine: bool = True) -> Span:
        """Its deadline while it waits, else what became of it."""
        mark = "?" if stale else ""
        if self.row.state == "pending":
            words = clock.left(self.row.deadline, now, fine=fine) + mark
            return say(words, Ink.BAD if self.urgent(now) else Ink.PLAIN)
        if self.row.state == "held":
            return say("held" + mark, Ink.NOTICE)
        return say(self.row.state + mark, state_ink(self.row.state))

    def fate(self, now: int) -> str:
        """Its state in words, with who and when."""
        row = self.row
        at = clock.hour(row.changed_at, now)
        if row.state == "pending":
            some = f", {len(self.yeses)} of {self.approvers} yes" if self.approvers > 1 else ""
            waits = "" if row.attached else ", no hook on the line now"
            return f"waits{some}{waits}"
        if row.state == "held":
            return f"approved by {row.hold_by or 'somebody'}, held"
        if row.state == "deferred":
            return "deferred: the agent stopped, still decidable"
        by = f" by {row.decided_by}" if row.decided_by else ""
        used = ", used" if row.used_at else ""
        why = f": {row.reason}" if row.reason else ""
        return f"{row.state}{by} {at}{used}{why}"

    def summary(self, now: int, width: int, *, stale: bool = False, fine: bool = True) -> Line:
        """One row: tier, deadline, who, what it does; with its id where there is room."""
        wide = width >= 100
        who = column(self.who, 26 if wide else 19, Ink.DIM)
        when = self.when(now, stale=stale, fine=fine)
        parts = [self.tier, say("  "), column(when.text, 13, when.ink), who, say("  ")]
        if self.urgent(now):
            # Tier and time in one piece where it counts down: what changes every second is then short to send.
            parts[:3] = [column(f"{self.tier.text}  {when.text}", 18, when.ink)]
        tail = (say(f"  {self.id}", Ink.DIM),) if wide else ()
        room = width - cells(tuple(parts)) - cells(tail)
        return (*parts, column(self.does, max(1, room)), *tail)

    def effects(self) -> str:
        """Each effect with target, host and environment."""
        said = []
        for one in self._effects[:6]:
            words = [one.get(name) for name in ("kind", "target", "host")]
            if one.get("environment"):
                words.append(f"({one['environment']})")
            said.append(" ".join(str(word) for word in words if word))
        if len(self._effects) > 6:
            said.append(f"and {len(self._effects) - 6} more")
        return " · ".join(said) or ("an answer" if self.row.kind in CHOOSING else "unknown")

    def radius(self) -> Span:
        """What was measured of what it would hit, in words: never empty for an act that waits."""
        if self.row.kind in CHOOSING:
            return say("")
        if not self.row.radius:
            return say("measuring…" if self.open else "not measured before it was decided", Ink.DIM)
        found = _object(self.row.radius)
        words, unmeasured = (str(found.get(name) or "") for name in ("words", "unmeasured"))
        missing = f"not measurable: {unmeasured}" if unmeasured or not words else ""
        if not words:
            return say(missing if unmeasured else "not measurable: no reason given", Ink.WARN)
        return say(f"{words} · {missing}" if missing else words, Ink.WARN if missing else Ink.PLAIN)

    def standing(self, most: int = 3) -> Line:
        """Denials and the budgets nearest to their limits, as the policy counted them; empty where it did not."""
        found = self.verdict.get("standing")
        found = found if isinstance(found, dict) else {}
        parts, denials = list[Span](), _pair(found.get("denials"))
        if denials:
            ink = Ink.WARN if denials[0] >= MOST_DENIALS[0] - 1 else Ink.PLAIN
            parts.append(say(f"denials {denials[0]}/{MOST_DENIALS[0]} {denials[1]}/{MOST_DENIALS[1]}", ink))
        budgets = found.get("budgets")
        pairs = (
            [(str(name), pair) for name, one in budgets.items() if (pair := _pair(one))]
            if isinstance(budgets, dict)
            else []
        )
        pairs.sort(key=lambda one: -(one[1][0] / one[1][1] if one[1][1] else 9))
        for name, (used, limit) in pairs[:most]:
            parts.append(say(f"{name} {used:,}/{limit:,}", Ink.WARN if used >= NEAR * limit else Ink.PLAIN))
        dots = [part for one in parts for part in (say(" · "), one)]
        return tuple(dots[1:])

    def why(self) -> str:
        """The policy's reason with its rule and where that stands."""
        reason = self.verdict.get("why") or "no reason given"
        rule, where = self.verdict.get("rule"), self.verdict.get("where")
        tail = " ".join(str(one) for one in (rule and f"rule {rule}", where) if one)
        return f"{reason}   {tail}".rstrip()

    def asked(self, now: int) -> str:
        """Who asks, from where, since when."""
        row = self.row
        parts = [self.who if row.agent else "no agent", f"session {row.session}", row.client, row.cwd]
        return " · ".join(part for part in parts if part) + f" · asked {clock.hour(row.opened_at, now)}"

    def session(self) -> Line:
        """The session that asks with how it stands, and what a decision is bound to.

        All that differs from question to question stands in one line, in few inks: each line and ink is bytes.
        """
        row, standing, digest = self.row, self.standing(1), self.row.digest
        head = say(f"{cut(row.session, 12)} · ")
        tail = say(f"{' · ' if standing else ''}{row.id} {digest[:4]} {digest[4:8]}")
        return (head, *standing, tail)

    @cached_property
    def hidden(self) -> int:
        """Characters shown as marks because nobody could see them: the most of what `serve` and this screen counted."""
        here = sum(look(text[:READABLE], newline="\n").hidden for text in _texts(self.input)[:1000])
        return max(here, _number(self.verdict.get("hidden"), 0))

    @cached_property
    def warning(self) -> str:
        """The mixed-script warning, empty when there is none."""
        said = self.verdict.get("warning")
        if said:
            return str(said)
        texts = _texts(self.input)[:1000]
        return next((warned for text in texts if (warned := look(text[:READABLE]).warning)), "")

    def bound(self, now: int) -> Line:
        """How it stands, what in it could not be seen, and where it would run."""
        head = say(f"{self.fate(now)} · ")
        parts = [say(f"{self.hidden} hidden shown as marks", Ink.NOTICE) if self.hidden else say("nothing hidden")]
        if self.warning:
            parts += [say(" · "), say(self.warning, Ink.NOTICE)]
        kinds = self.verdict.get("kinds")
        if isinstance(kinds, list) and kinds:
            parts.append(say(f" · redacted: {', '.join(map(str, kinds))}", Ink.WARN))
        return (head, *parts, say(f" · in {self.row.cwd or 'no folder'}"))


def same(known: list[Question], found: list[Question]) -> list[Question]:
    """What was found, with the question already known where nothing about it changed: it keeps what it worked out."""
    by_id = {one.id: one for one in known}
    return [old if (old := by_id.get(one.id)) is not None and old.row == one.row else one for one in found]


@dataclass(frozen=True, slots=True)
class Peek:
    """The lines below a list, label and value; `whole` is whether everything that would run is among them."""

    lines: tuple[tuple[Span, Line], ...]
    whole: bool


def peek(question: Question, now: int, width: int, height: int) -> Peek:
    """A question in `height` lines: what it does, how it is spelt, why, who, bound to what."""
    room, most = max(1, width - LABEL), max(1, height - 5 if question.row.kind not in CHOOSING else height - 4)
    begun = clipped(question.spelt, (most + 1) * room * 6)
    spelt = flow(begun, room)
    shown = spelt[:most]
    whole = len(shown) == len(spelt) and begun == question.spelt
    if not whole:
        shown = [*shown[:-1], line(say("… and more: open it to read on", Ink.WARN))]
    lines = [(say("does", Ink.DIM), line(say(question.does, Ink.STRONG)))]
    lines += [(say("runs" if not at else "", Ink.DIM), one) for at, one in enumerate(shown)]
    lines.append((say("why", Ink.DIM), line(str(question.verdict.get("why") or "no reason given"))))
    if question.row.kind not in CHOOSING:
        lines.append((say("radius", Ink.DIM), line(question.radius())))
    lines += [(say("session", Ink.DIM), question.session()), (say("state", Ink.DIM), question.bound(now))]
    return Peek(tuple(lines[:height]), whole)


def labelled(label: str, words: object, width: int, ink: Ink = Ink.PLAIN) -> list[Line]:
    """A label and its words over as many lines as they take."""
    text = str(words)
    parts = phrased(text if len(text) <= WORDS else f"{text[:WORDS]}…", max(1, width - LABEL))
    return [(column(label if not at else "", LABEL, Ink.DIM), say(part, ink)) for at, part in enumerate(parts)]


def state_ink(state: str) -> Ink:
    """The ink that repeats what a state's word says."""
    return {"approved": Ink.GOOD, "denied": Ink.BAD, "expired": Ink.WARN, "held": Ink.NOTICE}.get(state, Ink.PLAIN)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A piece of a call before it is made harmless: that is done for as much as is shown."""

    text: str
    ink: Ink = Ink.PLAIN


def _arguments(arguments: dict[str, Any]) -> list[_Raw]:
    """A tool's arguments, one by one: texts as they are, an edit's old and new parts marked as such."""
    marks = {"old_string": ("− ", Ink.BAD), "new_string": ("+ ", Ink.GOOD)}
    parts = list[_Raw]()
    for name, value in arguments.items():
        mark, ink = marks.get(name, ("", Ink.PLAIN))
        text = value if isinstance(value, str) else pretty(value)
        if mark:
            text = "\n".join(mark + one for one in text.split("\n"))
        split = "\n" if "\n" in text or mark else " "
        parts += [_Raw(f"{name}:{split}", Ink.DIM), _Raw(text, ink), _Raw("\n")]
    return parts[:-1]


def pretty(value: object) -> str:
    """A value as JSON over lines. Raises RecursionError for one that is nested too deep."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)


def _spanned(command: str, span: object) -> list[_Raw]:
    if isinstance(span, list) and len(span) == 2 and all(isinstance(end, int) for end in span):
        start, end = span
        if 0 <= start < end <= len(command) and (start, end) != (0, len(command)):
            return [_Raw(command[:start]), _Raw(command[start:end], Ink.WARN), _Raw(command[end:])]
    return [_Raw(command)]


def _kept(text: str, ink: Ink = Ink.PLAIN) -> Span:
    from sreconsole.text.safe import safe

    return Span(safe(text, newline="\n"), ink)


def _texts(value: Any) -> list[str]:
    """Every text in a value, however deep; a loop, because an agent chooses the depth."""
    found, left = list[str](), [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}") if len(text) <= PARSED else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _pair(value: object) -> tuple[float, float] | None:
    """Two finite numbers, or nothing."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e15 for one in value):
        return None
    return value[0], value[1]


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
