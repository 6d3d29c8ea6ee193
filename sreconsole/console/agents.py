"""Agents: who is enrolled, and the sessions under each, provable or not."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sreconsole.console import clock
from sreconsole.console.draw import Ink, Line, Span, cells, column, line, say
from sreconsole.console.feed import Reader
from sreconsole.console.question import Peek
from sreconsole.console.screen import Listing, Sight
from sreconsole.store import agents, sessions
from sreconsole.store.agents import Agent
from sreconsole.store.sessions import Session

RECENT = 500


@dataclass(frozen=True, slots=True)
class Branch:
    """An agent, or one of its sessions; `agent` None with no session stands for those not enrolled."""

    name: str
    agent: Agent | None = None
    session: Session | None = None
    live: int = 0


class Agents(Listing[Branch]):
    """A tree of two levels in one list."""

    name = "agents"
    title = "Agents"

    def key(self, row: Branch) -> str:
        """The session's id, or the agent's name."""
        return f"session:{row.session.id}" if row.session else f"agent:{row.name}"

    async def load(self, reader: Reader, sight: Sight) -> None:
        """Read agents and the sessions seen last."""
        rows = await reader.read(_read)
        self.window.replace([row for row in rows if _matches(row, self.words)])
        self.loaded = True

    def draw(self, row: Branch, sight: Sight, width: int) -> Line:
        """An agent's owner and boundary, or a session's proof and counts."""
        if row.session:
            return _session(row.session, sight, width)
        advisory = sight.hello.get("boundary") == "advisory"
        if row.agent is None:
            return (column(row.name, 22, Ink.STRONG), say("not enrolled: no declared scope, no owner", Ink.WARN))
        one = row.agent
        state = say("revoked", Ink.BAD) if one.revoked_at else say("advisory" if advisory else "enrolled",
                                                                    Ink.WARN if advisory else Ink.GOOD)  # fmt: skip
        head = (column(one.name, 22, Ink.STRONG), column(state.text, 10, state.ink))
        words = f"owner {one.owner or 'nobody'} · {row.live} live · {one.role or 'no role'} {one.model}"
        return (*head, column(words, max(1, width - cells(head))))

    def peek(self, row: Branch, sight: Sight, width: int, height: int) -> Peek:
        """Declared scope of an agent; identity and mapping of a session."""
        lines = _about_session(row.session, sight) if row.session else _about_agent(row, sight)
        return Peek(tuple(lines[:height]), True)

    def leads_to(self, row: Branch) -> str:
        """Its part of the fleet log."""
        return f"log session:{row.session.id}" if row.session else f"log agent:{row.name}" if row.agent else ""

    def empty(self, sight: Sight) -> list[Line]:
        """How to enrol the first one."""
        if self.words:
            return super().empty(sight)
        return [line(), line(say("  No agent is enrolled and no session was seen.", Ink.STRONG)), line(),
                line(say("  sreconsole agents enroll NAME --owner WHO", Ink.DIM)),
                line(say("  sreconsole hooks install claude-code", Ink.DIM))]  # fmt: skip


def _session(one: Session, sight: Sight, width: int) -> Line:
    if one.ended_at:
        state = say(f"ended: {one.end_reason or 'why unknown'}", Ink.DIM)
    elif one.stopped:
        state = say(f"stopped: {one.stopped}", Ink.BAD)
    elif one.parked_on:
        state = say(f"PARKED on {one.parked_on}", Ink.WARN)
    else:
        state = say("live", Ink.GOOD)
    proof = say("provable", Ink.GOOD) if one.provable else say("not provable", Ink.WARN)
    gated = f"{one.calls} calls, {one.asked} asked, {one.refused} refused" if one.calls else "no call gated yet"
    head = (
        say("  └ ", Ink.DIM), column(one.id, 14), say(" "), column(state.text, 18, state.ink), say(" "),
        column(proof.text, 13, proof.ink),
    )  # fmt: skip
    words = f"{gated} · seen {clock.hour(one.seen_at, sight.now)}"
    return (*head, column(words, max(1, width - cells(head)), Ink.DIM))


def _about_agent(row: Branch, sight: Sight) -> list[tuple[Span, Line]]:
    one = row.agent
    if one is None:
        return [
            (say(row.name, Ink.STRONG), line(say("sessions that no enrolled agent claims", Ink.STRONG))),
            (say("fix", Ink.DIM), line("sreconsole agents enroll NAME, or start it with sreconsole run NAME -- …")),
        ]
    boundary = f"{sight.hello.get('boundary', 'unknown')}: {sight.hello.get('boundary_why', 'serve has not said')}"
    user = f"user {one.uid}" if one.uid is not None else "no user of its own"
    enrolled = f"{clock.hour(one.enrolled_at, sight.now)} by {one.enrolled_by}"
    return [
        (say(one.name, Ink.STRONG), line(say(f"owner {one.owner or 'nobody'} · {user}", Ink.STRONG))),
        (say("scope", Ink.DIM), line(one.scope or "none declared")),
        (say("maps", Ink.DIM), line(one.rules or "nothing")),
        (say("tier 1, 2", Ink.DIM), line(one.unattended)),
        (say("boundary", Ink.DIM), line(boundary)),
        (say("enrolled", Ink.DIM), line(enrolled)),
    ]


def _about_session(one: Session, sight: Sight) -> list[tuple[Span, Line]]:
    proof = f"scope {one.scope} holds its processes" if one.provable else "no scope of ours holds its processes"
    return [
        (say("session", Ink.STRONG), line(say(one.id, Ink.STRONG))),
        (say("where", Ink.DIM), line(f"{one.client} · {one.cwd}")),
        (
            say("who"),
            line(
                f"{one.agent or 'not enrolled'}, mapped by {one.mapped_by or 'nothing'} · uid {one.uid} · pid {one.pid}"
            ),
        ),
        (say("proof", Ink.DIM), line(proof)),
        (say("mode", Ink.DIM), line(f"{one.mode or 'unknown'} · {'attended' if one.attended else 'unattended'}")),
        (
            say("since", Ink.DIM),
            line(f"{clock.hour(one.opened_at, sight.now)}, seen {clock.hour(one.seen_at, sight.now)}"),
        ),
        (say("log", Ink.DIM), line(one.transcript or "none named")),
    ]


def _read(connection: sqlite3.Connection) -> list[Branch]:
    enrolled = agents.every(connection)
    recent = {one.id: one for one in [*sessions.newest(connection, RECENT), *sessions.live(connection)]}
    under: dict[str, list[Session]] = {}
    for one in sorted(recent.values(), key=lambda one: (one.ended_at is not None, -one.opened_at, one.id)):
        under.setdefault(one.agent, []).append(one)
    rows = list[Branch]()
    for agent in enrolled:
        mine = under.pop(agent.name, [])
        rows.append(Branch(agent.name, agent, None, sum(one.ended_at is None for one in mine)))
        rows += [Branch(agent.name, agent, one) for one in mine]
    for name, others in sorted(under.items()):
        rows.append(Branch(name or "(no agent)"))
        rows += [Branch(name, None, one) for one in others]
    return rows


def _matches(row: Branch, words: str) -> bool:
    parts = [row.name, row.agent.owner if row.agent else ""]
    if row.session:
        parts += [row.session.id, row.session.cwd, row.session.client, "parked" if row.session.parked_on else ""]
    text = " ".join(parts).lower()
    return all(word.lower() in text for word in words.split())
