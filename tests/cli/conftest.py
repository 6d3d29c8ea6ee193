"""A fleet for a module, and a hand that types commands at it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hand import Hand
from house import POLICY, House


@pytest.fixture(scope="module")
def fleet() -> Iterator[House]:
    """One fleet with a running `serve` for a whole module."""
    made = House(policy=POLICY)
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def hand(fleet: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hand:
    """Types commands at the module's fleet."""
    return Hand(fleet, monkeypatch, capsys)


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Hand]:
    """Types commands at a home in which nothing runs and nothing is."""
    made = House()
    try:
        yield Hand(made, monkeypatch, capsys)
    finally:
        lock = made.home.state / "serve.lock"
        pid = lock.read_text().strip() if lock.exists() else ""
        if pid and _is_serve(pid):
            os.kill(int(pid), 15)
            for _ in range(500):
                if not _is_serve(pid):
                    break
                time.sleep(0.02)
        made.close()


def _is_serve(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline", "rb") as line:
            return ") Z" not in stat.read() and b"sreconsole" in line.read()
    except OSError:
        return False
