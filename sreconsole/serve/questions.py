"""The questions that wait: opened by hooks, moved by people and time, answered to the hook that waits on the line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sreconsole.gate import escalation as life
from sreconsole.gate.escalation import State, Step
from sreconsole.serve import later
from sreconsole.serve.clock import Clock
from sreconsole.store import escalations, grants, outbox, rows
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import NOTICE, PAGE, WARN, Event
from sreconsole.store.grants import Grant
from sreconsole.store.writer import Tx, Writer
from sreconsole.text.canonical import canonical

Result = TypeVar("Result")

LONGEST_GRANT = 15 * 60 * 1000
MOST_USES = 100

SEVERITY = {
    "escalation.opened": WARN,
    "escalation.expired": PAGE,
    "escalation.deferred": WARN,
    "escalation.broke_glass": PAGE,
    "escalation.undelivered": WARN,
}


class Unknown(Exception):
    """There is no such question."""


class Moved(Exception):
    """The question is not any more what the decider was looking at."""


class Waiter(Protocol):
    """A hook on the line."""

    @property
    def raw(self) -> bytes: ...
    @property
    def home(self) -> str: ...
    @property
    def identity(self) -> str: ...
    def settled(self, escalation: Escalation) -> None: ...


@dataclass(frozen=True, slots=True)
class Decider:
    """Who acts, as the kernel and the login say: shown name, uid, and how they came."""

    name: str
    uid: int
    via: str


Answer = Callable[[Escalation], str]
"""What goes back with a yes to this very question, as stored ("" if nothing); may raise what it finds wrong with it."""


class Questions:
    """Every change of a question: one compare-and-set and its event in one transaction, then whoever waits is told."""

    def __init__(self, writer: Writer, clock: Clock, wake: Callable[[], None]) -> None:
        """`wake()` is called when a row's `next_at` may have come nearer."""
        self.waiters: dict[str, Waiter] = {}
        # Approvals this `serve` has handed over: who was told by it need not be told again, and must not.
        self._handed: set[str] = set()
        self._writer = writer
        self._clock = clock
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self.answered: Callable[[Tx, Escalation, int], None] = lambda tx, e, now: None
        """Called in the transaction in which a human's no, or a yes that is used up, takes effect."""

    async def open(self, draft: Escalation, event: Event, waiter: Waiter) -> Escalation:
        """Open a question, or attach to the one the same call opened before; then the waiter is told its end.

        A live grant that covers it answers at once, by a question that is born approved.
        """
        now = self._clock.now()
        displaced: dict[str, Waiter] = {}

        def work(tx: Tx) -> Escalation:
            opened = ask(tx)
            if opened.state in life.OPEN:
                if (earlier := self.waiters.get(opened.id)) and earlier is not waiter:
                    displaced[opened.id] = earlier
                # In the writer's own thread, before anybody can see the row: a decision that follows at once must
                # find its hook on the line, or it would be handed over without being used up.
                self.waiters[opened.id] = waiter
            return opened

        def ask(tx: Tx) -> Escalation:
            earlier = escalations.same_call(tx.connection, draft.session, draft.subagent, draft.call, draft.asked)
            if earlier and (again := self._again(tx, earlier, draft, waiter, now)):
                if again.used_at != earlier.used_at:
                    self.answered(tx, again, now)
                return again
            self.overtake(
                tx, draft.session, draft.subagent, draft.call,
                lambda e: "the arguments changed" if e.asked != draft.asked else "the folder or the policy changed",
            )  # fmt: skip
            n, name = escalations.number(tx.connection)
            grant = later.covering(tx, draft, now) or _covering(
                tx, grants.live(tx.connection, draft.session, now), draft
            )
            born = rows.changed(draft, n=n, id=name)
            escalations.add(tx.connection, born)
            tx.append(about(born, event.kind, now, summary=event.summary, data=event.data, severity=WARN))
            if grant and grants.spend(tx.connection, grant):
                words = f"{grant.id} of {grant.made_by}"
                self._handed.add(born.id)
                step = Step({**_granted(grant, now), "used_at": now}, "grant.used")
                used = _apply(tx, born, step, now, actor=grant.made_by, data={"grant": grant.id}, note=words)
                self.answered(tx, used, now)
                return used
            return born

        try:
            opened = await self._do(work)
        except BaseException:
            self.waiters = {**{id: one for id, one in self.waiters.items() if one is not waiter}, **displaced}
            raise
        for earlier in displaced.values():
            words = "the same call was presented again, and its answer goes there."
            earlier.settled(rows.changed(opened, state=State.CANCELLED.value, reason=words))
        if opened.state in life.OPEN:
            self._wake()
        else:
            waiter.settled(opened)
        return opened

    async def approve(
        self, id: str, seen: tuple[int, str], who: Decider, reason: str, answer: Answer, hold_ms: int, console: str
    ) -> Escalation:
        """A human's yes. Raises Unknown, Moved, Late, NotAllowed, and what `answer` raises."""
        return await self.step(
            id,
            lambda e, now: life.approve(e, who.name, who.uid, reason, answer(e), now, hold_ms, console),
            who, seen=seen,
        )  # fmt: skip

    async def break_glass(
        self, id: str, seen: tuple[int, str], who: Decider, reason: str, answer: Answer
    ) -> Escalation:
        """One person's yes where two are asked for; it pages. Raises as approve."""
        return await self.step(
            id, lambda e, now: life.break_glass(e, who.name, who.uid, reason, answer(e), now), who, seen=seen
        )

    async def deny(self, id: str, seen: tuple[int, str] | None, who: Decider, reason: str) -> Escalation:
        """A human's no, in force at once. Raises Unknown, Moved, Late."""
        return await self.step(id, lambda e, now: life.deny(e, who.name, reason, now), who, seen=seen)

    async def withdraw(self, id: str, who: Decider | None, why: str) -> Escalation:
        """Take a held yes back. Raises Unknown, Late, NotAllowed for somebody else's."""

        def step(e: Escalation, now: int) -> Step:
            if who and e.state == State.HELD and e.hold_by != who.name:
                raise life.NotAllowed(f"{e.id} is held by {e.hold_by}; deny it, or let them take it back")
            return life.withdraw(e, now)

        return await self.step(id, step, who, note=why)

    async def grant(
        self, id: str, seen: tuple[int, str], who: Decider, target: str, minutes: float, uses: int, reason: str,
        answer: Answer,
    ) -> tuple[Escalation, Grant]:  # fmt: skip
        """Approve this one and the like of it, bounded. Raises as approve, and ValueError for a bound too wide.

        No answer is kept, but what `answer` refuses is not granted.
        """
        until = int(minutes * 60_000)
        if not 0 < until <= LONGEST_GRANT:
            raise ValueError("a grant lasts more than 0 and at most 15 minutes")
        if not 1 <= uses <= MOST_USES:
            raise ValueError(f"a grant is for 1 to {MOST_USES} uses")
        now = self._clock.now()

        def work(tx: Tx) -> tuple[Escalation, Grant]:
            e = expected(tx, id, seen)
            answer(e)
            verdict = json.loads(e.verdict)
            if not target.strip() or (target.strip("*? ") == "" and e.tool == ""):
                raise ValueError("a grant needs a target pattern")
            if verdict.get("unparseable") or not _acts(verdict):
                raise life.NotAllowed(
                    f"{e.id} could not be read as effects: no grant can stand for that, approve this one"
                )
            if int(verdict.get("approvers", 1)) > 1:
                raise life.NotAllowed(f"{e.id} needs two people each time: no grant can stand for that")
            if verdict.get("confirm") and any(mark in target for mark in "*?["):
                raise life.NotAllowed(f"{e.id} asks to type its target: a grant for it names one target, no pattern")
            done = self.decide(tx, e, life.approve(e, who.name, who.uid, reason, "", now, 0, ""), who, now)
            n, name = grants.number(tx.connection)
            made = Grant(n, name, e.id, _effect(verdict), e.tool, target, e.session, who.name, now, now + until, uses, 0,
                         reason, None, "")  # fmt: skip
            grants.add(tx.connection, made)
            tx.append(about(done, "grant.made", now, actor=who.name, data=rows.as_dict(made),
                             summary=f"{name}: {e.tool} {target}, {uses} uses, {minutes:g} min"))  # fmt: skip
            return done, made

        done, made = await self._do(work)
        self._tell(done)
        return done, made

    async def revoke(self, grant: str, who: Decider) -> bool:
        """End a grant. False if it was over already; raises Unknown."""
        now = self._clock.now()

        def work(tx: Tx) -> bool:
            found = grants.get(tx.connection, grant)
            if not found:
                raise Unknown(f"there is no grant {grant}")
            done = grants.revoke(tx.connection, grant, now, who.name)
            if done:
                tx.append(Event("grant.revoked", now, "serve", session=found.session, actor=who.name, subject=grant,
                                summary=f"{grant} revoked"))  # fmt: skip
            return done

        return await self._do(work)

    async def cancel(self, id: str, why: str) -> Escalation:
        """The asking side went away. Raises Unknown, Late."""
        return await self.step(id, lambda e, now: life.cancel(e, why, now), None, note=why)

    async def step(
        self, id: str, step: Callable[[Escalation, int], Step], who: Decider | None,
        *, seen: tuple[int, str] | None = None, note: str = "",
    ) -> Escalation:  # fmt: skip
        """Apply one transition of the state machine and tell whoever waits. Raises Unknown, Moved, Late, NotAllowed."""
        now = self._clock.now()

        def work(tx: Tx) -> Escalation:
            e = expected(tx, id, seen)
            return self.decide(tx, e, step(e, now), who, now, note)

        moved = await self._do(work)
        self._tell(moved)
        return moved

    async def together(self, work: Callable[[Tx, int], tuple[list[Escalation], Result]]) -> Result:
        """Several transitions in one transaction, all or none; then whoever waits on any of them is told."""
        now = self._clock.now()
        moved, result = await self._do(lambda tx: work(tx, now))
        for one in moved:
            self._tell(one)
        return result

    def hung_up(self, id: str, waiter: Waiter) -> bool:
        """Forget a waiter that left; whether it was the one on this question's line."""
        if self.waiters.get(id) is not waiter:
            return False
        del self.waiters[id]
        return True

    def decide(self, tx: Tx, e: Escalation, step: Step, who: Decider | None, now: int, note: str = "") -> Escalation:
        """One transition; an approval that has its hook on the line is used up in the same transaction."""
        actor = who.name if who else "serve"
        moved = _apply(tx, e, step, now, actor=actor, note=note, data={"via": who.via, "uid": who.uid} if who else {})
        if moved.state == State.APPROVED and moved.id in self.waiters:
            self._handed.add(moved.id)
            moved = _apply(tx, moved, life.use(moved, now), now, actor="serve")
        if (moved.state == State.DENIED and e.state != State.DENIED) or (
            moved.state == State.APPROVED and moved.used_at is not None
        ):
            self.answered(tx, moved, now)
        if step.event == "escalation.broke_glass":
            tx.append(about(moved, "page.wanted", now, severity=PAGE, summary=f"break-glass: {moved.id} by {actor}"))
        return moved

    def _again(self, tx: Tx, e: Escalation, draft: Escalation, waiter: Waiter, now: int) -> Escalation | None:
        """The same call presents itself again: attach, hand over what was decided meanwhile, or start anew (None)."""
        if e.state in (State.PENDING, State.HELD):
            if e.digest != draft.digest:
                return None
            changes = {"attached": 1, "waiter": waiter.identity}
            return _apply(tx, e, Step(changes, "escalation.attached"), now)
        if e.state == State.DEFERRED:
            if e.digest != draft.digest:
                return None
            return _apply(tx, e, life.resume(e, waiter.identity, draft.deadline, now), now)
        if e.state == State.APPROVED and e.used_at is None:
            # Decided while nobody waited (a restart, a deferred run): used now, once, by this call.
            if e.digest != draft.digest:
                return None
            self._handed.add(e.id)
            return _apply(tx, e, Step({**life.use(e, now).changes, "waiter": waiter.identity}, "escalation.used"), now)
        if e.decision == life.ALLOWED_LATER:
            # Asked anew: the grant minted for it answers, once.
            return None
        if e.waiter == waiter.identity and e.digest == draft.digest and e.id not in self._handed:
            # The very process that was answered never read it (serve died in between): the same answer again, once.
            self._handed.add(e.id)
            return e
        return None if e.state in (State.CANCELLED, State.INVALIDATED) else _spent(e)

    def overtake(self, tx: Tx, session: str, subagent: str, call: str, why: Callable[[Escalation], str]) -> None:
        """An open question of a call that is answered or asked otherwise now can never run; its hook is told."""
        now = self._clock.now()
        for other in escalations.of_call(tx.connection, session, subagent, call) if call else ():
            words = why(other)
            done = _apply(tx, other, life.invalidate(other, words, now), now, note=words)
            self._loop.call_soon_threadsafe(self._tell, done)

    async def _do(self, work: Callable[[Tx], Result]) -> Result:
        return await asyncio.wrap_future(self._writer.do(work, vital=True))

    def _tell(self, e: Escalation) -> None:
        if e.next_at is not None:
            self._wake()
        if e.state in (State.PENDING, State.HELD):
            return
        if waiter := self.waiters.pop(e.id, None):
            waiter.settled(e)


