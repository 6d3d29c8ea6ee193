"""Every pitfall of Claude Code's logs, with exact tokens, and dollars by a fixed table."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from logs import PRICES, assistant, progress, put, usage

from sreconsole.sessions.prices import PriceList, read_price_file
from sreconsole.sessions.usage import ModelUse, Report, measure

OPUS = "claude-opus-4-6"


@pytest.fixture
def fixed(tmp_path: Path) -> PriceList:
    table = tmp_path / "prices" / "table.json"
    table.parent.mkdir()
    table.write_text(json.dumps(PRICES))
    return PriceList(own=read_price_file(table), shipped=False)


def read(tmp_path: Path, prices: PriceList) -> Report:
    return measure([tmp_path / "logs"], prices)


def only(report: Report) -> ModelUse:
    assert list(report.models) == [OPUS]
    return report.models[OPUS]


def cells(use: ModelUse) -> tuple[int, ...]:
    return (*use.tokens, use.calls)


def test_one_call_in_several_lines_is_counted_once_with_its_largest_usage(tmp_path: Path, fixed: PriceList) -> None:
    put(
        tmp_path / "logs/a.jsonl",
        assistant("m1", usage(3, 1, 1000, 200)),
        assistant("m1", usage(3, 1, 1000, 200)),
        assistant("m1", usage(3, 480, 1000, 200)),
    )
    use = only(read(tmp_path, fixed))
    assert cells(use) == (3, 480, 1000, 200, 0, 1)
    assert use.usd == Decimal("0.013765")  # 3*5 + 480*25 + 1000*.5 + 200*6.25 millionths


def test_the_largest_usage_wins_wherever_it_stands(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/a.jsonl", assistant("m1", usage(3, 480)), assistant("m1", usage(3, 1)))
    assert only(read(tmp_path, fixed)).tokens.output == 480


def test_a_first_line_of_zeros_from_a_gateway_without_request_ids(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/a.jsonl", assistant("m1", usage(0, 0), None), assistant("m1", usage(740, 12), None))
    assert cells(only(read(tmp_path, fixed))) == (740, 12, 0, 0, 0, 1)


def test_a_call_whose_later_line_lost_its_request_id(tmp_path: Path, fixed: PriceList) -> None:
    put(
        tmp_path / "logs/a.jsonl",
        assistant("m1", usage(1, 2), None),
        assistant("m1", usage(1, 9), "r1"),
        assistant("m1", usage(1, 3), None),
    )
    assert cells(only(read(tmp_path, fixed))) == (1, 9, 0, 0, 0, 1)


def test_one_message_id_under_two_requests_is_two_calls(tmp_path: Path, fixed: PriceList) -> None:
    put(
        tmp_path / "logs/a.jsonl",
        assistant("m1", usage(1, 2), "r1"),
        assistant("m1", usage(1, 2), "r2"),
        assistant("m1", usage(1, 2), "r2"),
    )
    assert cells(only(read(tmp_path, fixed))) == (2, 4, 0, 0, 0, 2)


def test_a_side_chain_that_replays_its_parent_is_no_new_call(tmp_path: Path, fixed: PriceList) -> None:
    parent, replay = assistant("m1", usage(1, 20), "r1"), assistant("m1", usage(1, 25), "r9", isSidechain=True)
    put(tmp_path / "logs/a.jsonl", parent, replay)
    put(
        tmp_path / "logs/b.jsonl",
        {**replay, "message": {**replay["message"], "id": "m2"}},
        assistant("m2", usage(1, 30), "r3"),
    )
    assert cells(only(read(tmp_path, fixed))) == (2, 50, 0, 0, 0, 2)


@pytest.mark.parametrize("own_first", [True, False])
def test_a_subagent_embedded_and_in_its_own_file(tmp_path: Path, fixed: PriceList, own_first: bool) -> None:
    main, own = ("b.jsonl", "a.jsonl") if own_first else ("a.jsonl", "b.jsonl")
    put(
        tmp_path / "logs" / main,
        assistant("m1", usage(1, 10)),
        progress("m2", usage(2, 7), "r2"),
        progress("m3", usage(5, 6), "r3"),
    )
    put(tmp_path / "logs" / own, assistant("m2", usage(2, 30), "r2", isSidechain=True, agentId="a1"))
    assert cells(only(read(tmp_path, fixed))) == (8, 46, 0, 0, 0, 3)


def test_a_resumed_session_copies_calls(tmp_path: Path, fixed: PriceList) -> None:
    first = [assistant(f"m{n}", usage(1, 10), f"r{n}") for n in range(5)]
    put(tmp_path / "logs/a.jsonl", *first)
    put(
        tmp_path / "logs/b.jsonl",
        *[{**one, "sessionId": "s2"} for one in first],
        assistant("m9", usage(1, 4), "r9", sessionId="s2"),
    )
    report = read(tmp_path, fixed)
    assert cells(only(report)) == (6, 54, 0, 0, 0, 6)
    assert report.sessions == 2


def test_hour_long_cache_writes_are_priced_apart(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/a.jsonl", assistant("m1", usage(0, 0, 0, 1_000, 9_000)))
    use = only(read(tmp_path, fixed))
    assert cells(use) == (0, 0, 0, 1_000, 9_000, 1)
    assert use.usd == Decimal("0.09625")


def test_a_sum_of_cache_writes_without_a_split_lived_five_minutes(tmp_path: Path, fixed: PriceList) -> None:
    used = {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 500}
    put(tmp_path / "logs/a.jsonl", assistant("m1", used))
    assert cells(only(read(tmp_path, fixed))) == (1, 2, 0, 500, 0, 1)


def test_a_long_context_prices_the_whole_call_at_its_step(tmp_path: Path, fixed: PriceList) -> None:
    put(
        tmp_path / "logs/a.jsonl",
        assistant("m1", usage(1_000, 100, 199_000), "r1"),  # 200,000: not above
        assistant("m2", usage(1_001, 100, 199_000), "r2"),  # 200,001: above
    )
    use = only(read(tmp_path, fixed))
    low = Decimal(1_000 * 5 + 100 * 25) + Decimal("99500")
    high = Decimal(1_001 * 10) + Decimal("3750") + Decimal(199_000)
    assert use.usd == (low + high) / 1_000_000


def test_iterations_repeat_the_numbers_and_are_not_added(tmp_path: Path, fixed: PriceList) -> None:
    used = usage(3, 50, iterations=[{"input_tokens": 3, "output_tokens": 50}] * 2)
    put(tmp_path / "logs/a.jsonl", assistant("m1", used))
    assert cells(only(read(tmp_path, fixed))) == (3, 50, 0, 0, 0, 1)


def test_joined_lines_are_both_counted(tmp_path: Path, fixed: PriceList) -> None:
    one, two = (json.dumps(assistant(f"m{n}", usage(1, n), f"r{n}")) for n in (3, 4))
    put(tmp_path / "logs/a.jsonl", one + two, one[:90] + two)
    assert cells(only(read(tmp_path, fixed))) == (2, 7, 0, 0, 0, 2)


def test_a_last_line_without_newline_counts_and_a_torn_one_does_not(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/a.jsonl", assistant("m1", usage(1, 5)), end="")
    put(tmp_path / "logs/b.jsonl", json.dumps(assistant("m2", usage(1, 7), "r2"))[:-9], end="")
    report = read(tmp_path, fixed)
    assert cells(only(report)) == (1, 5, 0, 0, 0, 1)
    assert report.unreadable == 1


def test_zeros_of_a_crash_lone_surrogates_and_odd_numbers(tmp_path: Path, fixed: PriceList) -> None:
    surrogate = json.dumps(assistant("m1", usage(1, 5), cwd="X")).replace('"X"', '"\\ud83d"')
    zeros = "\0" * 300 + json.dumps(assistant("m2", usage(1, 6), "r2"))
    odd = assistant(
        "m3", {"input_tokens": 2.0, "output_tokens": 7, "cache_read_input_tokens": None, "cache_creation": None}, "r3"
    )
    negative = assistant("m4", {"input_tokens": -5, "output_tokens": 8, "cache_read_input_tokens": True}, "r4")
    put(tmp_path / "logs/a.jsonl", surrogate, zeros, odd, negative)
    assert cells(only(read(tmp_path, fixed))) == (4, 26, 0, 0, 0, 4)


def test_what_holds_usage_and_is_no_call(tmp_path: Path, fixed: PriceList) -> None:
    agent_result = {"type": "user", "sessionId": "s1", "message": {"role": "user", "content": []},
                    "toolUseResult": {"agentId": "a1", "totalTokens": 9, "usage": usage(4, 5)}}  # fmt: skip
    quoted = {
        "type": "user",
        "sessionId": "s1",
        "message": {"role": "user", "content": json.dumps(assistant("m8", usage(1, 1)))},
    }
    synthetic = assistant("m7", usage(0, 0), model="<synthetic>", isApiErrorMessage=True)
    put(tmp_path / "logs/a.jsonl", agent_result, quoted, synthetic, assistant("m1", usage(1, 5)))
    assert cells(only(read(tmp_path, fixed))) == (1, 5, 0, 0, 0, 1)


def test_a_call_without_any_id_is_known_by_its_record(tmp_path: Path, fixed: PriceList) -> None:
    line = assistant(None, usage(1, 5), None, uuid="u1")
    put(tmp_path / "logs/a.jsonl", line, {**line, "uuid": "u2"})
    put(tmp_path / "logs/b.jsonl", line)
    assert cells(only(read(tmp_path, fixed))) == (2, 10, 0, 0, 0, 2)


def test_an_unpriced_model_is_never_free(tmp_path: Path, fixed: PriceList) -> None:
    put(
        tmp_path / "logs/a.jsonl",
        assistant("m1", usage(1, 5), model="mimo-v2.5-pro"),
        assistant("m2", usage(1, 5), "r2"),
    )
    document = read(tmp_path, fixed).as_json()
    assert document["models"]["mimo-v2.5-pro"]["usd"] is None
    assert document["unpriced"] == ["mimo-v2.5-pro"]
    assert document["total_usd"] == pytest.approx(0.00013)


def test_the_clients_own_total_is_shown_beside_ours(tmp_path: Path, fixed: PriceList) -> None:
    own = {"type": "cost-state", "sessionId": "s1", "totalCostUSD": 0.5,
           "modelUsage": {OPUS: {"inputTokens": 3, "outputTokens": 9, "cacheReadInputTokens": 0, "cacheCreationInputTokens": 0}}}  # fmt: skip
    put(tmp_path / "logs/a.jsonl", assistant("m1", usage(1, 5)), {**own, "totalCostUSD": 0.1}, own)
    (row,) = read(tmp_path, fixed).own_totals
    assert row["own_usd"] == 0.5
    assert row["difference"] == {"input": -2, "output": -4, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0}


def test_a_call_that_used_nothing_was_still_a_call(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/a.jsonl", assistant("m1", usage(0, 0)), assistant("m2", usage(1, 5), "r2"))
    assert cells(only(read(tmp_path, fixed))) == (1, 5, 0, 0, 0, 2)


def test_spaces_after_colons_make_no_difference(tmp_path: Path, fixed: PriceList) -> None:
    put(tmp_path / "logs/a.jsonl", json.dumps(assistant("m1", usage(1, 5)), indent=None, separators=(", ", ": ")))
    assert cells(only(read(tmp_path, fixed))) == (1, 5, 0, 0, 0, 1)
