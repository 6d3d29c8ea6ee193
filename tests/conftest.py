"""Fixtures shared by all rooms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from house import House


@pytest.fixture
def house() -> Iterator[House]:
    """A fleet with a running `serve`."""
    made = House()
    try:
        yield made.start()
    finally:
        made.close()
