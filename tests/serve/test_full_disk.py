"""A full disk: what was acknowledged is kept, agents are refused, humans can still decide."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, answer, wait_for

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small disk"),
]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[House]:
    house = House()
    policy = house.home.policy.read_text()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs", str(house.home.config)], capture_output=True
    )
    if mounted.returncode:
        house.close()
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.decode().strip()}")
    house.home.policy.write_text(policy)
    try:
        yield house.start()
    finally:
        house.stop()
        subprocess.run(["umount", "-l", str(house.home.config)], check=False)
        house.close()


def fill(house: House) -> Path:
    ballast = house.home.config / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    return ballast


def test_a_full_disk_refuses_agents_and_keeps_decisions(small: House) -> None:
    assert answer(small.hook(small.bash("python3 a.py"))) == ("none", "")
    waiting = small.hook(small.bash("touch a"))
    e = small.waiting()[0]
    ballast = fill(small)
    refused = 0
    for n in range(300):
        decision, reason = answer(small.hook(small.bash(f"python3 {'x' * 20000}{n}.py")))
        if decision == "deny":
            assert "cannot record" in reason
            refused += 1
            break
    assert refused, "the disk never became full for the gate"
    assert small.ask("hello")["full"]
    # The reserve is given up for what a human says.
    small.decide("deny", e, reason="the disk is full")
    assert answer(waiting)[0] == "deny"
    assert small.became(e.id, "denied").reason == "the disk is full"
    ballast.unlink()
    wait_for(lambda: answer(small.hook(small.bash("python3 b.py")))[0] == "none", 20, "work to go on")
    wait_for(lambda: not small.ask("hello")["full"], 5, "the disk to be well")
    assert [entry.kind for entry in small.events("escalation.denied")] == ["escalation.denied"]
