"""What a verdict costs from the command line, and a replay: figures beside what is built for; no wall clock is asserted."""

from __future__ import annotations

import datetime
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sreconsole.policy import replay
from sreconsole.policy.policy import load
from sreconsole.store import database, log
from sreconsole.store.event import Event

ROOT = Path(__file__).parent.parent.parent
PROBES = [json.loads(line) for line in (ROOT / "tests/policy/probes.jsonl").read_text().splitlines()]
ORDINARY = [json.loads(line) for line in (ROOT / "tests/policy/ordinary.jsonl").read_text().splitlines()]
CALLS = 100_000


@pytest.mark.perf
def test_verdicts_a_second_of_the_whole_process(tmp_path: Path) -> None:
    lines = [json.dumps({"command": one["command"], "cwd": "/home/dev/proj"}) for one in PROBES]
    text = "".join(f"{line}\n" for line in lines * (20_000 // len(lines)))
    environment = {**os.environ, "SRECONSOLE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "sreconsole", "policy", "explain", "--jsonl"], input=text.encode(),
                          env=environment, capture_output=True, check=False)  # fmt: skip
    spent, count = time.perf_counter() - begun, text.count("\n")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(f"\nprocessor time: {count / busy:,.0f} verdicts a second")
    print(f"explain --jsonl, start included: {count / spent:,.0f} verdicts a second (built for 2,000)")
    assert (done.returncode, done.stdout.count(b"\n")) == (0, count)


@pytest.mark.perf
def test_a_replay_of_a_hundred_thousand_calls(tmp_path: Path) -> None:
    connection = database.open_writer(tmp_path / "fleet.db")
    connection.execute("BEGIN")
    head = log.tip(connection)
    for n in range(CALLS):
        # Every call is another one: what is remembered of the one before helps nothing here.
        facts = {"tool": "Bash", "input": {"command": f"{ORDINARY[n % len(ORDINARY)]} # {n}"}, "cwd": "/home/dev/proj",
                 "rule": "x"}  # fmt: skip
        log.append(connection, head, Event("tool.passed", n, "claude-code", "s", tier=2, data=facts))
    connection.execute("COMMIT")
    today = datetime.date(2026, 6, 1)
    changed = ["rules:\n- {id: t.push, tier: 3, match: {effect: git.push}, why: leaves}\n"]
    policies = [load([], today, starter=True), load(changed, today, starter=True)]
    begun, busy = time.perf_counter(), time.process_time()
    found = replay.again(replay.entries(connection, 0), policies)
    print(
        f"\nreplay of {CALLS} different calls by two policies: {time.perf_counter() - begun:.1f} s (built for well under 60)"
    )
    print(f"processor time: {time.process_time() - busy:.1f} s")
    assert found.calls == CALLS
    connection.close()
