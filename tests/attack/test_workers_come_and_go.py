"""Workers die at any moment: every hook is answered, nothing passes unjudged, and all judge by one policy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import threading
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from house import House, answer

from sreconsole.serve import judge as room
from sreconsole.serve.judges import Judges, PolicyBroken

LAX = "version: 1\nrules: []\n"
STRICT = "version: 1\nrules:\n  - {id: t.no, tier: 4, match: {tool: Bash, command: [make]}, why: x}\n"


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


@pytest.mark.torture
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_every_hook_is_answered_while_workers_are_killed(house: House, number: signal.Signals) -> None:
    assert house.serve
    stop, dice, pid = threading.Event(), random.Random(3), house.serve.pid

    def killer() -> None:
        while not stop.is_set():
            for worker in children(pid):
                if dice.random() < 0.5:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker, number)
            time.sleep(dice.uniform(0.01, 0.6))

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        time.sleep(4)
        hooks = [house.hook(house.bash("mkfs /dev/sda")) for _ in range(20)]
        time.sleep(4)
    finally:
        stop.set()
        thread.join()
    for hook in hooks:
        assert answer(hook, 40)[0] in ("deny", "exit 2")
    # Of another session: twenty refusals have stopped the first.
    assert answer(house.hook(house.bash("ls", session="s-2")), 40)[0] == "none"


async def judged(judges: Judges, round: int) -> set[int]:
    """The tier of `make`, as all workers see it."""
    call = b'{"session_id":"s","cwd":"/tmp","hook_event_name":"PreToolUse","tool_name":"Bash","tool_use_id":"%d","tool_input":{"command":"make"}}'
    said = await asyncio.gather(
        *(judges.call("claude-code", "PreToolUse", call % (round * 100 + n), "") for n in range(12))
    )
    return {one["verdict"]["tier"] for one in said}


@pytest.mark.parametrize("victim", [0, 1])
async def test_a_worker_that_dies_during_a_reload_does_not_keep_the_old_policy(tmp_path: Path, victim: int) -> None:
    lax, strict = tmp_path / "lax.yaml", tmp_path / "strict.yaml"
    lax.write_text(LAX)
    strict.write_text(STRICT)
    judges = Judges(2, [], lambda sha, times: None)
    await judges.start([str(lax)])
    try:
        for round, pause in enumerate((0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)):
            await judges.load([str(lax)])
            loading = asyncio.create_task(judges.load([str(strict)]))
            await asyncio.sleep(pause)
            if len(judges._workers) > victim:
                judges._workers[victim].kill()
            try:
                await loading
                wanted = 4
            except PolicyBroken:
                wanted = 0
            await asyncio.sleep(0.2)
            for _ in range(100):
                if len(judges._workers) == 2:
                    break
                await asyncio.sleep(0.05)
            assert len(judges._workers) == 2
            tiers = await judged(judges, round)
            assert len(tiers) == 1, (pause, tiers)
            assert (tiers == {4}) == (wanted == 4), (pause, tiers, wanted)
    finally:
        await judges.close()


EXCEPTED = """
version: 1
rules:
  - {id: t.no, tier: 4, match: {tool: Bash, command: [make]}, why: x}
exceptions:
  - {rule: t.no, tier: 2, owner: dana, id: e.1, why: tonight, until: %s, match: {command: [make]}}
"""


def test_an_exception_ends_at_its_date_while_serve_runs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker reads again at midnight is still there after a reload put the files in their place."""
    house.home.policy.write_text(EXCEPTED % (date.today() + timedelta(days=1)))
    house.ask("reload")
    assert answer(house.hook(house.bash("make")))[0] == "none"
    asked_for: list[list[str]] = []
    monkeypatch.setattr(room.Judge, "moved", lambda self, paths: asked_for.append(paths), raising=False)
    good = house.home.state / "policy"
    assert (good / "policy.yaml").exists()
    # The same steps in this process: load the candidate, keep it, and let two days pass.
    candidate = house.folder / "policy.next"
    shutil.copytree(good, candidate)
    judge = room.Judge()
    judge.load([str(candidate / "policy.yaml")])
    monkeypatch.undo()
    room.answer(judge, {"do": "paths", "paths": [str(good / "policy.yaml")]}, b"")
    shutil.rmtree(candidate)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2200, 1, 1)

    monkeypatch.setattr(room, "datetime", Later)
    import json

    said = judge.call("claude-code", "PreToolUse", json.dumps(house.bash("make")).encode(), "")
    assert said["verdict"]["tier"] == 4
