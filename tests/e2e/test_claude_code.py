"""A real Claude Code stops at the gate, and what a human decides happens."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from claude import DONE, Claude, bash, binary
from house import House, wait_for

from sreconsole.serve.client import Line, Refused
from sreconsole.store import sessions

pytestmark = pytest.mark.e2e


class Stage:
    """A house with clients in it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ran = house.project / "ran.txt"
        self._clients: list[Claude] = []

    def claude(self, *turns: dict[str, Any], **more: Any) -> Claude:
        """A client with a script, not yet started."""
        binary()
        made = Claude(self.house, [*turns, DONE], name=f"c{len(self._clients)}", **more)
        self._clients.append(made)
        return made

    def close(self) -> None:
        for one in self._clients:
            one.close()


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    made = Stage(house)
    try:
        yield made
    finally:
        made.close()


TOUCH = bash("touch ${WORK}/ran.txt")


@pytest.mark.parametrize("mode", ["bypassPermissions", "default", "acceptEdits"])
def test_approved_runs(stage: Stage, mode: str) -> None:
    run = stage.claude(TOUCH).start(mode=mode)
    e = stage.house.waiting()[0]
    assert not stage.ran.exists()
    stage.house.decide("approve", e, reason="fine")
    assert run.result()["terminal_reason"] == "completed"
    assert stage.ran.exists()


@pytest.mark.parametrize("mode", ["bypassPermissions", "default"])
def test_denied_does_not_run_and_the_model_reads_why(stage: Stage, mode: str) -> None:
    run = stage.claude(TOUCH).start(mode=mode)
    stage.house.decide("deny", stage.house.waiting()[0], reason="not on a Friday")
    run.result()
    assert not stage.ran.exists()
    assert "not on a Friday" in run.told()


def test_tier_four_is_refused_in_bypass_mode(stage: Stage) -> None:
    run = stage.claude(
        bash("mkfs.ext4 /dev/null; touch ${WORK}/ran.txt"), bash("mkfs /dev/null || touch ${WORK}/ran.txt")
    )
    run.start().result()
    assert "tier 4" in run.told()


def test_parallel_calls_are_decided_one_by_one(stage: Stage) -> None:
    tools = [
        {"name": "Bash", "input": {"command": f"touch ${{WORK}}/{name}", "description": "x"}}
        for name in ("a", "b", "c")
    ]
    run = stage.claude({"text": "three", "tools": tools}).start()
    for _ in tools:
        e = stage.house.waiting()[0]
        name = json.loads(e.input)["command"][-1]
        stage.house.decide("deny" if name == "b" else "approve", e)
        stage.house.became(e.id, "denied" if name == "b" else "approved")
    run.result()
    assert sorted(path.name for path in stage.house.project.iterdir() if len(path.name) == 1) == ["a", "c"]


def test_a_subagents_call_waits_as_its_own(stage: Stage) -> None:
    task = {
        "name": "Agent",
        "input": {"description": "sub", "prompt": "SUBTASK please", "subagent_type": "general-purpose"},
    }
    run = stage.claude(
        {"text": "delegate", "tools": [task]}, routes=[{"match": "SUBTASK", "turns": [TOUCH, {"text": "sub done"}]}]
    ).start()
    e = next(one for one in stage.house.waiting() if one.tool == "Bash") if _answer_agents(stage) else None
    assert e and e.subagent
    stage.house.decide("approve", e)
    run.result()
    assert stage.ran.exists()


