"""Starting `serve` detached from whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from sreconsole.paths import Home

LOG_BYTES = 5 * 1024 * 1024
DROPPED = (
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "PYTEST_CURRENT_TEST",
)


def detached(home: Home) -> Callable[[], str]:
    """Start `serve` in a session of its own, writing to its log; returns a look at why it ended early ("" if not)."""
    home.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    rotate(home)
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    log = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "sreconsole", "serve", "--detached"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=environment, start_new_session=True, cwd="/",
        )  # fmt: skip
    finally:
        os.close(log)

    def problem() -> str:
        # 5: another serve was a moment faster, which is as good.
        if process.poll() in (None, 0, 5):
            return ""
        last = home.log.read_text(errors="replace").strip().splitlines()[-1:]
        return f"serve ended at once: {last[0] if last else f'see {home.log}'}"

    return problem


def rotate(home: Home) -> None:
    """Keep one old log beside the current one."""
    if home.log.exists() and home.log.stat().st_size > LOG_BYTES:
        home.log.replace(home.log.with_suffix(".log.1"))
