"""The outbox's worker: delivers, retries with growing pauses, gives up aloud."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import partial

from sreconsole.config import Config
from sreconsole.serve.clock import Clock
from sreconsole.serve.secrets import SecretMissing, secret
from sreconsole.store import outbox
from sreconsole.store.event import NOTICE, PAGE, Event
from sreconsole.store.outbox import Letter
from sreconsole.store.writer import Tx, Writer
from sreconsole.text.redact import redact

PAUSES = (1, 2, 5, 10, 30, 60, 120, 300)
"""Seconds before the next try; after the last the letter is dead."""

PATIENCE = 10.0
LONGEST = 15.0
"""Seconds for one try in all: a receiver that drips its answer must not hold up the next page."""


class Pager:
    """Delivers letters one at a time; each carries its idempotency key, so a retry is never a second page."""

    def __init__(self, writer: Writer, clock: Clock, config: Callable[[], Config]) -> None:
        """`config()` gives the settings in force."""
        self._writer, self._clock, self._config = writer, clock, config
        self._busy: asyncio.Task[None] | None = None

    def channels(self) -> list[str]:
        """Where pages go now."""
        return ["webhook"] if self._config()["pager.webhook.url"] else []

    async def deliver(self) -> None:
        """Start delivering what is due, unless a delivery is under way: a slow receiver must not hold up time."""
        if self._busy is None or self._busy.done():
            self._busy = asyncio.create_task(self._deliver())

    async def _deliver(self) -> None:
        now = self._clock.now()
        for letter in await asyncio.wrap_future(self._writer.do(lambda tx: outbox.due(tx.connection, now))):
            error = await self._send(letter)
            # On a full disk too: what was sent and not noted would be sent again and again.
            await asyncio.wrap_future(self._writer.do(partial(self._record, letter, error), vital=True))

    def _record(self, letter: Letter, error: str, tx: Tx) -> None:
        now = self._clock.now()
        if not error:
            outbox.sent(tx.connection, letter, now)
            tx.append(Event("page.sent", now, "oncall", subject=letter.subject, actor="serve", severity=NOTICE,
                            summary=f"{letter.id} sent by {letter.channel}", data={"key": letter.key}))  # fmt: skip
            return
        pause = PAUSES[letter.attempts] if letter.attempts < len(PAUSES) else None
        outbox.failed(tx.connection, letter, error, None if pause is None else now + pause * 1000)
        if pause is None:
            words = f"{letter.id} could not be sent by {letter.channel}: {error}"
            tx.append(Event("page.dead", now, "oncall", subject=letter.subject, actor="serve", severity=PAGE,
                            summary=words, data={"key": letter.key}))  # fmt: skip

    async def _send(self, letter: Letter) -> str:
        """Try once; what went wrong in words, or ""."""
        import httpx

        config = self._config()
        url = config["pager.webhook.url"]
        if letter.channel != "webhook" or not url:
            return f"channel {letter.channel} is not configured"
        try:
            key = await asyncio.to_thread(secret, config, "webhook", config["pager.webhook.secret_file"])
        except (SecretMissing, OSError, ValueError) as missing:
            return str(missing)
        content = json.dumps({"id": letter.id, "key": letter.key, **json.loads(letter.body)}, sort_keys=True).encode()
        headers = {
            "content-type": "application/json",
            "idempotency-key": letter.key,
            **signature(key, content, self._clock.now()),
        }
        try:
            # The status is the answer; its body is not read, however long.
            async with (
                asyncio.timeout(LONGEST),
                httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False) as client,
                client.stream("POST", url, content=content, headers=headers) as answer,
            ):
                return "" if answer.is_success else f"HTTP {answer.status_code}"
        except TimeoutError:
            return f"no answer within {LONGEST:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # An address may carry a key, and an error may quote the address.
            return redact(f"{type(error).__name__}: {error}".replace(url, "the webhook's url")).text[:300]


def signature(key: str, content: bytes, now: int) -> dict[str, str]:
    """Headers that prove who sent a page and when: HMAC-SHA-256 over `timestamp.body`, as `v1=hex`."""
    stamp = str(now // 1000)
    mac = hmac.new(key.encode(), stamp.encode() + b"." + content, hashlib.sha256).hexdigest()
    return {"x-sreconsole-timestamp": stamp, "x-sreconsole-signature": f"v1={mac}"}
