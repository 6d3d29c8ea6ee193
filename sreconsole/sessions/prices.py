"""List prices: what a model's tokens cost on a day. Shipped (`prices.json`), or out of a person's own file.

A list price is an estimate: subscriptions, batches and private contracts are billed otherwise. A model nobody has a
price for is "unpriced" (None), never $0.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from .tokens import Tokens

MILLION = Decimal(1_000_000)
KINDS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_PER_MILLION = {
    **{kind: kind for kind in KINDS},
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
}
_LITELLM = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}
_DATED = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2})$")
_DRESSED = re.compile(r"^(?:.*/)?(?:(?:[a-z]{2,6}\.)?(?:anthropic|openai|google)\.)?|(?:\[[^\]]*\]|-v\d+:\d+|:\w+)+$")


class PriceFileError(ValueError):
    """A price file that cannot be used: which file, which field, what to write there."""


class Step(NamedTuple):
    """Dollars per million tokens of each kind, for calls whose context is larger than `above` tokens."""

    above: int
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal


@dataclass(frozen=True, slots=True)
class Rates:
    """One model's prices on one day. `steps` ascend and the first one starts at 0: crossing a step prices the whole
    call at it ("cliff"), as the providers do."""

    steps: tuple[Step, ...]
    source: str
    since: str = ""

    def step(self, context: int) -> int:
        """Which of `steps` a call with this context is priced at."""
        found = 0
        for at, one in enumerate(self.steps):
            if context > one.above:
                found = at
        return found

    def usd(self, tokens: Tokens, step: int = 0) -> Decimal:
        """Dollars for tokens that are all priced at one step."""
        return sum((rate * n for rate, n in zip(self.steps[step][1:], tokens, strict=True)), Decimal(0)) / MILLION

    def as_json(self) -> dict[str, Any]:
        """The rates as they are kept beside a session: what was computed can be computed again."""
        steps = [{"above": s.above, **{k: str(getattr(s, k)) for k in KINDS}} for s in self.steps]
        return {"source": self.source, "since": self.since, "usd_per_million": steps}


@dataclass(slots=True)
class PriceList:
    """Looks rates up by model and day, once each. `own` are a person's prices, and beat the shipped ones."""

    own: Mapping[str, list[tuple[str, Rates]]] = field(default_factory=dict)
    shipped: bool = True
    _known: dict[tuple[str, str, bool], Rates | None] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return _shipped()["source"] if self.shipped else "own prices"

    def rates(self, model: str, day: str, fast: bool = False) -> Rates | None:
        """The rates of `model` on `day` (YYYY-MM-DD, UTC; "" = the latest). None: unpriced. `fast` is the client's
        fast mode, which some models price apart."""
        key = (model, day, fast)
        if key not in self._known:
            self._known[key] = self._look(model, day, fast)
        return self._known[key]

    def _look(self, model: str, day: str, fast: bool) -> Rates | None:
        name = model.lower()
        for candidate in _names(name):
            listed = self.own.get(candidate)
            if listed:
                return _on_day(listed, day)
        if not self.shipped:
            return None
        for candidate in _names(name):
            found = _find(candidate)
            if found is not None:
                return _on_day(_shipped_rates(found, fast), day)
        return None


def _names(name: str) -> Iterable[str]:
    """The name as logged, then without what gateways and clients add to it: provider, region, `[1m]`, a date."""
    yield name
    bare = _DRESSED.sub("", name)
    if bare and bare != name:
        yield bare
    undated = _DATED.sub("", bare or name)
    if undated not in (name, bare, ""):
        yield undated


def _on_day(listed: list[tuple[str, Rates]], day: str) -> Rates:
    """The last entry that had begun by `day`; the first one where none had. `listed` ascends."""
    chosen = listed[0][1]
    for since, rates in listed:
        if not day or since <= day:
            chosen = rates
    return chosen


@cache
def _shipped() -> Any:
    return json.loads(Path(__file__).with_name("prices.json").read_bytes())


def _find(name: str) -> Any:
    """The shipped entry for a model's name: the first provider that claims the name, then its first matching model."""
    for provider in _shipped()["providers"]:
        if _claims(provider["match"], name):
            return next((model for model in provider["models"] if _claims(model["match"], name)), None)
    return None


def _claims(match: Any, name: str) -> bool:
    word, what = match
    if word == "any":
        return any(_claims(one, name) for one in what)
    if word == "all":
        return all(_claims(one, name) for one in what)
    if word == "starts_with":
        return name.startswith(what)
    if word == "ends_with":
        return name.endswith(what)
    if word == "contains":
        return what in name
    if word == "equals":
        return bool(name == what)
    return re.search(what, name) is not None


def _shipped_rates(model: Any, fast: bool) -> list[tuple[str, Rates]]:
    source = _shipped()["source"]
    if fast and "fast" in model:
        return [("", Rates(_steps(model["fast"]), f"{source}, fast mode"))]
    return [(one["from"], Rates(_steps(one["rates"]), source, one["from"])) for one in model["prices"]]


