"""The command line: one file a noun, no logic. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script. Without arguments it opens the console and loads no command at all."""
    from sreconsole.cli.app import run

    sys.exit(run())
