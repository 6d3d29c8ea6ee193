"""What an operator may ask of `serve`, a verb each. Every one answers with plain values."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sreconsole.agents.mapping import checked
from sreconsole.gate import choices
from sreconsole.gate import escalation as life
from sreconsole.serve import alike, edits, later, peers, reviews
from sreconsole.serve.alike import Seen
from sreconsole.serve.operators import BadRequest, Desk, Forbidden, Verb, text
from sreconsole.serve.questions import Answer, Moved, expected
from sreconsole.store import agents, outbox, rows, sessions
from sreconsole.store.agents import Agent
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import NOTICE, Event
from sreconsole.store.sessions import Scope
from sreconsole.store.writer import Tx
from sreconsole.text.redact import redact, redact_value
from sreconsole.text.safe import safe

if TYPE_CHECKING:
    from sreconsole.serve.daemon import Daemon

LONGEST_HOLD = 60.0


def table(daemon: Daemon) -> dict[str, Verb]:
    """The verbs, bound to the daemon they act on."""
    verbs = Verbs(daemon)
    return {
        name: getattr(verbs, name)
        for name in (
            "hello", "subscribe", "approve", "undo", "deny", "break_glass", "grant", "revoke_grant", "release",
            "later", "allow_later", "approve_alike", "deny_alike", "judge_edit", "review_ok", "review_flag",
            "reload", "emit", "enroll", "revoke_agent", "open_scope", "close_scope", "page_test",
        )
    }  # fmt: skip


class Verbs:
    """The acts. Each takes who asks and the request, and returns the reply's own fields."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def hello(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Who you are here and how `serve` is."""
        return self._daemon.hello(desk)

    async def subscribe(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """From now on this connection is told when the store moves."""
        desk.subscribed = True
        return {}

    async def approve(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Say yes, held for `hold` seconds; `answer` goes back with it."""
        hold = _hold(request)
        if isinstance(given := request.get("answer"), dict) and set(given) == {"input"}:
            return await self._approve_edited(desk, request, given["input"], hold)
        moved = await self._daemon.questions.approve(
            text(request, "escalation"), _seen(request), desk.who, _reason(request),
            _answer(request), int(hold * 1000), desk.id,
        )  # fmt: skip
        if moved.state == "held":
            desk.held.add(moved.id)
        return _state(moved)

    async def _approve_edited(self, desk: Desk, request: dict[str, Any], given: Any, hold: float) -> dict[str, Any]:
        e, edit = await self._edit(request, given)
        moved = await edits.approve(
            self._daemon.questions, e.id, _seen(request), desk.who, _reason(request), edit, text(request, "typed"),
            int(hold * 1000), desk.id,
        )  # fmt: skip
        if moved.state == "held":
            desk.held.add(moved.id)
        return {**_state(moved), "edited": edit.record(e)}

    async def judge_edit(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """What the policy says of a question with other arguments (`input`); decides nothing."""
        e, edit = await self._edit(request, request.get("input"))
        return {"escalation": e.id, "edited": edit.record(e)}

    async def _edit(self, request: dict[str, Any], given: Any) -> tuple[Escalation, edits.Edit]:
        daemon, id = self._daemon, text(request, "escalation")
        e = await daemon.write(lambda tx: expected(tx, id, None))
        waiter = daemon.questions.waiters.get(id)
        return e, await edits.judged(daemon.judges, e, given, waiter.home if waiter else "")

    async def approve_alike(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Say yes to equal questions, all or none; held for `hold` seconds each."""
        hold = int(_hold(request) * 1000)
        done = await alike.approve(self._daemon.questions, _members(request), desk.who, _reason(request), hold, desk.id)
        desk.held.update(one.id for one in done if one.state == "held")
        return {"decided": [_state(one) for one in done]}

    async def deny_alike(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Say no to equal questions, all or none, at once."""
        done = await alike.deny(self._daemon.questions, _members(request), desk.who, _reason(request))
        return {"decided": [_state(one) for one in done]}

    async def later(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Refuse the call now; it may be allowed later."""
        moved = await self._daemon.questions.step(
            text(request, "escalation"),
            lambda e, now: life.postpone(e, desk.who.name, _reason(request), now),
            desk.who, seen=_seen(request),
        )  # fmt: skip
        return _state(moved)

    async def allow_later(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Mint the one-use grant for exactly a call that was put off."""
        id, seen, minutes = text(request, "escalation"), _seen(request), float(request.get("minutes", 15))

        def work(tx: Tx, now: int) -> tuple[list[Escalation], dict[str, Any]]:
            e = expected(tx, id, seen)
            step = life.allow_later(e, desk.who.name, desk.who.uid, _reason(request), now)
            if (e.version, e.digest) != seen:
                raise Moved(f"{id} has changed since you looked at it; look again before you decide")
            done = self._daemon.questions.decide(tx, e, step, desk.who, now)
            if done.decision != life.ALLOWED_LATER:
                return [], _state(done)
            made = later.mint(tx, done, desk.who.name, _reason(request), minutes, now)
            tx.append(Event("grant.made", now, "gate", e.session, e.agent, desk.who.name, e.id, e.tier, NOTICE,
                            f"{made.id}: exactly {e.id}, once, {minutes:g} min", rows.as_dict(made)))  # fmt: skip
            return [], {**_state(done), "grant": made.id, "until": made.until}

        return await self._daemon.questions.together(work)

    async def review_ok(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Mark calls of the review lane as looked at."""
        done = await self._daemon.write(lambda tx: reviews.ok(tx, request, desk.who, self._daemon.clock))
        return {"count": len(done), "ids": [one.id for one in done[: reviews.MOST_NAMED]]}

    async def review_flag(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Say that one of them should not have happened."""
        id, reason = text(request, "review", 80), _reason(request)
        return {
            "flagged": await self._daemon.write(lambda tx: reviews.flag(tx, id, reason, desk.who, self._daemon.clock))
        }

    async def undo(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Take back one's own held yes."""
        moved = await self._daemon.questions.withdraw(text(request, "escalation"), desk.who, "taken back")
        desk.held.discard(moved.id)
        return _state(moved)

    async def deny(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Say no, at once."""
        seen = _seen(request) if "digest" in request else None
        return _state(await self._daemon.questions.deny(text(request, "escalation"), seen, desk.who, _reason(request)))

    async def break_glass(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """One person's yes where two are asked for."""
        moved = await self._daemon.questions.break_glass(
            text(request, "escalation"), _seen(request), desk.who, _reason(request), _answer(request)
        )
        return _state(moved)

    async def grant(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Approve this one and the like, bounded."""
        done, made = await self._daemon.questions.grant(
            text(request, "escalation"), _seen(request), desk.who, redact(text(request, "target")).text,
            float(request.get("minutes", 15)), int(request.get("uses", 1)), _reason(request), _answer(request),
        )  # fmt: skip
        return {**_state(done), "grant": made.id, "until": made.until}

    async def revoke_grant(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """End a grant."""
        return {"revoked": await self._daemon.questions.revoke(text(request, "grant"), desk.who)}

    async def release(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """End a session's park."""
        daemon, id, now = self._daemon, text(request, "session"), self._daemon.clock.now()

        def work(tx: Tx) -> str:
            stored = sessions.get(tx.connection, id)
            if stored is None:
                raise BadRequest(f"there is no session {id}")
            if not stored.parked_on:
                return ""
            daemon.roster.change(tx, id, now, parked_on="")
            tx.append(Event("session.released", now, "serve", id, stored.agent, desk.who.name, id, severity=NOTICE,
                            summary=f"{id} released from {stored.parked_on}: {_reason(request)}",
                            data={"was": stored.parked_on, "reason": _reason(request)}))  # fmt: skip
            return stored.parked_on

        return {"was": await daemon.write(work)}

    async def reload(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Read policy and configuration again; a bad one changes nothing. Raises PolicyBroken."""
        return {"policy": await self._daemon.reload(desk.who.name)}

    async def emit(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Put an event of one's own into the fleet log; kinds that trigger acts only from listed users."""
        kind, now = text(request, "kind", 80), self._daemon.clock.now()
        if not kind or not all(part.isidentifier() for part in kind.replace("-", "_").split(".")):
            raise BadRequest("kind: must be words joined by dots, like deploy.finished")
        if kind.split(".")[0] in OURS:
            raise Forbidden(f"kinds that begin with {kind.split('.')[0]} are written by sreconsole alone")
        name = peers.user(desk.peer.uid)
        if kind in TRIGGERS and name not in self._daemon.config["emit.users"]:
            raise Forbidden(f"{kind} triggers acts; {name} is not in emit.users of {self._daemon.config.path}")
        data, _ = redact_value(request.get("data") or {})
        if not isinstance(data, dict):
            raise BadRequest("data: must be a JSON object")
        words = str(safe(redact(text(request, "summary", 500)).text))
        event = Event(kind, now, "emit", _name(request, "session"), _name(request, "agent"), desk.who.name, "",
                      severity=NOTICE, summary=words or kind, data=data, uid=_name(request, "uid") or None)  # fmt: skip
        return {"seq": await self._daemon.write(lambda tx: tx.append(event))}

    async def enroll(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Name an agent: owner, user, declared scope, rules that map its sessions."""
        now, name = self._daemon.clock.now(), text(request, "name", 60)
        if not name or not all(c.isalnum() or c in "-_." for c in name):
            raise BadRequest("name: letters, digits, - _ and . only")
        unattended = text(request, "unattended") or "no opinion"
        if unattended not in ("no opinion", "allow"):
            raise BadRequest('unattended: must be "no opinion" or "allow"')
        uid = request.get("uid")
        rules = checked(request.get("rules") or [])
        agent = Agent(
            name, _name(request, "owner", 100), int(uid) if uid is not None else None, _name(request, "role", 100),
            _name(request, "model", 100), json.dumps(redact_value(request.get("scope") or {})[0], sort_keys=True),
            json.dumps(rules, sort_keys=True), unattended, now, desk.who.name, None, "",
        )  # fmt: skip
        if not agent.owner:
            raise BadRequest("owner: an agent needs somebody who answers for it")

        def work(tx: Tx) -> None:
            agents.save(tx.connection, agent)
            tx.append(Event("agent.enrolled", now, "serve", agent=name, actor=desk.who.name, subject=name, severity=NOTICE,
                            summary=f"{name}, owner {agent.owner}", data=rows.as_dict(agent)))  # fmt: skip
            self._daemon.roster.forget_owners(tx)

        await self._daemon.write(work)
        self._daemon.learn_agents()
        return {"agent": name}

    async def revoke_agent(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Refuse every further call of an agent's sessions."""
        now, name = self._daemon.clock.now(), text(request, "name", 60)

        def work(tx: Tx) -> bool:
            agent = agents.get(tx.connection, name)
            if agent is None:
                raise BadRequest(f"there is no agent {name}")
            if agent.revoked_at is not None:
                return False
            agents.save(tx.connection, rows.changed(agent, revoked_at=now, revoked_by=desk.who.name))
            tx.append(Event("agent.revoked", now, "serve", agent=name, actor=desk.who.name, subject=name, severity=NOTICE,
                            summary=f"{name} revoked: {_reason(request)}", data={"reason": _reason(request)}))  # fmt: skip
            self._daemon.roster.forget_owners(tx)
            return True

        return {"revoked": await self._daemon.write(work)}

    async def open_scope(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """`sreconsole run` is about to start an agent: record what will hold its processes."""
        daemon, now, name = self._daemon, self._daemon.clock.now(), text(request, "agent", 60)
        found = peers.process(desk.peer.pid)
        if found is None:
            raise BadRequest("the process that asked is gone")

        def work(tx: Tx) -> tuple[Scope, int | None]:
            agent = agents.get(tx.connection, name)
            if agent is None:
                raise BadRequest(f"there is no agent {name}; enroll it: sreconsole agents enroll {name} --owner …")
            if agent.revoked_at is not None:
                raise Forbidden(f"agent {name} is revoked")
            n = sessions.scope_number(tx.connection)
            command = redact(text(request, "command", 100_000)).text[:2000]
            scope = Scope(f"sc-{n:04d}", name, text(request, "kind", 20), text(request, "cgroup", 500), found.pid,
                          found.started, peers.boot(), desk.peer.uid, command, now, None, None)  # fmt: skip
            sessions.save_scope(tx.connection, scope)
            tx.append(Event("scope.opened", now, "serve", agent=name, actor=desk.who.name, subject=scope.id,
                            summary=f"{name}: {command[:200]}", data=rows.as_dict(scope)))  # fmt: skip
            return scope, agent.uid

        scope, uid = await daemon.write(work)
        await daemon.learn()
        return {"scope": scope.id, "uid": uid}

    async def close_scope(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """The scope is empty: said by its root, or by an operator."""
        root, barred = peers.process(desk.peer.pid), self._daemon.barred(desk.peer)
        daemon, now, id = self._daemon, self._daemon.clock.now(), text(request, "scope", 40)
        exit = int(request.get("exit", 0))

        def work(tx: Tx) -> bool:
            open_ = {one.id: one for one in sessions.scopes(tx.connection)}
            if id not in open_:
                return False
            own = root is not None and (root.pid, root.started, peers.boot()) == (
                open_[id].pid,
                open_[id].started,
                open_[id].boot,
            )
            if barred and not own:
                raise Forbidden(barred)
            sessions.save_scope(tx.connection, rows.changed(open_[id], closed_at=now, exit=exit))
            tx.append(Event("scope.closed", now, "serve", agent=open_[id].agent, actor=desk.who.name, subject=id,
                            summary=f"{id} is empty, exit {exit}", data={"exit": exit}))  # fmt: skip
            return True

        closed = await daemon.write(work)
        await daemon.learn()
        return {"closed": closed}

    async def page_test(self, desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
        """Send a test page by every channel and wait for what came of it."""
        daemon, now = self._daemon, self._daemon.clock.now()
        channels = daemon.pager.channels()
        if not channels:
            raise BadRequest(f"no pager is configured; set pager.webhook.url in {daemon.config.path}")
        body = json.dumps({"test": True, "by": desk.who.name, "at": now, "open": "sreconsole escalations list"})
        subject = f"test-{now}"
        await daemon.write(
            lambda tx: [outbox.put(tx.connection, f"{subject}:{one}", one, subject, body, now) for one in channels]
        )
        daemon.timers.wake()
        results: list[outbox.Letter] = []
        for _ in range(150):
            await asyncio.sleep(0.1)
            results = await daemon.write(lambda tx: outbox.of_subject(tx.connection, subject))
            if all(letter.attempts for letter in results):
                break
        return {"letters": [rows.as_dict(letter) for letter in results]}


OURS = {
    "escalation",
    "tool",
    "session",
    "gate",
    "grant",
    "page",
    "agent",
    "scope",
    "policy",
    "audit",
    "log",
    "hook",
    "clock",
    "serve",
    "review",
}
"""First words of kinds that only sreconsole writes."""

TRIGGERS = {"deploy.finished", "deployment_complete", "ticket_shipped", "ci_fail"}
"""Kinds that start watches and acts."""


def _answer(request: dict[str, Any]) -> Answer:
    """The request's answer, as it will be stored. For a question it was not offered to it raises WrongChoice."""

    def given(e: Escalation) -> str:
        answer = choices.checked(e.kind, json.loads(e.choices), request.get("answer"))
        return json.dumps(answer) if answer else ""

    return given


def _hold(request: dict[str, Any]) -> float:
    """Seconds for which a yes can be taken back."""
    hold = float(request.get("hold", 3.0))
    if not 0 <= hold <= LONGEST_HOLD:
        raise BadRequest(f"hold: must be between 0 and {LONGEST_HOLD:.0f} seconds")
    return hold


def _members(request: dict[str, Any]) -> list[Seen]:
    """The question that was decided and those like it, each as it was seen. Raises BadRequest."""
    given = request.get("members")
    if not isinstance(given, list) or len(given) >= alike.MOST or not all(isinstance(one, dict) for one in given):
        raise BadRequest(f"members: must be a list of fewer than {alike.MOST} objects with id, version and digest")
    lead = Seen(text(request, "escalation"), *_seen(request))
    found = [lead, *(Seen(text(one, "id"), *_seen(one)) for one in given)]
    if len({one.id for one in found}) != len(found):
        found = [lead, *(one for one in found[1:] if one != lead)]
    if len({one.id for one in found}) != len(found):
        raise BadRequest("members: one of them is named twice")
    return found


def _seen(request: dict[str, Any]) -> tuple[int, str]:
    """What the decider had before their eyes."""
    return int(request["version"]), str(request["digest"])


def _reason(request: dict[str, Any]) -> str:
    return redact(text(request, "reason", 2000)).text


def _name(request: dict[str, Any], name: str, longest: int = 200) -> str:
    """A name as it is stored: no secret in it, and harmless."""
    return str(safe(redact(text(request, name, longest)).text))


def _state(e: Escalation) -> dict[str, Any]:
    return {"escalation": e.id, "state": e.state, "version": e.version, "hold_until": e.hold_until,
            "approvals": json.loads(e.approvals), "used_at": e.used_at}  # fmt: skip
