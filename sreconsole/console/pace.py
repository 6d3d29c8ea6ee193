"""How often the screen may follow the store: at once when it is quiet, within a byte budget when it is not."""

from __future__ import annotations

FRAME = 0.1
"""Least seconds between two looks at a busy store; keys are never held back."""

RATE = 2500.0
"""Bytes a second that a busy store may cost the link."""

BURST = 8000.0
"""Bytes that may be sent at once after a quiet while."""


class Pace:
    """A token bucket over bytes, in seconds of any monotonic clock."""

    def __init__(self, now: float = 0.0) -> None:
        self._left = BURST
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until lists may be repainted for data again (0: now)."""
        self._fill(now)
        return max(0.0, -self._left) / RATE

    def spent(self, size: int, now: float) -> None:
        """A repaint for data has cost so many bytes."""
        self._fill(now)
        self._left -= size

    def _fill(self, now: float) -> None:
        self._left = min(BURST, self._left + max(0.0, now - self._at) * RATE)
        self._at = now
