"""One byte form for one value: what digests and the hash chain are computed over."""

from __future__ import annotations

import json


def canonical(value: object) -> bytes:
    """Canonical JSON bytes of a value: sorted keys, no spaces, UTF-8, no NaN.

    After RFC 8785 (JCS), except that numbers keep Python's shortest form and a string with a lone surrogate
    falls back to ASCII escapes for the whole document. Raises ValueError for NaN and infinities.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
