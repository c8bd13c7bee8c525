"""A key ring for tests of contracts."""

from __future__ import annotations

import pytest

from contracts.keys import KeyRing


@pytest.fixture
def keys() -> KeyRing:
    """A ring under a master key of this test."""
    return KeyRing(b"m" * 32)
