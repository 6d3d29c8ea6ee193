"""Exact tokens and list-price cost per model, for any files and folders of the three clients, mixed."""

import os
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from .callbook import About, CallBook
from .claude_usage import ClaudeUsage
from .codex_usage import CodexUsage, as_tokens
from .gemini_usage import GeminiUsage
from .logfiles import CLAUDE, CODEX, Blocks, Faults, log_files, open_log, whose
from .prices import PriceList, Rates
from .tokens import NO_TOKENS, Tokens

HEAD = 4096
CENT_OF_CENT = Decimal("0.000001")


@dataclass(slots=True)
class ModelUse:
    """One model's tokens, calls and cost. `usd` is None where any of its tokens has no price."""

    tokens: Tokens = NO_TOKENS
    calls: int = 0
    usd: Decimal | None = Decimal(0)
    rates: dict[str, Rates] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        usd = None if self.usd is None else float(self.usd.quantize(CENT_OF_CENT, ROUND_HALF_EVEN))
        return {**self.tokens._asdict(), "calls": self.calls, "usd": usd}


@dataclass(slots=True)
class Report:
    """What was used, by model; and what the numbers stand on."""

    models: dict[str, ModelUse] = field(default_factory=dict)
    clients: dict[str, dict[str, int]] = field(default_factory=dict)
    own_totals: list[dict[str, Any]] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    prices: str = ""
    sessions: int = 0
    unreadable: int = 0
    bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        priced = [one.usd for one in self.models.values() if one.usd is not None]
        return {
            "models": {name: use.as_json() for name, use in sorted(self.models.items())},
            "total_usd": float(sum(priced, Decimal(0)).quantize(CENT_OF_CENT, ROUND_HALF_EVEN)) if priced else None,
            "unpriced": sorted(name for name, use in self.models.items() if use.usd is None),
            "prices": {
                "kind": "list price, an estimate",
                "source": self.prices,
                "rates": {
                    name: {day: rates.as_json() for day, rates in sorted(use.rates.items())}
                    for name, use in sorted(self.models.items())
                },
            },
            "clients": self.clients,
            "sessions": self.sessions,
            "own_totals": self.own_totals,
            "unreadable_lines": self.unreadable,
            "problems": self.faults.lines,
            "more_problems": self.faults.more,
            "bytes": self.bytes,
        }


def measure(paths: list[Path], prices: PriceList) -> Report:
    """Reads every log under `paths` once, whole, and prices each call at its own day. Never raises for a bad file:
    each has its line in `faults`."""
    report = Report(prices=prices.source)
    book = CallBook()
    claude, codex, gemini = ClaudeUsage(book), CodexUsage(book), GeminiUsage(book)
    blocks = Blocks()
    for path in log_files(paths, report.faults):
        try:
            fd = open_log(path, follow=path in paths)
        except OSError as error:
            report.faults.add(path, f"cannot be read ({error.strerror})")
            continue
        try:
            client = whose(os.pread(fd, HEAD, 0), path)
            if client == CODEX:
                codex.read(fd, str(path), blocks)
            elif client == CLAUDE:
                claude.read(fd, blocks)
            elif path.suffix == ".json" and client:
                gemini.read_document(fd, str(path), report.faults)
            elif client:
                gemini.read(fd, blocks)
            if client:
                _note(report, client, os.fstat(fd).st_size)
            if blocks.long_lines:
                report.faults.add(path, f"{blocks.long_lines} line(s) longer than 16 MB passed over")
                blocks.long_lines = 0
        except OSError as error:
            report.faults.add(path, f"cannot be read to its end ({error.strerror})")
        finally:
            os.close(fd)
    codex.finish()
    report.unreadable = claude.unreadable + codex.unreadable + gemini.unreadable
    add_up(report, book, prices)
    report.own_totals = [*_claude_totals(claude, book), *_codex_totals(codex)]
    return report


def _note(report: Report, client: str, size: int) -> None:
    entry = report.clients.setdefault(client, {"files": 0, "bytes": 0})
    entry["files"] += 1
    entry["bytes"] += size
    report.bytes += size


def add_up(report: Report, book: CallBook, prices: PriceList) -> None:
    """Sums the calls of a book by model, and prices what was used at one rate in one multiplication."""
    sums: dict[tuple[str, str, bool, int], list[int]] = {}
    found: dict[tuple[About, bool], tuple[Rates | None, list[int]]] = {}
    for about, fast, tokens in book.calls():
        looked = found.get((about, fast))
        if looked is None:
            rates = prices.rates(about.model, about.day, fast)
            looked = found[about, fast] = rates, sums.setdefault((about.model, about.day, fast, 0), [0] * 6)
        rates, held = looked
        if rates is not None and len(rates.steps) > 1:
            held = sums.setdefault((about.model, about.day, fast, rates.step(tokens.context)), [0] * 6)
        one, two, three, four, five = tokens
        held[0] += one
        held[1] += two
        held[2] += three
        held[3] += four
        held[4] += five
        held[5] += 1
    for (model, day, fast, step), values in sums.items():
        _price(report, prices, Tokens(*values[:5]), values[5], (model, day, fast, step))
    report.sessions = book.sessions()


def _price(report: Report, prices: PriceList, tokens: Tokens, calls: int, what: tuple[str, str, bool, int]) -> None:
    model, day, fast, step = what
    if not calls:
        return
    use = report.models.setdefault(model, ModelUse())
    use.calls += calls
    use.tokens = use.tokens.plus(tokens)
    rates = prices.rates(model, day, fast)
    if rates is None:
        use.usd = None
        return
    use.rates[(rates.since or "always") + (" fast" if fast else "")] = rates
    if use.usd is not None:
        use.usd += rates.usd(tokens, step)


def _claude_totals(claude: ClaudeUsage, book: CallBook) -> list[dict[str, Any]]:
    """The client's own `cost-state` beside what was counted for the session, and the difference (ours minus its)."""
    used = book.per_session() if claude.own_totals else {}
    rows = []
    for session, record in sorted(claude.own_totals.items()):
        own = Tokens()
        for model in record["modelUsage"].values():
            hour = int(model.get("cacheCreationEphemeral1hInputTokens") or 0)
            own = own.plus(
                Tokens(
                    int(model.get("inputTokens") or 0),
                    int(model.get("outputTokens") or 0),
                    int(model.get("cacheReadInputTokens") or 0),
                    int(model.get("cacheCreationInputTokens") or 0) - hour,
                    hour,
                )
            )
        rows.append(_difference(CLAUDE, session, own, used.get(session, NO_TOKENS), record.get("totalCostUSD")))
    return rows


def _codex_totals(codex: CodexUsage) -> list[dict[str, Any]]:
    """Codex' running total holds what a fork inherited: only sessions that differ are listed."""
    rows = []
    for session, raw in sorted(codex.own_totals.items()):
        own, counted = as_tokens(raw), codex.counted.get(session, NO_TOKENS)
        if own != counted:
            rows.append(_difference(CODEX, session, own, counted, None))
    return rows


def _difference(client: str, session: str, own: Tokens, counted: Tokens, usd: Any) -> dict[str, Any]:
    return {
        "client": client,
        "session": session,
        "own": own._asdict(),
        "counted": counted._asdict(),
        "difference": {kind: getattr(counted, kind) - getattr(own, kind) for kind in Tokens._fields},
        "own_usd": usd,
    }
