"""A hand that types commands at a fleet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import pytest
from house import House

from sreconsole.store import database, escalations, grants, rows, sessions
from sreconsole.store.escalations import Escalation
from sreconsole.store.grants import Grant
from sreconsole.store.sessions import Session

HOUR = 3_600_000


@dataclass(frozen=True)
class Done:
    """What became of one command line."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Hand:
    """Types commands at one fleet."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.house, self._monkeypatch, self._capsys = house, monkeypatch, capsys

    def __call__(self, *words: object, stdin: str = "") -> Done:
        """Run a command line in this process."""
        import io

        from sreconsole.cli.app import run

        self._monkeypatch.setenv("SRECONSOLE_HOME", str(self.house.home.config))
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        assert "fault of sreconsole" not in err, err
        return Done(code, out, err)

    def spawn(self, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """Run a command line as a process of its own."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = {**self.house.environment, **more.pop("env", {})}
        return subprocess.Popen(
            [sys.executable, "-m", "sreconsole", *words], env=environment, cwd="/", **{**pipes, **more}
        )

    def process(self, *words: str, timeout: float = 30, **more: Any) -> Done:
        """Run a command line as a process of its own, to its end."""
        running = self.spawn(*words, **more)
        out, err = running.communicate(timeout=timeout)
        assert b"Traceback" not in (err or b"")
        return Done(running.returncode, (out or b"").decode(), (err or b"").decode())

    def asked(self, **changes: Any) -> Escalation:
        """A question in the store, as if an agent had asked it."""
        verdict = {"tier": 3, "rule": "git.publish", "why": "Leaves the machine.", "does": "pushes commits",
                   "target": "origin main", "where": "policy.yaml:7",
                   "effects": [{"kind": "git.push", "target": "origin main"}], **changes.pop("verdict", {})}  # fmt: skip
        now = time.time_ns() // 1_000_000
        connection = database.open_writer(self.house.home.store)
        try:
            connection.execute("BEGIN IMMEDIATE")
            n, id = escalations.number(connection)
            made = Escalation(
                n=n, id=id, kind="tool", state="pending", version=1, digest=f"{n:064x}", asked="a" * 64, tier=3,
                client="claude-code", session="s-seeded-0001", subagent="", agent="", call=f"toolu_{n}", tool="Bash",
                cwd="/srv/shop", input='{"command":"git push origin main"}', choices="[]", verdict=json.dumps(verdict),
                policy="p1", raw="b" * 64, opened_at=now, changed_at=now, deadline=now + HOUR, next_at=now + HOUR,
                page_at=None, hold_until=None, hold_by="", approvals="[]", attached=0, waiter="", decided_by="",
                decided_at=None, decision="", reason="", answer="", used_at=None,
            )  # fmt: skip
            made = rows.changed(made, **changes)
            escalations.add(connection, made)
            connection.execute("COMMIT")
        finally:
            connection.close()
        return made

    def ran(self, id: str, **changes: Any) -> Session:
        """A session in the store."""
        now = time.time_ns() // 1_000_000
        made = Session(
            id=id, client="claude-code", agent="", provable=0, mapped_by="no scope, no rule", uid=os.getuid(), pid=0,
            started=0, boot="", cwd="/srv/shop", transcript="", mode="default", attended=0, scope="", opened_at=now,
            seen_at=now, ended_at=None, end_reason="", parked_on="", stopped="", calls=3, refused=1, asked=2,
        )  # fmt: skip
        made = rows.changed(made, **changes)
        connection = database.open_writer(self.house.home.store)
        try:
            sessions.save(connection, made)
        finally:
            connection.close()
        return made

    def granted(self, **changes: Any) -> Grant:
        """A grant in the store."""
        now = time.time_ns() // 1_000_000
        connection = database.open_writer(self.house.home.store)
        try:
            n, id = grants.number(connection)
            made = Grant(
                n,
                id,
                "esc-0001",
                "git.push",
                "Bash",
                "origin *",
                "s-1",
                "root",
                now,
                now + HOUR,
                3,
                0,
                "night",
                None,
                "",
            )
            made = rows.changed(made, **changes)
            grants.add(connection, made)
        finally:
            connection.close()
        return made

    def state(self, id: str) -> Escalation:
        """The question as it is now."""
        found = self.house.read(lambda connection: escalations.get(connection, id))
        assert found is not None
        return found
