"""`sreconsole doctor`: what is wired, what is not, the exact fix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

MARKS = {"ok": "  ok  ", "warn": " warn ", "bad": " BAD  "}


def command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    project: Annotated[Path, typer.Option(help="The project whose settings count.")] = Path(),
    managed_file: Annotated[Path | None, typer.Option("--managed-file", hidden=True)] = None,
) -> None:
    """Look at everything the gate rests on, prove by a call that it answers, say how to mend what is wrong."""
    import json

    from sreconsole.gate import doctor

    report = doctor.examine(_visit(project, managed_file))
    if as_json:
        typer.echo(json.dumps(report.facts(), indent=2))
    else:
        _print(report)
    raise typer.Exit(1 if report.worst == "bad" else 0)


def _visit(project: Path, managed_file: Path | None) -> Any:
    import shutil
    import sys
    import time

    import sreconsole
    from sreconsole import paths
    from sreconsole.gate import doctor, install
    from sreconsole.serve import secrets
    from sreconsole.serve.client import Line, Refused, ServeDown

    home = paths.home()

    def hello() -> Mapping[str, Any]:
        try:
            with Line(home, timeout=1.5) as line:
                return line.ask("hello")
        except (ServeDown, Refused, ValueError) as error:
            raise OSError(str(error)) from error

    size = shutil.get_terminal_size() if sys.stdout.isatty() else None
    return doctor.Visit(
        home, hello, secrets.backend, sreconsole.__version__, time.time_ns() // 1_000_000, project,
        managed_file or install.MANAGED, size=(size.columns, size.lines) if size else None,
    )  # fmt: skip


def _print(report: Any) -> None:
    from sreconsole.text.safe import safe

    width = max(len(one.name) for one in report.checks)
    for one in report.checks:
        typer.echo(f"{MARKS[one.level]} {one.name:{width}}  {safe(one.found)}")
        if one.fix and one.level != "ok":
            typer.echo(f"{'':{width + 9}}fix: {safe(one.fix)}")
    typer.echo(f"\nVerdict: {'enforced' if report.enforced else 'advisory'}")
    for reason in report.reasons:
        typer.echo(f"  - {safe(reason)}")
