"""Ledgers large enough to be measured, made once and kept: one whole, with all that a check reads, and a longer one for proofs alone.

Both go through the house's own staging or sequencer, thousands of entries at a time; entries of the longer are as short as can be.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from contracts.clock import FixedClock
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, stage
from contracts.ledger.tables import EntryCounter, LedgerEntry
from contracts.search.follow import Follower
from contracts.store.engine import open_engine
from contracts.store.many import Insertion
from contracts.store.schema import upgrade
from contracts.store.unit import Store

KEYS, ORIGIN = KeyRing(b"b" * 32), "bench.example/ledger"
TOGETHER, CHUNK = 20_000, 200_000
_ENTRIES = Insertion(LedgerEntry, "index", "id", "leaf")


def opened(place: Path | str, subjects: Path | None = None) -> Store:
    """The store in a file or at an address, with its schema; `subjects` is where the keys of subjects lie, for want of a file's folder."""
    engine = open_engine(f"sqlite:///{place}" if isinstance(place, Path) else place, subjects)
    upgrade(engine)
    return Store(engine, FixedClock(datetime(2026, 11, 2, 9, tzinfo=UTC)))


def answer(number: int) -> Entry:
    """The entry of one answer with records, of one of forty contracts."""
    return Entry(
        event="access.records",
        decision="allow",
        organisation=f"org_{number % 20:026d}",
        contract=f"ctr_{number % 40:026d}",
        contract_version=1,
        contract_hash="0" * 64,
        credential=f"cli_{number % 80:026d}",
        credential_kind="oauth_client",
        purpose="research",
        dataset="posts",
        dataset_version="v1",
        fields=("id", "created_at", "author", "text", "country"),
        filter_shape=("country", "created_at.gte"),
        rows=1000,
        bytes=250_000,
        records_hash="1" * 64,
        quota_before=number,
        quota_after=number + 1000,
        personal={"network": f"192.0.{number % 250}.0/24"},
    )


def whole_log(folder: Path, count: int) -> Store:
    """A ledger of `count` answers with values, search and checkpoints."""
    store = kept(folder / f"ledger-whole-{count}.db", lambda store: _fill(store, count))
    Follower(store).follow()  # where the log was made under an earlier schema
    return store


def long_log(folder: Path, count: int) -> Store:
    """A ledger of `count` entries that nothing can be searched in."""
    return kept(folder / f"ledger-long-{count}.db", lambda store: _lengthen(store, count))


def kept(path: Path, fill: Callable[[Store], None]) -> Store:
    """A store in a file that is filled once; what was left half filled is made anew."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        for each in unfinished.parent.glob(f"{unfinished.name}*"):
            each.unlink()
        store = opened(unfinished)
        fill(store)
        store.engine.dispose()
        unfinished.rename(path)
    return opened(path)


def _fill(store: Store, count: int) -> None:
    sequencer = Sequencer(store, KEYS, ORIGIN)
    sequencer.ensure_key()
    for start in range(0, count, TOGETHER):
        with store.write("bench") as unit:
            stage(unit.connection, unit.node, unit.now, [answer(number) for number in range(start, min(count, start + TOGETHER))])
        sequencer.integrate()


def _lengthen(store: Store, count: int) -> None:
    sequencer = Sequencer(store, KEYS, ORIGIN, chunk=CHUNK, searched=False)
    sequencer.ensure_key()
    sequencer.integrate()
    for start in range(1, count, CHUNK):
        places = range(start, min(count, start + CHUNK))
        with store.write("bench") as unit:
            _ENTRIES.execute(unit.connection, [(index, new_id("ent"), b'{"n":%d}' % index) for index in places])
            unit.connection.execute(update(EntryCounter).values(written=places.stop))
        sequencer.integrate()
