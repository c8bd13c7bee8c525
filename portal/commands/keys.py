"""`licet keys`: the keys that sign access tokens."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.clock import rfc3339
from contracts.credentials import rotation
from contracts.credentials.rotation import STATES, KeyLine
from contracts.keys import KeyRing, master_key
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.ground import clock_of


def list_keys(settings: Settings) -> list[KeyLine]:
    """Every key, newest first."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        store = Store(engine, clock_of(settings), settings.node)
        with store.read() as session:
            return rotation.listed(session, store.clock.now())
    finally:
        engine.dispose()


def rotate_key(settings: Settings) -> str:
    """Make a new key; returns its id."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        with Store(engine, clock_of(settings), settings.node).write("token key") as unit:
            return rotation.rotate(unit, KeyRing(master_key(settings))).id
    finally:
        engine.dispose()


def revoke_key(settings: Settings, kid: str) -> None:
    """End a key; every process follows within two seconds, by the epoch."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        with Store(engine, clock_of(settings), settings.node).write("token key") as unit:
            rotation.revoke(unit, KeyRing(master_key(settings)), kid)
    finally:
        engine.dispose()


def lines(keys: list[KeyLine]) -> Iterator[str]:
    """What `licet keys list` prints."""
    for key in keys:
        until = f", until {rfc3339(key.until)}" if key.until else ""
        yield f"{key.kid}  {key.state:<9}  made {rfc3339(key.made_at)}{until}. {STATES[key.state]}"
