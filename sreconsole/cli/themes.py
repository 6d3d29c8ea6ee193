"""`sreconsole themes`: the console's colour themes, and whether one keeps its promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sreconsole import paths
from sreconsole.console import themes

app = typer.Typer(help="Colour themes of the console: list them, check one.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")]


@app.command("list")
def list_themes(as_json: Json = False) -> None:
    """Every theme by name, where it comes from, and which one is in use."""
    home = paths.home()
    known, problems = themes.load(home)
    used = themes.remembered(home)
    if as_json:
        rows = [
            {
                "name": one.name,
                "dark": one.dark,
                "ansi": one.ansi,
                "contrast": one.contrast,
                "vision": list(one.vision),
                "file": str(one.file),
                "used": one.name == used,
            }
            for one in sorted(known.values(), key=lambda one: one.name)
        ]
        typer.echo(json.dumps({"themes": rows, "problems": problems}, indent=2))
        return
    for one in sorted(known.values(), key=lambda one: one.name):
        mark = "*" if one.name == used else " "
        typer.echo(f"{mark} {one.name:<16} {'dark' if one.dark else 'light':<6} {_promises(one):<36} {one.file}")
    for problem in problems:
        typer.echo(problem, err=True)


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Theme files (default: all there are).")] = None,
    as_json: Json = False,
) -> None:
    """Check form, contrast (WCAG 2) and colour vision. Exit 0 when all is well, 1 with what is not, 2 unreadable."""
    home = paths.home()
    paths_ = files or [path for folder in themes.folders(home) for path in sorted(folder.glob("*.toml"))]
    missing = [path for path in paths_ if not path.is_file()]
    found = {str(path): _problems(path) for path in paths_ if path not in missing}
    if as_json:
        rows = [{"file": name, "problems": problems} for name, problems in found.items()]
        rows += [{"file": str(path), "problems": ["no such file"]} for path in missing]
        typer.echo(json.dumps({"ok": not missing and not any(found.values()), "files": rows}, indent=2))
    else:
        for name, problems in found.items():
            typer.echo("\n".join(problems) if problems else f"{Path(name).name}: keeps what it promises")
    for path in missing:
        typer.echo(f"{path}: no such file; name a .toml", err=True)
    if missing:
        raise typer.Exit(2)
    if any(found.values()):
        raise typer.Exit(1)


def _problems(path: Path) -> list[str]:
    try:
        return themes.check(themes.read(path))
    except themes.BadTheme as error:
        return error.problems


def _promises(theme: themes.Theme) -> str:
    if theme.ansi:
        return "the terminal's own 16 colours"
    vision = f", {' '.join(theme.vision)}" if theme.vision else ""
    return f"contrast {theme.contrast:g}{vision}"
