"""`licet deliveries rebuild`, and what `licet doctor` says of the fold."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.clock import FixedClock
from contracts.deliveries import fold
from contracts.deliveries.arrived import head, place
from contracts.keys import KeyRing, master_key
from contracts.ledger.sequencer import Sequencer
from contracts.settings import load
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.commands.doctor import Finding, examine
from tests.conftest import START
from tests.contracts.deliveries.history import deliver
from tests.portal.commands.conftest import Licet


@pytest.fixture
def delivered(folder: Path) -> Store:
    """The installation's store, after an answer of three records that is in the tree."""
    settings = load(folder / "licet.toml", {})
    store = Store(open_engine(settings.database_url), FixedClock(START))
    deliver(store, "ctr_1", "trees", [0, 1, 2])
    Sequencer(store, KeyRing(master_key(settings)), settings.ledger_origin).integrate()
    return store


def said(folder: Path) -> Finding:
    return next(each for each in examine(folder / "licet.toml") if each.where == "deliveries")


def test_the_doctor_says_how_far_the_fold_is_and_a_rebuild_mends_it(folder: Path, licet: Licet, delivered: Store) -> None:
    with delivered.read() as session:
        size = head(session)
    assert said(folder) == Finding("deliveries", True, f"folded up to entry 0 of {size}; the portal folds the rest while it runs")
    assert (fold.tick(delivered), said(folder).found) == (0, "folded up to the newest entry")
    stopped = fold.forgetting(delivered)
    next(stopped)
    assert (said(folder).fine, said(folder).mend) == (False, "Run `licet deliveries rebuild`.")
    ended = licet(folder, "deliveries", "rebuild")
    assert (ended.returncode, ended.stdout) == (0, f"The deliveries of {size} entries are folded again.\n")
    assert said(folder) == Finding("deliveries", True, "folded up to the newest entry")
    with delivered.read() as session:
        assert (place(session).next, place(session).rebuilds) == (size, 2)
    delivered.engine.dispose()
