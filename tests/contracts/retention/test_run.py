"""Runs of retention: shown a day before, told by an entry, kept to holds; every proof of what stays and of what went is valid after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, func
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.holds import service as holds
from contracts.holds.standing import in_force
from contracts.keys import KeyRing
from contracts.ledger import tree
from contracts.ledger.consistency import consistency
from contracts.ledger.proofs import Proof, check_proof, proof_of
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.source import StoredTiles, latest_checkpoint, verifiers
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.verify import Report, verify
from contracts.people.actor import Actor
from contracts.retention.plan import Plan, Span, plan, read_plan
from contracts.retention.policy import Kind, Policy
from contracts.retention.run import done_runs, open_run, standing, tick
from contracts.retention.tables import RetentionRun
from contracts.search.tables import SearchedEntry
from contracts.store.unit import Store
from tests.contracts.holds.conftest import HOME, MARA, TOVE, do, events, left, placed, written
from tests.contracts.ledger.conftest import ORIGIN

MONTH = Policy({Kind.ACCESS: 30, Kind.ACCOUNT: 0, Kind.AUDIT: 60, Kind.DECISION: 0}, 0)
YEAR = Policy(dict.fromkeys(Kind, 0), 1)


def _count(store: Store, table: type[LedgerEntry] | type[SearchedEntry]) -> int:
    with store.read() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def _bulk(store: Store, count: int, organisation: str = "org_lab", account: str = TOVE) -> list[str]:
    entry = Entry(event="access.records", decision="allow", rows=1, organisation=organisation, personal={"account": account})
    with store.write() as unit:
        return [record(unit, entry) for _ in range(count)]


def _advance(store: Store, clock: FixedClock, sequencer: Sequencer, policy: Policy, days: int) -> None:
    """Some days, then all steps of the run that is due by then, with a plan of the next at the end."""
    clock.advance(days=days)
    for _ in range(4):
        tick(store, policy)
        sequencer.integrate()


def test_values_go_at_the_end_of_their_period_and_are_shown_a_day_before(
    store: Store, clock: FixedClock, keys: KeyRing, sequencer: Sequencer
) -> None:
    with store.write() as unit:
        viewed = record(unit, Entry(event="ledger.viewed", personal={"account": MARA}))
    ids = [written(store, account=MARA, network=HOME), viewed]
    clock.advance(days=20)
    ids.append(written(store, account=MARA, network=HOME))
    sequencer.integrate()
    tick(store, MONTH)
    run = open_run(store)
    assert run is not None and (read_plan(run.plan).is_empty, run.due_at - run.planned_at) == (True, timedelta(days=1))
    _advance(store, clock, sequencer, MONTH, 10)
    planned = open_run(store)
    assert planned is not None and read_plan(planned.plan).values == {Kind.ACCESS: Span(0, 2, 1, 0), Kind.AUDIT: Span(0, 0, 0, 0)}
    # What was planned is shown for a day, and nothing goes before.
    clock.advance(hours=23)
    tick(store, MONTH)
    assert left(store, ids)[0] == {"account": MARA, "network": HOME}
    _advance(store, clock, sequencer, MONTH, 1)
    assert left(store, ids) == [{}, {"account": MARA}, {"account": MARA, "network": HOME}]
    _advance(store, clock, sequencer, MONTH, 50)
    _advance(store, clock, sequencer, MONTH, 2)
    assert left(store, ids) == [{}, {}, {}]
    assert [each for each in events(store) if each.startswith("retention.")] == ["retention.policy_set", "retention.run", "retention.run"]
    report = verify(store, keys)
    assert (report.ok, report.erased, report.pruned) == (True, 5, 0)


def test_a_changed_policy_is_an_entry_and_shown_anew(store: Store, clock: FixedClock, sequencer: Sequencer) -> None:
    ids = [written(store, account=MARA)]
    sequencer.integrate()
    tick(store, MONTH)
    clock.advance(days=40)
    shorter = Policy(dict.fromkeys(Kind, 1), 0)
    tick(store, shorter)
    run = open_run(store)
    assert run is not None and (run.due_at - clock.now(), run.policy) == (timedelta(days=1), shorter.told())
    assert (left(store, ids), events(store).count("retention.policy_set")) == ([{"account": MARA}], 2)


@pytest.fixture
def pruned(store: Store, clock: FixedClock, sequencer: Sequencer, cora: Actor, second: Actor) -> list[str]:
    """Two tiles that are over and pruned, a third that is held, and entries of the year."""
    ids = [*_bulk(store, 512), *_bulk(store, 255), *_bulk(store, 1, account=MARA), *_bulk(store, 100)]
    placed(store, cora, second, person=MARA, last_day=(clock.now() + timedelta(days=500)).date())
    sequencer.integrate()
    clock.advance(days=100)
    ids += _bulk(store, 10)
    sequencer.integrate()
    tick(store, YEAR)
    return ids


def _through(store: Store, clock: FixedClock, sequencer: Sequencer) -> None:
    _advance(store, clock, sequencer, YEAR, 270)
    _advance(store, clock, sequencer, YEAR, 1)


def test_whole_tiles_go_when_all_of_it_is_over_and_proofs_stay(
    store: Store, clock: FixedClock, keys: KeyRing, sequencer: Sequencer, pruned: list[str]
) -> None:
    with store.read() as session:
        kept = [proof_of(session, each) for each in (pruned[3], pruned[700], pruned[-1])]
        old = latest_checkpoint(session)
    before = _count(store, LedgerEntry)
    _advance(store, clock, sequencer, YEAR, 270)
    shown = open_run(store)
    assert shown is not None and read_plan(shown.plan) == Plan({}, 768, [(2, 3)], [(0, 2)])
    assert _count(store, LedgerEntry) == before
    _advance(store, clock, sequencer, YEAR, 1)
    # The entry of the run, and nothing of the two tiles.
    assert (_count(store, LedgerEntry), _count(store, SearchedEntry)) == (before - 512 + 1, before - 512 + 1)
    report = verify(store, keys)
    assert (report.ok, report.pruned, report.problems) == (True, 512, [])
    assert verify(store, keys, held=old.note if old else None).ok
    with store.read() as session:
        (known,) = verifiers(session, keys, ORIGIN)
        size = latest_checkpoint(session)
        assert size is not None and old is not None
        for each in kept:
            assert isinstance(each, Proof)
            # What a partner kept holds as before, and the tree still proves the hash of what it kept.
            assert check_proof(each.text(), known).leaf == each.leaf
            path = tree.inclusion_proof(StoredTiles(session), each.index, size.size)
            assert tree.verify_inclusion(each.index, size.size, tree.leaf_hash(each.leaf), path, size.root)
        assert isinstance(proof_of(session, pruned[700]), Proof)
        assert consistency(session, old.size)
        assert ([each.entry_id != "" for each in done_runs(session)], standing(session).minimum) == ([True], 768)


def test_the_end_of_a_hold_lets_the_tile_go(
    store: Store, clock: FixedClock, keys: KeyRing, sequencer: Sequencer, pruned: list[str]
) -> None:
    _through(store, clock, sequencer)
    clock.advance(days=131)
    holds.end_due(store)
    _advance(store, clock, sequencer, YEAR, 0)
    _advance(store, clock, sequencer, YEAR, 1)
    report = verify(store, keys)
    assert (report.ok, report.pruned, left(store, [pruned[767]])) == (True, 768, [{}]), report.problems


def test_a_hold_that_is_confirmed_after_the_plan_is_kept_to(
    store: Store, clock: FixedClock, keys: KeyRing, sequencer: Sequencer, cora: Actor, second: Actor
) -> None:
    ids = _bulk(store, 256, account=MARA)
    sequencer.integrate()
    tick(store, YEAR)
    _advance(store, clock, sequencer, YEAR, 370)
    clock.advance(days=1)
    placed(store, cora, second, scope="period", since=clock.now().date() - timedelta(days=372), until=clock.now().date())
    _advance(store, clock, sequencer, YEAR, 0)
    assert (verify(store, keys).ok, verify(store, keys).pruned, left(store, ids[:1])) == (True, 0, [{"account": MARA}])
    with store.read() as session:
        assert standing(session).kept == [(0, 1)]


def test_values_that_were_held_go_when_the_hold_is_lifted(
    store: Store, clock: FixedClock, sequencer: Sequencer, cora: Actor, second: Actor
) -> None:
    ids = [written(store, account=MARA, network=HOME), written(store, account=TOVE, network=HOME)]
    hold = placed(store, cora, second, last_day=(clock.now() + timedelta(days=300)).date())
    sequencer.integrate()
    _advance(store, clock, sequencer, MONTH, 40)
    _advance(store, clock, sequencer, MONTH, 1)
    assert left(store, ids) == [{"account": MARA, "network": HOME}, {}]
    do(store, lambda unit: holds.ask_lift(unit, cora, hold.id, 2, "The case is closed."))
    do(store, lambda unit: holds.lift(unit, second, hold.id, 3))
    _advance(store, clock, sequencer, MONTH, 1)
    _advance(store, clock, sequencer, MONTH, 1)
    assert left(store, ids) == [{}, {}]


@pytest.mark.parametrize("forged", ["rows", "warrant", "recent", "tile"])
def test_what_was_removed_without_an_entry_is_found(sqlite_store: Store, clock: FixedClock, keys: KeyRing, forged: str) -> None:
    """Somebody with the whole database removes entries, and says in the tables of retention that they were pruned."""
    store, sequencer = sqlite_store, Sequencer(sqlite_store, keys, ORIGIN)
    _bulk(store, 600)
    sequencer.integrate()
    tick(store, YEAR)
    if forged in ("recent", "tile"):
        _advance(store, clock, sequencer, YEAR, 370)
        _bulk(store, 10)
        _advance(store, clock, sequencer, YEAR, 1)
        assert verify(store, keys).pruned == 512
    with store.write() as unit:
        (run,) = unit.session.exec(select(RetentionRun).where(col(RetentionRun.done_at).is_(None))).all()
        if forged == "warrant":
            fake = {"minimum": 512, "kept": [], "entries": 512}
            run.plan = {**run.plan, **fake}
            run.entry_id = unit.session.exec(select(LedgerEntry.id).where(LedgerEntry.index == 599)).one()
        gone = {"tile": (512, 520), "recent": (601, 602)}.get(forged, (0, 512))
        unit.connection.execute(delete(LedgerEntry).where(col(LedgerEntry.index) >= gone[0], col(LedgerEntry.index) < gone[1]))
    report: Report = verify(store, keys)
    assert (report.ok, report.problems[0].what) == (False, f"entry {gone[0]} was removed")


def test_what_was_changed_is_not_pruned_away(sqlite_store: Store, clock: FixedClock, keys: KeyRing) -> None:
    store, sequencer = sqlite_store, Sequencer(sqlite_store, keys, ORIGIN)
    _bulk(store, 512)
    sequencer.integrate()
    with store.write() as unit:
        row = unit.session.get_one(LedgerEntry, 7)
        row.leaf = row.leaf.replace(b"org_lab", b"org_lob")
    clock.advance(days=400)
    with store.read() as session:
        made = plan(session, YEAR, in_force(session, clock.now()), clock.now(), Plan({}, 0, [], []))
    assert (made.minimum, made.kept, made.tiles) == (512, [(0, 1)], [(1, 2)])
