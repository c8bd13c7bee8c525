"""`licet gate off`."""

from __future__ import annotations

from contracts.gate.mode import set_mode
from contracts.people.actor import SYSTEM
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.ground import clock_of


def turn_off(settings: Settings) -> None:
    """Set the gate to shadow; every gate follows within two seconds, by the epoch."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    with Store(engine, clock_of(settings), settings.node).write("gate") as unit:
        set_mode(unit, SYSTEM, "shadow", settings)
    engine.dispose()
