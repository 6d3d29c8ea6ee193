"""How often the screen may follow the store: at once when it is quiet, within a byte budget when it is not."""

from __future__ import annotations

FRAME = 0.1
"""Least seconds between two repaints for data; keys are never held back."""

RATE = 3000.0
"""Cells a second a busy store may cost the link; a cell is one byte and a little."""

BURST = 9000.0
"""Cells that may be sent at once after a quiet while: two full screens."""


class Pace:
    """A token bucket over cells, in seconds of any monotonic clock."""

    def __init__(self, now: float = 0.0) -> None:
        self._left = BURST
        self._at = now
        self._last = now - FRAME

    def wait(self, now: float) -> float:
        """Seconds until the next repaint for data may start (0: now)."""
        self._fill(now)
        owed = max(0.0, -self._left) / RATE
        return max(0.0, self._last + FRAME - now, owed)

    def spent(self, cells: int, now: float) -> None:
        """A repaint for data has happened and cost so many cells."""
        self._fill(now)
        self._left -= cells
        self._last = now

    def _fill(self, now: float) -> None:
        self._left = min(BURST, self._left + max(0.0, now - self._at) * RATE)
        self._at = now
