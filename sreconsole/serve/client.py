"""How the console and the command line speak to `serve`: JSON lines over `operator.sock`.

A request is one line `{"id": n, "do": verb, ...}`; its reply is `{"id": n, "ok": true, ...}` or
`{"id": n, "ok": false, "code": exit code, "message": one line}`. After `do: "subscribe"` the server also pushes
`{"changed": seq}` lines: a hint that the store moved, never data.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sreconsole.paths import Home

if TYPE_CHECKING:
    # Loaded by Feed alone: a command that asks one thing would spend a quarter of its start on it.
    import asyncio

LINE_LIMIT = 4 * 1024 * 1024


class ServeDown(Exception):
    """`serve` cannot be reached (exit code 3)."""


class Refused(Exception):
    """`serve` said no. `code` is the exit code (1 the answer is no, 2 bad request, 4 not allowed)."""

    def __init__(self, message: str, code: int, reply: dict[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        self.reply = reply


class Line:
    """A blocking connection for the command line. Use as a context manager."""

    def __init__(self, home: Home, timeout: float = 10.0) -> None:
        """Connect, or raise ServeDown."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._n = 0
        try:
            self._socket.connect(str(home.operator_socket))
        except OSError as error:
            self._socket.close()
            raise ServeDown(_down(home, error)) from error
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Send one request and return its reply. Raises Refused and ServeDown."""
        self._n += 1
        try:
            self._socket.sendall(json.dumps({"id": self._n, "do": do, **words}).encode() + b"\n")
            while True:
                line = self._file.readline(LINE_LIMIT)
                if not line:
                    raise ServeDown("serve closed the connection before it answered")
                reply = json.loads(line)
                if reply.get("id") == self._n:
                    return _checked(reply)
        except OSError as error:
            raise ServeDown(f"serve did not answer: {error}") from error


class Feed:
    """An asyncio connection for the console: requests, and pushes that the store moved."""

    def __init__(self, home: Home, changed: Callable[[int], None], lost: Callable[[], None]) -> None:
        """`changed(seq)` and `lost()` are called in the event loop."""
        self._home = home
        self._changed = changed
        self._lost = lost
        self._n = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reader_task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether `serve` is on the line."""
        return self._writer is not None

    async def connect(self) -> dict[str, Any]:
        """Connect and subscribe; returns the reply to `hello`. Raises ServeDown."""
        import asyncio

        try:
            reader, self._writer = await asyncio.open_unix_connection(str(self._home.operator_socket), limit=LINE_LIMIT)
        except OSError as error:
            raise ServeDown(_down(self._home, error)) from error
        self._reader_task = asyncio.create_task(self._read(reader))
        hello = await self.ask("hello")
        await self.ask("subscribe")
        return hello

    async def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Send one request and return its reply. Raises Refused and ServeDown."""
        import asyncio

        if self._writer is None:
            raise ServeDown("serve is down")
        self._n += 1
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._n] = answered
        self._writer.write(json.dumps({"id": self._n, "do": do, **words}).encode() + b"\n")
        return _checked(await answered)

    async def close(self) -> None:
        """Hang up; approvals this console still holds are withdrawn by `serve`."""
        if self._reader_task:
            self._reader_task.cancel()
        if self._writer:
            self._writer.close()
            self._writer = None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                message = json.loads(line)
                if "changed" in message:
                    self._changed(int(message["changed"]))
                elif (waiting := self._waiting.pop(message.get("id", 0), None)) and not waiting.done():
                    waiting.set_result(message)
        except (OSError, ValueError):
            pass
        self._writer = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ServeDown("serve went away before it answered"))
        self._waiting.clear()
        self._lost()


def running(home: Home) -> bool:
    """Whether a `serve` answers in this home."""
    try:
        with Line(home, timeout=2.0):
            return True
    except ServeDown:
        return False


def ensure(home: Home, patience: float = 5.0) -> None:
    """Start `serve`, detached, unless one runs; returns when it answers. Raises ServeDown.

    Only the console and the command line call this: a hook that did would make `serve` the agent's child.
    """
    if running(home):
        return
    from sreconsole.serve import launch

    problem = launch.detached(home)
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if running(home):
            return
        if early := problem():
            raise ServeDown(early)
        time.sleep(0.02)
    raise ServeDown(f"serve did not start within {patience:.0f} s; its log is {home.log}")


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    if reply.get("ok"):
        return reply
    raise Refused(str(reply.get("message", "refused")), int(reply.get("code", 1)), reply)


def _down(home: Home, error: OSError) -> str:
    return f"serve cannot be reached at {home.operator_socket} ({error.strerror or error}); start it: sreconsole serve"
