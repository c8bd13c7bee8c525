"""`licet ledger verify` and `licet ledger close` on an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.anchors.logs import current_origin
from contracts.clock import FixedClock
from contracts.errors import Misconfigured
from contracts.keys import KeyRing, master_key
from contracts.ledger.sequencer import Sequencer
from contracts.settings import load
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.alone import alone
from portal.commands.ledger import close_and_open, verify_ledger
from portal.serve import build
from tests.conftest import START
from tests.contracts.ledger.conftest import fill
from tests.portal.commands.conftest import Licet


def test_verify_says_since_when_nobody_outside_holds_the_ledger_and_close_begins_the_next(folder: Path, licet: Licet) -> None:
    settings = load(folder / "licet.toml", {})
    store = Store(open_engine(settings.database_url), FixedClock(START))
    fill(store, 3)
    Sequencer(store, KeyRing(master_key(settings)), settings.ledger_origin).integrate()
    said = licet(folder, "ledger", "verify")
    assert (said.returncode, said.stdout.splitlines()[-1]) == (
        0,
        f"Unanchored since {START:%Y-%m-%d %H:%M} UTC: nobody outside has signed a checkpoint.",
    )
    whole = "The ledger is whole: 4 entries, 1 checkpoints, 0 values erased."
    state = folder / "kept.json"
    assert verify_ledger(settings, None, state).before == 0
    again = licet(folder, "ledger", "verify", "--state", str(state)).stdout.splitlines()
    assert (again[0], again[2]) == (whole, "An earlier check read the first 4 entries; leave --state away to have them read again.")
    state.write_text("{}")
    with pytest.raises(Misconfigured, match="was not written by a check of this ledger"):
        verify_ledger(settings, None, state)
    with alone(settings), pytest.raises(Misconfigured, match="is running, and signs checkpoints"):
        close_and_open(settings, "The key was lost.", "")
    closed = licet(folder, "ledger", "close", "--why", "The key was lost.")
    origin = f"{settings.ledger_origin}/2"
    assert (closed.returncode, closed.stdout.splitlines()[0]) == (0, f"The log is closed. The next is {origin}, with the public key")
    with store.read() as session:
        assert current_origin(session, settings) == origin
    house = build(settings)
    assert house.sequencer.origin == origin
    house.sequencer.integrate()
    house.sequencer.close()
    house.data.close()
    house.payments.close()
    house.store.engine.dispose()
    store.engine.dispose()
    assert licet(folder, "ledger", "verify").returncode == 0
