"""`sreconsole serve`: sockets, writer and timers, and nothing that can hang or crash on an agent's input."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import sreconsole
from sreconsole import config as configuration
from sreconsole.gate import escalation as life
from sreconsole.gate.escalation import State
from sreconsole.paths import Home
from sreconsole.serve import operators, peers, verbs
from sreconsole.serve.clock import Clock
from sreconsole.serve.conduct import Conduct
from sreconsole.serve.gatekeeper import Gatekeeper
from sreconsole.serve.heads import Heads, retain
from sreconsole.serve.hooks import HookLine
from sreconsole.serve.judges import Judges, Poison, PolicyBroken
from sreconsole.serve.operators import Desk, Identity, Operators
from sreconsole.serve.pager import Pager
from sreconsole.serve.peers import Peer
from sreconsole.serve.policies import Candidate, Policies
from sreconsole.serve.questions import Decider, Moved, Questions, Unknown
from sreconsole.serve.radius import Surveyor
from sreconsole.serve.scopes import Caretaker
from sreconsole.serve.sessions import Roster
from sreconsole.serve.timers import Timers
from sreconsole.store import agents, escalations, sessions
from sreconsole.store.event import NOTICE, WARN, Event
from sreconsole.store.writer import Tx, Unwritable, Writer
from sreconsole.text import fingerprint
from sreconsole.text.redact import redact

Result = TypeVar("Result")

ORPHANED = 75.0
"""Seconds after a start within which hooks that waited must have presented themselves again."""

ALREADY_RUNNING, REFUSED = 5, 4
MOST_KNOCKS = 1000


class AlreadyRunning(Exception):
    """Another `serve` holds this home."""


class Daemon:
    """One fleet's `serve`."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.config = configuration.load(home.settings)
        self.clock = Clock()
        self._loop = asyncio.get_running_loop()
        self.writer = Writer(home.store, self._committed)
        self.roster = Roster()
        self.questions = Questions(self.writer, self.clock, self._wake)
        folders = sorted({str(home.config), str(home.state), str(home.runtime)})
        self._key, self._key_problem = _fingerprint_key(home)
        self.judges = Judges(self.config["serve.workers"], folders, self._crashed, self._key)
        self.policies = Policies(home)
        self.conduct = Conduct(self.roster)
        self.questions.answered = self.conduct.settled
        self.surveyor = Surveyor(self.writer, self.clock, lambda: self.config["radius.databases"])
        self.pager = Pager(self.writer, self.clock, lambda: self.config)
        self.timers = Timers(self.writer, self.questions, self.clock, self.pager.channels, self.pager.deliver)
        self.gatekeeper = Gatekeeper(self.writer, self.judges, self.questions, self.roster, self.clock, self.policies.tampered,
                                     self.conduct, self.surveyor.begin)  # fmt: skip
        self.heads = Heads(self.writer, self.clock, lambda: self.config)
        self.operators = Operators(verbs.table(self), self.barred, self._refused, self._gone)
        self.started_at = self.clock.now()
        self._scopes: list[sessions.Scope] = []
        self._caretaker = Caretaker(self.writer, self.clock)
        self._agent_uids: set[int] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._knocks: dict[tuple[int, str, str], int] = {}
        self._pushing = False

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, stop.set)
        self._loop.add_signal_handler(signal.SIGHUP, lambda: self.spawn(self._hangup()))
        await self._recover()
        await self._first_policy()
        hooks = await self._loop.create_unix_server(
            lambda: HookLine(self.gatekeeper), _fresh(self.home.hook_socket), backlog=1024
        )
        desks = await asyncio.start_unix_server(
            self.operators.serve, _fresh(self.home.operator_socket), limit=operators.LINE
        )
        self._open_doors()
        self.spawn(self.timers.run())
        self.spawn(self._orphans())
        self.spawn(self._departed())
        self.spawn(self._follow_policy())
        self.spawn(self.heads.run())
        self.spawn(retain(self.writer, self.clock, lambda: self.config))
        await stop.wait()
        self.gatekeeper.close()
        hooks.close()
        desks.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(self.judges.close(), self.surveyor.close())
        await self.heads.finish()
        await asyncio.to_thread(self.writer.close)

    async def write(self, work: Callable[[Tx], Result]) -> Result:
        """Run one transaction that a human asked for."""
        return await asyncio.wrap_future(self.writer.do(work, vital=True))

    def spawn(self, work: Awaitable[Any]) -> None:
        """Run something beside; what it raises ends `serve` aloud rather than leaving it half alive."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def hello(self, desk: Desk) -> dict[str, Any]:
        """How things stand, for one peer."""
        enforced, why = self.boundary()
        return {
            "you": {"name": desk.who.name, "uid": desk.who.uid, "from": desk.who.via},
            "can_decide": not desk.barred, "why_not": desk.barred, "boundary": "enforced" if enforced else "advisory",
            "boundary_why": why, "policy": self.judges.version, "policy_problems": self.judges.problems,
            "on_call": self.config["oncall.now"], "version": sreconsole.__version__, "pid": os.getpid(),
            "started_at": self.started_at, "full": self.writer.full, "waiting": len(self.questions.waiters),
            "hold_seconds": self.config["console.hold_seconds"],
        }  # fmt: skip

    def boundary(self) -> tuple[bool, str]:
        """Whether the kernel stands between agents and this gate, and why (not)."""
        uids = self._agent_uids | {one.uid for one in self.roster.live()}
        own = os.getuid()
        if not uids:
            return False, "no agent's user is known yet"
        shared = sorted(peers.user(uid) for uid in uids if uid in (own, 0))
        if shared:
            return False, f"agents run as {', '.join(shared)}, the user of the gate: nothing keeps them from it"
        return (
            True,
            f"agents run as {', '.join(sorted(peers.user(uid) for uid in uids))}, the gate as {peers.user(own)}",
        )

    def barred(self, peer: Peer) -> str:
        """Why a peer may not decide ("" if it may)."""
        boot = peers.boot()
        scopes = [one for one in self._scopes if one.boot == boot]
        identity = Identity(
            self.roster.processes(),
            {(one.pid, one.started): one.id for one in scopes},
            {one.cgroup: one.id for one in scopes if one.cgroup},
        )
        return operators.bar(peer, identity, self.config, os.getuid(), self._agent_uids)

    def learn_agents(self) -> None:
        """Agents have changed: which users are theirs."""
        self.spawn(self.learn())

    async def reload(self, author: str) -> str:
        """Read configuration and policy again; a bad one changes nothing. Raises ConfigError and PolicyBroken."""
        self.config = configuration.load(self.home.settings)
        try:
            candidate = self.policies.candidate()
            if candidate.problems:
                raise PolicyBroken(candidate.problems)
            version = await self.judges.load(candidate.paths)
        except PolicyBroken as broken:
            await self._rejected(author, broken.problems)
            raise
        if difference := await self._keep(candidate):
            await self._record_policy(version, author, difference)
            await self._judge_again()
        return version

    async def _first_policy(self) -> None:
        """Start with the policy on disk; if that is broken, with the last good one, and say so."""
        try:
            candidate = self.policies.candidate()
        except PolicyBroken as broken:
            await self.judges.start(self.policies.last_good() or None)
            await self._rejected(self.policies.author(), broken.problems)
            return
        await self.judges.start(candidate.paths)
        if not self.judges.problems:
            if difference := await self._keep(candidate):
                await self._record_policy(self.judges.version, self.policies.author(), difference)
            return
        problems = candidate.problems or self.judges.problems
        if last := self.policies.last_good():
            await self.judges.load(last)
        await self._rejected(self.policies.author(), problems)

    async def _rejected(self, author: str, problems: list[str]) -> None:
        self.judges.problems = problems
        words = f"policy not loaded: {problems[0]}"
        event = Event("policy.rejected", self.clock.now(), "serve", actor=author, severity=WARN, summary=words,
                      data={"problems": problems})  # fmt: skip
        await self.write(lambda tx: tx.append(event))

    async def _keep(self, candidate: Candidate) -> str:
        difference = self.policies.keep(candidate)
        await self.judges.moved(self.policies.last_good())
        return difference

    async def _record_policy(self, version: str, author: str, difference: str) -> None:
        now = self.clock.now()
        event = Event("policy.loaded", now, "serve", actor=author, subject=version, severity=NOTICE,
                      summary=f"policy {version} loaded",
                      data={"diff": redact(difference).text[:100_000], "version": version})  # fmt: skip
        await self.write(lambda tx: tx.append(event))

    async def _judge_again(self) -> None:
        """After a reload: re-judge what waits, re-bind what is unchanged, let go or refuse what is not."""
        waiting = await self.write(lambda tx: escalations.waiting(tx.connection))
        for e in waiting:
            if e.kind == "tool":
                await self.policies.judge_again(e, self.questions, self.judges)

    async def _recover(self) -> None:
        """After a start: no console holds anything any more, no hook is on the line until it presents itself again."""
        now = self.clock.now()

        def work(tx: Tx) -> None:
            self.roster.load(tx)
            self.conduct.prune(tx, now)
            if self._key_problem:
                tx.append(Event("gate.key", now, "serve", severity=WARN, summary=self._key_problem))
            for e in escalations.waiting(tx.connection):
                if e.state == State.HELD:
                    step = life.withdraw(e, now)
                    escalations.change(tx.connection, e, **step.changes, attached=0)
                    tx.append(Event(step.event, now, "gate", e.session, e.agent, "serve", e.id, e.tier, NOTICE,
                                    f"{e.id}: the approval of {e.hold_by} was withdrawn, serve restarted"))  # fmt: skip
                elif e.attached:
                    escalations.change(tx.connection, e, attached=0)
            facts = {"pid": os.getpid(), "version": sreconsole.__version__}
            tx.append(Event("serve.started", now, "serve", severity=NOTICE, data=facts,
                            summary=f"serve {sreconsole.__version__}, pid {os.getpid()}"))  # fmt: skip

        await self.write(work)
        await self.learn()

    async def learn(self) -> None:
        """Which scopes are open and which users are agents': what `barred` goes by."""

        def work(tx: Tx) -> tuple[list[sessions.Scope], set[int]]:
            uids = {one.uid for one in agents.every(tx.connection) if one.uid is not None and one.revoked_at is None}
            return sessions.scopes(tx.connection), uids

        self._scopes, self._agent_uids = await self.write(work)
        if self.home.hook_socket.exists():
            self._open_doors()

    async def _orphans(self) -> None:
        """Hooks had their minute to come back: questions nobody waits on any more are withdrawn."""
        await asyncio.sleep(ORPHANED)
        for e in await self.write(lambda tx: escalations.waiting(tx.connection)):
            if e.state == State.PENDING and e.id not in self.questions.waiters:
                try:
                    await self.questions.cancel(e.id, "the agent's hook did not come back after serve restarted")
                except (life.Late, Moved, Unknown, Unwritable):
                    # Its deadline still ends it.
                    continue

    async def _departed(self) -> None:
        """A killed client leaves its hook waiting as an orphan: its questions are withdrawn, its session has ended."""
        while True:
            await asyncio.sleep(1.0)
            if not self.home.operator_socket.exists():
                raise FileNotFoundError(f"{self.home.operator_socket} was removed: nobody reaches this serve any more")
            # A store that cannot be written now is looked at again in a second; serve stays to refuse and to say so.
            with suppress(Unwritable):
                for one in self.roster.departed():
                    await self._bury(one)
                if await self._caretaker.tidy(self._scopes):
                    await self.learn()

    async def _bury(self, session: sessions.Session) -> None:
        now = self.clock.now()
        for e in await self.write(lambda tx: escalations.of_session(tx.connection, session.id)):
            if e.state != State.DEFERRED:
                try:
                    await self.questions.cancel(e.id, "the agent's client is gone")
                except (life.Late, Moved, Unknown):
                    continue

        def work(tx: Tx) -> None:
            self.roster.change(tx, session.id, now, ended_at=now, end_reason="process gone")
            tx.append(Event("session.ended", now, "serve", session.id, session.agent, "serve", session.id,
                            summary=f"process {session.pid} is gone", data={"pid": session.pid}))  # fmt: skip

        await self.write(work)

    async def _follow_policy(self) -> None:
        """A changed policy file is loaded within two seconds; a bad one is reported once and changes nothing."""
        seen = self.policies.stamp()
        while True:
            await asyncio.sleep(2.0)
            stamp = self.policies.stamp()
            if stamp == seen:
                continue
            seen = stamp
            try:
                await self.reload(self.policies.author())
            except (PolicyBroken, configuration.ConfigError, Poison):
                # Recorded where it arose, and shown by hello and doctor until it is mended.
                continue
            except Unwritable:
                seen = ()

    async def _hangup(self) -> None:
        try:
            await self.reload("SIGHUP")
        except (PolicyBroken, configuration.ConfigError) as problem:
            print(f"reload: {problem}", file=sys.stderr, flush=True)

    async def _gone(self, desk: Desk) -> None:
        """A console went away: what it still held is withdrawn."""
        for id in desk.held:
            try:
                await self.questions.withdraw(id, desk.who, "its console went away")
            except (life.Late, life.NotAllowed, Moved, Unknown):
                continue

    def _refused(self, who: Decider, verb: str, why: str) -> None:
        now = self.clock.now()
        # One who knocks without end is logged every ten seconds, not every time.
        if now - self._knocks.get((who.uid, verb, why), 0) < 10_000:
            return
        if len(self._knocks) > MOST_KNOCKS:
            self._knocks.clear()
        self._knocks[who.uid, verb, why] = now
        words, facts = f"{verb} by {who.name} refused: {why}", {"uid": who.uid, "via": who.via, "do": verb}
        event = Event("gate.refused-operator", now, "serve", actor=who.name, severity=WARN, summary=words, data=facts)
        self.writer.do(lambda tx: tx.append(event))

    def _crashed(self, sha: str, times: int) -> None:
        now = self.clock.now()
        event = Event("gate.worker-crashed", now, "serve", severity=WARN, subject=sha[:16],
                      summary=f"a judging worker died of one payload ({times} of 2)", data={"sha256": sha})  # fmt: skip
        self.writer.do(lambda tx: tx.append(event))

    def _wake(self) -> None:
        self.timers.wake()

    def _committed(self, seq: int) -> None:
        """In the writer's thread: tell consoles, once per loop turn however many commits there were."""
        if not self._pushing:
            self._pushing = True
            self._loop.call_soon_threadsafe(self._push, seq)

    def _push(self, seq: int) -> None:
        self._pushing = False
        self.operators.push(seq)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._loop.call_exception_handler(
                {"message": "serve: a part of it ended", "exception": error, "task": task}
            )
            os.kill(os.getpid(), signal.SIGTERM)

    def _open_doors(self) -> None:
        """Agents may submit; only operators reach the other socket at all."""
        shared = self.home.kind == "system" or bool(self._agent_uids - {os.getuid()})
        if shared or self.config["operators.users"]:
            # Other users may pass through to the one socket that is theirs; they can list and read nothing.
            ways = [self.home.runtime] if self.home.kind != "named" else [self.home.runtime, self.home.runtime.parent]
            for folder in ways:
                os.chmod(folder, 0o711)
        os.chmod(self.home.hook_socket, 0o666 if shared else 0o600)
        # Listed users share no group with serve, so the door is open to all and who may decide is checked behind it.
        listed, groups = self.config["operators.users"], self.config["operators.groups"]
        os.chmod(self.home.operator_socket, 0o666 if listed else 0o660 if groups else 0o600)
        for group in self.config["operators.groups"][:1]:
            try:
                shutil.chown(self.home.operator_socket, group=group)
            except LookupError as unknown:
                print(f"{self.config.path}: operators.groups: {unknown}", file=sys.stderr, flush=True)


