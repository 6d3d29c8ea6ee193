"""A store and hooks of the version before keep working while `serve` is replaced."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import CLIENT, PYTHON, ROOT, House, answer, wait_for

from sreconsole.store import schema

FROZEN_HOOKS = sorted((ROOT / "tests/rig/frozen").glob("hook_*.py"))
FROZEN_STORE = ROOT / "tests/store/schema_v1.sql"


@pytest.fixture
def old() -> Iterator[House]:
    """A home whose store was written by the first schema."""
    house = House()
    connection = sqlite3.connect(house.home.store, isolation_level=None)
    connection.executescript(FROZEN_STORE.read_text())
    assert schema.version(connection) == 1
    connection.close()
    yield house
    house.close()


def old_hook(house: House, file: Path, payload: dict[str, object]) -> subprocess.Popen[bytes]:
    command = [
        PYTHON,
        "-I",
        "-S",
        str(file),
        str(house.home.hook_socket),
        str(os.getuid()),
        "claude-code",
        "PreToolUse",
        "60",
    ]
    process = subprocess.Popen(
        [*CLIENT, *command], env={**house.environment, "CLAUDE_CODE_SESSION_ATTENDED": "0"}, cwd=house.project,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(json.dumps(payload).encode())
    process.stdin.close()
    process.stdin = None
    return process


@pytest.mark.parametrize("file", FROZEN_HOOKS, ids=lambda file: file.stem)
def test_an_old_hook_waits_through_the_replacement_of_serve(house: House, file: Path) -> None:
    assert answer(old_hook(house, file, house.bash("python3 a.py"))) == ("none", "")
    assert answer(old_hook(house, file, house.bash("mkfs /dev/sda")))[0] == "deny"
    waiting = old_hook(house, file, house.bash("touch a"))
    house.waiting()
    house.stop()
    house.start()
    wait_for(lambda: house.waiting()[0].attached, 15, "the old hook to present itself again")
    house.decide("approve", house.waiting()[0])
    assert answer(waiting)[0] == "allow"


def test_an_old_store_is_brought_up_to_date_and_goes_on(old: House) -> None:
    before = sqlite3.connect(old.home.store)
    entries = before.execute("SELECT count(*) FROM events").fetchone()[0]
    before.close()
    old.start()
    assert old.read(schema.version) == schema.VERSION
    assert len(old.events()) > entries
    hook = old.hook(old.bash("touch a", session="after-the-upgrade"))
    e = next(one for one in old.waiting() if one.session == "after-the-upgrade")
    old.decide("approve", e)
    assert answer(hook)[0] == "allow"


def test_the_shipped_hook_speaks_a_frozen_protocol() -> None:
    """A hook that changes how it speaks gets a new number and a frozen copy; installed ones outlive many a serve."""
    protocol = (ROOT / "sreconsole/hook.py").read_text().split('PROTOCOL = b"sre/')[1].split('"')[0]
    assert any(file.stem == f"hook_{protocol}" for file in FROZEN_HOOKS)
