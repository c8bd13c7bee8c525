"""A new text for many: offered to each on its own terms, accepted by a day, enforced once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts.amendments import rounds, service
from contracts.amendments.queries import of_contract
from contracts.amendments.tables import TextRound
from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.harness.amending import TOVE, in_force, offered
from tests.harness.cast import SETTINGS, STARTS, Cast, active, mails

BY = STARTS + timedelta(days=30)


def opened(store: Store, cast: Cast, settings: Settings = SETTINGS, accept_by: date = BY) -> TextRound:
    with store.write() as unit:
        return rounds.open_round(unit, cast.mara, settings, kind="research", reason="The law changed.", accept_by=accept_by)


def state(store: Store, contract: Contract) -> tuple[str, str]:
    with store.read() as session:
        row = session.get_one(Contract, contract.id)
    return row.state, row.suspension_reason


def later(clock: FixedClock, day: date) -> None:
    clock.advance(days=(day - clock.now().date()).days)


def test_who_signs_goes_on_and_who_does_not_is_suspended_once(store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(store)
    accepts, silent, open_already = (active(store, cast, keys, project=f"Project {name}") for name in ("A", "B", "C"))
    other = offered(store, cast.mara, open_already.id, records_per_day=1)
    clock.advance(seconds=1)
    found = opened(store, cast)
    assert (rounds.advance(store, SETTINGS), rounds.advance(store, SETTINGS)) == (2, 0)
    with store.write() as unit:
        service.withdraw(unit, cast.mara, other.id, 1, SETTINGS, "The text first.")
    assert rounds.advance(store, SETTINGS) == 1
    with store.read() as session:
        for contract in (accepts, silent, open_already):
            made = of_contract(session, contract.id)[0]
            assert (made.kind, made.state, made.reason, made.round_id) == ("text", "offered", "The law changed.", found.id)
        first = of_contract(session, accepts.id)[0]
        assert session.get_one(Contract, accepts.id).version == 1
    with store.write() as unit:
        service.sign(unit, cast.tove, first.id, 1, SETTINGS, **TOVE)
    later(clock, BY - timedelta(days=7))
    assert (rounds.advance(store, SETTINGS), rounds.advance(store, SETTINGS)) == (2, 0)
    later(clock, BY)
    assert rounds.advance(store, SETTINGS) == 0
    later(clock, BY + timedelta(days=1))
    assert (rounds.advance(store, SETTINGS), rounds.advance(store, SETTINGS)) == (2, 0)
    why = "The new text of this contract was to be accepted by 2 December 2026, and was not."
    assert [state(store, each) for each in (accepts, silent, open_already)] == [("active", ""), ("suspended", why), ("suspended", why)]
    with store.read() as session:
        told = rounds.standings(session, found)
    assert [(row.contract.id, row.accepted) for row in told] == [(silent.id, False), (open_already.id, False), (accepts.id, True)]
    with store.write() as unit:
        lifecycle.ask_lift(unit, cast.mara, silent.id, 5, "They sign tomorrow.")
    with store.write() as unit:
        lifecycle.lift(unit, cast.jon, silent.id, 6)
    assert (rounds.advance(store, SETTINGS), state(store, silent)) == (0, ("active", ""))
    asked = [subject for reader, subject in mails(store) if reader == "tove" and "new text" in subject]
    assert len([each for each in asked if each.endswith("by 2 December 2026")]) == 3
    assert len([each for each in asked if "or the contract is suspended" in each]) == 2


def test_terms_stay_as_agreed_and_contracts_made_later_are_not_asked(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    in_force(sqlite_store, cast, keys, contract.id, records_per_day=7)
    clock.advance(seconds=1)
    opened(sqlite_store, cast)
    clock.advance(seconds=1)
    fresh = active(sqlite_store, cast, keys)
    assert rounds.advance(sqlite_store, SETTINGS) == 1
    with sqlite_store.read() as session:
        made = of_contract(session, contract.id)[0]
        row = session.get_one(Contract, contract.id)
        row.version = made.number
        assert '"records_per_day":7' in version_of(session, row).terms_json
        assert of_contract(session, fresh.id) == []


def test_a_stopped_round_suspends_nobody(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    clock.advance(seconds=1)
    found = opened(sqlite_store, cast)
    rounds.advance(sqlite_store, SETTINGS)
    with sqlite_store.write() as unit:
        rounds.stop_round(unit, cast.jon, found.id)
    later(clock, BY + timedelta(days=1))
    assert (rounds.advance(sqlite_store, SETTINGS), state(sqlite_store, contract)) == (0, ("active", ""))
    with pytest.raises(Refused, match="command_not_possible"), sqlite_store.write() as unit:
        rounds.stop_round(unit, cast.jon, found.id)


def test_another_file_than_the_one_that_was_announced_goes_to_nobody(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    active(sqlite_store, cast, keys)
    clock.advance(seconds=1)
    found = opened(sqlite_store, cast)
    with sqlite_store.write() as unit:
        row = unit.lock(TextRound, found.id)
        row.text_sha256 = "0" * 64
        unit.session.add(row)
    assert rounds.advance(sqlite_store, SETTINGS) == 0
    with sqlite_store.read() as session:
        assert rounds.stale(SETTINGS, rounds.running(session)) == {found.id}


def test_a_round_needs_a_steward_a_kind_a_reason_and_time(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    with pytest.raises(Refused, match="role_required"), sqlite_store.write() as unit:
        rounds.open_round(unit, cast.cora, SETTINGS, kind="research", reason="R", accept_by=BY)
    with pytest.raises(Refused) as caught, sqlite_store.write() as unit:
        rounds.open_round(unit, cast.mara, SETTINGS, kind="treaty", reason=" ", accept_by=STARTS + timedelta(days=13))
    assert caught.value.refusal.facts == {
        "fields": {
            "kind": "Choose the kind of contract.",
            "accept_by": "Give partners at least 14 days: 16 November 2026 or later.",
            "reason": "Give the reason in words; the partner reads it and the ledger keeps it.",
        }
    }
    opened(sqlite_store, cast, accept_by=STARTS + timedelta(days=14))
    with pytest.raises(Refused, match="command_not_possible"):
        opened(sqlite_store, cast)
