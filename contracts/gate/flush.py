"""Writing down what the gate saw: licensed fetches, counts and stops, and the time in which it was open. For jobs, and for the end."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter

from contracts.clock import Clock
from contracts.gate import openings, record
from contracts.gate.metering import Meter
from contracts.gate.openings import Openings
from contracts.gate.tally import Sums, Tally
from contracts.ledger.stage import stage
from contracts.store.unit import Store

FETCHES_A_TRANSACTION = 500
STOPS_A_TRANSACTION = 100  # holds SQLite's write lock a few milliseconds


class Flush:
    """Takes from the memory of one gate and writes; what could not be written is given back."""

    def __init__(self, store: Store, clock: Clock, tally: Tally, meter: Meter, noted: Openings) -> None:
        self._store, self._clock, self._tally, self._meter, self._openings = store, clock, tally, meter, noted
        self._minute: Counter[str] = Counter()
        self._minute_began = clock.now()

    def fetches(self) -> None:
        """Write waiting licensed fetches to the ledger."""
        # Those of one entry together, in their order: a transaction takes so many entries, however many fetches stand in them.
        fetches = sorted(self._tally.take_fetches(), key=attrgetter("contract_id", "client_id", "reason", "network"))
        done = 0
        try:
            while done < len(fetches):
                batch = fetches[done : done + FETCHES_A_TRANSACTION]
                batch = batch[: self._meter.fitting(batch)]
                self._meter.write(batch)
                done += len(batch)
        finally:
            self._tally.give_back(fetches[done:])

    def counts(self, every: float) -> None:
        """Write counts and stops to their rows, and the ledger's entry of counts where the last is so many seconds ago."""
        parts = self._tally.take_sums().parts(STOPS_A_TRANSACTION)
        try:
            while parts:
                self._write_part(parts[0], every)
                parts.pop(0)
        except BaseException:  # whatever went wrong, the counts must not be lost
            for part in parts:
                self._tally.give_sums_back(part)
            raise

    def open_time(self) -> None:
        """Write the time in which the gate was open, as an incident."""
        opening = self._openings.take()
        if opening is None:
            return
        try:
            with self._store.write("gate open") as unit:
                openings.write(unit, opening)
        except BaseException:  # whatever went wrong, that the gate was open must not be lost
            self._openings.note(opening)
            raise

    def _write_part(self, sums: Sums, every: float) -> None:
        now, total = self._clock.now(), self._minute + record.by_outcome(sums)
        due = bool(total) and (now - self._minute_began).total_seconds() >= every
        if not sums and not due:
            return
        with self._store.write("gate counts") as unit:
            record.write_sums(unit, sums)
            if due:
                stage(unit.connection, unit.node, unit.now, [record.count_entry(total, self._minute_began, now)])
        self._minute, self._minute_began = (Counter(), now) if due else (total, self._minute_began)
