"""What keeps the fleet log honest and bounded while `serve` runs: its heads go off the box, its old end goes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from sreconsole.config import Config
from sreconsole.serve.clock import Clock
from sreconsole.store import database, heads, log, retention
from sreconsole.store.event import NOTICE, WARN, Event
from sreconsole.store.heads import head_line
from sreconsole.store.log import Tip
from sreconsole.store.writer import Tx, Unwritable, Writer

JOURNAL = Path("/run/systemd/journal/socket")
SYSLOG = Path("/dev/log")
PATIENCE = 5.0
"""Seconds a destination may take; a file on a dead network disk takes for ever."""

AUTHPRIV_NOTICE = 10 * 8 + 5
"""Facility and severity, after RFC 3164 section 4.1.1."""

DAY = 86_400_000
PRUNE_EVERY = 3600.0
BREATH = 0.02
"""Seconds between two chunks of pruning, in which other jobs commit."""


class Heads:
    """Sends the head of the log to each of `audit.heads`, and remembers in the store what has been sent."""

    def __init__(self, writer: Writer, clock: Clock, config: Callable[[], Config]) -> None:
        """`config()` gives the settings in force."""
        self._writer, self._clock, self._config = writer, clock, config
        self._down: dict[str, str] = {}
        self._hanging: set[str] = set()

    async def run(self) -> None:
        """Until cancelled: send what is new every `audit.every_seconds`."""
        while True:
            # Said already to whoever's decision it stopped; heads wait with everything else.
            with suppress(Unwritable):
                await self.send()
            await asyncio.sleep(max(1.0, self._config()["audit.every_seconds"]))

    async def finish(self) -> None:
        """At the end: the last head, within a few seconds."""
        try:
            async with asyncio.timeout(2 * PATIENCE):
                await self.send()
        except (TimeoutError, Unwritable):
            return

    async def send(self) -> None:
        """Send the head wherever it has not been yet. Raises Unwritable."""
        places = list(dict.fromkeys(self._config()["audit.heads"]))
        if not places:
            return

        def look(tx: Tx) -> tuple[Tip, str, dict[str, int]]:
            sent = {place: heads.last(tx.connection, place) for place in places}
            return Tip(tx.head.seq, tx.head.hash), heads.home(tx.connection), sent

        head, home, sent = await asyncio.wrap_future(self._writer.do(look))
        new = [place for place in places if sent[place] < head.seq]
        line = head_line(head, self._clock.now(), home)
        answers = await asyncio.gather(*(self._deliver(place, line) for place in new))
        if new:
            await asyncio.wrap_future(
                self._writer.do(lambda tx: self._record(tx, head, dict(zip(new, answers, strict=True))))
            )
            self._down = {place: why for place, why in zip(new, answers, strict=True) if why}

    async def _deliver(self, place: str, line: str) -> str:
        """Try one destination in a thread of its own; what went wrong in words, or ""."""
        if place in self._hanging:
            return "an earlier head is still on its way"
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()
        self._hanging.add(place)

        def settle(problem: str) -> None:
            self._hanging.discard(place)
            if not done.done():
                done.set_result(problem)

        def work() -> None:
            problem = send(place, line)
            try:
                loop.call_soon_threadsafe(settle, problem)
            except RuntimeError:
                # serve has ended meanwhile: nobody is left to tell.
                return

        # Not the loop's pool, whose end waits for threads that may never end.
        threading.Thread(target=work, name="head", daemon=True).start()
        try:
            async with asyncio.timeout(PATIENCE):
                return await done
        except TimeoutError:
            return f"no answer within {PATIENCE:.0f} s"

    def _record(self, tx: Tx, head: Tip, answers: dict[str, str]) -> None:
        now = self._clock.now()
        for place, problem in answers.items():
            if not problem:
                heads.record(tx.connection, place, head, now)
                if place in self._down:
                    tx.append(Event("audit.head_reached", now, "serve", actor="serve", subject=place, severity=NOTICE,
                                    summary=f"heads of the log reach {place} again"))  # fmt: skip
            elif place not in self._down:
                tx.append(Event("audit.head_unsent", now, "serve", actor="serve", subject=place, severity=WARN,
                                summary=f"a head of the log could not be sent to {place}: {problem}",
                                data={"problem": problem, "seq": head.seq}))  # fmt: skip


def send(place: str, line: str) -> str:
    """Send one head to "journald", "syslog" or "file:/path"; what went wrong in words, or ""."""
    try:
        if place == "journald":
            _journal(line)
        elif place == "syslog":
            _syslog(line)
        elif place.startswith("file:/"):
            _append(Path(place.removeprefix("file:")), line)
        else:
            return 'unknown place; audit.heads takes "journald", "syslog" and "file:/path"'
    except OSError as error:
        return f"{error.strerror or error}"
    return ""


def _journal(line: str) -> None:
    """One datagram of KEY=VALUE lines: the native protocol, systemd.io/JOURNAL_NATIVE_PROTOCOL."""
    facts = json.loads(line)
    fields = {
        "MESSAGE": line, "PRIORITY": "5", "SYSLOG_IDENTIFIER": "sreconsole", "SRECONSOLE_HEAD_SEQ": facts["seq"],
        "SRECONSOLE_HEAD_HASH": facts["hash"], "SRECONSOLE_HOME": facts["home"],
    }  # fmt: skip
    _datagram(JOURNAL, "".join(f"{key}={value}\n" for key, value in fields.items()).encode())


def _syslog(line: str) -> None:
    stamp = time.strftime("%b %e %H:%M:%S")
    _datagram(SYSLOG, f"<{AUTHPRIV_NOTICE}>{stamp} sreconsole[{os.getpid()}]: {line}".encode())


def _datagram(path: Path, content: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.setblocking(False)
        line.connect(str(path))
        line.send(content)


def _append(path: Path, line: str) -> None:
    """Append a line and wait until it is on the disk. Raises OSError; refuses symbolic links and what is not a file."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path} is not a regular file")
        # A line torn by a full disk is ended first, so that it spoils no other.
        torn = found.st_size and os.pread(descriptor, 1, found.st_size - 1) != b"\n"
        content = b"\n" * bool(torn) + line.encode() + b"\n"
        if os.write(descriptor, content) != len(content):
            raise OSError(f"{path}: no space left")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def retain(writer: Writer, clock: Clock, config: Callable[[], Config]) -> None:
    """Until cancelled: once an hour, prune what is older than `retention.days`, between other jobs."""
    while True:
        # On a full or failing disk nothing can be deleted either; in an hour again.
        with suppress(Unwritable):
            await prune(writer, clock, config)
        await asyncio.sleep(PRUNE_EVERY)


