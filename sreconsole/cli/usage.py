"""`sreconsole sessions usage PATH…`: exact tokens and list-price cost per model, out of the clients' own logs."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sreconsole.sessions.usage import Report


def command(
    paths: Annotated[list[Path], typer.Argument(help="Log files or folders of Claude Code, Codex and Gemini, mixed.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="Your prices (JSON or YAML); they beat list prices.")
    ] = None,
) -> None:
    """Exact tokens and list-price cost per model."""
    from sreconsole.sessions.prices import PriceFileError, PriceList, read_price_file
    from sreconsole.sessions.usage import measure

    missing = [path for path in paths if not path.exists()]
    if missing:
        typer.echo(f"{missing[0]}: no such file or folder; name a session log or a client's folder", err=True)
        raise typer.Exit(2)
    try:
        price_list = PriceList(own=read_price_file(prices)) if prices else PriceList()
    except PriceFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    report = measure(paths, price_list)
    if json:
        from msgspec.json import encode

        typer.echo(encode(report.as_json()).decode())
    else:
        _show(report)


def _show(report: "Report") -> None:
    """A table a person reads; problems go to standard error."""
    from sreconsole.text.safe import safe

    columns = ("input", "output", "cache read", "write 5m", "write 1h", "calls")
    typer.echo(f"{'model':<32}" + "".join(f"{one:>16}" for one in columns) + f"{'list price':>16}")
    for name, use in sorted(report.models.items()):
        usd = "unpriced" if use.usd is None else "< $0.01" if 0 < use.usd < Decimal("0.01") else f"${use.usd:,.2f}"
        numbers = "".join(f"{value:>16,}" for value in (*use.tokens, use.calls))
        typer.echo(f"{safe(name):<32}{numbers}{usd:>16}")
    typer.echo(f"list price, an estimate: {report.prices}; {report.sessions} sessions, {report.bytes / 1e6:,.1f} MB")
    for line in report.faults.lines:
        typer.echo(str(safe(line)), err=True)
    if report.faults.more:
        typer.echo(f"and {report.faults.more} more files with problems", err=True)
