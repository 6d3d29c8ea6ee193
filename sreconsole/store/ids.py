"""Names a person can say aloud on a call: `esc-04f2`."""

from __future__ import annotations

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o or u to mishear."""


def spoken(prefix: str, n: int) -> str:
    """The id of row `n`: sortable among its kind, four characters for the first million rows."""
    digits = ""
    while n:
        n, rest = divmod(n, 32)
        digits = ALPHABET[rest] + digits
    return f"{prefix}-{digits:0>4}"
