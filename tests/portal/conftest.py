"""Fixtures of page tests."""

from __future__ import annotations

import pytest

from contracts.clock import FixedClock
from contracts.house import House
from contracts.store.unit import Store
from tests.portal.house import small_house


@pytest.fixture
def house(sqlite_store: Store, clock: FixedClock) -> House:
    """A small house on SQLite."""
    return small_house(sqlite_store, clock)
