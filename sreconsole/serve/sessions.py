"""The sessions hooks speak for: learnt at the first call, kept in memory, written through."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sreconsole.agents.mapping import Owner, owner
from sreconsole.gate import ask
from sreconsole.serve import peers
from sreconsole.serve.peers import Peer
from sreconsole.store import agents, rows, sessions
from sreconsole.store.event import Event
from sreconsole.store.sessions import Session
from sreconsole.store.writer import Tx
from sreconsole.text.safe import safe

QUIET = 30_000
"""Milliseconds between two writes that only move `seen_at`."""


@dataclass(slots=True)
class Known:
    """A session in memory, and what has not been written of it yet."""

    session: Session
    owner: Owner
    written_at: int
    processes: set[tuple[int, int]] = field(default_factory=set)
    """(pid, start) of every client seen for it: a resumed session has a new one, and none of them may decide."""
    repositories: tuple[str, ...] | None = None
    """Names of the repository it works in; None: its owner is to be found (again) at its next call."""


class Foreign(Exception):
    """A call claims a session of another user's; the message says whose."""


class Roster:
    """Which sessions there are, and whose."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    def get(self, id: str) -> Known | None:
        """The session as known in memory."""
        return self._known.get(id)

    def load(self, tx: Tx) -> None:
        """After a restart: what the store remembers, with each session's owner found again at its next call."""
        self._known = {
            one.id: Known(
                one, Owner(one.agent, bool(one.provable), one.mapped_by, one.scope), one.seen_at, _processes(one)
            )
            for one in sessions.live(tx.connection)
        }

    def forget_owners(self, tx: Tx) -> None:
        """An agent was enrolled or revoked: find each session's owner anew."""
        for known in self._known.values():
            self._find_owner(tx, known, known.repositories)

    def vouched(self, claimed: str, peer: Peer) -> str:
        """The session a question of the peer's own (`sreconsole ask`) belongs to.

        The claimed one if the peer descends from its client, else the one it does descend from, else one of its own.
        """
        line = [(one.pid, one.started) for one in peers.ancestry(peer.pid)]
        known = self._known.get(claimed)
        if known and known.session.boot == peers.boot() and (known.session.pid, known.session.started) in line[1:]:
            return claimed
        clients = self.processes()
        nearest = next((clients[identity] for identity in line[1:] if identity in clients), "")
        return nearest or f"ask-{peer.pid}-{line[0][1] if line else 0}"

    def seen(self, tx: Tx, judged: dict[str, Any], client: str, peer: Peer, attended: str, now: int) -> Known:
        """The session of this call, opened if it is new; inside the caller's transaction. Raises Foreign."""
        known = self._known.get(judged["session"])
        earlier = known.session if known else sessions.get(tx.connection, judged["session"])
        if earlier and earlier.uid != peer.uid:
            # Its grants, its agent and its standing are not for whoever knows its name.
            raise Foreign(
                f"session {earlier.id} belongs to user {peers.user(earlier.uid)}, not to {peers.user(peer.uid)}"
            )
        if known is None or known.session.ended_at is not None:
            known = self._open(tx, judged, client, peer, attended, now)
        elif known.repositories is None:
            self._find_owner(tx, known, tuple(judged["repositories"]))
        changes: dict[str, Any] = {"seen_at": now, **_moved(known, _client(client, peer))}
        if judged["mode"]:
            changes["mode"] = judged["mode"]
        if judged["event"] == "PreToolUse":
            changes["calls"] = known.session.calls + 1
        moved = any(
            getattr(known.session, name) != value for name, value in changes.items() if name not in ("seen_at", "calls")
        )
        known.session = rows.changed(known.session, **changes)
        if moved or now - known.written_at > QUIET:
            self.write(tx, known, now)
        return known

    def change(self, tx: Tx, id: str, now: int, **changes: Any) -> Known | None:
        """Change a session's row and its copy in memory."""
        known = self._known.get(id)
        if known is None and (stored := sessions.get(tx.connection, id)):
            known = self._known[id] = Known(
                stored, Owner(stored.agent, bool(stored.provable), stored.mapped_by), now, _processes(stored)
            )
        if known is None:
            return None
        known.session = rows.changed(known.session, **changes)
        self.write(tx, known, now)
        return known

    def write(self, tx: Tx, known: Known, now: int) -> None:
        """Write a session through."""
        sessions.save(tx.connection, known.session)
        known.written_at = now
        if known.session.ended_at is not None:
            self._known.pop(known.session.id, None)

    def processes(self) -> dict[tuple[int, int], str]:
        """(pid, start) of each live session's client, to its session."""
        return {process: known.session.id for known in self._known.values() for process in known.processes}

    def departed(self) -> list[Session]:
        """The sessions none of whose clients runs any more."""
        return [
            known.session
            for known in self._known.values()
            if known.session.pid and not any(peers.alive(*process) for process in known.processes)
        ]

    def live(self) -> list[Session]:
        """The sessions not known to have ended."""
        return [one.session for one in self._known.values()]

    def _find_owner(self, tx: Tx, known: Known, repositories: tuple[str, ...] | None) -> None:
        known.owner, known.repositories = _owner(tx, known.session, repositories or ()), repositories
        known.session = rows.changed(known.session, agent=known.owner.agent, mapped_by=known.owner.how,
                                     provable=int(known.owner.provable), scope=known.owner.scope)  # fmt: skip
        sessions.save(tx.connection, known.session)

    def _open(self, tx: Tx, judged: dict[str, Any], client: str, peer: Peer, attended: str, now: int) -> Known:
        line = peers.ancestry(peer.pid)
        process = _client(client, peer)
        earlier = sessions.get(tx.connection, judged["session"])
        session = Session(
            id=judged["session"], client=client, agent="", provable=0, mapped_by="", uid=peer.uid,
            pid=process.pid if process else 0, started=process.started if process else 0, boot=peers.boot(),
            cwd=judged["cwd"], transcript=judged["transcript"], mode=judged["mode"],
            attended=int(_attended(attended, process)), scope="", opened_at=earlier.opened_at if earlier else now,
            seen_at=now, ended_at=None, end_reason="", parked_on=earlier.parked_on if earlier else "",
            stopped=earlier.stopped if earlier else "", calls=earlier.calls if earlier else 0,
            refused=earlier.refused if earlier else 0, asked=earlier.asked if earlier else 0,
        )  # fmt: skip
        repositories = tuple(judged["repositories"])
        found = _owner(tx, session, repositories, [(one.pid, one.started) for one in line], peers.cgroups(peer.pid))
        session = rows.changed(session, agent=found.agent, provable=int(found.provable), mapped_by=found.how,
                               scope=found.scope)  # fmt: skip
        known = self._known[session.id] = Known(session, found, now, _processes(session), repositories)
        sessions.save(tx.connection, session)
        kind = "session.resumed" if earlier else "session.started"
        words = f"{found.agent or 'unknown agent'} ({found.how}) in {safe(session.cwd)}"
        facts = {"client": client, "pid": session.pid, "started": session.started, "uid": peer.uid, "how": found.how,
                 "provable": found.provable, "attended": session.attended, "mode": session.mode}  # fmt: skip
        tx.append(Event(kind, now, "gate", session.id, found.agent, "", session.id, summary=words, data=facts))
        return known


