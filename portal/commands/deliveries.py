"""`licet deliveries rebuild`: what questions about deliveries are answered from, made anew."""

from __future__ import annotations

from contracts.deliveries import fold
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.ground import clock_of


def rebuild(settings: Settings) -> int:
    """Fold all deliveries of an installation again, also while it runs; returns how many entries were read."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        return fold.rebuild(Store(engine, clock_of(settings), settings.node))
    finally:
        engine.dispose()
