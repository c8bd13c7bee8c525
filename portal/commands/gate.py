"""`licet gate off`, and the gate's numbers for `licet gate config`."""

from __future__ import annotations

from contracts.gate import rules
from contracts.gate.mode import set_mode
from contracts.gate.policy import Numbers
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


def numbers_in_force(settings: Settings) -> Numbers:
    """The numbers that hold now: those of the operator's page, else those of the settings."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    with Store(engine, clock_of(settings), settings.node).read() as session:
        numbers = rules.current(session, settings).numbers
    engine.dispose()
    return numbers