def _client(client: str, peer: Peer) -> peers.Process | None:
    """Who speaks for a session. Who asks by `sreconsole ask` is itself the client: what started it may be an
    operator's own shell."""
    return peers.process(peer.pid) if client == ask.CLIENT else peers.client(peer.pid)


def _processes(session: Session) -> set[tuple[int, int]]:
    """A session's recorded client, if it is one of this boot."""
    return {(session.pid, session.started)} if session.pid and session.boot == peers.boot() else set()


def _moved(known: Known, process: peers.Process | None) -> dict[str, Any]:
    """The session speaks from another client than before: it was resumed."""
    if process is None or (process.pid, process.started) in known.processes:
        return {}
    known.processes.add((process.pid, process.started))
    return {"pid": process.pid, "started": process.started, "boot": peers.boot()}


def _owner(
    tx: Tx, session: Session, repositories: tuple[str, ...],
    line: list[tuple[int, int]] | None = None, groups: list[str] | None = None,
) -> Owner:  # fmt: skip
    if line is None:
        line = [(one.pid, one.started) for one in peers.ancestry(session.pid)] if session.pid else []
        groups = peers.cgroups(session.pid) if session.pid else []
    scopes = [one for one in sessions.scopes(tx.connection) if one.boot == peers.boot()]
    return owner(agents.every(tx.connection), scopes, line, groups or [], session.uid, session.cwd, repositories)


def _attended(flag: str, process: peers.Process | None) -> bool:
    """Whether a person sits there: what the client says, else whether it has a terminal and was not told to print.

    A wrong "yes" cannot let anything run: the client itself refuses to ask when nobody is there.
    """
    if flag in "01":
        return flag == "1"
    if process is None or not process.terminal:
        return False
    try:
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"-p" not in words and b"--print" not in words
