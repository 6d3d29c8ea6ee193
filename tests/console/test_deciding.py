"""What a key decides, what it refuses, and what it says."""

from __future__ import annotations

import json

import pytest
from fleet import Fleet, Serve
from glass import Open

SIZES = [(80, 24), (120, 40)]


@pytest.mark.parametrize("size", SIZES)
async def test_approve_is_held_and_taken_back(fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]) -> None:
    row = fleet.ask()
    async with console(size=size) as glass:
        await glass.sees("live")
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0001 in 3 s · u takes it back")
        assert serve.acts("approve") == [
            {
                "id": 3,
                "do": "approve",
                "escalation": row.id,
                "version": 1,
                "digest": row.digest,
                "reason": "",
                "hold": 3.0,
            }
        ]
        await glass.press("u")
        await glass.sees("taken back: esc-0001 waits again")
        assert fleet.get(row.id).state == "pending"


async def test_deny_sends_its_reason_at_once(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("d")
        await glass.type("not tonight")
        await glass.press("enter")
        await glass.sees("esc-0001 is denied")
        assert serve.acts("deny")[0]["reason"] == "not tonight"
        assert fleet.get("esc-0001").state == "denied"


async def test_esc_decides_nothing(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.rest()
        for keys in (("d", "x", "escape"), ("A", "escape"), ("enter", "escape"), ("enter", "d", "escape", "escape")):
            await glass.press(*keys)
        assert [one["do"] for one in serve.asked] == ["hello", "subscribe"]
        assert fleet.get("esc-0001").state == "pending"
        assert json.loads(fleet.get("esc-0001").approvals) == []
