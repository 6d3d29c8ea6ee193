"""Prices: the shipped table against its source, dates, steps, names as gateways write them, a person's own file."""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sreconsole.sessions.prices import PriceFileError, PriceList, read_price_file
from sreconsole.sessions.tokens import Tokens

LIST = PriceList()
MILLION = Tokens(1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000)


def dollars(model: str, tokens: Tokens, day: str = "2026-11-01", fast: bool = False) -> Decimal | None:
    rates = LIST.rates(model, day, fast)
    return None if rates is None else rates.usd(tokens, rates.step(tokens.context))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-opus-4-5-20251101", "5 25 0.5 6.25 10"),
        ("claude-haiku-4-5-20251001", "1 5 0.1 1.25 2"),
        ("claude-opus-4-1-20250805", "15 75 1.5 18.75 30"),
        ("claude-sonnet-4-20250514", "3 15 0.3 3.75 6"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "1 5 0.1 1.25 2"),
        ("anthropic/claude-opus-4.5", "5 25 0.5 6.25 10"),
        ("claude-opus-4-5[1m]", "5 25 0.5 6.25 10"),
        ("claude-opus-4-5@20251101", "5 25 0.5 6.25 10"),
        ("CLAUDE-HAIKU-4-5", "1 5 0.1 1.25 2"),
        ("gpt-5.2-codex", "1.75 14 0.175 1.75 1.75"),
    ],
)
def test_shipped_rates_of_known_models(model: str, expected: str) -> None:
    rates = LIST.rates(model, "2026-11-01")
    assert rates is not None
    assert rates.steps[0][1:] == tuple(map(Decimal, expected.split()))


@pytest.mark.parametrize("model", ["mimo-v2.5-pro", "unknown", "", "my-own-model", "gpt-oss-local"])
def test_a_model_nobody_lists_is_unpriced(model: str) -> None:
    assert LIST.rates(model, "2026-11-01") is None


def test_fast_mode_is_priced_apart_where_the_provider_does() -> None:
    slow, fast = dollars("claude-opus-4-8", MILLION), dollars("claude-opus-4-8", MILLION, fast=True)
    assert slow is not None and fast == slow * 2
    assert dollars("claude-haiku-4-5", MILLION, fast=True) == dollars("claude-haiku-4-5", MILLION)


def test_a_price_that_changed_is_taken_by_the_day_of_the_call() -> None:
    tokens = Tokens(250_000, 1000)
    before, after = dollars("claude-opus-4-6", tokens, "2026-02-10"), dollars("claude-opus-4-6", tokens, "2026-11-01")
    assert before == Decimal("2.5375")
    assert after == Decimal("1.275")
    assert dollars("claude-opus-4-6", tokens, "") == after


def test_every_shipped_model_agrees_with_its_source_on_random_calls() -> None:
    genai = pytest.importorskip("genai_prices")
    from genai_prices.data import providers
    from genai_prices.data_snapshot import get_snapshot

    rng, compared = random.Random(1), 0
    for provider in (one for one in providers if one.id in ("anthropic", "openai", "google")):
        for model in provider.models:
            for day in ("2025-10-01", "2026-04-01", "2026-11-20"):
                rates = LIST.rates(model.id, day)
                if rates is None:
                    continue
                named, found = get_snapshot().find_provider_model(model.id, None, None, None)
                if named is not provider or not _only_text(found):
                    continue
                tokens = Tokens(*(rng.randint(0, 200_000) for _ in range(5)))
                usage = genai.Usage(
                    input_tokens=tokens.context, output_tokens=tokens.output, cache_read_tokens=tokens.cache_read,
                    cache_write_tokens=tokens.cache_write_5m + tokens.cache_write_1h, cache_write_1h_tokens=tokens.cache_write_1h,
                )  # fmt: skip
                when = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
                theirs = found.calc_price(usage, provider, genai_request_timestamp=when).total_price
                assert abs(rates.usd(tokens, rates.step(tokens.context)) - theirs) < Decimal("1e-12"), (model.id, day)
                compared += 1
    assert compared > 200


def _only_text(model: object) -> bool:
    listed = model.prices if isinstance(model.prices, list) else [model.prices]  # type: ignore[attr-defined]
    keys = {key for one in listed for key in getattr(one, "prices", one).__dict__}
    return not any(word in key for key in keys for word in ("audio", "image", "video", "requests"))


def test_a_persons_file_in_json_and_yaml(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "models:\n  my-model:\n    - {input: 1, output: 2}\n    - {input: 3, output: 4, from: '2026-06-01'}\n"
    )
    own = PriceList(own=read_price_file(tmp_path / "p.yaml"))
    early, late = own.rates("my-model", "2026-05-31"), own.rates("My-Model-20260101", "2026-06-01")
    assert early is not None and late is not None
    assert (early.usd(MILLION), late.usd(MILLION)) == (Decimal(6), Decimal(16))
    assert own.rates("claude-haiku-4-5", "2026-06-01") == LIST.rates("claude-haiku-4-5", "2026-06-01")


def test_a_table_in_dollars_per_token(tmp_path: Path) -> None:
    entry = {
        "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
        "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 6e-06,
        "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens": 2.25e-05, "mode": "chat",
    }  # fmt: skip
    (tmp_path / "p.json").write_text(json.dumps({"sample_spec": {}, "some-model": entry}))
    rates = PriceList(own=read_price_file(tmp_path / "p.json")).rates("some-model", "2026-06-01")
    assert rates is not None
    assert [step.above for step in rates.steps] == [0, 200_000]
    assert rates.usd(Tokens(1000, 1000, 1000, 1000, 1000)) == Decimal("0.02805")
    assert rates.steps[1].input == 6 and rates.steps[1].cache_write_1h == 6


def test_a_table_in_the_words_of_its_source(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"m": {"input_mtok": 3, "output_mtok": 15, "cache_write_1h_mtok": 6}}')
    rates = PriceList(own=read_price_file(tmp_path / "p.json")).rates("m", "")
    assert rates is not None and rates.steps[0] == (0, 3, 15, 3, 3, 6)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{", "neither JSON nor YAML"),
        ("[]", "write"),
        ('{"models": {"m": 3}}', "models.m"),
        ('{"models": {"m": {"input": 3}}}', "models.m.output"),
        ('{"models": {"m": {"input": -3, "output": 1}}}', "models.m.input"),
        ('{"models": {"m": {"input": "three", "output": 1}}}', "models.m.input"),
        ('{"models": {"m": {"input": 3, "output": 1, "from": "June"}}}', "models.m.from"),
        ('{"models": {"m": {"input": 3, "output": 1, "above": 5}}}', "models.m.above"),
        ('{"models": {"m": {"input": 3, "output": 1, "above": {"many": {}}}}}', "models.m.above.many"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path: Path, text: str, names: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(PriceFileError, match=names.replace(".", r"\.")) as caught:
        read_price_file(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_rates_are_kept_so_that_a_cost_can_be_computed_again() -> None:
    rates = LIST.rates("claude-sonnet-4-5", "2026-11-01")
    assert rates is not None
    kept = rates.as_json()
    assert kept["source"].startswith("genai-prices ")
    assert [step["above"] for step in kept["usd_per_million"]] == [0, 200_000]
    assert kept["usd_per_million"][1]["input"] == "6"
