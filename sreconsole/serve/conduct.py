"""What a session has done so far, held against every further call: budgets, denials, chains, scripts it wrote.

The record of a session lives in the store and is read and written in the transaction of the call's own event.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sreconsole.gate.escalation import State
from sreconsole.policy import budgets, denials, standing
from sreconsole.policy.chains import Answer, Step
from sreconsole.policy.standing import Plan, Standing
from sreconsole.serve.sessions import Known, Roster
from sreconsole.store import agents
from sreconsole.store import conduct as table
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import NOTICE, PAGE, WARN, Event
from sreconsole.store.writer import Tx

DAY = 86_400_000
FORGOTTEN = 30 * DAY
"""Milliseconds after which the conduct of a session that did nothing more is forgotten."""

SECRET, FILE = "secret", "file"
MOST_SCRIPTS, MOST_BYTES = 256, 4 * 1024 * 1024
RESTS = ("Stop", "StopFailure", "UserPromptSubmit", "SessionStart", "SessionEnd")
ENDS = ("PostToolUse", "PostToolUseFailure", "PermissionDenied")


class Scripts:
    """Files that sessions wrote, in memory only: what a script was written to be, whatever the disk shows later."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[str, str]] = OrderedDict()
        self._bytes = 0

    def remember(self, session: str, path: str, mark: str, text: str) -> None:
        """Keep one file as it was written; the oldest make room."""
        self._drop((session, path))
        self._kept[session, path] = (mark, text)
        self._bytes += len(text)
        while self._kept and (len(self._kept) > MOST_SCRIPTS or self._bytes > MOST_BYTES):
            self._drop(next(iter(self._kept)))

    def differing(self, session: str, read: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Of the files a verdict looked at (real path to [hash, path as asked]): those written otherwise, by path."""
        found = {}
        for real, (mark, path) in read.items():
            written = self._kept.get((session, real)) or self._kept.get((session, path))
            if written and written[0] != mark:
                found[path] = written[1]
        return found

    def _drop(self, key: tuple[str, str]) -> None:
        if gone := self._kept.pop(key, None):
            self._bytes -= len(gone[1])


class Case:
    """One call held against its session's record, inside one transaction."""

    def __init__(self, conduct: Conduct, tx: Tx, judged: dict[str, Any], known: Known, now: int) -> None:
        self._conduct, self._tx, self._known, self._now = conduct, tx, known, now
        self.session = known.session.id
        deeds = judged["conduct"]
        self._deeds, self._plan = deeds, _plan(judged)
        self.before = self.standing = conduct.load(tx, self.session)
        self.limits = conduct.limits(tx, self.standing, deeds["budgets"], known.session.agent)
        self.consecutive, self.total = denials.thresholds(deeds["budgets"])
        self.new_files = self._new_files()
        self._own_tier = self._plan.tier
        self.raised = standing.weigh(
            self._weighed(deeds["budgets"]), self._plan, self.new_files, self.limits, self.consecutive, self._seen, now
        )
        self.judged = {**judged, "verdict": self._verdict(judged["verdict"])}

    def settle(self, kind: str) -> None:
        """Write what became of the call: passed, refused or asked of the person there; "" is a question that waits."""
        plan = self._plan
        if self.raised and self.raised.tier == 3 and kind != "tool.refused":
            self.standing = standing.held(self.standing, self.raised)
        if kind == "tool.passed":
            self._passed()
        elif kind == "tool.asked":
            self.standing = standing.put_to_person(self.standing, plan.call, plan.rule, json.dumps(self._bill()))
        if self._counts(kind) and not denials.counted(self.standing.record, plan.call):
            self.count(plan)
        if kind != "tool.refused" and (script := self._deeds["script"]):
            self._conduct.scripts.remember(self.session, *script)
        self.save()

    def save(self) -> None:
        """Write the record if it changed."""
        if self.standing is not self.before:
            self._conduct.save(self._tx, self.session, self.standing, self._now)
            self.before = self.standing

    def event(self, kind: str, severity: int, summary: str, **facts: Any) -> None:
        """Append an event about this session."""
        known = self._known.session
        self._tx.append(Event(kind, self._now, "gate", known.id, known.agent, "serve", self._plan.call, 0, severity,
                              summary, facts))  # fmt: skip

    def count(self, plan: Plan) -> None:
        """Count one denial; too many of them end the session."""
        self.standing = standing.denied(self.standing, plan, self._now)
        record = self.standing.record
        if record.streak == self.consecutive:
            self.event("denials.streak", PAGE, f"{record.streak} denials in a row; the next call asks a human",
                       denials=[record.streak, record.total])  # fmt: skip
        if record.total >= self.total and not self._known.session.stopped:
            why = f"{record.total} denials, and {self.total} end a session"
            self._conduct.roster.change(self._tx, self.session, self._now, stopped=why)
            self.event("session.stopped", PAGE, f"{self.session} stopped: {why}", denials=[record.streak, record.total])

    def _counts(self, kind: str) -> bool:
        if kind == "tool.refused":
            # Of a stopped session, a revoked agent or a parked one it is their state that refused, not the policy.
            return self._plan.tier >= 4 and not self._known.session.stopped and not self._known.owner.revoked
        return bool(self.raised and self.raised.denial)

    def _passed(self) -> None:
        plan, now = self._plan, self._now
        new = self._conduct.touch(self._tx, self.session, plan.files, now, self.limits)
        self.standing = standing.ran(self.standing, plan, new, self._seen, now, by_a_human=False)
        self.standing = standing.on_its_way(self.standing, plan.call, now, self.limits)
        self._conduct.learn(self, self._tx, self.session, self._deeds["marks"], now)
        self._conduct.spend(self._tx, self._known.session.agent, plan.cost, new, now)
        self._conduct.warn(self, self._deeds["budgets"])

    def _verdict(self, verdict: dict[str, Any]) -> dict[str, Any]:
        raised, plan = self.raised, self._plan
        if raised:
            plan = self._plan = replace(plan, tier=raised.tier, rule=raised.rule)
            changes = {"tier": raised.tier, "rule": raised.rule, "why": raised.why, "where": raised.where,
                       "raised": True, "instead": "", "page_after": 0.0}  # fmt: skip
            if self._own_tier == 3 and raised.tier == 3:
                # It would have been asked anyway: whoever decides wants to know why.
                changes["why"] = f"{raised.why} {verdict['why']}"
            verdict = {**verdict, **changes, "does": raised.does or verdict["does"]}
        if verdict["tier"] != 3:
            return verdict
        return {**verdict, "standing": self.shown(), "conduct": self._bill()}

    def shown(self) -> dict[str, Any]:
        """How the session stands, for the card: denials [in a row, in all] of their limits, budgets [used, limit]."""
        record = self.standing.record
        if self.raised and self.raised.denial:
            # As it will be once this very call is counted.
            record = standing.denied(self.standing, self._plan, self._now).record
        return {
            "denials": [record.streak, record.total], "of": [self.consecutive, self.total],
            "budgets": budgets.standing(self._weighed(self._deeds["budgets"]).ledger, self.limits, self._now),
        }  # fmt: skip

    def _bill(self) -> dict[str, Any]:
        """What an approval of this call will be counted as."""
        deeds = self._deeds
        return {
            "cost": deeds["cost"], "files": deeds["files"], "steps": deeds["steps"], "taken": deeds["taken"],
            "marks": deeds["marks"], "budgets": deeds["budgets"],
        }  # fmt: skip

    def _weighed(self, policy: Mapping[str, Any]) -> Standing:
        """The record budgets are held against: the session's, or with `per: agent` what its agent used up today."""
        agent = self._known.session.agent
        if not agent or policy.get("per") != "agent":
            return self.standing
        used = self._conduct.used_today(self._tx, agent, self._now)
        return replace(self.standing, ledger=replace(self.standing.ledger, used=used))

    def _new_files(self) -> int:
        if "files_touched" not in self.limits or not self._plan.files:
            return 0
        return table.unknown(self._tx.connection, self.session, self._plan.files)

    def _seen(self, within: int) -> bool:
        if not self.standing.secrets:
            return False
        marks = self._deeds.get("words") or []
        return table.seen(self._tx.connection, self.session, marks, SECRET, self._now - within)


class Conduct:
    """The records of all sessions."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.scripts = Scripts()

    def open(self, tx: Tx, judged: dict[str, Any], known: Known, now: int) -> Case | None:
        """A call to be held against its session's record; None for one that is no tool call."""
        return Case(self, tx, judged, known, now) if judged["kind"] == "tool" and judged.get("conduct") else None

    def settled(self, tx: Tx, e: Escalation, now: int) -> None:
        """A question about a tool call has its human's answer: what follows, in the transaction of that answer."""
        verdict = json.loads(e.verdict)
        bill = verdict.get("conduct")
        known = self.roster.get(e.session)
        if e.kind != "tool" or not bill or known is None:
            return
        judged = {
            "call": e.call, "tool": e.tool, "asked": e.asked, "verdict": verdict,
            "conduct": {**bill, "answer": None, "words": [], "script": None},
        }  # fmt: skip
        self._close(tx, judged, known, now, agreed=e.state == State.APPROVED)

    def news(self, tx: Tx, judged: dict[str, Any], known: Known, now: int) -> None:
        """Something was reported that is no call: the end of one, a turn, a rest."""
        event, id = judged["event"], known.session.id
        if event not in ENDS and event not in RESTS and event != "PostToolBatch":
            return
        before = record = self.load(tx, id)
        if event == "PostToolBatch":
            record = replace(record, ledger=budgets.add(record.ledger, {"turns": 1}))
        ended = budgets.ended(record.ledger, judged["call"] if event in ENDS else None)
        if event != "PostToolBatch" and ended is not record.ledger:
            record = replace(record, ledger=ended)
        deeds = judged.get("conduct") or {}
        if marks := deeds.get("marks"):
            table.keep(tx.connection, id, SECRET, marks, tx.head.seq, now, again=True)
            made = tuple(_step(one) for one in deeds["steps"])
            plan = Plan(judged["call"], judged["tool"], "", 1, "", steps=made)
            record = standing.ran(record, plan, 0, lambda within: True, now, by_a_human=False)
            record = replace(record, secrets=record.secrets + len(marks))
        asked = next((one for one in record.asked if one[0] == judged["call"]), None) if event in ENDS else None
        if asked:
            record = replace(record, asked=tuple(one for one in record.asked if one is not asked))
        if record is not before:
            self.save(tx, id, record, now)
        if asked and event != "PermissionDenied":
            verdict = {"tier": 3, "rule": asked[1], "effects": [], "does": ""}
            bill = {**json.loads(asked[2]), "answer": None, "words": [], "script": None}
            stored = {"call": asked[0], "tool": judged["tool"], "asked": "", "verdict": verdict, "conduct": bill}
            self._close(tx, stored, known, now, agreed=True)

    def _close(self, tx: Tx, judged: dict[str, Any], known: Known, now: int, *, agreed: bool) -> None:
        case = _Closing(self, tx, judged, known, now)
        if agreed:
            case.agree()
        else:
            case.count(case.plan)
        case.save()

    def load(self, tx: Tx, session: str) -> Standing:
        """A session's record; one that cannot be read is a fault that refuses its calls."""
        return standing.from_json(table.get(tx.connection, f"session:{session}"))

    def save(self, tx: Tx, session: str, record: Standing, now: int) -> None:
        """Write a session's record."""
        table.save(tx.connection, f"session:{session}", standing.to_json(record), now)

    def limits(self, tx: Tx, record: Standing, policy: Mapping[str, Any], agent: str) -> dict[str, int]:
        """The limits in force for a session of this agent."""
        if not policy:
            return {}
        scale: dict[str, float] = {}
        if agent and (found := agents.get(tx.connection, agent)):
            scale = _multipliers(found.scope)
        return budgets.limits(policy, scale, record.ledger)

    def touch(self, tx: Tx, session: str, files: Sequence[str], now: int, limits: Mapping[str, int]) -> int:
        """Note files as touched; how many of them were not before."""
        if "files_touched" not in limits or not files:
            return 0
        return table.keep(tx.connection, session, FILE, files, 0, now, again=False)

    def learn(self, case: Case, tx: Tx, session: str, marks: Sequence[str], now: int) -> None:
        """Keep the fingerprints of secrets a call writes somewhere."""
        if marks:
            table.keep(tx.connection, session, SECRET, marks, tx.head.seq, now, again=True)
            case.standing = replace(case.standing, secrets=case.standing.secrets + len(marks))

    def spend(self, tx: Tx, agent: str, cost: Mapping[str, int], new_files: int, now: int) -> None:
        """Count a call for its agent, by day (UTC), whatever session it was in."""
        spent = {**cost, "files_touched": new_files}
        if not agent or not any(spent.values()):
            return
        used = self.used_today(tx, agent, now)
        used = {name: used.get(name, 0) + spent.get(name, 0) for name in {*used, *spent}}
        state = {"day": now // DAY, "used": {name: count for name, count in sorted(used.items()) if count}}
        table.save(tx.connection, f"agent:{agent}", json.dumps(state, separators=(",", ":")), now)

    def used_today(self, tx: Tx, agent: str, now: int) -> dict[str, int]:
        """What all sessions of an agent have used up since midnight UTC, by budget."""
        stored = json.loads(table.get(tx.connection, f"agent:{agent}") or "{}")
        return dict(stored.get("used", {})) if stored.get("day") == now // DAY else {}

    def warn(self, case: Case, policy: Mapping[str, Any]) -> None:
        """Say once of each budget that most of it is used up."""
        ledger, fresh = budgets.warnings(
            case.standing.ledger, case.limits, float(policy.get("warn_at", budgets.WARN_AT))
        )
        if not fresh:
            return
        case.standing = replace(case.standing, ledger=ledger)
        for one in fresh:
            case.event("budget.warned", NOTICE, f"{one.used} of {one.limit} {budgets.WORDS[one.name]} used",
                       budget=one.name, used=one.used, limit=one.limit)  # fmt: skip

    def prune(self, tx: Tx, now: int) -> None:
        """Forget sessions that did nothing for a month."""
        table.prune(tx.connection, now - FORGOTTEN)


class _Closing(Case):
    """A call whose question has its end: nothing is weighed any more."""

    def __init__(self, conduct: Conduct, tx: Tx, judged: dict[str, Any], known: Known, now: int) -> None:
        self._conduct, self._tx, self._known, self._now = conduct, tx, known, now
        self.session, self._deeds, self._plan = known.session.id, judged["conduct"], _plan(judged)
        self.before = self.standing = conduct.load(tx, self.session)
        self.limits = conduct.limits(tx, self.standing, self._deeds["budgets"], known.session.agent)
        self.consecutive, self.total = denials.thresholds(self._deeds["budgets"])
        self.raised = None

    @property
    def plan(self) -> Plan:
        return self._plan

    def agree(self) -> None:
        """A human's yes: it runs, the streak is over, and a budget it asked for is half again as large."""
        plan, now = self._plan, self._now
        new = self._conduct.touch(self._tx, self.session, plan.files, now, self.limits)
        self.standing = standing.ran(self.standing, plan, new, lambda within: True, now, by_a_human=True)
        self.standing = standing.on_its_way(self.standing, plan.call, now, self.limits)
        self._conduct.learn(self, self._tx, self.session, self._deeds["marks"], now)
        self._conduct.spend(self._tx, self._known.session.agent, plan.cost, new, now)
        if plan.rule.startswith(standing.BUDGET):
            name = plan.rule.removeprefix(standing.BUDGET)
            was = self.limits.get(name, 0)
            self.limits = self._conduct.limits(
                self._tx, self.standing, self._deeds["budgets"], self._known.session.agent
            )
            self.event("budget.raised", WARN, f"{budgets.WORDS.get(name, name)}: {was} to {self.limits.get(name, 0)}",
                       budget=name, was=was, limit=self.limits.get(name, 0))  # fmt: skip
        self._conduct.warn(self, self._deeds["budgets"])


def _plan(judged: Mapping[str, Any]) -> Plan:
    verdict, deeds = judged["verdict"], judged["conduct"]
    answer = deeds["answer"]
    return Plan(
        judged["call"], judged["tool"], judged["asked"], int(verdict["tier"]), str(verdict["rule"]), verdict["effects"],
        deeds["cost"], tuple(deeds["files"]), tuple(_step(one) for one in deeds["steps"]), tuple(deeds["taken"]),
        Answer(*answer) if answer else None,
    )  # fmt: skip


def _step(given: Sequence[Any]) -> Step:
    chain, number, of, tier, why, within, page, uses, sources, where = given
    return Step(chain, number, of, tier, why, within, page, uses, tuple(sources), where)


def _multipliers(scope: str) -> dict[str, float]:
    try:
        found = json.loads(scope).get("multipliers") or {}
        return {str(name): float(times) for name, times in found.items()}
    except (ValueError, TypeError, AttributeError):
        # What cannot be read widens nothing.
        return {}
