"""What becomes of each hook call: passed, refused, asked of the person there, or a question that waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from sreconsole.gate import ask, claude_code
from sreconsole.gate.call import NO_OPINION, Reply
from sreconsole.gate.escalation import Late, State
from sreconsole.policy.action import bind
from sreconsole.serve import alike, peers, reviews, wording
from sreconsole.serve.clock import Clock
from sreconsole.serve.conduct import Conduct
from sreconsole.serve.hooks import HookLine
from sreconsole.serve.judges import Judges, Poison
from sreconsole.serve.questions import Questions
from sreconsole.serve.sessions import Foreign, Known, Roster
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import INFO, NOTICE, PAGE, WARN, Event
from sreconsole.store.writer import Tx, Unwritable, Writer
from sreconsole.text.canonical import canonical

GATES = ("PreToolUse", "PermissionRequest", "ConfigChange", "Elicitation")
WAITS = ("tool", "question", "plan", "elicitation", "ask")
MOST_IN_HAND = 256
"""Calls between their arrival and their answer or question. Enough to keep workers and writer busy, and no more."""

DOCTOR = "sreconsole-doctor-"
"""Sessions of `sreconsole doctor`, which proves that the gate answers: they leave no trace."""


MOST_UNFINISHED = 512
"""Calls being sent at once. A hook sends its own in one go, so the oldest of more is not one."""

MOST_BYTES = 256 * 1024 * 1024
"""Bytes of calls being sent at once."""


class Gatekeeper:
    """Takes hook calls from the socket to their answer."""

    def __init__(
        self, writer: Writer, judges: Judges, questions: Questions, roster: Roster, clock: Clock,
        watched: Callable[[str], str], conduct: Conduct, opened: Callable[[Escalation], None],
    ) -> None:  # fmt: skip
        """`watched(path)` says what is wrong with a changed settings file ("" if nothing); `opened` is told of each
        question that waits.
        """
        self.lines: set[HookLine] = set()
        self._unfinished: dict[HookLine, int] = {}
        self._gathered = 0
        self._writer, self._judges, self._questions = writer, judges, questions
        self._roster, self._clock, self._watched, self._conduct = roster, clock, watched, conduct
        self._opened = opened
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived: deque[HookLine] = deque()
        self._in_hand: set[asyncio.Task[None] | None] = set()
        self._closing = False

    def arrived(self, line: HookLine) -> None:
        """Somebody has connected; whoever has been sending the longest makes room."""
        self._unfinished[line] = 0
        if len(self._unfinished) > MOST_UNFINISHED:
            self._drop(next(iter(self._unfinished)))

    def gathers(self, line: HookLine, size: int) -> None:
        """Somebody has sent more; whoever has sent the most makes room."""
        if line in self._unfinished:
            self._unfinished[line] += size
            self._gathered += size
        while self._gathered > MOST_BYTES:
            self._drop(max(self._unfinished, key=lambda one: self._unfinished[one]))

    def whole(self, line: HookLine) -> None:
        """A call has arrived, or will not."""
        self._gathered -= self._unfinished.pop(line, 0)

    def _drop(self, line: HookLine) -> None:
        self.whole(line)
        line.drop()

    def begin(self, line: HookLine) -> None:
        """A call has arrived whole. Of a flood, what is not in hand yet waits as bytes alone, in order."""
        self._arrived.append(line)
        self._take()

    def _take(self, done: asyncio.Task[None] | None = None) -> None:
        self._in_hand.discard(done)
        while self._arrived and len(self._in_hand) < MOST_IN_HAND:
            task = asyncio.get_running_loop().create_task(self._handle(self._arrived.popleft()))
            self._in_hand.add(task)
            task.add_done_callback(self._take)

    def close(self) -> None:
        """`serve` ends: from now on a lost line is our doing, and its question goes on waiting."""
        self._closing = True

    def hung_up(self, line: HookLine) -> None:
        """A hook left. If its question still waits, the question is withdrawn."""
        if self._closing or not line.escalation or not self._questions.hung_up(line.escalation, line):
            return
        task = asyncio.get_running_loop().create_task(self._cancel(line.escalation, "the agent took the call back"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def settle(self, line: HookLine, escalation: Escalation) -> None:
        """Answer a hook with the end of its question."""
        line.escalation = escalation.id
        if escalation.state == State.EXPIRED:
            self._park(escalation)
        if not line.connected and escalation.state == State.APPROVED:
            self._note(escalation, "escalation.undelivered", "approved, but its hook had gone: nothing ran")
        known = self._roster.get(escalation.session)
        if escalation.state == State.DENIED and known and known.session.stopped and line.client != ask.CLIENT:
            line.reply(wording.stopped(known.session.stopped))
            return
        line.reply(wording.settled(escalation, line.raw))

    async def _handle(self, line: HookLine) -> None:
        try:
            await self._judge(line)
        except Poison as poison:
            line.reply(wording.refused(line.event, "the gate could not read this call and will not try again"))
            await self._append(Event("gate.poison", self._clock.now(), "gate", severity=PAGE, subject=str(poison)[:16],
                                     summary=f"a payload killed two workers; refused ({len(line.raw)} bytes)",
                                     data={"sha256": str(poison), "event": line.event, "uid": line.peer.uid}))  # fmt: skip
        except Foreign as no:
            line.reply(wording.in_words_of(line.client, wording.refused(line.event, str(no)), str(no)))
            await self._append(Event("gate.foreign-session", self._clock.now(), "gate", severity=WARN,
                                     actor=f"uid {line.peer.uid}", summary=f"{line.event}: {no}"))  # fmt: skip
        except Unwritable as fault:
            line.reply(wording.refused(line.event, f"the gate cannot record what it decides: {fault}"))
        except Exception as error:
            line.reply(wording.refused(line.event, f"the gate failed ({type(error).__name__})"))
            raise

    async def _judge(self, line: HookLine) -> None:
        judged = await self._judges.call(line.client, line.event, line.raw, peers.home(line.peer.uid))
        if not judged["ok"]:
            await self._append(Event("gate.unreadable", self._clock.now(), "gate", severity=WARN, actor=f"uid {line.peer.uid}",
                                     summary=f"{line.event}: {judged['problem']}"))  # fmt: skip
            line.reply(wording.refused(line.event, f"the gate could not read the call: {judged['problem']}"))
            return
        if judged["kind"] in WAITS and judged["session"].startswith(DOCTOR):
            # Read and judged like any other, and always refused: it proves the whole way there and back.
            line.reply(claude_code.deny(f"Refused: doctor {judged['session']}"))
            return
        if line.client == ask.CLIENT:
            judged["session"] = self._roster.vouched(judged["session"], line.peer)
        if judged["kind"] in WAITS:
            await self._gate(line, await self._as_written(line, judged))
        elif judged["kind"] == "settings":
            await self._settings(line, judged)
        else:
            await self._news(line, judged)

    async def _as_written(self, line: HookLine, judged: dict[str, Any]) -> dict[str, Any]:
        """Judge again where a script this session wrote is not what the disk shows: whichever is worse may run."""
        read = (judged.get("conduct") or {}).get("read")
        written = self._conduct.scripts.differing(judged["session"], read) if read else {}
        if not written:
            return judged
        again = await self._judges.call(line.client, line.event, line.raw, peers.home(line.peer.uid), written)
        return again if again["ok"] else judged

    async def _gate(self, line: HookLine, given: dict[str, Any]) -> None:
        """One transaction for whatever is settled at once; a question of its own for what must wait."""
        tier, now = given["verdict"]["tier"], self._clock.now()

        def work(tx: Tx) -> tuple[Known, dict[str, Any], tuple[Reply, str] | None]:
            known = self._roster.seen(tx, given, line.client, line.peer, line.attended, now)
            case = self._conduct.open(tx, given, known, now)
            judged = case.judged if case else given
            reply, kind, severity, why = _at_once(judged, known)
            if reply is not None:
                if kind == "tool.refused":
                    self._roster.change(tx, known.session.id, now, refused=known.session.refused + 1)
                before = tx.head.seq
                seq = tx.append(_tool_event(kind, judged, known, now, severity, why, line.uid))
                if kind == "tool.passed" and seq > before:
                    reviews.enter(tx, seq, judged, known.session.agent, now)
                self._questions.overtake(tx, judged["session"], judged["subagent"], judged["call"], lambda e: why)
            else:
                self._roster.change(tx, known.session.id, now, asked=known.session.asked + 1)
            if case:
                stopped = known.session.stopped
                case.settle(kind)
                if known.session.stopped and not stopped:
                    reply = wording.stopped(known.session.stopped)
            return known, judged, (reply, why) if reply is not None else None

        known, judged, reply = await asyncio.wrap_future(self._writer.do(work, vital=tier >= 3))
        if reply is not None:
            line.reply(wording.in_words_of(line.client, *reply))
            return
        draft = self._draft(line, judged, known, now)
        event = _tool_event("escalation.opened", judged, known, now, WARN, judged["verdict"]["why"], None)
        if not line.connected:
            return
        opened = await self._questions.open(draft, event, line)
        line.escalation = opened.id
        self._opened(opened)
        if not line.connected:
            self.hung_up(line)

    async def _settings(self, line: HookLine, judged: dict[str, Any]) -> None:
        now, path = self._clock.now(), str(judged["news"].get("file_path", ""))
        problem = self._watched(path)

        def work(tx: Tx) -> None:
            known = self._roster.seen(tx, judged, line.client, line.peer, line.attended, now)
            kind = "gate.tamper" if problem else "hook.config-change"
            tx.append(Event(kind, now, line.client, known.session.id, known.session.agent, "", known.session.id,
                            4 if problem else 0, PAGE if problem else INFO, problem or f"settings changed: {path}",
                            {"file": path, "source": judged["news"].get("source", "")}))  # fmt: skip

        await asyncio.wrap_future(self._writer.do(work, vital=bool(problem)))
        line.reply(claude_code.keep_settings(f"Refused: {problem}") if problem else NO_OPINION)

    async def _news(self, line: HookLine, judged: dict[str, Any]) -> None:
        now = self._clock.now()

        def work(tx: Tx) -> None:
            known = self._roster.seen(tx, judged, line.client, line.peer, line.attended, now)
            tx.append(_news_event(judged, line.client, known, now, line.uid))
            self._conduct.news(tx, judged, known, now)
            if judged["event"] == "SessionEnd":
                reason = str(judged["news"].get("reason", ""))
                self._roster.change(tx, known.session.id, now, ended_at=now, end_reason=reason or "unknown")

        await asyncio.wrap_future(self._writer.do(work))
        line.reply(NO_OPINION)

    def _draft(self, line: HookLine, judged: dict[str, Any], known: Known, now: int) -> Escalation:
        # An attended run has nobody to resume it later: there a wait that outlasts its time is a refusal.
        then = "refuse" if known.session.attended else judged["verdict"]["then"]
        verdict = {
            **judged["verdict"],
            "then": then,
            "hidden": judged["hidden"],
            "warning": judged["warning"],
            "kinds": judged["kinds"],
        }
        deadline = now + int(verdict["wait"] * 1000)
        digest = bind(judged["asked"], cwd=judged["cwd"], session=judged["session"], subagent=judged["subagent"],
                      agent=known.session.agent, policy=judged["policy"])  # fmt: skip
        return Escalation(
            n=0, id="", kind=judged["kind"], state=State.PENDING.value, version=1, digest=digest, asked=judged["asked"],
            tier=verdict["tier"], client=line.client, session=judged["session"], subagent=judged["subagent"],
            agent=known.session.agent, call=judged["call"], tool=judged["tool"], cwd=judged["cwd"],
            input=canonical(judged["input"]).decode(), choices=canonical(judged["choices"]).decode(),
            verdict=canonical(verdict).decode(), policy=judged["policy"], raw=line.sha, opened_at=now, changed_at=now,
            deadline=deadline, next_at=deadline, page_at=now + int(verdict["page_after"] * 1000), hold_until=None,
            hold_by="", approvals="[]", attached=1, waiter=line.identity, decided_by="", decided_at=None, decision="",
            reason="", answer="", used_at=None, alike=alike.mark(judged),
        )  # fmt: skip

    def _park(self, e: Escalation) -> None:
        """An expired question parks its session: further tier-3 calls are refused at once, until a human releases it."""
        now = self._clock.now()

        def work(tx: Tx) -> None:
            if self._roster.change(tx, e.session, now, parked_on=e.id):
                tx.append(Event("session.parked", now, "gate", e.session, e.agent, "serve", e.session, 3, PAGE,
                                f"{e.session} is parked on {e.id}: nobody answered in time", {"escalation": e.id}))  # fmt: skip

        self._writer.do(work, vital=True)

    def _note(self, e: Escalation, kind: str, summary: str) -> None:
        event = Event(kind, self._clock.now(), "gate", e.session, e.agent, "serve", e.id, e.tier, WARN, summary)
        self._writer.do(lambda tx: tx.append(event))

    async def _cancel(self, id: str, why: str) -> None:
        try:
            await self._questions.cancel(id, why)
        except Late:
            # Decided in the same moment: whoever was first has said so already.
            return

    async def _append(self, event: Event) -> None:
        await asyncio.wrap_future(self._writer.do(lambda tx: tx.append(event)))


def _at_once(judged: dict[str, Any], known: Known) -> tuple[Reply | None, str, int, str]:
    """The answer that needs no question: (reply or None, event kind, severity, why)."""
    verdict, session = judged["verdict"], known.session
    tier = verdict["tier"]
    if session.stopped:
        return wording.stopped(session.stopped), "tool.refused", NOTICE, session.stopped
    if known.owner.revoked:
        why = f"agent {known.owner.agent} is revoked"
        return claude_code.deny(wording.plain(why)), "tool.refused", WARN, why
    if judged["too_large"] and tier == 3:
        why = "the arguments are too large for a human to be shown"
        return claude_code.deny(wording.plain(why)), "tool.refused", NOTICE, why
    if tier >= 4:
        return claude_code.deny(wording.verdict(verdict)), "tool.refused", WARN, verdict["why"]
    if tier == 3:
        if session.parked_on:
            why = f"this session is parked on {session.parked_on}, which nobody answered in time"
            return claude_code.deny(wording.parked(session.parked_on)), "tool.refused", NOTICE, why
        if session.attended and verdict["attended"] != "gate":
            if judged["kind"] != "tool":
                return NO_OPINION, "tool.asked", INFO, "the person there is asked"
            return claude_code.ask(wording.verdict(verdict)), "tool.asked", NOTICE, verdict["why"]
        return None, "", 0, ""
    return NO_OPINION, "tool.passed", INFO, verdict["why"]


def _tool_event(
    kind: str, judged: dict[str, Any], known: Known, now: int, severity: int, why: str, uid: str | None
) -> Event:
    verdict, session = judged["verdict"], known.session
    words = f"{judged['tool'] or judged['event']}: {judged['summary']}"
    facts = {
        "tool": judged["tool"], "input": judged["input"], "cwd": judged["cwd"], "call": judged["call"], "why": why,
        "rule": verdict["rule"], "effects": verdict["effects"], "policy": judged["policy"], "asked": judged["asked"],
        "subagent": judged["subagent"], "mode": judged["mode"], "kinds": judged["kinds"],
    }  # fmt: skip
    return Event(kind, now, session.client, session.id, session.agent, "", judged["call"], verdict["tier"], severity,
                 words, facts, uid)  # fmt: skip


def _news_event(judged: dict[str, Any], client: str, known: Known, now: int, uid: str) -> Event:
    kind = "hook." + wording.kebab(judged["event"])
    severity = WARN if judged["event"] in ("StopFailure", "PermissionDenied") else INFO
    words = f"{judged['tool']}: {judged['summary']}" if judged["tool"] else judged["summary"]
    facts = {**judged["news"], "tool": judged["tool"], "call": judged["call"], "subagent": judged["subagent"]}
    if judged["kind"] == "permission":
        facts["input"] = judged["input"]
    session = known.session
    return Event(kind, now, client, session.id, session.agent, "", judged["call"] or judged["subagent"], 0, severity,
                 words, facts, uid)  # fmt: skip
