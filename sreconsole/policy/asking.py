"""The words of a question in a policy: how long it waits, when it pages, what silence means, who answers."""

from __future__ import annotations

import re
from typing import Any

from .problems import Lines, Report, line_of

MAX_WAIT = 24 * 3600.0


def asking(entry: Lines, report: Report, path: str, tier: int) -> dict[str, Any]:
    """The words of a question: how long it waits, when it pages, what an unanswered one becomes, who answers."""
    found: dict[str, Any] = {}
    prefix = f"{path}." if path else ""
    for key in ("wait", "page_after"):
        if key in entry:
            seconds = duration(entry[key])
            if seconds is None or seconds < 0 or seconds > MAX_WAIT:
                report.add(line_of(entry, key), f"{prefix}{key}", "write a time like 90s, 30m or 4h, at most 24h")
            else:
                found[key] = seconds
    for key, allowed in (("then", ("refuse", "defer")), ("confirm", ("type",)), ("attended", ("ask", "gate"))):
        if key in entry:
            if entry[key] not in allowed:
                report.add(
                    line_of(entry, key), f"{prefix}{key}", f"{entry[key]!r} is not known, write {' or '.join(allowed)}"
                )
            found[key] = str(entry[key])
    if "approvers" in entry:
        if entry["approvers"] not in (1, 2) or isinstance(entry["approvers"], bool):
            report.add(line_of(entry, "approvers"), f"{prefix}approvers", "write 1 or 2")
        else:
            found["approvers"] = int(entry["approvers"])
    if tier < 3 and found:
        report.add(entry.line, path, f"{', '.join(found)} mean nothing below tier 3: nobody is asked")
    return found


def duration(value: Any) -> float | None:
    """Seconds of `90s`, `30m`, `4h`, `1d` or a number of seconds; None when it is neither."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|d)\s*", str(value))
    return float(match.group(1)) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match.group(2)] if match else None
