"""Thousands of histories of one store: hooks, deciders, time, reloads and restarts in any order. What must hold, holds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sreconsole.gate import escalation as life
from sreconsole.gate.escalation import State
from sreconsole.policy.action import bind
from sreconsole.serve.questions import Decider, Moved, Questions, Unknown
from sreconsole.store import database, escalations, grants, log
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import Event, relink
from sreconsole.store.writer import Writer
from sreconsole.text.canonical import canonical

HISTORIES = int(os.environ.get("SRECONSOLE_HISTORIES", "200"))
pytestmark = pytest.mark.torture
DANA, LEE = Decider("dana", 1, "t"), Decider("lee", 2, "t")
LOST = (life.Late, life.NotAllowed, Moved, Unknown, ValueError)


@dataclass
class Time:
    at: int = 1_000_000

    def now(self) -> int:
        return self.at


@dataclass(eq=False)
class Hook:
    identity: str
    wanted: tuple[str, str, str]
    raw: bytes = b"{}"
    home: str = ""
    ends: list[Escalation] = field(default_factory=list)
    opened: str = ""
    gone: bool = False

    def settled(self, escalation: Escalation) -> None:
        self.ends.append(escalation)

    @property
    def allowed(self) -> bool:
        return any(e.state == State.APPROVED and e.used_at is not None for e in self.ends)


def draft(dice: random.Random, history: int, now: int) -> Escalation:
    target = dice.choice(["a", "b"])
    call, cwd, policy = (
        f"{history}-{dice.randrange(3)}",
        dice.choice(["/x", "/x", "/y"]),
        dice.choice(["p1", "p1", "p2"]),
    )
    asked, wait = f"touch {target}", dice.choice([40, 400])
    verdict = {
        "tier": 3, "target": target, "does": "writes", "approvers": dice.choice([1, 1, 1, 2]), "confirm": "",
        "then": dice.choice(["refuse", "defer"]), "unparseable": False,
        "effects": [{"kind": "fs.write", "target": target, "host": "", "environment": "", "facts": {"tier": 3}}],
    }  # fmt: skip
    session = f"s{history}"
    return Escalation(
        n=0, id="", kind="tool", state="pending", version=1, asked=asked, tier=3, client="claude-code", session=session,
        digest=bind(asked, cwd=cwd, session=session, subagent="", agent="", policy=policy), subagent="", agent="",
        call=call, tool="Bash", cwd=cwd, input="{}", choices="[]", verdict=canonical(verdict).decode(), policy=policy, raw="",
        opened_at=now, changed_at=now, deadline=now + wait, next_at=now + wait, page_at=None, hold_until=None, hold_by="",
        approvals="[]", attached=1, waiter="", decided_by="", decided_at=None, decision="", reason="", answer="", used_at=None,
    )  # fmt: skip


def nothing(e: Escalation) -> str:
    """An approval that carries no answer."""
    return ""


class History:
    """One session's life, everybody at once."""

    def __init__(self, number: int, writer: Writer, reader: Any) -> None:
        self.number, self.writer, self.reader = number, writer, reader
        self.dice, self.clock = random.Random(number), Time(1_000_000 + number * 1_000_000)
        self.questions = Questions(writer, self.clock, lambda: None)  # type: ignore[arg-type]
        self.hooks: list[Hook] = []

    async def run(self) -> None:
        acts = [
            self.ask,
            self.ask,
            self.decide,
            self.decide,
            self.decide,
            self.tick,
            self.leave,
            self.again,
            self.reload,
        ]
        for _ in range(6):
            await asyncio.gather(*(self.act(self.dice.choice(acts)) for _ in range(self.dice.randrange(2, 7))))
            if self.dice.random() < 0.06:
                await self.restart()
        await asyncio.sleep(0)

    async def act(self, act: Any) -> None:
        for _ in range(self.dice.randrange(3)):
            await asyncio.sleep(0)
        with contextlib.suppress(*LOST):
            await act()

    async def present(self, one: Escalation, identity: str) -> None:
        hook = Hook(identity, (one.asked, one.cwd, one.call))
        self.hooks.append(hook)
        one = type(one)(**{**{name: getattr(one, name) for name in one.__slots__}, "waiter": identity})
        event = Event("escalation.opened", self.clock.now(), "gate", one.session)
        hook.opened = (await self.questions.open(one, event, hook)).id

    async def ask(self) -> None:
        await self.present(draft(self.dice, self.number, self.clock.now()), f"h{len(self.hooks)}")

    async def again(self) -> None:
        """A hook that was there presents itself again, under its own name or another's."""
        if not self.hooks:
            return
        one = self.dice.choice(self.hooks)
        found = draft(self.dice, self.number, self.clock.now())
        await self.present(found, one.identity)

    def open(self) -> list[Escalation]:
        return escalations.of_session(self.reader, f"s{self.number}")

    async def decide(self) -> None:
        waiting = self.open()
        if not waiting:
            return
        e, who = self.dice.choice(waiting), self.dice.choice([DANA, LEE])
        seen, q = (e.version, e.digest), self.questions
        match self.dice.choice(["yes", "hold", "no", "undo", "glass", "grant", "gone"]):
            case "yes":
                await q.approve(e.id, seen, who, "", nothing, 0, "")
            case "hold":
                await q.approve(e.id, seen, who, "", nothing, 20, "c1")
            case "no":
                await q.deny(e.id, None, who, "")
            case "undo":
                await q.withdraw(e.id, who, "")
            case "gone":
                await q.withdraw(e.id, None, "")
            case "glass":
                await q.break_glass(e.id, seen, who, "fire", nothing)
            case "grant":
                await q.grant(e.id, seen, who, self.dice.choice(["a", "*"]), 0.01, 2, "", nothing)

    async def tick(self) -> None:
        self.clock.at += self.dice.choice([5, 25, 60, 500])
        for e in self.open():
            if e.next_at is not None and e.next_at <= self.clock.at:
                with contextlib.suppress(*LOST):
                    await self.questions.step(e.id, life.settle if e.state == State.HELD else life.expire, None)

    async def leave(self) -> None:
        if not self.hooks:
            return
        hook = self.dice.choice(self.hooks)
        if hook.opened and not hook.ends and not hook.gone and self.questions.hung_up(hook.opened, hook):
            hook.gone = True
            await self.questions.cancel(hook.opened, "gone")

    async def reload(self) -> None:
        for e in self.open():
            what, q = self.dice.choice(["rebind", "pass", "never"]), self.questions
            digest = bind(e.asked, cwd=e.cwd, session=e.session, subagent="", agent="", policy="p2")
            if what == "rebind":
                await q.step(e.id, lambda row, now: life.rebind(row, digest, "p2", row.verdict, 3, now), None)
            else:
                await q.step(e.id, lambda row, now: life.retier(row, 1 if what == "pass" else 4, "policy", now), None)

    async def restart(self) -> None:
        """What `serve` does when it comes back: no waiter, nothing held."""
        for hook in self.hooks:
            hook.gone = True
        self.questions = Questions(self.writer, self.clock, lambda: None)  # type: ignore[arg-type]
        for e in self.open():
            if e.state == State.HELD:
                with contextlib.suppress(*LOST):
                    await self.questions.withdraw(e.id, None, "restart")

    def check(self) -> None:
        rows = {e.id: e for e in escalations.newest(self.reader, limit=100_000) if e.session == f"s{self.number}"}
        for hook in self.hooks:
            if hook.allowed:
                end = next(e for e in hook.ends if e.used_at is not None)
                assert (end.asked, end.cwd, end.call) == hook.wanted, (self.number, "something else ran")
                row = rows[end.id]
                assert row.state == State.APPROVED and row.used_at is not None and row.decided_by
            assert len(hook.ends) <= 1, (self.number, "told twice", hook.ends)
        # The same answer again is for the very hook process that did not read it, after a restart.
        for id in rows:
            told = [one for one in self.hooks if any(e.id == id and e.used_at is not None for e in one.ends)]
            assert len({one.identity for one in told}) <= 1, (self.number, id, "two hooks ran on one approval")
        for e in rows.values():
            if e.state in (State.PENDING, State.HELD):
                assert e.next_at is not None, (self.number, "waits for ever")
            else:
                assert e.next_at is None
            if e.used_at is not None and len(json.loads(e.approvals)) < json.loads(e.verdict)["approvers"]:
                assert e.decision == "grant" or any(one.get("break_glass") for one in json.loads(e.approvals))
        waiting = dict(self.questions.waiters)
        for hook in self.hooks:
            if not hook.ends and not hook.gone and hook.opened:
                assert waiting.get(hook.opened) is hook, (self.number, "neither answered nor waited for")
                assert rows[hook.opened].state in (State.PENDING, State.HELD), (self.number, rows[hook.opened])
        for one in grants.newest(self.reader, 100_000):
            assert one.used <= one.uses


async def test_no_order_of_things_lets_a_call_run_twice_or_wait_for_ever(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "fleet.db")
    reader = database.open_reader(tmp_path / "fleet.db")
    allowed = 0
    for number in range(HISTORIES):
        history = History(number, writer, reader)
        await history.run()
        writer.do(lambda tx: None).result()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        history.check()
        allowed += sum(hook.allowed for hook in history.hooks)
    entries = list(log.every(reader))
    used = [entry.subject for entry in entries if entry.kind == "escalation.used"]
    assert len(used) == len(set(used))
    assert all(relink(entry) == entry.hash for entry in entries)
    assert allowed > HISTORIES / 10
    print(f"histories={HISTORIES} events={len(entries)} allowed={allowed}")
    reader.close()
    writer.close()
