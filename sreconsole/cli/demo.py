"""`sreconsole demo`: a night on call through the real gate, in a home that is thrown away."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sreconsole.demo.stage import Stage

QUICK_WAIT, SLOW_WAIT = 1.0, 90.0
"""Seconds the question that nobody answers waits: printed, and at the console at speed 1."""

SHORTEST_WAIT = 15.0


def command(
    headless: Annotated[
        bool, typer.Option("--headless", help="Print the night as a story; the on-call is played too.")
    ] = False,
    speed: Annotated[
        float | None, typer.Option("--speed", metavar="N", help="Times as fast; --headless has no pauses without it.")
    ] = None,
) -> None:
    """Play a night on call through real hooks and the real gate, in a throw-away home.

    In the console you decide. With --headless the story is printed and ends with its counts: exit code 0 if all came
    true, 1 if not. Nothing is left behind.
    """
    if speed is not None and speed <= 0:
        raise typer.BadParameter("must be more than 0", param_hint="--speed")
    with ending():
        raise typer.Exit(printed(speed) if headless else shown(speed or 1.0))


def printed(speed: float | None) -> int:
    """The night as a printed story; its exit code."""
    from sreconsole.demo.night import Night
    from sreconsole.demo.stage import Stage

    with Stage(QUICK_WAIT) as stage:
        if no := _begin(stage):
            return no
        night = Night(stage, speed, lambda line: print(line, flush=True))
        count = night.play()
    words = ("calls", "passed", "refused", "asked", "approved", "denied", "expired")
    print(" · ".join(f"{count[word]} {word}" for word in words), flush=True)
    for problem in night.problems:
        print(f"sreconsole: this did not come true: {problem}", file=sys.stderr)
    return 1 if night.problems else 0


def shown(speed: float) -> int:
    """The night behind a console; the console's exit code."""
    from sreconsole.console import open_console
    from sreconsole.demo.night import Night
    from sreconsole.demo.stage import Stage

    with Stage(max(SHORTEST_WAIT, SLOW_WAIT / speed)) as stage:
        if no := _begin(stage):
            return no
        night = Night(stage, speed, lambda line: None)
        night.play_behind()
        try:
            return open_console(stage.home, start_serve=False)
        finally:
            night.end()


def _begin(stage: Stage) -> int:
    """Open the stage; the exit code if that cannot be done (0 if it is open)."""
    from sreconsole.serve.client import ServeDown

    try:
        if barred := stage.open():
            print(f"sreconsole: the demo needs somebody who may decide, and here {barred}", file=sys.stderr)
            return 4
        stage.start_clients()
    except ServeDown as down:
        print(f"sreconsole: {down}", file=sys.stderr)
        return 3
    return 0


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does: through every `finally`, so that nothing is left behind."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
