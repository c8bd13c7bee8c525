"""The ledger's own key and sequencer, which witnesses and stamps are asked about."""

from __future__ import annotations

from tests.contracts.ledger.conftest import keys, sequencer

__all__ = ["keys", "sequencer"]
