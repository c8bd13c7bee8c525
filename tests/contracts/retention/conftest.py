"""The people and the ledger of the tests of holds."""

from __future__ import annotations

from tests.contracts.holds.conftest import cora, keys, second, sequencer

__all__ = ["cora", "keys", "second", "sequencer"]
