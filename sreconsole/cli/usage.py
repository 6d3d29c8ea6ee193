"""`sreconsole sessions usage PATH…`: exact tokens and list-price cost per model, out of the clients' own logs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sreconsole.sessions.usage import Report

HEAD = ("MODEL", "INPUT", "OUTPUT", "CACHE READ", "WRITE 5M", "WRITE 1H", "CALLS", "LIST PRICE")
CENT = Decimal("0.01")

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH...", help="Logs or folders of Claude Code, Codex and Gemini.")
]
Prices = Annotated[Path | None, typer.Option(metavar="FILE", help="Your prices, JSON or YAML; they beat list prices.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def command(paths: Paths, prices: Prices = None, as_json: Json = False) -> None:
    """Count exact tokens, and their cost at list price, per model."""
    from sreconsole.cli import table
    from sreconsole.cli.exits import Usage
    from sreconsole.sessions.prices import PriceFileError, PriceList, read_price_file
    from sreconsole.sessions.usage import measure

    missing = [path for path in paths if not path.exists()]
    if missing:
        raise Usage(f"{missing[0]}: no such file or folder; name a session log or a client's folder")
    try:
        price_list = PriceList(own=read_price_file(prices)) if prices else PriceList()
    except PriceFileError as error:
        raise Usage(str(error)) from None
    report = measure(paths, price_list)
    if as_json:
        table.document(report.as_json())
    else:
        _show(report)


def _show(report: Report) -> None:
    """A table a person reads; what could not be read goes to standard error."""
    from sreconsole.cli import table
    from sreconsole.cli.exits import complain

    lines = [
        (name, *(f"{value:,}" for value in (*use.tokens, use.calls)), dollars(use.usd))
        for name, use in sorted(report.models.items())
    ]
    table.table(HEAD, lines, keep=(0, 7))
    table.say(f"List price, an estimate, by {report.prices}. {report.sessions} sessions, {report.bytes / 1e6:,.1f} MB.")
    for problem in report.faults.lines:
        complain(problem)
    if report.faults.more:
        complain(f"and {report.faults.more} more files with problems")


def dollars(usd: Decimal | None) -> str:
    """An amount as it is read: no price is not zero, and less than a cent is not zero either."""
    if usd is None:
        return "unpriced"
    return "< $0.01" if 0 < usd < CENT else f"${usd:,.2f}"