def _steps(rates: Mapping[str, Any]) -> tuple[Step, ...]:
    """Fills what is not priced apart: a cache read or write costs input, an hour's write costs a 5 minutes' write."""
    tables = {kind: _tiers(rates[kind]) for kind in KINDS if kind in rates}
    steps = []
    for above in sorted({start for table in tables.values() for start, _ in table} | {0}):
        at = {kind: max(tier for tier in table if tier[0] <= above)[1] for kind, table in tables.items()}
        read_in = at.get("input", Decimal(0))
        written = at.get("cache_write_5m", read_in)
        steps.append(
            Step(
                above,
                read_in,
                at.get("output", Decimal(0)),
                at.get("cache_read", read_in),
                written,
                at.get("cache_write_1h", written),
            )
        )
    return tuple(steps)


def _tiers(value: Any) -> list[tuple[int, Decimal]]:
    if isinstance(value, list):
        return [(int(start), Decimal(price)) for start, price in value]
    return [(0, Decimal(value))]


def read_price_file(path: Path) -> dict[str, list[tuple[str, Rates]]]:
    """A person's prices, JSON or YAML: `{"models": {NAME: ENTRY or [ENTRY, …]}}`, in dollars per million tokens.

    ENTRY has `input`, `output`, and may have `cache_read`, `cache_write_5m`, `cache_write_1h`, `from` (a date, UTC)
    and `above: {200000: {…}}` for long contexts. Tables in the words of LiteLLM
    (dollars per token) and genai-prices (`input_mtok` …) are read as well.
    Raises PriceFileError, which names the file, the field and the fix.
    """
    try:
        text = path.read_text("utf-8")
        table = json.loads(text) if path.suffix == ".json" else _yaml(text)
    except OSError as error:
        raise PriceFileError(f"{path}: {error.strerror or error}; name a file of prices that can be read") from None
    except ValueError as error:
        raise PriceFileError(f"{path}: neither JSON nor YAML ({str(error).splitlines()[0]})") from None
    models = table.get("models", table) if isinstance(table, dict) else None
    if not isinstance(models, dict) or not models:
        raise PriceFileError(f'{path}: write {{"models": {{"some-model": {{"input": 3, "output": 15}}}}}}')
    return {str(name).lower(): _own(path, str(name), entry) for name, entry in models.items() if name != "sample_spec"}


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _own(path: Path, name: str, entry: Any) -> list[tuple[str, Rates]]:
    entries = entry if isinstance(entry, list) else [entry]
    listed = []
    for one in entries:
        if not isinstance(one, dict):
            raise PriceFileError(f"{path}: models.{name} must be a table with input and output")
        since = str(one.get("from", "") or "")
        if since and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", since):
            raise PriceFileError(f"{path}: models.{name}.from must be a date such as 2026-11-01, not {since!r}")
        listed.append((since, Rates(_own_steps(path, name, one), path.name, since)))
    return sorted(listed, key=lambda pair: pair[0])


def _own_steps(path: Path, name: str, entry: Mapping[str, Any]) -> tuple[Step, ...]:
    tiers: dict[str, list[list[Any]]] = {}

    def put(kind: str, above: int, value: Any, per: int) -> None:
        tiers.setdefault(kind, []).append([above, _amount(path, f"models.{name}.{kind}", value) * per])

    for word, kind in {**_PER_MILLION, **_LITELLM}.items():
        if entry.get(word) is not None:
            put(kind, 0, entry[word], 1_000_000 if word in _LITELLM else 1)
        for key, value in entry.items():
            step = re.fullmatch(rf"{word}_above_(\d+)k_tokens", str(key)) if word in _LITELLM else None
            if step and value is not None:
                put(kind, int(step[1]) * 1000, value, 1_000_000)
    above = entry.get("above") or {}
    if not isinstance(above, dict):
        raise PriceFileError(f"{path}: models.{name}.above must be a table such as {{200000: {{input: 6}}}}")
    for start, table in above.items():
        if not str(start).isdigit() or not isinstance(table, dict):
            raise PriceFileError(
                f"{path}: models.{name}.above.{start} must be a number of tokens with a table of prices"
            )
        for kind in KINDS:
            if table.get(kind) is not None:
                put(kind, int(start), table[kind], 1)
    for kind in ("input", "output"):
        if kind not in tiers:
            raise PriceFileError(f"{path}: models.{name}.{kind} is missing; give dollars per million tokens")
    return _steps(tiers)


def _amount(path: Path, where: str, value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("nan")
    if isinstance(value, bool) or not math.isfinite(amount) or amount < 0:
        raise PriceFileError(f"{path}: {where} must be a number of dollars, 0 or more, not {value!r}")
    return amount