async def prune(writer: Writer, clock: Clock, config: Callable[[], Config]) -> None:
    """Prune all that may go now. Raises Unwritable."""
    await _cut(writer)
    while days := config()["retention.days"]:
        sent = await _sent(writer, config()["audit.heads"])
        to = await asyncio.to_thread(_horizon, writer.path, clock.now() - days * DAY, sent)
        if to is None:
            break
        work = partial(retention.rise, to=to, now=clock.now(), days=days)
        await asyncio.wrap_future(writer.do(work))
        await _cut(writer)
    while await asyncio.wrap_future(writer.do(retention.give_back)):
        await asyncio.sleep(BREATH)


async def _cut(writer: Writer) -> None:
    for chunk in (retention.cut, retention.forget_reviews):
        while await asyncio.wrap_future(writer.do(chunk)):
            await asyncio.sleep(BREATH)


async def _sent(writer: Writer, places: list[str]) -> int | None:
    """The newest head that every configured place has (None: no place is configured)."""
    if not places:
        return None
    return await asyncio.wrap_future(writer.do(lambda tx: min(heads.last(tx.connection, place) for place in places)))


def _horizon(path: Path, kept_from: int, sent: int | None) -> log.Tip | None:
    connection = database.open_reader(path)
    try:
        return retention.horizon(connection, kept_from, sent)
    finally:
        connection.close()