def serve(home: Home) -> int:
    """Run `serve` in the foreground; the exit code. Raises what cannot be started with, in one line each."""
    # A system home is read by its group of on-call people; a private one by nobody else.
    os.umask(0o027 if home.kind == "system" else 0o077)
    for folder in (home.config, home.state, home.runtime):
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        if problem := _open_to_others(folder):
            print(problem, file=sys.stderr)
            return REFUSED
    try:
        lock = _lock(home)
    except AlreadyRunning as running:
        print(running, file=sys.stderr)
        return ALREADY_RUNNING
    with lock:

        async def main() -> None:
            await Daemon(home).run()

        asyncio.run(main())
    return 0


def _open_to_others(folder: Path) -> str:
    """Why a folder is no place for a gate: who else could put another socket, policy or store there ("" if nobody)."""
    seen = folder.stat()
    if seen.st_uid not in (os.getuid(), 0):
        return f"{folder}: belongs to user {peers.user(seen.st_uid)}, who could replace the gate; choose another SRECONSOLE_HOME"
    if seen.st_mode & 0o002:
        return f"{folder}: anybody may write there and replace the gate; run: chmod o-w {folder}"
    return ""


def _lock(home: Home) -> Any:
    """One instance per home, by a lock the kernel drops when the process dies."""
    # Beside the store and not the sockets: a runtime folder goes at logout, and the store must not get two writers.
    file = open(home.state / "serve.lock", "a+")  # noqa: SIM115 - held open for as long as serve lives
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise AlreadyRunning(f"another serve runs in {home.state}") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _fingerprint_key(home: Home) -> tuple[bytes, str]:
    """The home's key for fingerprints; with one that cannot be used, one for this run only, and what is wrong."""
    path = home.state / "fingerprint.key"
    try:
        return fingerprint.key(path), ""
    except fingerprint.KeyUnsafe as problem:
        return os.urandom(fingerprint.KEY_BYTES), str(problem)


def _fresh(path: Path) -> str:
    """A socket path with no stale socket on it; the lock says that nobody else is listening."""
    if len(str(path).encode()) > 100:
        raise OSError(f"{path}: too long for a unix socket (100 bytes at most); choose a shorter SRECONSOLE_HOME")
    path.unlink(missing_ok=True)
    return str(path)
