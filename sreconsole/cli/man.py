"""`sreconsole man`, and the pages made from the commands themselves: docs/cli.md and docs/sreconsole.1.

`python -m sreconsole.cli.man --write` writes both; a test fails when they are not what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

DOCS = Path(__file__).parent.parent.parent / "docs"

CODES = (
    (0, "done"),
    (1, "the answer is no: denied, too late, a failed check, problems found"),
    (2, "wrong usage or input"),
    (3, "the daemon, the store or a source cannot be reached"),
    (4, "refused by policy or identity"),
    (130, "ended by Ctrl-C"),
)

ENVIRONMENT = (
    ("SRECONSOLE_HOME", "one folder for configuration, state and sockets: another fleet on the same machine"),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR",
        "where a user's own home lies when SRECONSOLE_HOME is not set",
    ),
    ("NO_COLOR", "when not empty, nothing is bold or coloured"),
    ("TERM, COLUMNS", "what the terminal can show and how wide it is"),
)

RULES = (
    "Every listing takes `--json` and prints one JSON document; `log --follow --json` prints JSON lines.",
    "Listings read the store and need no daemon; when none runs they say on standard error how old the store is. "
    "Commands that act start `serve` when none runs.",
    "Ids may be given without prefix and leading zeros: `12` is `esc-0012`. Sessions may be given by a beginning.",
    "`--yes` answers a confirmation, never one that asks to type a target.",
    "What agents wrote is printed with every control, bidirectional and invisible character as a visible mark; in JSON "
    "they are escaped.",
    "Every command has `--help`. `sreconsole --install-completion` teaches the shell the words, and ids from the store.",
    "On a terminal, tables are cut to its width; anywhere else they are whole.",
)


SAID_ONCE = {"--help", "--install-completion", "--show-completion"}
"""Options of every command, or of the library the commands are made with: their words are in RULES."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument or option as a reader sees it."""

    name: str
    says: str
    argument: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its words, how it is used, what it does, what it takes. `depth` 0 is `sreconsole` itself."""

    words: str
    usage: str
    says: str
    parameters: tuple[Parameter, ...]
    depth: int
    group: bool


def command() -> None:
    """Print the manual page."""
    page = roff()
    if sys.stdout.isatty() and _viewed(page):
        return
    sys.stdout.write(page)


def entries() -> list[Entry]:
    """Every command there is, in the order of the help."""
    from sreconsole.cli import words

    root = words.command()
    return list(_walk(root, typer.Context(root, info_name="sreconsole"), 0))


def markdown() -> str:
    """docs/cli.md."""
    import io

    out = io.StringIO()
    out.write(
        "# The command line\n\nMade from the commands by `python -m sreconsole.cli.man --write`; do not edit.\n\n"
    )
    out.writelines(f"- {rule}\n" for rule in RULES)
    out.write("\n## Exit codes\n\n| code | means |\n|---|---|\n")
    out.writelines(f"| {code} | {means} |\n" for code, means in CODES)
    for entry in entries():
        out.write(f"\n{'#' * min(4, entry.depth + 2)} {entry.words}\n\n```\n{entry.usage}\n```\n\n{entry.says}\n")
        if entry.parameters:
            out.write("\n| | |\n|---|---|\n")
            out.writelines(f"| `{_cell(one.name)}` | {_cell(one.says)} |\n" for one in entry.parameters)
    return out.getvalue()


def roff() -> str:
    """docs/sreconsole.1, in man(7) macros."""
    import sreconsole

    found = entries()
    lines = [
        f'.TH SRECONSOLE 1 "" "sreconsole {sreconsole.__version__}" "User commands"',
        ".SH NAME",
        r"sreconsole \- the on\-call console for fleets of coding agents",
        ".SH SYNOPSIS",
        ".B sreconsole",
        r"[\fIOPTIONS\fR] [\fICOMMAND\fR [\fIARGUMENTS\fR]]",
        ".SH DESCRIPTION",
        _roff(found[0].says),
    ]
    for rule in RULES:
        lines += [".PP", _roff(rule)]
    lines += [".SH OPTIONS", *_roff_parameters(found[0]), ".SH COMMANDS"]
    for entry in found[1:]:
        if not entry.group:
            lines += [
                f".SS {_roff(entry.words)}",
                f".B {_roff(entry.usage)}",
                ".PP",
                _roff(entry.says),
                *_roff_parameters(entry),
            ]
    lines += [".SH EXIT STATUS"]
    for code, means in CODES:
        lines += [".TP", f".B {code}", _roff(means)]
    lines += [".SH ENVIRONMENT"]
    for name, means in ENVIRONMENT:
        lines += [".TP", f".B {_roff(name)}", _roff(means)]
    lines += [".SH FILES", "See docs/configuration.md for the files of a home and every setting."]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """The generated files by name."""
    return {"cli.md": markdown(), "sreconsole.1": roff()}


def main(words: list[str]) -> int:
    """Write the pages (`--write`), or say which are not what the commands are (exit code 1)."""
    stale = []
    for name, text in pages().items():
        path = DOCS / name
        if words == ["--write"]:
            DOCS.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(f"docs/{name}")
    for name in stale:
        print(f"{name} is stale; run: python -m sreconsole.cli.man --write", file=sys.stderr)
    return 1 if stale else 0


def _walk(command: Any, context: Any, depth: int) -> Iterator[Entry]:
    names = command.list_commands(context) if hasattr(command, "list_commands") else []
    shown = [
        one for one in command.get_params(context) if not SAID_ONCE & {*one.opts} and not getattr(one, "hidden", False)
    ]
    parameters = tuple(_parameter(one) for one in shown)
    pieces = [context.command_path]
    pieces += ["[OPTIONS]"] if any(not one.argument for one in parameters) else []
    pieces += ["COMMAND ..."] if names else [one.name for one in parameters if one.argument]
    says = _paragraphs(command.help or "")
    yield Entry(context.command_path, " ".join(pieces), says, parameters, depth, bool(names))
    for name in names:
        child = command.get_command(context, name)
        if child is not None and not getattr(child, "hidden", False):
            yield from _walk(child, typer.Context(child, info_name=name, parent=context), depth + 1)


def _parameter(one: Any) -> Parameter:
    value = str(one.metavar or one.name.upper())
    if one.param_type_name == "argument":
        if not one.required and not value.startswith("["):
            value = f"[{value}]"
        return Parameter(value, str(one.help or ""), True)
    names = ", ".join([*one.opts, *one.secondary_opts])
    default = one.default
    said = (
        f" Default: {default}." if isinstance(default, int | float | str) and not one.is_flag and str(default) else ""
    )
    needed = " Required." if one.required else ""
    return Parameter(names if one.is_flag else f"{names} {value}", f"{one.help or ''}{needed}{said}", False)


def _paragraphs(text: str) -> str:
    """Docstring lines joined into paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _roff(text: str) -> str:
    """Text that troff takes literally: no escapes, no requests, real hyphens; paragraphs kept."""
    literal = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    lines = literal.split("\n")
    return "\n".join(".PP" if not line else f"\\&{line}" if line[0] in ".'" else line for line in lines)


def _roff_parameters(entry: Entry) -> list[str]:
    lines = []
    for one in entry.parameters:
        lines += [".TP", f".B {_roff(one.name)}", _roff(one.says) or "\\&"]
    return lines


def _viewed(page: str) -> bool:
    """Show the page with man(1) if the machine has it."""
    import shutil
    import subprocess

    reader = shutil.which("man")
    if reader is None:
        return False
    return subprocess.run([reader, "-l", "-"], input=page.encode(), check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
