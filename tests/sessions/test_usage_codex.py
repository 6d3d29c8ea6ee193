"""Codex' running totals: written twice, replayed by forks with and without new times, reset, and by thread."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from logs import PRICES, counted, put, rollout, totals

from sreconsole.sessions.prices import PriceList, read_price_file
from sreconsole.sessions.usage import ModelUse, Report, measure

MODEL = "gpt-5.2-codex"
PARENT, CHILD = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def fixed(tmp_path: Path) -> PriceList:
    table = tmp_path / "table.json"
    table.write_text(json.dumps(PRICES))
    return PriceList(own=read_price_file(table), shipped=False)


def at(minute: int, milli: int = 0) -> str:
    return f"2026-03-01T10:{minute:02d}:00.{milli:03d}Z"


def meta(identity: str, when: str = at(0), **more: object) -> dict[str, object]:
    return rollout("session_meta", when, id=identity, timestamp=when, cwd="/w", cli_version="0.98.0", **more)


def turn(when: str, model: str = MODEL, **more: object) -> dict[str, object]:
    return rollout("turn_context", when, model=model, **more)


def only(report: Report) -> ModelUse:
    assert list(report.models) == [MODEL]
    return report.models[MODEL]


def cells(use: ModelUse) -> tuple[int, ...]:
    return (*use.tokens, use.calls)


STEPS = [totals(1000, 0, 50, 20), totals(3000, 900, 120, 40), totals(6000, 3500, 200, 60)]


def history(start: int, times: list[str] | None = None) -> list[dict[str, object]]:
    times = times or [at(start + n) for n in range(3)]
    last = [STEPS[0], totals(2000, 900, 70, 20), totals(3000, 2600, 80, 20)]
    return [counted(when, total, one) for when, total, one in zip(times, STEPS, last, strict=True)]


def test_totals_written_twice_count_once_and_reasoning_is_inside_output(tmp_path: Path, fixed: PriceList) -> None:
    twice = [line for line in history(1) for _ in (0, 1)]
    put(tmp_path / "logs/rollout-a.jsonl", meta(PARENT), turn(at(0)), counted(at(0), None), *twice)
    use = only(measure([tmp_path / "logs"], fixed))
    assert cells(use) == (2500, 200, 3500, 0, 0, 3)
    assert use.usd == (Decimal(2500) * Decimal("1.75") + 200 * 14 + Decimal(3500) * Decimal("0.175")) / 1_000_000


def test_a_model_that_changes_between_turns(tmp_path: Path, fixed: PriceList) -> None:
    one, two, three = history(1)
    put(tmp_path / "logs/rollout-a.jsonl", meta(PARENT), turn(at(0)), one, turn(at(2), "gpt-9"), two, three)
    report = measure([tmp_path / "logs"], fixed)
    assert report.models[MODEL].calls == 1 and report.models["gpt-9"].calls == 2
    assert report.models["gpt-9"].usd is None


@pytest.mark.parametrize("parent_is_there", [True, False])
@pytest.mark.parametrize("named", ["forked_from_id", "parent_thread_id", "source"])
def test_a_fork_that_replays_its_parent_with_new_times(
    tmp_path: Path, fixed: PriceList, parent_is_there: bool, named: str
) -> None:
    link = {"subagent": {"thread_spawn": {"parent_thread_id": PARENT, "depth": 1}}} if named == "source" else PARENT
    burst = history(0, [at(30, 10 + n) for n in range(3)])
    own = counted(at(31), totals(6500, 3600, 260), totals(500, 100, 60))
    if parent_is_there:
        put(tmp_path / "logs/rollout-a.jsonl", meta(PARENT), turn(at(0)), *history(1))
    put(
        tmp_path / "logs/rollout-b.jsonl",
        meta(CHILD, at(30), **{named: link}),
        meta(PARENT, at(30, 1)),
        turn(at(30, 2)),
        *burst,
        turn(at(30, 20)),
        own,
        own,
    )
    use = only(measure([tmp_path / "logs"], fixed))
    expected = (400, 60, 100, 0, 0, 1)
    if parent_is_there:
        expected = (2900, 260, 3600, 0, 0, 4)
    assert cells(use) == expected


def test_a_spawned_child_that_keeps_its_parents_times(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/rollout-a.jsonl", meta(PARENT), turn(at(0)), *history(1))
    own = counted(at(31), totals(6500, 3600, 260), totals(500, 100, 60))
    put(tmp_path / "logs/rollout-b.jsonl", meta(CHILD, at(30), parent_thread_id=PARENT), turn(at(0)), *history(1), own)
    assert cells(only(measure([tmp_path / "logs"], fixed))) == (2900, 260, 3600, 0, 0, 4)


def test_twenty_forks_of_one_parent(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/rollout-a.jsonl", meta(PARENT), turn(at(0)), *history(1))
    for n in range(20):
        burst = history(0, [at(30, 10 + n) for n in range(3)])
        own = counted(at(31), totals(6500, 3600, 260), totals(500, 100, 60))
        put(
            tmp_path / f"logs/rollout-b{n:02d}.jsonl",
            meta(f"{n:08d}{CHILD[8:]}", at(30), forked_from_id=PARENT),
            turn(at(30)),
            *burst,
            own,
        )
    assert cells(only(measure([tmp_path / "logs"], fixed))) == (2500 + 8000, 200 + 1200, 3500 + 2000, 0, 0, 23)


def test_turn_ids_tell_a_replay_from_a_quick_first_answer(tmp_path: Path, fixed: PriceList) -> None:
    child, old, new = (
        "019ca000-2000-7000-8000-000000000000",
        "019ca000-1000-7000-8000-000000000000",
        "019ca000-2001-7000-8000-000000000000",
    )
    one, two, _ = history(0, [at(30, n) for n in range(3)])
    quick = counted(at(30, 90), totals(3100, 900, 130), totals(100, 0, 10))
    put(
        tmp_path / "logs/rollout-b.jsonl",
        meta(child, at(30), forked_from_id=PARENT),
        turn(at(30), turn_id=old),
        one,
        two,
        turn(at(30), turn_id=new),
        quick,
    )
    assert cells(only(measure([tmp_path / "logs"], fixed))) == (100, 10, 0, 0, 0, 1)


def test_a_fork_that_inherits_a_total_without_a_replay(tmp_path: Path, fixed: PriceList) -> None:
    first = counted(at(31), totals(900_500, 800_100, 5_060), totals(500, 100, 60))
    put(tmp_path / "logs/rollout-b.jsonl", meta(CHILD, at(30), forked_from_id=PARENT), turn(at(30)), first)
    report = measure([tmp_path / "logs"], fixed)
    assert cells(only(report)) == (400, 60, 100, 0, 0, 1)
    (row,) = report.own_totals
    assert row["own"]["output"] == 5_060 and row["counted"]["output"] == 60


def test_records_by_thread_speak_for_a_fork(tmp_path: Path, fixed: PriceList) -> None:
    def record(thread: str, response: str, sent: int) -> dict[str, object]:
        return rollout("token_usage_record", at(31), thread_id=thread, response_id=response, usage=totals(sent, 0, 7))

    lines = [
        record(PARENT, "resp_1", 999),
        record(CHILD, "resp_2", 100),
        record(CHILD, "resp_2", 100),
        record(CHILD, "resp_3", 50),
    ]
    put(
        tmp_path / "logs/rollout-b.jsonl",
        meta(CHILD, at(30), forked_from_id=PARENT),
        turn(at(30)),
        *lines,
        counted(at(31), totals(1149, 0, 21)),
    )
    assert cells(only(measure([tmp_path / "logs"], fixed))) == (150, 14, 0, 0, 0, 2)


def test_a_total_that_shrank_began_anew(tmp_path: Path, fixed: PriceList) -> None:
    put(
        tmp_path / "logs/rollout-a.jsonl",
        meta(PARENT),
        turn(at(0)),
        *history(1),
        counted(at(9), totals(400, 0, 30), totals(400, 0, 30)),
    )
    assert cells(only(measure([tmp_path / "logs"], fixed))) == (2900, 230, 3500, 0, 0, 4)


def test_an_archived_copy_is_the_same_session(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/sessions/rollout-a.jsonl", meta(PARENT), turn(at(0)), *history(1))
    put(tmp_path / "logs/archived_sessions/rollout-a.jsonl", meta(PARENT), turn(at(0)), *history(1)[:2])
    assert cells(only(measure([tmp_path / "logs"], fixed))) == (2500, 200, 3500, 0, 0, 3)


def test_cache_writes_and_long_contexts(tmp_path: Path, fixed: PriceList) -> None:
    put(
        tmp_path / "logs/rollout-a.jsonl",
        meta(PARENT),
        turn(at(0)),
        counted(at(1), totals(300_000, 200_000, 10, 0, 50_000)),
    )
    use = only(measure([tmp_path / "logs"], fixed))
    assert cells(use) == (50_000, 10, 200_000, 50_000, 0, 1)
    assert use.usd == (Decimal(100_000) * Decimal("3.5") + 210 + Decimal(200_000) * Decimal("0.35")) / 1_000_000


def test_joined_and_torn_lines(tmp_path: Path, fixed: PriceList) -> None:
    one, two, three = (json.dumps(line) for line in history(1))
    put(tmp_path / "logs/rollout-a.jsonl", meta(PARENT), turn(at(0)), one + two, three, three[:100], end="")
    report = measure([tmp_path / "logs"], fixed)
    assert cells(only(report)) == (2500, 200, 3500, 0, 0, 3)
