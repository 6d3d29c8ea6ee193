"""`sreconsole serve`: the daemon."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from sreconsole import paths
from sreconsole.cli.exits import Absent, Failure
from sreconsole.serve import client

PATIENCE = 10.0


def command(
    detached: Annotated[bool, typer.Option("--detached", help="Return when it answers, and leave it running.")] = False,
) -> None:
    """Run the daemon: the gate, the fleet log's one writer, the timers. Ctrl-C or SIGTERM ends it."""
    raise typer.Exit(_detached() if detached else _serve())


def _serve() -> int:
    from sreconsole.serve import daemon

    code = daemon.serve(paths.home())
    if code == daemon.ALREADY_RUNNING:
        raise Failure(f"serve runs already for {paths.home().state}; nothing was started")
    return code


def _detached() -> int:
    """Start it as a session of its own and wait until it answers. Raises Absent."""
    home = paths.home()
    if client.running(home):
        print("serve runs already")
        return 0
    child = os.fork()
    if child == 0:
        _alone(home)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if client.running(home):
            return 0
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended and not client.running(home):
            raise Absent(_last_words(home) or f"serve ended at once with {os.waitstatus_to_exitcode(status)}")
        time.sleep(0.02)
    raise Absent(f"serve did not answer within {PATIENCE:.0f} s; its log is {home.log}")


def _alone(home: paths.Home) -> None:
    """In the child: leave the terminal, write to the log, serve, and never return."""
    from sreconsole.cli import exits

    with exits.guarded() as outcome:
        os.setsid()
        os.chdir("/")
        home.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, stream in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, stream)
        outcome.code = _serve()
    sys.stdout.flush()
    os._exit(outcome.code)


def _last_words(home: paths.Home) -> str:
    try:
        lines = home.log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f"serve ended at once: {lines[-1].removeprefix('sreconsole: ')}" if lines else ""
