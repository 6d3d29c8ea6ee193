"""Whatever stands where policy or configuration belong: what was in force stays in force, and `serve` goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from house import House, answer, wait_for


def loop(path: Path) -> None:
    path.symlink_to(path)


def nowhere(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, loop, nowhere])
def test_a_policy_that_cannot_be_read_leaves_the_last_one_in_force(house: House, put: Callable[[Path], None]) -> None:
    house.home.policy.unlink()
    put(house.home.policy)
    wait_for(lambda: house.events("policy.rejected"), 10, "the rejection")
    assert answer(house.hook(house.bash("mkfs /dev/sda"), seconds=10))[0] == "deny"
    assert "policy.yaml" in house.ask("hello")["policy_problems"][0]


@pytest.mark.parametrize("put", [os.mkfifo, loop])
def test_a_start_with_a_policy_that_cannot_be_read_keeps_the_last_good_one(
    house: House, put: Callable[[Path], None]
) -> None:
    house.stop()
    house.home.policy.unlink()
    put(house.home.policy)
    house.start()
    assert answer(house.hook(house.bash("mkfs /dev/sda"), seconds=10))[0] == "deny"


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, loop, lambda path: path.write_bytes(b"a=" + b"[" * 50_000)])
def test_a_broken_configuration_does_not_end_or_hold_up_serve(house: House, put: Callable[[Path], None]) -> None:
    put(house.home.settings)
    import time

    time.sleep(3)
    assert house.serve and house.serve.poll() is None
    assert answer(house.hook(house.bash("ls"), seconds=10))[0] == "none"


def test_a_group_nobody_has_does_not_end_serve(house: House) -> None:
    house.home.settings.write_text('[operators]\ngroups = ["no-such-group"]\n')
    house.ask("reload")
    house.ask("enroll", name="web-dev", owner="dana")
    assert answer(house.hook(house.bash("ls"), seconds=10))[0] == "none"
    assert house.ask("hello")["ok"]