def page(tx: Tx, e: Escalation, channels: list[str], body: str, now: int) -> None:
    """Put one page per channel into the outbox: one outage, one page, whatever is retried."""
    for channel in channels:
        outbox.put(tx.connection, f"{e.id}:{channel}:asked", channel, e.id, body, now)


def expected(tx: Tx, id: str, seen: tuple[int, str] | None) -> Escalation:
    e = escalations.get(tx.connection, id)
    if e is None:
        raise Unknown(f"there is no escalation {id}")
    if seen and e.state == State.PENDING and seen != (e.version, e.digest):
        raise Moved(f"{id} has changed since you looked at it; look again before you decide")
    return e


def _apply(
    tx: Tx,
    e: Escalation,
    step: Step,
    now: int,
    *,
    actor: str = "serve",
    note: str = "",
    data: dict[str, Any] | None = None,
) -> Escalation:
    if not escalations.change(tx.connection, e, **step.changes):
        raise Moved(f"{e.id} has changed since you looked at it; look again before you decide")
    moved = rows.changed(e, **step.changes, version=escalations.after(e, step.changes))
    facts = {"state": moved.state, "was": e.state, "version": moved.version, "digest": moved.digest, **(data or {})}
    if moved.reason:
        facts["reason"] = moved.reason
    summary = f"{e.id} {moved.state}: {json.loads(e.verdict).get('does') or e.tool}{f' ({note})' if note else ''}"
    tx.append(about(moved, step.event, now, actor=actor, summary=summary, data=facts))
    return moved


