"""Fixtures shared by all rooms."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from house import House

# Started under nohup, every child would ignore hang-ups for ever, and those that must not could not be tested.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def house() -> Iterator[House]:
    """A fleet with a running `serve`."""
    made = House()
    try:
        yield made.start()
    finally:
        made.close()
