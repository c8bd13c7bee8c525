"""The daily run: planned and shown a day ahead, then an entry of the ledger, then done as far as holds leave it free.

An entry comes first and is in the tree before anything goes: from then on `verify` takes what is missing for pruned, and only that.
Every step can be cut off and is taken again. Holds are asked for at each transaction, so one that is confirmed meanwhile is kept to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from contracts.holds.standing import Holds, held, in_force, unchanged
from contracts.holds.tables import Hold
from contracts.ids import new_id
from contracts.ledger.erasing import scrub
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import LedgerEntry, LedgerHead, SealedValues
from contracts.ledger.tree import TILE_WIDTH
from contracts.retention.plan import Plan, Span, each_of, of_tile, plan, ranges, read_plan, told_of, with_values
from contracts.retention.policy import Kind, Policy
from contracts.retention.tables import RetentionPlace, RetentionRun
from contracts.search.tables import SearchedEntry
from contracts.store.unit import Store, Unit

log = structlog.get_logger()

SHOWN = timedelta(days=1)
"""How long a plan is shown before it is done."""
A_RUN = 100
"""Entries in one transaction that erases values."""


def tick(store: Store, policy: Policy) -> int:
    """Take the next step of the run that is not done; always 0, because nothing is left to do at once.

    A plan made by other periods than are set now is thrown away, and what holds now is shown for a day first.
    """
    run = open_run(store)
    if run is None:
        _plan(store, policy, None)
    elif run.entry_id:
        if _in_tree(store, run.entry_id):
            _carry_out(store, run)
    elif run.policy != policy.told():
        _plan(store, policy, run)
    elif run.due_at <= store.clock.now():
        _decide(store, policy, run)
    return 0


def open_run(store: Store) -> RetentionRun | None:
    """The run that is not done: planned, or decided and being carried out."""
    with store.read() as session:
        return session.exec(select(RetentionRun).where(col(RetentionRun.done_at).is_(None)).order_by(col(RetentionRun.id))).first()


def done_runs(session: Session, most: int = 20) -> list[RetentionRun]:
    """Runs that took something away, newest first."""
    query = select(RetentionRun).where(col(RetentionRun.done_at).is_not(None), RetentionRun.entry_id != "")
    return list(session.exec(query.order_by(col(RetentionRun.id).desc()).limit(most)).all())


def standing(session: Session) -> Plan:
    """How the ledger stands: minimum index and kept tiles after the last run."""
    query = select(RetentionRun).where(col(RetentionRun.done_at).is_not(None)).order_by(col(RetentionRun.id).desc())
    last = session.exec(query.limit(1)).first()
    return read_plan(last.plan if last else {})


def _plan(store: Store, policy: Policy, instead: RetentionRun | None) -> None:
    """Plan the next run for a day from now, in place of a plan that is thrown away."""
    with store.read() as session:
        due = store.clock.now() + SHOWN
        made = plan(session, policy, in_force(session, due), due, standing(session))
        last = session.exec(select(RetentionRun).order_by(col(RetentionRun.id).desc()).limit(1)).first()
    with store.write("retention") as unit:
        if _is_taken(unit, instead):
            return
        if instead is not None:
            unit.session.delete(unit.session.get_one(RetentionRun, instead.id))
        if last is None or last.policy != policy.told():
            record(unit, Entry(event="retention.policy_set", facts=policy.told()))
        unit.session.add(RetentionRun(id=new_id("ret"), planned_at=unit.now, due_at=due, policy=policy.told(), plan=made.told()))


def _is_taken(unit: Unit, instead: RetentionRun | None) -> bool:
    """Whether another process planned the next run, or went on with this one."""
    here = unit.session.exec(select(RetentionRun).where(col(RetentionRun.done_at).is_(None)).with_for_update()).first()
    return (here.id if here else None) != (instead.id if instead else None) or bool(here and here.entry_id)


def _decide(store: Store, policy: Policy, run: RetentionRun) -> None:
    """Write the entry of a run that is due; one with nothing to do ends without."""
    told = read_plan(run.plan)
    with store.write("retention") as unit:
        row = unit.lock(RetentionRun, run.id)
        if row.entry_id or row.done_at is not None:
            return
        if told.is_empty:
            row.done_at = unit.now
            _passed(unit, told)
            return
        facts = {
            "minimum": told.minimum,
            "kept": told.kept,
            "entries": told.entries,
            "values": {kind.value: each.entries for kind, each in told.values.items()},
            **policy.told(),
        }
        row.entry_id = record(unit, Entry(event="retention.run", subject=row.id, facts=facts))


def _in_tree(store: Store, entry_id: str) -> bool:
    with store.read() as session:
        index = session.exec(select(LedgerEntry.index).where(LedgerEntry.id == entry_id)).first()
        size = session.exec(select(LedgerHead.size)).first() or 0
    return index is not None and index < size


def _carry_out(store: Store, run: RetentionRun) -> None:
    told = read_plan(run.plan)
    for kind, span in told.values.items():
        _erase_span(store, kind, span)
    left = [tile for tile in each_of(told.tiles) if not _prune(store, tile)]
    done = Plan(told.values, told.minimum, ranges(sorted({*each_of(told.kept), *left})), told.tiles)
    with store.write("retention") as unit:
        row = unit.lock(RetentionRun, run.id)
        if row.done_at is None:
            row.plan, row.done_at = done.told(), unit.now
            _passed(unit, told)
    scrub(store)
    log.info("retention.done", run=run.id, entries=told.entries - TILE_WIDTH * len(left))


def _passed(unit: Unit, told: Plan) -> None:
    """Note how far each kind was looked at; where a hold that ended moved the place back, it stays there."""
    for kind, span in told.values.items():
        row = unit.session.get(RetentionPlace, kind.value)
        if row is None:
            unit.session.add(RetentionPlace(kind=kind.value, next=span.until))
        elif row.next >= span.first:
            row.next = max(row.next, span.until)


def _erase_span(store: Store, kind: Kind, span: Span) -> None:
    """Erase the values of one kind's entries, but of those that are held."""
    with store.read() as session:
        chunks = list[tuple[int, str, bytes]]()
        for rows in with_values(session, span.first, span.until):
            chunks += [row for row in rows if (told := told_of(row[2])) is not None and told[0] is kind]
    for start in range(0, len(chunks), A_RUN):
        _erase(store, chunks[start : start + A_RUN])


