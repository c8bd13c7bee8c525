"""Holds through the store: two people set one, two lift it, it ends by itself; what it names survives erasing until then."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.holds import service
from contracts.holds.decide import Wanted
from contracts.holds.states import State
from contracts.holds.tables import Hold, WaitingErasure
from contracts.keys import KeyRing
from contracts.ledger.erasing import Sweeper, erase
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.verify import verify
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.contracts.holds.conftest import AWAY, DAYS, HOME, MARA, TOVE, do, events, left, placed, proposed
from tests.contracts.people.people import person, refused

FIRST, SECOND, OTHER = {"account": MARA, "network": HOME, "query": "all"}, {"account": MARA, "network": AWAY}, {"account": TOVE}

GOOD = Wanted(scope="person", person=MARA, ground="A case", owner="acc_cora")


def code(store: Store, act: Any) -> str:
    return refused(lambda: do(store, act))


def test_one_of_compliance_proposes_and_another_person_confirms(store: Store, cora: Actor, second: Actor, history: list[str]) -> None:
    made = proposed(store, cora)
    assert code(store, lambda unit: service.confirm(unit, cora, made.id, 1)) == "second_person_required"
    puppet = person(store, "puppet@agora.example", Role.COMPLIANCE, given_by=cora.account_id)
    assert code(store, lambda unit: service.confirm(unit, puppet, made.id, 1)) == "second_person_required"
    assert code(store, lambda unit: service.confirm(unit, replace(second, roles=frozenset({Role.LEAD})), made.id, 1)) == "role_required"
    assert (do(store, lambda unit: service.confirm(unit, second, made.id, 1)).state, made.handles != []) == (State.IN_FORCE, True)
    assert code(store, lambda unit: service.propose(unit, second, GOOD, ())) == "role_required"
    assert [each for each in events(store) if each.startswith("hold.")] == ["hold.proposed", "hold.confirmed"]
    # The person stands sealed beside the entry, and nowhere else.
    assert left(store, [made.entry_id])[0]["person"] == MARA


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"person": "acc_nobody"}, "person"),
        ({"scope": "partner", "partner": "org_nobody"}, "partner"),
        ({"scope": "contract", "contract": "ctr_nothing"}, "contract"),
        ({"owner": "acc_nobody"}, "owner"),
    ],
)
def test_what_is_not_there_is_not_held(sqlite_store: Store, changes: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as caught:
        proposed(sqlite_store, person(sqlite_store, "cora@agora.example", Role.COMPLIANCE), **changes)
    assert field in caught.value.refusal.facts["fields"]


def test_a_proposal_holds_nothing(store: Store, cora: Actor, history: list[str]) -> None:
    proposed(store, cora)
    assert (erase(store, cora, MARA, "She asked.").held, left(store, history)) == (0, [{}, {}, OTHER | {"network": HOME}])


def test_what_is_held_survives_erasing_until_the_hold_ends(
    store: Store, cora: Actor, second: Actor, clock: FixedClock, history: list[str], keys: KeyRing, sequencer: Sequencer
) -> None:
    hold = placed(store, cora, second, scope="period", since=clock.now().date(), until=clock.now().date())
    done = erase(store, cora, MARA, "She asked.")
    assert (done.entries, done.held, done.hold and done.hold.id) == (2, 2, hold.id)
    assert left(store, history) == [FIRST, SECOND, OTHER | {"network": HOME}]
    sweeper = Sweeper(store)
    sweeper.tick()
    assert left(store, history)[0] == FIRST
    clock.advance(days=31)
    sweeper.tick()
    assert left(store, history) == [{}, {}, OTHER | {"network": HOME}]
    assert (service.end_due(store), service.end_due(store)) == (1, 0)
    told = [each for each in events(store) if each.startswith(("values.", "hold."))]
    assert told == ["hold.proposed", "hold.confirmed", "values.erasure_waits", "values.erased", "hold.ended"]
    sequencer.integrate()
    assert verify(store, keys).ok


def test_what_no_hold_names_goes_at_once(store: Store, cora: Actor, second: Actor, history: list[str]) -> None:
    partner = person(store, "lead@rival.example", Role.LEAD, organisation="org_rival")
    hold = placed(store, cora, second, scope="partner", partner=partner.organisation_id)
    done = erase(store, cora, MARA, "She asked.")
    assert (done.entries, done.held, left(store, history)) == (2, 1, [{}, SECOND, OTHER | {"network": HOME}])
    # A network goes out of the values of others where no hold names their entry.
    assert (erase(store, cora, HOME, "It is one household’s.").held, left(store, history)[2]) == (1, OTHER | {"network": HOME})
    do(store, lambda unit: service.ask_lift(unit, cora, hold.id, hold.revision, "The case was closed."))
    assert code(store, lambda unit: service.lift(unit, cora, hold.id, 3)) == "second_person_required"
    do(store, lambda unit: service.keep(unit, cora, hold.id, 3))
    do(store, lambda unit: service.ask_lift(unit, second, hold.id, 4, "The case was closed."))
    assert do(store, lambda unit: service.lift(unit, cora, hold.id, 5)).state == State.LIFTED
    Sweeper(store).tick()
    assert left(store, history) == [{}, {}, OTHER]
    with store.read() as session:
        assert [each.done_at is not None for each in session.exec(select(WaitingErasure)).all()] == [True, True]


def test_a_person_who_is_held_is_held_in_every_entry(store: Store, cora: Actor, second: Actor, history: list[str]) -> None:
    placed(store, cora, second)
    assert (erase(store, cora, HOME, "It is one household’s.").held, left(store, history)[0]) == (1, FIRST)
    assert left(store, history)[2] == OTHER


def test_a_hold_whose_day_has_passed_holds_nothing_before_the_job_has_seen_it(
    store: Store, cora: Actor, second: Actor, clock: FixedClock, history: list[str]
) -> None:
    late = proposed(store, cora)
    placed(store, cora, second)
    clock.advance(seconds=(datetime.combine((clock.now() + DAYS).date(), datetime.min.time(), UTC) - clock.now()).total_seconds())
    assert erase(store, cora, TOVE, "He asked.").held == 0
    clock.advance(days=1)
    assert code(store, lambda unit: service.confirm(unit, second, late.id, 1)) == "command_not_possible"
    assert erase(store, cora, MARA, "She asked.").held == 0


def test_of_two_who_confirm_at_once_one_does(store: Store, cora: Actor, second: Actor, history: list[str]) -> None:
    third = person(store, "jon@agora.example", Role.ADMINISTRATOR)
    made, codes, start = proposed(store, cora), list[str](), threading.Barrier(2)

    def confirm(actor: Actor) -> None:
        start.wait()
        try:
            do(store, lambda unit: service.confirm(unit, actor, made.id, made.revision))
            codes.append("done")
        except Refused as error:
            codes.append(error.refusal.code)

    threads = [threading.Thread(target=confirm, args=(each,)) for each in (second, third)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(codes) == ["command_not_possible", "done"]


def test_a_hold_and_an_erasure_at_once_are_in_one_order(store: Store, cora: Actor, second: Actor, history: list[str]) -> None:
    """Either the hold came first and the values are there, or the erasure did and they are gone: never a hold over values that go later."""
    made, start, found = proposed(store, cora), threading.Barrier(2), list[int]()

    def erasing() -> None:
        start.wait()
        found.append(erase(store, cora, MARA, "She asked.").held)

    thread = threading.Thread(target=erasing)
    thread.start()
    start.wait()
    do(store, lambda unit: service.confirm(unit, second, made.id, made.revision))
    thread.join()
    order = [each for each in events(store) if each in ("hold.confirmed", "values.erased", "values.erasure_waits")]
    first = order.index("hold.confirmed") == 0
    assert (found, left(store, history)[:2]) == (([3], [FIRST, SECOND]) if first else ([0], [{}, {}]))


def test_mails_go_to_those_who_may_confirm(sqlite_store: Store) -> None:
    cora = person(sqlite_store, "cora@agora.example", Role.COMPLIANCE)
    person(sqlite_store, "ida@agora.example", Role.STEWARD)
    person(sqlite_store, "op@agora.example", Role.OPERATOR)
    lab = person(sqlite_store, "lead@lab.example", Role.LEAD, organisation="org_lab")
    made = proposed(sqlite_store, cora, scope="partner", partner=lab.organisation_id)
    with sqlite_store.read() as session:
        kept = session.get_one(Hold, made.id)
    assert (kept.partner_id, kept.handles, kept.ends_at - kept.proposed_at > timedelta(days=30)) == ("org_lab", [], True)
