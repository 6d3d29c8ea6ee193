"""The doctor's look at the machine: its clock, its time zones."""

from __future__ import annotations

import ctypes
import zoneinfo

from sreconsole.gate.doctor import Check, Visit, ok, warn

UNSYNCHRONISED = 5
"""What adjtimex(2) returns (TIME_ERROR) for a clock nothing keeps right."""

TIMEX_BYTES = 256
"""More than struct timex of any Linux (208 bytes on 64 bit)."""


def checks(visit: Visit) -> list[Check]:
    """What is found of the machine."""
    return [_clock(adjtimex()), _zones()]


def adjtimex() -> int:
    """The kernel's word on its clock: 0 to 4 kept right, 5 not, -1 cannot be asked."""
    try:
        return int(ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)))
    except (OSError, AttributeError):
        return -1


def _clock(state: int) -> Check:
    if state == UNSYNCHRONISED:
        return warn(
            "clock", "nothing keeps it right: times of events from elsewhere will not fit", "timedatectl set-ntp true"
        )
    if state < 0:
        return warn("clock", "the kernel does not say whether it is kept right", "timedatectl status")
    return ok("clock", "kept right by the kernel's word")


def _zones() -> Check:
    try:
        zoneinfo.ZoneInfo("Europe/Berlin")
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        return warn("time zones", "no time zone data: rotations cannot be reckoned", "apt install tzdata")
    return ok("time zones", "data found")
