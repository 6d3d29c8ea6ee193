"""Writes `prices.json`, the list prices this package ships, from the data of the `genai-prices` project (MIT).

Run by a maintainer, never at run time: `python -m sreconsole.sessions.price_snapshot > sreconsole/sessions/prices.json`
where `genai-prices` is installed. The package itself costs 0.2 s and 30 MB at every start and brings an HTTP client;
the file costs 10 ms. A test compares the two, model by model, wherever both are present.
"""

import json
import sys
from importlib import import_module, metadata
from typing import Any

RATE_WORDS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
}
"""genai-prices' price key → ours. Unit on both sides: US dollars per million tokens."""


def snapshot() -> dict[str, Any]:
    """The whole file: version of its source, then providers in the order in which they claim a model's name.

    Prices that hold only in some hours of the day are left out (the logs are priced by day): such a model keeps its
    base price. Raises ImportError where genai-prices is not installed.
    """
    providers = import_module("genai_prices.data").providers
    return {
        "source": "genai-prices " + metadata.version("genai-prices"),
        "licence": "MIT, Copyright (c) Pydantic Services Inc. 2025 to present; the text is in prices.LICENSE",
        "unit": "US dollars per million tokens, list price",
        "providers": [_provider(one) for one in providers if one.model_match is not None],
    }


def _provider(provider: Any) -> dict[str, Any]:
    models = [_model(model) for model in provider.models]
    return {"id": provider.id, "match": _match(provider.model_match), "models": [m for m in models if m["prices"]]}


def _model(model: Any) -> dict[str, Any]:
    listed = model.prices if isinstance(model.prices, list) else [model.prices]
    prices = []
    for one in listed:
        constraint = getattr(one, "constraint", None)
        if constraint is not None and not hasattr(constraint, "start_date"):
            continue
        rates = _rates(getattr(one, "prices", one))
        if rates:
            prices.append({"from": constraint.start_date.isoformat() if constraint else "", "rates": rates})
    fast = [v for v in model.price_variants or () if v.when == {"speed": "fast"} and v.constraint is None]
    entry: dict[str, Any] = {"id": model.id, "match": _match(model.match), "prices": prices}
    if fast:
        entry["fast"] = _rates(fast[0].prices)
    return entry


def _rates(price: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for theirs, ours in RATE_WORDS.items():
        value = price.__dict__.get(theirs)
        if value is None:
            continue
        if hasattr(value, "tiers"):
            found[ours] = [[0, str(value.base)], *([tier.start, str(tier.price)] for tier in value.tiers)]
        else:
            found[ours] = str(value)
    return found


def _match(clause: Any) -> Any:
    """A match clause as `[word, text]`, or `["any"|"all", [clauses]]`."""
    for word in ("starts_with", "ends_with", "contains", "equals", "regex"):
        if hasattr(clause, word):
            return [word, getattr(clause, word)]
    if hasattr(clause, "or_"):
        return ["any", [_match(one) for one in clause.or_]]
    return ["all", [_match(one) for one in clause.and_]]


if __name__ == "__main__":
    json.dump(snapshot(), sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")
