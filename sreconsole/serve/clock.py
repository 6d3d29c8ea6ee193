"""The time `serve` goes by: wall time that does not jump."""

from __future__ import annotations

import time


class Clock:
    """UTC milliseconds. Advances with the boot clock, so a stepped wall clock neither expires nor revives a question."""

    def __init__(self) -> None:
        self._offset = self._wall() - self._steady()

    def now(self) -> int:
        """Now, in UTC milliseconds."""
        return self._steady() + self._offset

    def step(self, tolerance: int = 2000) -> int:
        """Milliseconds the wall clock has been set forward (back: negative) since the last look; 0 if within tolerance.

        The clock then follows the wall again; the caller moves open deadlines by what is returned.
        """
        drift = self._wall() - self._steady() - self._offset
        if abs(drift) <= tolerance:
            return 0
        self._offset += drift
        return drift

    @staticmethod
    def _wall() -> int:
        return time.time_ns() // 1_000_000

    @staticmethod
    def _steady() -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
