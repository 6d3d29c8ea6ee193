"""The doctor's look at the terminal the console would run in."""

from __future__ import annotations

import re
import subprocess

from sreconsole.gate.doctor import Check, Visit, ok, warn

SMALLEST = (80, 24)
PATIENCE = 1.0
TMUX_FIX = (
    r"printf 'set -g set-clipboard on\nset -g allow-passthrough on\n' >> ~/.tmux.conf && tmux source-file ~/.tmux.conf"
)


def checks(visit: Visit) -> list[Check]:
    """What is found of the terminal; nothing when there is none (cron, a pipe)."""
    if visit.size is None:
        return [ok("terminal", "none here: only the console needs one")]
    found = [_kind(visit), _letters(visit), _size(visit.size)]
    return [*found, *_tmux(visit)]


def _kind(visit: Visit) -> Check:
    environ = visit.environ
    term = environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        return warn("terminal", f"TERM={term or '(not set)'}: the console cannot draw", "export TERM=xterm-256color")
    if environ.get("NO_COLOR"):
        return ok("terminal", f"{term}, without colour (NO_COLOR): shapes and words say the same")
    colours = 1 << 24 if environ.get("COLORTERM") in ("truecolor", "24bit") else _colours(term)
    words = f"{term}, {'16.7 million' if colours > 1000 else colours} colours"
    return ok("terminal", words) if colours >= 256 else warn("terminal", words, "export TERM=xterm-256color")


def _colours(term: str) -> int:
    if re.search(r"256color|direct|kitty|alacritty|ghostty", term):
        return 256
    try:
        import curses

        curses.setupterm(term)
        return max(curses.tigetnum("colors"), 0)
    except (ImportError, curses.error):
        return 8


def _letters(visit: Visit) -> Check:
    environ = visit.environ
    words = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    if re.search(r"utf-?8", words, re.IGNORECASE):
        return ok("letters", words)
    return warn(
        "letters", f"{words or 'no locale'}: not UTF-8, lines and marks will be garbled", "export LC_ALL=C.UTF-8"
    )


def _size(size: tuple[int, int]) -> Check:
    words = f"{size[0]}x{size[1]}"
    if size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
        return warn(
            "size",
            f"{words}: smaller than 80x24, some columns fold away",
            "resize the window, or: tmux resize-window -x 80 -y 24",
        )
    return ok("size", words)


def _tmux(visit: Visit) -> list[Check]:
    if not visit.environ.get("TMUX"):
        return []
    clipboard, passthrough = _option(visit, "set-clipboard", "-sv"), _option(visit, "allow-passthrough", "-gv")
    words = f"set-clipboard {clipboard or '?'}, allow-passthrough {passthrough or 'unknown to this tmux'}"
    if clipboard == "on" and passthrough in ("on", "all", ""):
        return [ok("tmux", f"{words}: copies reach your clipboard")]
    return [warn("tmux", f"{words}: copies stay inside tmux", TMUX_FIX)]


def _option(visit: Visit, name: str, flags: str) -> str:
    try:
        done = subprocess.run(["tmux", "show-options", flags, name], capture_output=True, text=True, timeout=PATIENCE,
                              check=False, env=dict(visit.environ))  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
