"""A real store and a stand-in for `serve`'s operator socket, for the console's tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sreconsole import paths
from sreconsole.gate import escalation as life
from sreconsole.store import agents, escalations, grants, rows, sessions
from sreconsole.store.agents import Agent
from sreconsole.store.escalations import Escalation
from sreconsole.store.event import Event
from sreconsole.store.grants import Grant
from sreconsole.store.reviews import Review
from sreconsole.store.sessions import Session
from sreconsole.store.writer import Tx, Writer


def now() -> int:
    return time.time_ns() // 1_000_000


def verdict(**words: Any) -> str:
    known = {"tier": 3, "rule": "publish", "why": "publishes to a protected branch", "does": "pushes 3 commits to main",
             "target": "origin/main", "where": "policy.yaml:41", "effects": [{"kind": "git.push", "target": "origin/main"}],
             "approvers": 1, "confirm": "", "hidden": 0, "warning": "", "kinds": []}  # fmt: skip
    return json.dumps({**known, **words})


class Fleet:
    """A home with a store that the tests write and a console reads."""

    def __init__(self, folder: Path) -> None:
        self.home = paths.at(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.home.runtime.mkdir(exist_ok=True)
        self.writer = Writer(self.home.store)
        self.serve: Serve | None = None

    def do(self, work: Any) -> Any:
        result = self.writer.do(work).result(5)
        if self.serve:
            self.serve.push()
        return result

    def ask(self, **words: Any) -> Escalation:
        """Open a question; fields as in the record, `verdict` as keyword arguments of `verdict()`."""

        def work(tx: Tx) -> Escalation:
            n, id = escalations.number(tx.connection)
            at = now()
            tool = words.pop("tool", "Bash")
            given = words.pop("input", {"command": "git push origin main", "description": "publish"})
            policy = words.pop("verdict", {})
            row = Escalation(
                n=n, id=id, kind="tool", state="pending", version=1, digest=f"{n:064x}"[::-1], asked="", tier=3,
                client="claude-code", session="cc-77aa", subagent="", agent="web-dev", call=f"call-{n}", tool=tool,
                cwd="/srv/web", input=given if isinstance(given, str) else json.dumps(given), choices="[]",
                verdict=policy if isinstance(policy, str) else verdict(**policy), policy="p0l1cy00", raw="", opened_at=at,
                changed_at=at, deadline=at + 1_800_000, next_at=at + 1_800_000, page_at=None, hold_until=None, hold_by="",
                approvals="[]", attached=1, waiter="", decided_by="", decided_at=None, decision="", reason="", answer="", used_at=None,
            )  # fmt: skip
            row = replace(row, **words)
            escalations.add(tx.connection, row)
            tx.append(Event("escalation.opened", at, session=row.session, agent=row.agent, subject=row.id, tier=3,
                            severity=1, summary=f"asks about {row.tool}"))  # fmt: skip
            return row

        return self.do(work)

    def change(self, row: Escalation, **changes: Any) -> Escalation:
        def work(tx: Tx) -> Escalation:
            before = escalations.get(tx.connection, row.id)
            assert before is not None
            assert escalations.change(tx.connection, before, changed_at=now(), **changes)
            after = escalations.get(tx.connection, row.id)
            assert after is not None
            return after

        return self.do(work)

    def get(self, id: str) -> Escalation:
        row = self.writer.do(lambda tx: escalations.get(tx.connection, id)).result(5)
        assert row is not None
        return row

    def agent(self, name: str = "web-dev", **words: Any) -> None:
        one = Agent(name, "dana", 1001, "web", "opus", "{}", "[]", "no opinion", now(), "dana", None, "")
        self.do(lambda tx: agents.save(tx.connection, replace(one, **words)))

    def session(self, id: str = "cc-77aa", **words: Any) -> None:
        at = now()
        one = Session(id, "claude-code", "web-dev", 1, "scope", 1001, 4121, 1, "boot", "/srv/web", "", "bypassPermissions", 0,
                      "scope-1", at, at, None, "", "", "", 12, 1, 2)  # fmt: skip
        self.do(lambda tx: sessions.save(tx.connection, replace(one, **words)))

    def grant(self, **words: Any) -> Grant:
        at = now()

        def work(tx: Tx) -> Grant:
            n, id = grants.number(tx.connection)
            one = Grant(n, id, "esc-0001", "git.push", "Bash", "origin/feature-*", "cc-77aa", "dana", at, at + 600_000, 3, 1,
                        "release night", None, "")  # fmt: skip
            one = replace(one, **words)
            grants.add(tx.connection, one)
            return one

        return self.do(work)

    def review(self, rule: str = "write", **words: Any) -> Review:
        """Something that ran and waits to be looked at."""

        def work(tx: Tx) -> Review:
            at = now()
            n = tx.connection.execute("SELECT count(*) + 1 FROM reviews").fetchone()[0]
            seq = tx.append(Event("tool.passed", at, session="cc-77aa", agent="web-dev", summary="Edit ledger.py"))
            one = Review(n, f"rev-{n:04d}", seq, "cc-77aa", "web-dev", rule, "Edit", "Edit src/pay/ledger.py", "writes ledger.py",
                         at, "unread", "", None, "")  # fmt: skip
            one = replace(one, **words)
            rows.insert(tx.connection, "reviews", one)
            return one

        return self.do(work)

    def event(self, kind: str = "tool.ran", summary: str = "Read src/pay/ledger.py", **words: Any) -> int:
        return self.do(lambda tx: tx.append(Event(kind, now(), summary=summary, **words)))

    def close(self) -> None:
        if self.serve:
            self.serve.stop()
        self.writer.close()


HELLO = {"you": {"name": "dana", "uid": 1000, "from": "tty"}, "boundary": "enforced", "boundary_why": "", "policy": "p0l1cy00",
         "on_call": "dana → Fri 09:00 Berlin, then lee", "version": "0.1.0", "started_at": 0, "full": False, "can_decide": True,
         "why_not": ""}  # fmt: skip


class Serve:
    """Speaks the operator protocol over the real state machine, in a thread with a loop of its own."""

    def __init__(self, fleet: Fleet, **hello: Any) -> None:
        self.fleet = fleet
        self.hello = {**HELLO, **hello}
        self.asked: list[dict[str, Any]] = []
        self.delay = 0.0
        self._lines: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        fleet.serve = self
        self._thread.start()
        assert self._ready.wait(5)

    def acts(self, do: str) -> list[dict[str, Any]]:
        return [one for one in self.asked if one["do"] == do]

    def push(self) -> None:
        def tell() -> None:
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.write(b'{"changed": 1}\n')

        self._loop.call_soon_threadsafe(tell)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(5)

    def _look(self, request: dict[str, Any]) -> dict[str, Any]:
        """Mark reviews as ok or flagged."""
        state, ids = ("flagged", [request["review"]]) if "review" in request else ("ok", request.get("ids") or [])
        wanted = (
            (f"id IN ({','.join('?' * len(ids))})", ids)
            if ids
            else ("rule = ? AND n <= ?", [request.get("rule"), request.get("through", 1 << 62)])
        )
        sql = f"UPDATE reviews SET state = ?, decided_by = 'dana', decided_at = ?, reason = ? WHERE {wanted[0]}"
        values = (state, now(), request.get("reason", ""), *wanted[1])
        self.fleet.do(lambda tx: tx.connection.execute(sql, values) and None)
        return {}

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        path = self.fleet.home.operator_socket
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._talk, str(path))
        self._ready.set()
        await self._end.wait()
        server.close()
        for line in list(self._lines):
            line.close()
        path.unlink(missing_ok=True)
        await asyncio.sleep(0.02)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.append(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while line := await reader.readline():
                request = json.loads(line)
                self.asked.append(request)
                if self.delay and request["do"] not in ("hello", "subscribe"):
                    await asyncio.sleep(self.delay)
                try:
                    reply = {"ok": True, **await asyncio.to_thread(self._do, request)}
                except (life.Late, life.NotAllowed) as error:
                    reply = {"ok": False, "code": 1, "message": str(error)}
                writer.write(json.dumps({"id": request["id"], **reply}).encode() + b"\n")
        if writer in self._lines:
            self._lines.remove(writer)

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        do = request["do"]
        if do == "hello":
            return self.hello
        if do in ("subscribe", "release", "revoke_grant"):
            return {}
        if do in ("review_ok", "review_flag"):
            return self._look(request)
        if do in ("approve_alike", "deny_alike"):
            verb = do.partition("_")[0]
            replies = [self._do({**request, "do": verb, "escalation": one["id"], **one}) for one in request["members"]]
            return replies[0]
        if do == "allow_later":
            row = self.fleet.get(request["escalation"])
            made = self.fleet.grant(escalation=row.id, uses=1, used=0, session=row.session)
            return {"grant": made.id, "until": made.until}
        row = self.fleet.get(request["escalation"])
        if (
            do != "undo"
            and (request["version"], request["digest"]) != (row.version, row.digest)
            and row.state == "pending"
        ):
            raise life.NotAllowed(f"{row.id} has changed since you saw it")
        at = now()
        answer = json.dumps(request.get("answer") or "")
        who = self.hello["you"]["name"]
        if do == "approve":
            step = life.approve(row, who, 1000, request["reason"], answer, at, int(request["hold"] * 1000), "console")
        elif do == "undo":
            step = life.withdraw(row, at)
        elif do == "deny":
            step = life.deny(row, who, request["reason"], at)
        elif do == "later":
            step = life.deny(row, who, request["reason"], at)
            step.changes["decision"] = "later"
        elif do == "break_glass":
            step = life.break_glass(row, who, 1000, request["reason"], answer, at)
        else:
            step = life.approve(row, who, 1000, request["reason"], answer, at, 0, "console")
        after = self.fleet.change(row, **{k: v for k, v in step.changes.items() if k != "changed_at"})
        return {"state": after.state, "hold_until": after.hold_until}
