"""What licensed fetches take from their contract: records of its quotas, its bill, and, where a page shows a record, deliveries.

A page that was fetched within the contract is one record. Fetches are decided first and written together some tenths of a second
later, in the transaction of their entries, so that quota, bill and ledger never differ. What waits in memory when a process dies is
lost: no entry, no bill, and a gap to be seen at the proxy. For the same reason several processes may together pass a quota by what
they let through in that time, never by more.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from contracts.datasets.catalogue import current_versions
from contracts.datasets.load import ordinals_of
from contracts.gate import booking
from contracts.gate.booking import Booked
from contracts.gate.decide import Verdict
from contracts.gate.fetched import Record, batches
from contracts.gate.places import Place, Places
from contracts.gate.tally import Fetch
from contracts.ledger.values import NETWORK, introduce
from contracts.quotas import distinct
from contracts.quotas.service import begins_at, day_of, resets_at
from contracts.quotas.standing import DAILY, Standing, Term, all_standings, counts_period, of_day, standings
from contracts.settings import Settings
from contracts.store.unit import Store
from contracts.terms.grant import Grant
from contracts.terms.model import Terms

_REASONS: dict[Term, str] = {
    "records_per_day": "quota_exhausted",
    "bytes_per_day": "bytes_exhausted",
    "records_in_period": "period_exhausted",
    "distinct_records": "distinct_exhausted",
    "bytes_in_period": "period_bytes_exhausted",
}
_OF_RECORDS = frozenset({"records_per_day", "records_in_period", "distinct_records"})
GROUPS_A_TRANSACTION = 48


@dataclass(slots=True)
class _Left:
    """What a version of a contract had left when the store was last read, and the fetches that are not in it yet."""

    day: date
    version: int
    terms: Terms
    left: dict[Term, int]
    limits: dict[Term, int]
    taken: int = 0


class Meter:
    """The quotas of licensed fetches in one process. Safe from any thread."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings, self._zone = store, settings, settings.platform.time_zone
        self._places = Places(settings.datasets)
        self._known: dict[str, _Left] = {}
        self._lock = threading.Lock()

    def knows(self, grant: Grant, today: date) -> bool:
        """Whether the contract's quotas of the day, in the platform's time zone, are in memory; else `load` them first."""
        known = self._known.get(grant.contract_id)
        return known is not None and known.day == today and known.version == grant.version

    def load(self, grant: Grant, now: datetime) -> None:
        """Read the contract's quotas. Waits for the store; raises what it raises."""
        if grant.terms.distinct_records is not None:
            distinct.ensure(self._store, grant.contract_id, grant.version, begins_at(grant.terms.starts, self._zone))
        day = day_of(now, self._zone)
        with self._store.read() as session:
            found = all_standings(session, grant.contract_id, grant.version, grant.terms, day, self._cap(grant.terms))
        self._publish(grant.contract_id, grant.version, grant.terms, day, found, 0)

    def refusal(self, grant: Grant, now: datetime) -> Verdict | None:
        """The first quota that is used up, with the seconds until it frees where time frees it; else counts one fetch.

        Each fetch that waits for its entry is taken for a record that was not fetched before.
        """
        with self._lock:
            known = self._known[grant.contract_id]
            for term, left in known.left.items():
                if left - (known.taken if term in _OF_RECORDS else 0) <= 0:
                    seconds = ceil((resets_at(known.day, self._zone) - now).total_seconds()) if term in DAILY else 0
                    return Verdict(_REASONS[term], seconds, known.limits[term])
            known.taken += 1
        return None

    def fitting(self, fetches: Sequence[Fetch]) -> int:
        """How many of the first fetches one transaction may write: each group of them is an entry, and holds SQLite's write lock."""
        groups = set[tuple[str, ...]]()
        for count, fetch in enumerate(fetches):
            groups.add((fetch.contract_id, fetch.client_id, fetch.reason, fetch.network))
            if len(groups) > GROUPS_A_TRANSACTION:
                return count
        return len(fetches)

    def write(self, fetches: Sequence[Fetch]) -> None:
        """Write fetches: entries, quotas, bill and deliveries, in one transaction. Raises what the store or a dataset raises."""
        placed = [(fetch, self._places.of(fetch.path)) for fetch in fetches]
        made = batches(placed, self._records({place for _, place in placed if place is not None}))
        # The key of a network that is new has to reach the disk, for which nobody should wait.
        introduce(self._store.engine, [{NETWORK: batch.fetch.network} for batch in made])
        with self._store.write("gate fetches") as unit:
            day = day_of(unit.now, self._zone)
            booked = booking.write(unit, made, day)
        self._follow(booked, day)

    def _follow(self, booked: Mapping[str, Booked], day: date) -> None:
        """Take over what the transaction says of each day; only quotas of a whole period have to be read."""
        known = {contract_id: self._known[contract_id] for contract_id in booked if contract_id in self._known}
        periods = self._periods({contract_id: each for contract_id, each in known.items() if counts_period(each.terms)})
        for contract_id, each in known.items():
            records, used = booked[contract_id]
            found = [*of_day(used, each.terms, self._cap(each.terms)), *periods.get(contract_id, ())]
            self._publish(contract_id, each.version, each.terms, day, found, records)

    def _periods(self, known: Mapping[str, _Left]) -> Mapping[str, Sequence[Standing]]:
        if not known:
            return {}
        with self._store.read() as session:
            return {contract_id: standings(session, contract_id, each.version, each.terms) for contract_id, each in known.items()}

    def _publish(self, contract_id: str, version: int, terms: Terms, day: date, found: Sequence[Standing], written: int) -> None:
        with self._lock:
            known = self._known.get(contract_id)
            waiting = 0 if known is None else max(0, known.taken - written)
            left, limits = {each.term: each.limit - each.used for each in found}, {each.term: each.limit for each in found}
            self._known[contract_id] = _Left(day, version, terms, left, limits, waiting)

    def _cap(self, terms: Terms) -> int:
        """Records that may leave in a day: the lowest of contract and policies of its datasets."""
        named = [self._settings.datasets.get(each.dataset) for each in terms.datasets]
        return min([terms.records_per_day, *(each.max_records_per_day for each in named if each is not None)])

    def _records(self, places: Collection[Place]) -> Mapping[Place, Record]:
        """The records at these places, by the current versions of their datasets."""
        if not places:
            return {}
        wanted: dict[str, list[str]] = {}
        for name, key in sorted(places):
            wanted.setdefault(name, []).append(key)
        with self._store.read() as session:
            versions = current_versions(session.connection(), wanted)
        return {
            (name, key): Record(name, version.version, ordinal)
            for name, version in versions.items()
            for key, ordinal in ordinals_of(self._settings, version, wanted[name]).items()
        }
