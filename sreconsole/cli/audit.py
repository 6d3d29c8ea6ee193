"""`sreconsole audit`: whether the fleet log is what was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sreconsole.store.audit import Report
    from sreconsole.store.heads import Head

app = typer.Typer(help="Check the fleet log's hash chain.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Check the fleet log's hash chain."""


@app.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(
            help="a head sent off the box: SEQ:HASH, or a file of them; may be repeated", metavar="FILE|SEQ:HASH"
        ),
    ] = None,
    database: Annotated[Path | None, typer.Option(help="a copied store instead of this home's", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Walk the chain and name the first row that does not hold; exit 0 if all hold, 1 if not."""
    import json

    from sreconsole import paths
    from sreconsole.store import audit
    from sreconsole.store import database as store
    from sreconsole.store.heads import BadHead

    try:
        given, others = _heads(head or [])
    except (BadHead, OSError) as bad:
        typer.echo(f"sreconsole: {bad}", err=True)
        raise typer.Exit(2) from bad
    for where, count in others.items():
        typer.echo(f"sreconsole: {where}: {count} lines are not heads and were passed over", err=True)
    path = database or paths.home().store
    if database and not database.is_file():
        typer.echo(f"sreconsole: {database}: there is no such file", err=True)
        raise typer.Exit(2)
    connection = store.open_reader(path, copied=database is not None)
    try:
        report = audit.verify(connection, given)
    finally:
        connection.close()
    typer.echo(json.dumps(_document(path, report)) if as_json else _line(path, report))
    if not report.ok:
        raise typer.Exit(1)


def _heads(words: list[str]) -> tuple[list[Head], dict[str, int]]:
    """The heads that were named, and by file how many lines are none. Raises BadHead and OSError."""
    from sreconsole.store import heads

    found, others = list[Any](), dict[str, int]()
    for word in words:
        if Path(word).exists():
            some, strange = heads.read_heads(Path(word).read_text(errors="replace"), word)
            found += some
            if strange:
                others[word] = strange
        else:
            found.append(heads.one_head(word))
    return found, others


def _line(path: Path, report: Report) -> str:
    if report.problem:
        return f"{path}: BROKEN: {report.problem.says}"
    if report.missing_guards:
        return f"{path}: BROKEN: the chain holds, but guards of the log are gone or changed: {', '.join(report.missing_guards)}"
    if not report.last:
        return f"{path}: ok: the log is empty"
    below = f", {report.below} heads lie below the floor" if report.below else ""
    floor = f" above the floor {report.floor}" if report.floor else ""
    heads = f"{report.heads} heads match{below}" if report.heads or below else "no head to hold it against"
    return f"{path}: ok: {report.entries} entries{floor} up to {report.last}, {heads}; head {report.last}:{report.head}"


def _document(path: Path, report: Report) -> dict[str, Any]:
    problem = report.problem
    return {
        "database": str(path), "ok": report.ok, "first": report.first, "last": report.last, "entries": report.entries,
        "floor": report.floor, "head": report.head, "heads": report.heads, "heads_below_floor": report.below,
        "missing_guards": report.missing_guards, "seconds": round(report.seconds, 3),
        "problem": {"seq": problem.seq, "what": problem.what, "says": problem.says} if problem else None,
    }  # fmt: skip
