"""Outside events: stored once, handled with their mark or not at all."""

from __future__ import annotations

from contracts.store import epochs, inbox
from contracts.store.epochs import Epochs
from contracts.store.inbox import InboxRow
from contracts.store.unit import Store, Unit


def _accept(store: Store, external_id: str = "evt_1") -> bool:
    with store.write() as unit:
        return inbox.accept(unit, "stripe", external_id, "invoice.paid", {"id": external_id})


def _row(store: Store) -> InboxRow:
    with store.read() as session:
        row = session.get(InboxRow, ("stripe", "evt_1"))
        assert row is not None
        return row


def test_an_event_delivered_twice_is_stored_once(store: Store) -> None:
    assert [_accept(store), _accept(store)] == [True, False]


def test_an_event_is_handled_once(store: Store) -> None:
    _accept(store)
    seen = list[str]()

    def handle(_unit: Unit, row: InboxRow) -> None:
        seen.append(row.external_id)

    inbox.run_waiting(store, {"stripe": handle})
    inbox.run_waiting(store, {"stripe": handle})
    assert seen == ["evt_1"]


def test_a_handler_that_fails_leaves_no_effect_and_the_event_waiting(store: Store) -> None:
    _accept(store)

    def fail(unit: Unit, _row: InboxRow) -> None:
        epochs.bump(unit, "grants")
        raise LookupError("not there yet")

    inbox.run_waiting(store, {"stripe": fail})
    row = _row(store)
    with store.engine.connect() as connection:
        assert epochs.current(connection) == Epochs()
    assert (row.handled_at, row.attempts, row.error) == (None, 1, "LookupError: not there yet")