def about(e: Escalation, kind: str, now: int, *, actor: str = "serve", summary: str = "", data: Any = None,
           severity: int | None = None) -> Event:  # fmt: skip
    level = SEVERITY.get(kind, NOTICE) if severity is None else severity
    return Event(kind, now, "gate", e.session, e.agent, actor, e.id, e.tier, level, summary, data or {})


def _granted(grant: Grant, now: int) -> dict[str, Any]:
    return {
        "state": State.APPROVED.value, "decided_by": grant.made_by, "decided_at": now, "decision": "grant",
        "reason": f"grant {grant.id}", "next_at": None, "page_at": None, "changed_at": now,
    }  # fmt: skip


def _acts(verdict: dict[str, Any]) -> list[dict[str, Any]]:
    """The effects of a verdict that change something, or that a human is asked about although they only read."""
    return [
        one
        for one in verdict.get("effects") or []
        if not str(one.get("kind", "")).endswith(".read") or int((one.get("facts") or {}).get("tier", 3)) >= 3
    ]


def _effect(verdict: dict[str, Any]) -> str:
    return ",".join(sorted({str(one.get("kind", "")) for one in _acts(verdict)}))


OF_TARGET = {"tier", "branch", "inside", "url", "removed", "ratio"}
"""Facts that follow the target, which the pattern bounds; every other one says what is done, and how."""


