"""`operator.sock`: humans decide here. Who they are comes from the kernel; agents and their children are refused."""

from __future__ import annotations

import asyncio
import grp
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sreconsole.config import Config
from sreconsole.gate.escalation import Late, NotAllowed
from sreconsole.serve import peers
from sreconsole.serve.judges import PolicyBroken
from sreconsole.serve.peers import Peer
from sreconsole.serve.questions import Decider, Moved, Unknown
from sreconsole.store.writer import Unwritable

LINE = 4 * 1024 * 1024
Verb = Callable[["Desk", dict[str, Any]], Awaitable[dict[str, Any]]]


class BadRequest(Exception):
    """A request that makes no sense; the message names the field (exit code 2)."""


class Forbidden(Exception):
    """Who asks may not (exit code 4)."""


@dataclass(slots=True)
class Desk:
    """One operator's connection: who sits there, and the approvals held from it."""

    peer: Peer
    who: Decider
    id: str
    barred: str
    writer: asyncio.StreamWriter
    held: set[str] = field(default_factory=set)
    subscribed: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a peer an agent: recorded clients, scopes' roots, scopes' control groups."""

    clients: dict[tuple[int, int], str]
    roots: dict[tuple[int, int], str]
    groups: dict[str, str]


def bar(peer: Peer, identity: Identity, config: Config, own_uid: int, agent_uids: set[int]) -> str:
    """Why this peer may not decide, or "". Looked at for every connection and every act."""
    line = peers.ancestry(peer.pid)
    # The start too: who connected may have handed its connection on and left, and its number gone to an operator.
    if not line or peers.effective(peer.pid) != peer.uid or line[0].started != peer.started:
        return "it is gone, or not who connected"
    for one in line:
        key = (one.pid, one.started)
        if session := identity.clients.get(key):
            return f"it descends from session {session}: an agent may not decide"
        if scope := identity.roots.get(key):
            return f"it runs inside scope {scope}: an agent may not decide"
    for group in peers.cgroups(peer.pid):
        for known, scope in identity.groups.items():
            if group == known or group.startswith(known + "/"):
                return f"it runs inside scope {scope}: an agent may not decide"
    if marks := peers.agent_marks(peer.pid):
        return f"it was started by an agent's client ({', '.join(marks)} in its environment)"
    if peer.uid in agent_uids and peer.uid != own_uid:
        return f"user {peers.user(peer.uid)} runs agents"
    if not _operator(peer, config, own_uid):
        return f"user {peers.user(peer.uid)} is not an operator ({config.path}: operators.users, operators.groups)"
    return ""


def decider(peer: Peer) -> Decider:
    """Who this is, for the record: user by the kernel, person by the audit login, and the way they came."""
    line = peers.ancestry(peer.pid)
    name, person = peers.user(peer.uid), peers.login_uid(peer.pid)
    if person is not None and person != peer.uid:
        name = f"{peers.user(person)} as {name}"
    return Decider(name, peer.uid, peers.login(line))


class Operators:
    """Serves operator connections: one reply a request, and a push whenever the store has moved."""

    def __init__(self, verbs: dict[str, Verb], barred: Callable[[Peer], str], refused: Callable[[Decider, str, str], None],
                 gone: Callable[[Desk], Awaitable[None]]) -> None:  # fmt: skip
        """`refused(who, verb, why)` records a refusal; `gone(desk)` withdraws what a lost console still held."""
        self.desks: set[Desk] = set()
        self._verbs, self._barred, self._refused, self._gone = verbs, barred, refused, gone
        self._n = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        peer = peers.peer(writer.get_extra_info("socket"))
        self._n += 1
        desk = _Desk(peer, decider(peer), f"{peer.pid}.{self._n}", self._barred(peer), writer)
        self.desks.add(desk)
        try:
            while line := await reader.readline():
                reply = await self._answer(desk, line)
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            # A torn or endless line, or a console that went away in the middle of one.
            writer.close()
        finally:
            self.desks.discard(desk)
            writer.close()
            await self._gone(desk)

    def push(self, seq: int) -> None:
        """Tell subscribed consoles that the store moved; one that does not read is cut off, not waited for."""
        message = json.dumps({"changed": seq}).encode() + b"\n"
        for desk in list(self.desks):
            if not desk.subscribed:
                continue
            transport = desk.writer.transport
            if transport.get_write_buffer_size() > 1 << 20:
                transport.abort()
            else:
                desk.writer.write(message)

    async def _answer(self, desk: Desk, line: bytes) -> dict[str, Any]:
        id = 0
        try:
            request = json.loads(line)
            if not isinstance(request, dict) or not isinstance(request.get("do"), str):
                raise BadRequest("a request is one JSON object with `do`")
            id = request.get("id", 0)
            verb = self._verbs.get(request["do"])
            if verb is None:
                raise BadRequest(f"unknown request `{request['do']}`")
            if request["do"] not in OPEN_TO_ALL:
                desk.barred = self._barred(desk.peer)
                if desk.barred:
                    raise Forbidden(desk.barred)
            return {"id": id, "ok": True, **(await verb(desk, request))}
        except Forbidden as no:
            self._refused(desk.who, str(json.loads(line).get("do")), str(no))
            return _no(id, f"refused: {no}", 4)
        except NotAllowed as no:
            return _no(id, str(no), 4)
        except (Late, Moved) as no:
            return {**_no(id, str(no), 1), "late": isinstance(no, Late)}
        except (BadRequest, Unknown, ValueError, KeyError, TypeError, OverflowError, RecursionError) as bad:
            words = f"missing field {bad}" if isinstance(bad, KeyError) else str(bad)
            return _no(id, words, 2)
        except PolicyBroken as broken:
            return {**_no(id, broken.problems[0], 2), "problems": broken.problems}
        except Unwritable as fault:
            return _no(id, str(fault), 3)


OPEN_TO_ALL = {"hello", "subscribe", "close_scope"}
"""What even a barred peer may ask: how things stand, not to change them. A scope's own root closes it."""


class _Desk(Desk):
    """A desk is itself, not its fields."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def text(request: dict[str, Any], name: str, longest: int = 4000) -> str:
    """A text field of a request ("" if absent). Raises BadRequest."""
    value = request.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise BadRequest(f"{name}: must be text of at most {longest} characters")
    return value


def _no(id: int, message: str, code: int) -> dict[str, Any]:
    return {"id": id, "ok": False, "code": code, "message": message}


def _operator(peer: Peer, config: Config, own_uid: int) -> bool:
    if peer.uid in (own_uid, 0):
        return True
    name = peers.user(peer.uid)
    if name in config["operators.users"]:
        return True
    for group in config["operators.groups"]:
        try:
            entry = grp.getgrnam(group)
        except KeyError:
            continue
        if entry.gr_gid == peer.gid or name in entry.gr_mem or entry.gr_gid in os.getgrouplist(name, peer.gid):
            return True
    return False
