"""`sreconsole backup`: a copy of the store while it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[Path, typer.Argument(help="where the copy goes; mode 0600")],
    force: Annotated[bool, typer.Option("--force", help="replace a file that is there")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Copy the store to FILE: consistent, checked, and in place at once or not at all."""
    import json

    from sreconsole import paths
    from sreconsole.store import backup

    try:
        made = backup.copy(paths.home().store, file.absolute(), force=force)
    except backup.BackupFailed as failed:
        typer.echo(f"sreconsole: {failed}", err=True)
        raise typer.Exit(2) from failed
    if as_json:
        found = {"file": str(made.path), "bytes": made.bytes, "seq": made.seq, "hash": made.hash, "home": made.home}
        typer.echo(json.dumps(found))
    else:
        typer.echo(f"{made.path}: {made.bytes / 1e6:.1f} MB, checked; head {made.seq}:{made.hash}")
