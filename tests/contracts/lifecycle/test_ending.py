"""Notices before the end: the right ones, once each, and never of a day that a renewal moved."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts.clock import FixedClock
from contracts.keys import KeyRing
from contracts.lifecycle.ending import days_due, tell_due
from contracts.store.unit import Store
from tests.harness.amending import in_force
from tests.harness.cast import ENDS, STARTS, Cast, active, approved, mails

LAST = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("since", "left", "due"),
    [
        (date(2026, 1, 1), 61, []),
        (date(2026, 1, 1), 60, [60]),
        (date(2026, 1, 1), 31, [60]),
        (date(2026, 1, 1), 30, [30, 60]),
        (date(2026, 1, 1), 7, [7, 30, 60]),
        (date(2026, 1, 1), 0, [7, 30, 60]),
        (date(2026, 1, 1), -1, []),
        (LAST - timedelta(days=30), 30, [30]),
        (LAST - timedelta(days=29), 29, []),
        (LAST - timedelta(days=29), 7, [7]),
    ],
)
def test_which_notices_are_due(since: date, left: int, due: list[int]) -> None:
    assert days_due(since, LAST, LAST - timedelta(days=left)) == due


def _endings(store: Store) -> list[str]:
    return [subject for reader, subject in mails(store) if reader == "tove" and " ends on " in subject]


def test_each_notice_goes_out_once(store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(store)
    active(store, cast, keys)
    clock.advance(days=(ENDS - STARTS).days - 61)
    assert tell_due(store, "UTC") == 0
    for left in (60, 30, 7):
        clock.advance(days=(ENDS - clock.now().date()).days - left)
        assert (tell_due(store, "UTC"), tell_due(store, "UTC")) == (1, 0)
    title = '"Political ads and regional reach"'
    what = "renew it before, if the project goes on"
    assert _endings(store) == sorted(f"{title} ends on 31 October 2027, in {left} days: {what}" for left in (7, 30, 60))


def test_a_renewal_is_warned_of_anew(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    longer = ENDS + timedelta(days=100)
    asked = approved(sqlite_store, cast, ends=longer.isoformat())
    in_force(sqlite_store, cast, keys, contract.id, application_id=asked.id, ends=longer)
    clock.advance(days=(ENDS - STARTS).days)
    assert tell_due(sqlite_store, "UTC") == 0
    clock.advance(days=40)
    assert tell_due(sqlite_store, "UTC") == 1
    assert "in 60 days" in _endings(sqlite_store)[0]