def _way(effect: dict[str, Any]) -> str:
    """What is done, where and how, leaving the target aside: a forced push is not like a push, prod not like staging."""
    facts = {name: value for name, value in (effect.get("facts") or {}).items() if name not in OF_TARGET}
    return canonical([effect.get("kind"), effect.get("host"), effect.get("environment"), facts]).decode()


def _covering(tx: Tx, live: list[Grant], draft: Escalation) -> Grant | None:
    """The grant that covers a tier-3 call: same tool, nothing done that was not seen, every target within its pattern."""
    verdict = json.loads(draft.verdict)
    acts = _acts(verdict)
    if draft.tier != 3 or draft.kind != "tool" or int(verdict.get("approvers", 1)) > 1 or verdict.get("raised"):
        return None
    if verdict.get("unparseable") or not acts:
        return None
    targets = {str(verdict.get("target", "")), *(str(one.get("target", "")) for one in acts)}
    ways = {_way(one) for one in acts}
    for grant in live:
        if grant.effect == later.EXACTLY:
            continue
        seen = escalations.get(tx.connection, grant.escalation)
        if grant.tool != draft.tool or "" in targets or seen is None:
            continue
        if not ways <= {_way(one) for one in _acts(json.loads(seen.verdict))}:
            continue
        if all(_within(target, grant.target, bool(verdict.get("confirm"))) for target in targets):
            return grant
    return None


def _within(target: str, pattern: str, exactly: bool) -> bool:
    from fnmatch import fnmatchcase

    return target == pattern if exactly else fnmatchcase(target, pattern)


def _spent(e: Escalation) -> Escalation | None:
    """A second run of a call that was decided and answered: denied and expired stand, a used approval does not."""
    return None if e.state == State.APPROVED else e
