"""What each answer of a batch may take from its contract's quotas: of the day, of the period, of different records, of bytes. Exact.

Made for one batch: it takes the locks, gives each answer what is left in the order of the batch, and writes every quota once.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.access.answers import Charge, Committed, Delivered, fitting_bytes, portion
from contracts.deliveries.ordinals import Ordinals
from contracts.errors import Refusal
from contracts.quotas import distinct, repeats
from contracts.quotas import service as quotas
from contracts.quotas.service import Account, Used
from contracts.quotas.standing import Standing, Term
from contracts.store.unit import Unit


class Books:
    """The quotas of a batch's contracts, theirs alone until its transaction ends."""

    def __init__(self, unit: Unit, delivered: Sequence[Delivered]) -> None:
        """Take the locks, each kind in one order, so that two processes never wait for each other."""
        charges = [item.charge for item in delivered]
        self._unit = unit
        quotas.alone(unit, [each.contract_id for each in charges if each.is_over_period])
        self._before = quotas.locked(unit, [(each.contract_id, each.day) for each in charges])
        self._used = dict(self._before)
        periods = {each.period for each in charges if each.is_over_period}
        self._periods = {account: quotas.used_since(unit.connection, *account) for account in periods}
        counted = sorted({(each.contract_id, each.version) for each in charges if each.distinct_cap is not None})
        self._seen = {version: distinct.locked(unit, *version) for version in counted}
        self._repeats = repeats.known(unit, [item.repeat for item in delivered if item.repeat is not None])

    def unchanged(self, item: Delivered, refusal: Refusal) -> Committed:
        """A refusal that takes nothing."""
        used = self._used[_day(item.charge)].records
        return Committed((), self._unit.now, None, used, used, refusal, standings=self._standings(item.charge))

    def take(self, item: Delivered) -> Committed:
        """As many of the answer's first records as every quota leaves; a refusal by the first quota that leaves none.

        An answer that was given before is given again, and takes nothing.
        """
        return self._again(item) or self._charged(item)

    def _again(self, item: Delivered) -> Committed | None:
        """The records that the earlier answer held; None where it held not even the first."""
        earlier = None if item.repeat is None else self._repeats.get(item.repeat)
        if earlier is None:
            return None
        ordinals = item.page.ordinals
        count = next((number for number, ordinal in enumerate(ordinals) if ordinal not in earlier), len(ordinals))
        if not count:
            return None
        used = self._used[_day(item.charge)].records
        part = item.whole if count == item.whole.count else portion(item.page, count)
        return Committed((), self._unit.now, part, used, used, free=True, standings=self._standings(item.charge))

    def _charged(self, item: Delivered) -> Committed:
        charge, most = item.charge, item.whole.count
        limits = (self._of_day(charge), self._of_period(charge), self._of_different(item), *self._of_bytes(item))
        for left, refusal in limits:
            if most and not left:
                return self.unchanged(item, refusal)
        count = min([most, *(left for left, _ in limits)])
        part = item.whole if count == most else portion(item.page, count)
        used = self._used[_day(charge)]
        self._used[_day(charge)] = used.plus(count, len(part.data))
        if charge.period in self._periods:
            self._periods[charge.period] = self._periods[charge.period].plus(count, len(part.data))
        if item.repeat is not None and count:
            self._repeats[item.repeat] = Ordinals(item.page.ordinals[:count])
        seen = self._seen.get((charge.contract_id, charge.version))
        fresh = None if seen is None else seen.add(item.entry.dataset, item.page.ordinals[:count])
        after = self._standings(charge)
        return Committed((), self._unit.now, part, used.records, used.records + count, new_records=fresh, standings=after)

    def write(self) -> None:
        """Write what is used now."""
        quotas.settle(self._unit, self._before, self._used)
        for seen in self._seen.values():
            distinct.settle(self._unit, seen)

    def _standings(self, charge: Charge) -> tuple[Standing, ...]:
        """Where the contract stands now in every quota that its terms agree, but in that of the day's records."""
        if not charge.is_capped_further:
            return ()
        day, period = self._used[_day(charge)], self._periods.get(charge.period, Used())
        seen = self._seen.get((charge.contract_id, charge.version))
        known: tuple[tuple[Term, int, int | None], ...] = (
            ("bytes_per_day", day.bytes, charge.bytes_cap),
            ("records_in_period", period.records, charge.period_cap),
            ("distinct_records", 0 if seen is None else seen.used, charge.distinct_cap),
            ("bytes_in_period", period.bytes, charge.period_bytes_cap),
        )
        return tuple(Standing(term, used, cap) for term, used, cap in known if cap is not None)

    def _of_day(self, charge: Charge) -> tuple[int, Refusal]:
        used = self._used[_day(charge)].records
        return max(0, charge.cap - used), Refusal("quota_exhausted", _DAY, {"limit": charge.cap, "used": used})

    def _of_period(self, charge: Charge) -> tuple[int, Refusal]:
        if charge.period_cap is None:
            return _UNLIMITED
        used = self._periods[charge.period].records
        return max(0, charge.period_cap - used), Refusal("period_exhausted", _PERIOD, {"limit": charge.period_cap, "used": used})

    def _of_different(self, item: Delivered) -> tuple[int, Refusal]:
        cap, seen = item.charge.distinct_cap, self._seen.get((item.charge.contract_id, item.charge.version))
        if cap is None or seen is None:
            return _UNLIMITED
        fits = seen.fitting(self._unit.connection, item.entry.dataset, item.page.ordinals, cap)
        return fits, Refusal("distinct_exhausted", _DIFFERENT, {"limit": cap, "used": seen.used})

    def _of_bytes(self, item: Delivered) -> list[tuple[int, Refusal]]:
        charge, found = item.charge, list[tuple[int, Refusal]]()
        if charge.bytes_cap is not None:
            found.append(_bytes(item, "bytes_exhausted", _BYTES, charge.bytes_cap, self._used[_day(charge)].bytes))
        if charge.period_bytes_cap is not None:
            used = self._periods[charge.period].bytes
            found.append(_bytes(item, "period_bytes_exhausted", _PERIOD_BYTES, charge.period_bytes_cap, used))
        return found


def _bytes(item: Delivered, code: str, reason: str, cap: int, used: int) -> tuple[int, Refusal]:
    return fitting_bytes(item.page, item.whole, max(0, cap - used)), Refusal(code, reason, {"limit": cap, "used": used})


def _day(charge: Charge) -> Account:
    return charge.contract_id, charge.day


_DAY = "The contract's records for the day are used up. Go on after the reset."
_PERIOD = "The contract's records from its first day to its last are used up. Ask the platform for an amendment."
_DIFFERENT = (
    "The contract's different records are used up; those that were read before may be read again. Ask the platform for an amendment."
)
_BYTES = "The next record has more bytes than the contract's day has left. Go on after the reset."
_PERIOD_BYTES = (
    "The next record has more bytes than the contract has left from its first day to its last. Ask the platform for an amendment."
)
_UNLIMITED = (1 << 62, Refusal("quota_exhausted", _DAY))