def _answer_agents(stage: Stage) -> bool:
    """Spawning a subagent may itself be gated; let it, until the subagent's own call waits."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for e in stage.house.waiting():
            if e.tool == "Bash":
                return True
            stage.house.decide("approve", e)
        time.sleep(0.05)
    return False


def test_serve_killed_while_a_call_waits(stage: Stage) -> None:
    run = stage.claude(TOUCH).start()
    stage.house.waiting()
    stage.house.kill()
    stage.house.start()
    wait_for(lambda: stage.house.waiting()[0].attached, 15, "the hook to present itself again")
    stage.house.decide("approve", stage.house.waiting()[0])
    run.result()
    assert stage.ran.exists()


def test_a_console_lost_during_its_hold_approves_nothing(stage: Stage) -> None:
    run = stage.claude(TOUCH).start()
    e = stage.house.waiting()[0]
    with Line(stage.house.home) as line:
        line.ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=1.5)
    time.sleep(2)
    assert not stage.ran.exists()
    stage.house.decide("deny", stage.house.waiting()[0])
    run.result()
    assert not stage.ran.exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_killed_client_withdraws_its_question(stage: Stage, how: signal.Signals) -> None:
    run = stage.claude(TOUCH).start()
    e = stage.house.waiting()[0]
    assert run.process
    run.process.send_signal(how)
    stage.house.became(e.id, "cancelled")
    with pytest.raises(Refused, match="cancelled"):
        stage.house.decide("approve", e)
    run.process.wait(20)
    time.sleep(0.5)
    assert not stage.ran.exists()


def test_expiry_refuses_and_parks(stage: Stage) -> None:
    run = stage.claude(bash("git push origin main"), TOUCH).start()
    run.result()
    assert "Expired" in run.told()
    assert "parked" in run.told()
    assert not stage.ran.exists()
    assert stage.house.events("session.parked")


def test_defer_and_resume(stage: Stage) -> None:
    (stage.house.project / "Makefile").write_text("deploy:\n\ttouch ran.txt\n")
    run = stage.claude(bash("make deploy")).start()
    report = run.result()
    assert report["terminal_reason"] == "tool_deferred"
    e = stage.house.became(stage.house.waiting()[0].id, "deferred")
    assert not stage.ran.exists()
    stage.house.decide("approve", e, reason="morning")
    run.start("--resume", report["session_id"])
    run.result()
    assert stage.ran.exists()
    assert stage.house.became(e.id, "approved").used_at


def test_two_consoles_one_winner(stage: Stage) -> None:
    run = stage.claude(TOUCH).start()
    e = stage.house.waiting()[0]
    with Line(stage.house.home) as dana, Line(stage.house.home) as lee:
        dana.ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=0)
        with pytest.raises(Refused, match=r"approved by \w+ since"):
            lee.ask("deny", escalation=e.id, version=e.version, digest=e.digest)
    run.result()
    assert stage.ran.exists()


def test_a_stopped_session_ends_the_run(stage: Stage) -> None:
    run = stage.claude(TOUCH).start()
    e = stage.house.waiting()[0]
    stage.house.stop()
    _stop_in_store(stage.house, e.session)
    stage.house.start()
    assert run.result()["terminal_reason"] == "hook_stopped"
    assert stage.house.became(e.id, "invalidated").reason == "stopped by dana"
    assert not stage.ran.exists()


def _stop_in_store(house: House, session: str) -> None:
    from sreconsole.store.database import open_writer

    connection = open_writer(house.home.store)
    connection.execute("UPDATE sessions SET stopped = 'stopped by dana' WHERE id = ?", (session,))
    connection.close()


def test_no_serve_means_no(stage: Stage) -> None:
    stage.house.stop()
    run = stage.claude(TOUCH).start()
    run.result()
    assert not stage.ran.exists()
    assert "cannot be reached" in run.told()


def test_a_missing_interpreter_or_hook_means_no(stage: Stage) -> None:
    run = stage.claude(TOUCH)
    run.wire.hook.unlink()
    run.start().result()
    assert not stage.ran.exists()


def test_the_agent_cannot_switch_its_gate_off(stage: Stage) -> None:
    """Asked for, it is tier 4; done behind the gate's back, the client does not take the change over."""
    settings = stage.house.project / ".claude/settings.json"
    settings.parent.mkdir()
    off = bash("echo '{\"disableAllHooks\": true}' > .claude/settings.json")
    run = stage.claude(off, bash("sleep 4"), TOUCH).start()
    wait_for(lambda: stage.house.events("tool.refused"), 20, "the asking to be refused")
    assert not settings.exists()
    wait_for(lambda: stage.house.events("tool.passed"), 20, "the pause")
    settings.write_text('{"disableAllHooks": true}')
    wait_for(lambda: stage.house.events("gate.tamper"), 20, "the tampering to be noticed")
    stage.house.decide("deny", stage.house.waiting()[0])
    run.result()
    assert not stage.ran.exists()


def test_sessions_and_their_life_are_in_the_log(stage: Stage) -> None:
    run = stage.claude(bash("python3 -c 'print(1)'")).start()
    report = run.result()
    stored = wait_for(lambda: (found := stage.house.read(lambda c: sessions.get(c, report["session_id"]))) and found.ended_at and found,
                      10, "the session's end")  # fmt: skip
    assert (stored.client, stored.attended, stored.calls) == ("claude-code", 0, 1)
    kinds = {e.kind for e in stage.house.events()}
    assert {
        "session.started",
        "hook.user-prompt-submit",
        "tool.passed",
        "hook.post-tool-use",
        "hook.stop",
        "hook.session-end",
    } <= kinds


def test_the_chain_verifies_after_a_night(stage: Stage) -> None:
    from sreconsole.store.event import relink

    run = stage.claude(TOUCH).start()
    stage.house.decide("approve", stage.house.waiting()[0])
    run.result()
    entries = stage.house.events()
    assert all(relink(entry) == entry.hash for entry in entries)
    assert all(b.prev == a.hash for a, b in pairwise(entries))


def test_version_is_one_that_can_be_closed() -> None:
    out = subprocess.run([str(binary()), "--version"], capture_output=True, text=True, check=True).stdout
    assert tuple(int(part) for part in out.split()[0].split(".")) >= (2, 1, 295)
