"""Row and ledger tell the same state, after every act; a row that was edited past the services closes the contract."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlmodel import col

from contracts.errors import Refusal
from contracts.keys import KeyRing
from contracts.ledger.events import EVENTS
from contracts.ledger.sequencer import Sequencer
from contracts.lifecycle import offers, service
from contracts.lifecycle.queries import get_for
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.lifecycle.told import STATE_AFTER, state_told
from contracts.lifecycle.wishes import Wish
from contracts.store.unit import Store, Unit
from contracts.terms.grant import Grant, compile_grant
from tests.harness.cast import Cast, active, drafted, revised, signed

WHY = "It has to be looked at."
WISH = Wish("term", "pace", "Twenty requests a second.", "The archive is large.")


@pytest.fixture
def people(store: Store) -> Cast:
    return Cast(store)


def _edit(store: Store, contract_id: str, state: str) -> None:
    with store.write() as unit:
        unit.connection.execute(update(Contract).where(col(Contract.id) == contract_id).values(state=state))


def _compiled(store: Store, keys: KeyRing, contract_id: str) -> Grant | Refusal:
    with store.read() as session:
        return compile_grant(keys, session, contract_id)


def _differs(found: Grant | Refusal) -> tuple[str, object]:
    return (found.code, found.facts.get("differs")) if isinstance(found, Refusal) else ("grant", None)


def test_every_event_of_a_contract_has_its_state() -> None:
    assert {event for event in EVENTS if event.startswith("contract.")} == STATE_AFTER.keys()
    assert set(STATE_AFTER.values()) == set(State)


def test_row_and_ledger_agree_after_every_act(store: Store, people: Cast, keys: KeyRing) -> None:
    sequencer = Sequencer(store, keys, "licet.example/ledger")

    def agreed(contract: Contract) -> Contract:
        """Both before the entry is in the tree and after."""
        for _ in range(2):
            with store.read() as session:
                row = get_for(session, people.mara, contract.id)
                assert state_told(session, contract.id) == row.state
            sequencer.integrate()
        return row

    agreed(drafted(store, people))
    _negotiated(store, people, agreed)
    agreed(signed(store, people))
    made = agreed(active(store, people, keys))
    assert _differs(_compiled(store, keys, made.id)) == ("grant", None)
    for act in (service.suspend, service.ask_lift):
        with store.write() as unit:
            act(unit, people.mara, made.id, made.revision, WHY)
        made = agreed(made)
    with store.write() as unit:
        service.lift(unit, people.jon, made.id, made.revision)
    made = agreed(made)
    with store.write() as unit:
        service.terminate(unit, people.mara, made.id, made.revision, WHY)
    agreed(made)
    other = active(store, people, keys)
    with store.write() as unit:
        service.expire(unit, other.id)
    agreed(other)


def _negotiated(store: Store, people: Cast, agreed: Callable[[Contract], Contract]) -> None:
    made = agreed(revised(store, people, drafted(store, people), ""))
    steps: list[Callable[[Unit, Contract], object]] = [
        lambda unit, row: service.offer(unit, people.mara, row.id, row.revision),
        lambda unit, row: offers.counter(unit, people.tove, row.id, row.revision, [WISH]),
        lambda unit, row: offers.recall(unit, people.tove, row.id, row.revision),
        lambda unit, row: offers.counter(unit, people.tove, row.id, row.revision, [WISH]),
        lambda unit, row: offers.decline(unit, people.mara, row.id, row.revision, WHY),
    ]
    for step in steps:
        with store.write() as unit:
            step(unit, made)
        made = agreed(made)
    agreed(revised(store, people, made, WHY))


@pytest.mark.parametrize("integrated", [False, True])
def test_a_suspension_that_was_edited_away_stays(store: Store, people: Cast, keys: KeyRing, integrated: bool) -> None:
    made = active(store, people, keys)
    with store.write() as unit:
        service.suspend(unit, people.mara, made.id, made.revision, WHY)
    if integrated:
        Sequencer(store, keys, "licet.example/ledger").integrate()
    assert _differs(_compiled(store, keys, made.id)) == ("contract_not_active", None)
    _edit(store, made.id, "active")
    assert _differs(_compiled(store, keys, made.id)) == ("seal_broken", "state")


@pytest.mark.parametrize("state", [*(each.value for each in State if each is not State.ACTIVE), "", "anything"])
def test_an_edited_state_closes_the_contract(store: Store, people: Cast, keys: KeyRing, state: str) -> None:
    made = active(store, people, keys)
    _edit(store, made.id, state)
    assert _differs(_compiled(store, keys, made.id)) == ("seal_broken", "state")


def test_other_contracts_are_not_touched(store: Store, people: Cast, keys: KeyRing) -> None:
    first, second = active(store, people, keys), active(store, people, keys)
    with store.write() as unit:
        service.suspend(unit, people.mara, first.id, first.revision, WHY)
    assert _differs(_compiled(store, keys, second.id)) == ("grant", None)
