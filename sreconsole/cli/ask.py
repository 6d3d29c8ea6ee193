"""`sreconsole ask QUESTION --choice …`: an agent, or a script, asks a human and gets one of the choices back."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sreconsole.paths import Home

SLACK = 60.0
"""Seconds beyond the question's own deadline before its answer is given up on: serve always answers first."""

WITHDRAWN = 130
"""Exit code after Ctrl-C: 128 + SIGINT."""

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def command(
    question: Annotated[str, typer.Argument(help="What to ask.", show_default=False)],
    choice: Annotated[
        list[str] | None, typer.Option("--choice", metavar="LABEL", help="One answer; give 2 to 20.")
    ] = None,
    wait: Annotated[
        str, typer.Option("--wait", metavar="TIME", help="How long to wait: 90s, 30m, 2h; at most 24h.")
    ] = "30m",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Ask the on-call engineer and wait; prints the chosen label.

    Exit code 0 with an answer, 1 when it was denied, expired or cancelled, 2 for a question that cannot be asked, 3
    when serve cannot be reached, 4 when it is refused unasked. Ctrl-C takes the question back.
    """
    raise typer.Exit(ask(question, choice or [], wait, as_json=as_json))


def ask(question: str, choices: list[str], wait: str, *, as_json: bool) -> int:
    """Everything `sreconsole ask` does; its exit code."""
    from sreconsole import paths
    from sreconsole.gate.ask import LONGEST_WAIT, SHORTEST_WAIT, trouble
    from sreconsole.hook import Unanswered

    seconds = duration(wait)
    if not SHORTEST_WAIT <= seconds <= LONGEST_WAIT:
        return _say(f"--wait {wait}: must be between 10s and 24h, like 30m", 2)
    if problem := trouble(question, choices):
        return _say(problem, 2)
    try:
        reply = submit(paths.home(), question, choices, seconds)
    except (OSError, Unanswered) as down:
        return _say(
            f"{getattr(down, 'strerror', None) or down}; nobody was asked. Is serve running? (sreconsole doctor)", 3
        )
    except KeyboardInterrupt:
        return _say("withdrawn", WITHDRAWN)
    if as_json:
        print(json.dumps(reply, sort_keys=True))
    elif reply["choice"] is not None:
        print(reply["choice"])
    if reply["choice"] is not None:
        return 0
    by = f" by {reply['by']}" if reply["by"] else ""
    words = f"{reply['state']}{by}{f' ({where})' if (where := reply['escalation']) else ''}"
    return _say(f"{words}{f': {why}' if (why := reply['reason']) else ''}", 4 if reply["state"] == "refused" else 1)


def submit(home: Home, question: str, choices: list[str], seconds: float) -> dict[str, Any]:
    """Put the question over `hook.sock` and wait for its end. Raises OSError and hook.Unanswered without an answer."""
    from sreconsole import hook

    body = {"question": question, "choices": choices, "wait": seconds, "cwd": str(Path.cwd()), "call": f"ask-{uuid.uuid4().hex}",
            "session": os.environ.get("CLAUDE_CODE_SESSION_ID", "")[:200]}  # fmt: skip
    payload = json.dumps(body).encode()
    header = f"sre/1 sreconsole Ask {len(payload)} ?\n".encode()
    owner = home.hook_socket.stat().st_uid
    until = time.monotonic() + seconds + SLACK
    _, out, err = hook.ask(str(home.hook_socket), owner, header, payload, until, hook.PRESENT_AGAIN)
    try:
        reply = json.loads(out)
    except ValueError:
        raise hook.Unanswered(err.decode(errors="replace").strip() or "the gate's answer could not be read") from None
    return {"state": "", "choice": None, "by": "", "escalation": "", "reason": "", **reply}


def duration(text: str) -> float:
    """Seconds in `90s`, `30m`, `2h` or a plain number of seconds; -1.0 for anything else."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "s")
    try:
        return float(number) * UNITS[unit]
    except ValueError:
        return -1.0


def _say(words: str, code: int) -> int:
    print(f"sreconsole: {words}", file=sys.stderr, flush=True)
    return code
