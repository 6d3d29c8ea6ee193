"""kill -9 of `serve` under hooks, decisions, grants, questions of agents' own and scopes: what was promised still holds."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from house import CLIENT, ROOT, House, wait_for

from sreconsole.serve.client import Refused, ServeDown
from sreconsole.store import escalations, grants
from sreconsole.store.event import relink

KILLS = int(os.environ.get("SRECONSOLE_KILLS", "100"))
pytestmark = pytest.mark.torture


def kill_and_revive(house: House) -> None:
    """Whoever serves: `sreconsole run` starts a `serve` of its own when it finds none."""
    pid = (house.home.state / "serve.lock").read_text().strip()
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid), signal.SIGKILL)
    house.serve = subprocess.Popen(
        [sys.executable, "-m", "sreconsole", "serve"], env=house.environment, cwd="/", stderr=subprocess.DEVNULL
    )

    def answers() -> bool:
        with contextlib.suppress(ServeDown):
            return bool(house.ask("hello")["pid"] != int(pid))
        return False

    wait_for(answers, 15, "some serve to answer")


def decider(house: House, stop: threading.Event, name: str, problems: list[str]) -> None:
    dice = random.Random(name)
    while not stop.is_set():
        with contextlib.suppress(ServeDown, OSError, AssertionError):
            for e in house.read(escalations.waiting):
                what = dice.choice(["approve", "deny", "hold", "grant", "undo"])
                try:
                    if e.kind == "ask":
                        house.decide("approve", e, answer={"choices": {json.loads(e.choices)[0]["question"]: ["yes"]}})
                    elif what == "grant":
                        house.decide("grant", e, target="*", minutes=1, uses=2)
                    elif what == "hold":
                        house.decide("approve", e, hold=0.2)
                    elif what == "undo":
                        house.ask("undo", escalation=e.id)
                    else:
                        house.decide(what, e)
                except Refused as no:
                    if no.code not in (1, 2, 4):
                        problems.append(str(no))
        time.sleep(0.01)


def asker(house: House, stop: threading.Event, said: list[int]) -> None:
    while not stop.is_set():
        done = subprocess.run(
            [sys.executable, "-m", "sreconsole", "ask", "go on?", "--choice", "yes", "--choice", "no", "--wait", "30s"],
            env=house.environment, cwd="/", capture_output=True, timeout=120,
        )  # fmt: skip
        said.append(done.returncode)


def runner(house: House, stop: threading.Event, said: list[int]) -> None:
    while not stop.is_set():
        done = subprocess.run(
            [sys.executable, "-m", "sreconsole", "run", "web-dev", "--", "sh", "-c", "sleep 0.3; exit 7"],
            env=house.environment, cwd="/", capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        said.append(done.returncode)


def test_what_was_promised_holds_over_kills(house: House) -> None:
    house.ask("enroll", name="web-dev", owner="dana")
    load = subprocess.Popen(
        [*CLIENT, sys.executable, str(ROOT / "tests/rig/load.py"), str(house.home.hook_socket), "3"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=house.project,
    )  # fmt: skip
    stop, problems, asks, runs = threading.Event(), list[str](), list[int](), list[int]()
    threads = [
        threading.Thread(target=decider, args=(house, stop, "dana", problems)),
        threading.Thread(target=decider, args=(house, stop, "lee", problems)),
        threading.Thread(target=asker, args=(house, stop, asks)),
        threading.Thread(target=runner, args=(house, stop, runs)),
    ]
    for thread in threads:
        thread.start()
    dice = random.Random(11)
    try:
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.05, 0.3))
            kill_and_revive(house)
        time.sleep(1)
    finally:
        assert load.stdin and load.stdout
        load.stdin.close()
        told = json.loads(load.stdout.read())
        time.sleep(1)
        stop.set()
        for thread in threads:
            thread.join(60)
        house.stop()
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int((house.home.state / "serve.lock").read_text()), signal.SIGTERM)
    entries = house.events()
    rows = house.read(lambda c: {e.id: e for e in escalations.newest(c, limit=1_000_000)})
    made = house.read(lambda c: grants.newest(c, 100_000))
    used = Counter(e.subject for e in entries if e.kind == "escalation.used")
    by_grant = Counter(json.loads(e.data)["grant"] for e in entries if e.kind == "grant.used")
    released = Counter(e.call for e in rows.values() if e.state == "approved" and e.used_at)
    ran = [call for call, answer in told["answers"].items() if answer == "allow"]
    print(f"\nkills={KILLS} events={len(entries)} passed={len(told['passed'])} allowed={len(ran)} grants={len(made)} "
          f"grant uses={sum(by_grant.values())} asks={Counter(asks)} runs={Counter(runs)}")  # fmt: skip
    assert not problems
    assert ran and len(told["passed"]) > KILLS
    assert not [call for call in ran if released[call] != 1]
    assert not [id for id, times in used.items() if times > 1]
    assert all(one.used <= one.uses and by_grant[one.id] == one.used for one in made)
    assert not [e for e in rows.values() if e.state in ("pending", "held") and e.next_at is None]
    assert set(asks) <= {0, 1, 3, 4} and set(runs) <= {3, 7}
    assert all(relink(entry) == entry.hash for entry in entries)
