"""Effects: at least once, with a key that a retry repeats."""

from __future__ import annotations

import threading
from datetime import timedelta

from contracts.clock import FixedClock
from contracts.store import outbox
from contracts.store.outbox import MAX_ATTEMPTS, Effect, OutboxRow
from contracts.store.unit import Store


def _put(store: Store, kind: str = "mail") -> str:
    with store.write() as unit:
        return outbox.put(unit, kind, {"to": "a@example.org"})


def _row(store: Store, row_id: str) -> OutboxRow:
    with store.read() as session:
        row = session.get(OutboxRow, row_id)
        assert row is not None
        return row


def test_an_effect_is_done_once_and_marked(store: Store, clock: FixedClock) -> None:
    row_id, seen = _put(store), list[Effect]()
    assert outbox.run_due(store, {"mail": seen.append}) == 1
    assert outbox.run_due(store, {"mail": seen.append}) == 0
    assert seen == [Effect(row_id, "mail", {"to": "a@example.org"}, 1, 1)]
    assert _row(store, row_id).done_at == clock.now()


def test_an_effect_of_a_unit_that_failed_never_happens(store: Store) -> None:
    try:
        with store.write() as unit:
            outbox.put(unit, "mail", {})
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert outbox.run_due(store, {"mail": lambda effect: None}) == 0


def test_a_failed_effect_is_tried_again_under_the_same_key(store: Store, clock: FixedClock) -> None:
    _put(store)
    keys = []

    def fail_once(effect: Effect) -> None:
        keys.append(effect.idempotency_key)
        if len(keys) == 1:
            raise ConnectionError("the server hung up")

    outbox.run_due(store, {"mail": fail_once})
    assert outbox.run_due(store, {"mail": fail_once}) == 0
    clock.advance(minutes=1)
    outbox.run_due(store, {"mail": fail_once})
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_an_effect_is_given_up_after_the_last_attempt_and_can_be_done_anew(store: Store, clock: FixedClock) -> None:
    row_id, keys = _put(store), list[str]()

    def fail(effect: Effect) -> None:
        keys.append(effect.idempotency_key)
        raise ConnectionError

    for _ in range(MAX_ATTEMPTS + 3):
        outbox.run_due(store, {"mail": fail})
        clock.advance(hours=2)
    assert len(keys) == MAX_ATTEMPTS
    assert _row(store, row_id).failed_at is not None
    with store.write() as unit:
        outbox.rerun(unit, row_id)
    outbox.run_due(store, {"mail": fail})
    assert keys[-1] != keys[0]


def test_a_claim_of_a_dead_worker_runs_out(store: Store, clock: FixedClock) -> None:
    row_id = _put(store)
    with store.write() as unit:
        row = unit.lock(OutboxRow, row_id)
        row.claimed_until, row.attempts = unit.now + timedelta(seconds=60), 1
    seen = list[Effect]()
    assert outbox.run_due(store, {"mail": seen.append}) == 0
    clock.advance(seconds=61)
    assert outbox.run_due(store, {"mail": seen.append}) == 1
    assert seen[0].idempotency_key == f"{row_id}-1"


def test_racing_workers_share_the_work_without_doing_it_twice(store: Store) -> None:
    ids = {_put(store) for _ in range(40)}
    seen, guard = list[str](), threading.Lock()

    def note(effect: Effect) -> None:
        with guard:
            seen.append(effect.id)

    def work() -> None:
        while outbox.run_due(store, {"mail": note}, most=5):
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while outbox.run_due(store, {"mail": note}):
        pass
    assert sorted(seen) == sorted(ids)


def test_an_unknown_kind_waits_for_a_worker_that_knows_it(store: Store) -> None:
    row_id = _put(store, "unknown")
    assert outbox.run_due(store, {"mail": lambda effect: None}) == 0
    assert _row(store, row_id).attempts == 0
