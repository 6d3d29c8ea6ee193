"""kill -9 of `serve` under load: nothing acknowledged lost, nothing twice, no two winners, the chain verifies."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from house import CLIENT, ROOT, House

from sreconsole.serve.client import Refused, ServeDown
from sreconsole.store import escalations
from sreconsole.store.event import relink

KILLS = int(os.environ.get("SRECONSOLE_KILLS", "200"))
pytestmark = pytest.mark.torture


@dataclass
class Ledger:
    """What deciders were told."""

    decisions: dict[str, list[str]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


def decider(house: House, ledger: Ledger, name: str) -> None:
    dice = random.Random(name)
    while not ledger.stop.is_set():
        with contextlib.suppress(ServeDown, OSError):
            for e in house.read(escalations.waiting):
                what = dice.choice(["approve", "deny"])
                try:
                    done = house.decide(what, e)
                except Refused:
                    continue
                with ledger.lock:
                    ledger.decisions.setdefault(e.id, []).append(done["state"])
        time.sleep(0.01)


def test_nothing_acknowledged_is_lost(house: House) -> None:
    ledger = Ledger()
    load = subprocess.Popen(
        [*CLIENT, sys.executable, str(ROOT / "tests/rig/load.py"), str(house.home.hook_socket), "4"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=house.project,
    )  # fmt: skip
    threads = [threading.Thread(target=decider, args=(house, ledger, name)) for name in ("dana", "lee")]
    for thread in threads:
        thread.start()
    dice = random.Random(7)
    try:
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.05, 0.3))
            house.kill()
            house.start()
        time.sleep(1)
    finally:
        assert load.stdin and load.stdout
        load.stdin.close()
        told = json.loads(load.stdout.read())
        ledger.stop.set()
        for thread in threads:
            thread.join(20)
    check(house, ledger, told)


def check(house: House, ledger: Ledger, told: dict[str, Any]) -> None:
    entries = house.events()
    passed = Counter(entry.subject for entry in entries if entry.kind == "tool.passed")
    lost = [call for call in told["passed"] if passed[call] == 0]
    twice = [call for call, times in passed.items() if times > 1]
    rows = house.read(lambda c: {e.id: e for e in escalations.newest(c, limit=1_000_000)})
    winners = Counter(e.subject for e in entries if e.kind in ("escalation.approved", "escalation.denied"))
    used = Counter(e.subject for e in entries if e.kind == "escalation.used")
    mismatch = [id for id, said in ledger.decisions.items() if any(rows[id].state != state for state in said)]
    released = Counter(e.call for e in rows.values() if e.state == "approved" and e.used_at)
    ran = {call for call, answer in told["answers"].items() if answer == "allow"}
    acked, answered = len(told["passed"]), len(told["answers"])
    print(f"\nkills={KILLS} events={len(entries)} acked={acked} decisions={len(ledger.decisions)} answered={answered}")
    assert len(told["passed"]) > KILLS
    assert len(ledger.decisions) > KILLS / 4
    assert not lost
    assert not twice
    assert not mismatch
    assert not [id for id, times in winners.items() if times > 1]
    assert not [id for id, times in used.items() if times > 1]
    assert not {call: [e for e in rows.values() if e.call == call] for call in ran if released[call] != 1}
    assert all(relink(entry) == entry.hash for entry in entries)
    assert all(b.prev == a.hash for a, b in pairwise(entries))
