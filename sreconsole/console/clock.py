"""Times in words: ages, deadlines and the hour, from UTC milliseconds."""

from __future__ import annotations

import time
from datetime import datetime

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now() -> int:
    """This moment, in UTC milliseconds."""
    return time.time_ns() // 1_000_000


def age(since: int | None, at: int) -> str:
    """How long ago, coarse enough to change rarely: `12 s`, `4 min`, `2 h 14`, `3 d`."""
    if since is None:
        return "unknown"
    gone = max(0, at - since)
    if gone < 90 * SECOND:
        return f"{gone // SECOND} s"
    if gone < 90 * MINUTE:
        return f"{gone // MINUTE} min"
    if gone < DAY:
        return f"{gone // HOUR} h {gone % HOUR // MINUTE:02}"
    return f"{gone // DAY} d"


def ago(since: int | None, at: int) -> str:
    """How long ago in words that change once a minute at most: `1 min ago` (the least), `2 h 14 ago`."""
    if since is None:
        return "unknown"
    return "1 min ago" if at - since < 90 * SECOND else f"{age(since, at)} ago"


def left(deadline: int, at: int, *, fine: bool = True) -> str:
    """What is left until a deadline, rounded down: minutes above ten, tens of seconds above two, then seconds.

    Coarse on purpose: a countdown that changes every second costs its bytes on every link that shows it. Without
    `fine` only the last ten seconds are counted one by one.
    """
    rest = deadline - at
    if rest <= 0:
        return "time is up"
    if rest >= 2 * HOUR:
        return f"{rest // HOUR} h left"
    if rest >= 10 * MINUTE:
        return f"{rest // MINUTE} min left"
    seconds = rest // SECOND
    if seconds >= (120 if fine else 10):
        seconds -= seconds % 10
    return f"{seconds // 60:02}:{seconds % 60:02} left"


def hour(at: int | None, today: int | None = None) -> str:
    """The local wall clock of a moment: `14:02:07`, with its date unless it is today's."""
    if at is None:
        return "unknown"
    when = datetime.fromtimestamp(at / 1000).astimezone()
    if today is not None and datetime.fromtimestamp(today / 1000).astimezone().date() != when.date():
        return when.strftime("%d %b %H:%M:%S")
    return when.strftime("%H:%M:%S")
