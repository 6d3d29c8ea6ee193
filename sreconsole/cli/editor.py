"""JSON in the user's own editor: written to a private file, read back, checked."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from sreconsole.cli.exits import Absent, Failure, Usage

LARGEST = 2 * 1024 * 1024


def changed(value: dict[str, Any], name: str) -> dict[str, Any]:
    """What the user makes of a JSON object in $VISUAL or $EDITOR (vi). Raises Failure, Usage and Absent."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="sreconsole-") as folder:
        path = Path(folder) / f"{name}.json"
        # Escaped, so that no character of an agent's acts on the terminal an editor runs in.
        before = json.dumps(value, indent=2) + "\n"
        path.write_text(before)
        try:
            code = subprocess.run([*command, str(path)], check=False).returncode
        except OSError as error:
            raise Absent(f"the editor {command[0]} cannot be run ({error.strerror}); set EDITOR") from error
        if code:
            raise Failure(f"the editor ended with {code}; nothing was sent")
        if path.stat().st_size > LARGEST:
            raise Usage(f"more than {LARGEST} bytes of arguments")
        after = path.read_text(errors="strict")
    try:
        found = json.loads(after)
    except (ValueError, RecursionError) as error:
        raise Usage(f"the edited text is not JSON: {error}; nothing was sent") from error
    if not isinstance(found, dict):
        raise Usage("the edited text is not a JSON object; nothing was sent")
    if found == value:
        raise Failure("nothing was changed; nothing was sent (approve it without --edit)")
    return found