def _erase(store: Store, rows: Sequence[tuple[int, str, bytes]]) -> None:
    while True:
        holds, kept = _held(store, rows)
        with store.write("retention") as unit:
            if not unchanged(unit, holds):
                continue
            free = [entry_id for _, entry_id, _ in rows if entry_id not in kept]
            unit.connection.execute(delete(SealedValues).where(col(SealedValues.entry_id).in_(free)))
            _note_kept(unit, rows, kept)
        return


def _prune(store: Store, tile: int) -> bool:
    """Take the entries of a tile away with all that stands beside them, in one transaction; False where one of them is held now."""
    with store.read() as session:
        rows = of_tile(session, tile)
    while rows:
        holds, kept = _held(store, rows)
        with store.write("retention") as unit:
            if not unchanged(unit, holds):
                continue
            if kept:
                return False
            first, last = tile * TILE_WIDTH, (tile + 1) * TILE_WIDTH - 1
            ids = [entry_id for _, entry_id, _ in rows]
            unit.connection.execute(delete(SealedValues).where(col(SealedValues.entry_id).in_(ids)))
            unit.connection.execute(delete(SearchedEntry).where(col(SearchedEntry.index).between(first, last)))
            unit.connection.execute(delete(LedgerEntry).where(col(LedgerEntry.index).between(first, last)))
        return True
    return True


def _held(store: Store, rows: Sequence[tuple[int, str, bytes]]) -> tuple[Holds, dict[str, Hold]]:
    with store.read() as session:
        holds = in_force(session, store.clock.now())
        return holds, held(session, holds, [(entry_id, leaf) for _, entry_id, leaf in rows])


def _note_kept(unit: Unit, rows: Sequence[tuple[int, str, bytes]], kept: dict[str, Hold]) -> None:
    """Note at each hold the first entry that was left because of it, so that its end leads back there."""
    for index, entry_id, _ in reversed(rows):
        if entry_id in kept:
            lower = (col(Hold.passed).is_(None)) | (col(Hold.passed) > index)
            unit.connection.execute(update(Hold).where(col(Hold.id) == kept[entry_id].id, lower).values(passed=index))
