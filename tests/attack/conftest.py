"""A fleet under attack: the shipped policy, a real `serve`, hooks and operators as they come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from house import House

SHIPPED = "version: 1\nrules: []\n"


@pytest.fixture
def shipped() -> Iterator[House]:
    """A fleet under nothing but the shipped policy."""
    made = House(policy=SHIPPED)
    try:
        yield made.start()
    finally:
        made.close()
