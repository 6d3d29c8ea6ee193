"""`hook.sock`: hooks submit here and wait here for their answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from typing import TYPE_CHECKING

from sreconsole.gate.call import Reply
from sreconsole.serve import peers
from sreconsole.store.escalations import Escalation

if TYPE_CHECKING:
    from sreconsole.serve.gatekeeper import Gatekeeper

PROTOCOLS = (b"sre/1",)
"""The hook protocols spoken. An installed hook outlives an upgrade of serve: when a second protocol comes, this one stays."""

LARGEST = 64 * 1024 * 1024
HEADER = 1024
WORDS = re.compile(rb"[a-z][a-z-]{0,40} [A-Za-z]{1,64} [0-9]{1,12} [01?]")
"""Client, event, length, attended: what comes after the protocol, and nothing that a log or a screen would mind."""


class HookLine(asyncio.Protocol):
    """One hook on the line. Holds no task while it waits, so that thousands may."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self.raw = b""
        self.sha = hashlib.sha256().hexdigest()
        self.client = ""
        self.event = ""
        self.attended = "?"
        self.identity = ""
        self.escalation = ""
        self._gatekeeper = gatekeeper
        self._buffer = bytearray()
        self._size = -1
        self._protocol = PROTOCOLS[-1]
        self._transport: asyncio.Transport | None = None
        self.answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who it is before a byte is read."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = peers.peer(transport.get_extra_info("socket"))
        self.identity = f"{self.peer.pid}:{self.peer.started}:{peers.boot()}"
        self._gatekeeper.lines.add(self)
        self._gatekeeper.arrived(self)

    def data_received(self, data: bytes) -> None:
        """Gather the header and the payload; then judge, once."""
        if self._size == -2:
            return
        self._buffer += data
        self._gatekeeper.gathers(self, len(data))
        if self._size == -1 and not self._header():
            return
        if len(self._buffer) >= self._size:
            self.raw, self._size, self._buffer = bytes(self._buffer[: self._size]), -2, bytearray()
            self.sha = hashlib.sha256(self.raw).hexdigest()
            self._gatekeeper.whole(self)
            self._gatekeeper.begin(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The hook is gone: killed by its client, or answered."""
        self._transport = None
        self._gatekeeper.lines.discard(self)
        self._gatekeeper.whole(self)
        self._gatekeeper.hung_up(self)

    def drop(self) -> None:
        """Hang up on a sender that has not sent its call: a hook presents itself again, a flood does not matter."""
        self._size, self._buffer = -2, bytearray()
        if self._transport:
            self._transport.abort()

    def reply(self, reply: Reply) -> None:
        """Answer with the hash of what was received, and hang up."""
        self.answered = True
        if self._transport is None or self._transport.is_closing():
            return
        head = f" {self.sha} {reply.code} {len(reply.out)} {len(reply.err)}\n".encode()
        self._transport.write(self._protocol + head + reply.out + reply.err)
        self._transport.close()

    @property
    def connected(self) -> bool:
        """Whether the hook is still on the line."""
        return self._transport is not None

    @property
    def uid(self) -> str:
        """The same for a hook that presents itself again, so that its call is recorded once."""
        return f"{self.identity}:{self.sha[:32]}"

    @property
    def home(self) -> str:
        """The home folder of the agent's user."""
        return peers.home(self.peer.uid)

    def settled(self, escalation: Escalation) -> None:
        """The question this hook waits on has its end."""
        self._gatekeeper.settle(self, escalation)

    def _header(self) -> bool:
        line, found, _ = bytes(self._buffer[:HEADER]).partition(b"\n")
        if not found:
            if len(self._buffer) >= HEADER:
                self._bad("the header is too long")
            return False
        words = line.split(b" ")
        if words[0] not in PROTOCOLS or not WORDS.fullmatch(line.partition(b" ")[2]):
            self._bad("not a hook's header")
            return False
        self._protocol = words[0]
        self.client, self.event = words[1].decode(), words[2].decode()
        self._size, self.attended = int(words[3]), words[4].decode()
        if self._size > LARGEST:
            self._bad("the payload is too large")
            return False
        del self._buffer[: len(line) + 1]
        return True

    def _bad(self, why: str) -> None:
        self._size = -2
        self.reply(Reply(2, err=json.dumps(f"Refused: {why}").encode() + b"\n"))
