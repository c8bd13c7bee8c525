"""The one transaction of an answer without records: epochs, proof, count of questions, entry. Nothing leaves before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from contracts.aggregates.tables import QuestionCount
from contracts.credentials.dpop import invalid_proof
from contracts.credentials.proofs import REUSED
from contracts.credentials.spent import Once, fresh
from contracts.errors import Refusal, StaleEpoch
from contracts.ledger.receipt import Receipt, receipt_of
from contracts.ledger.stage import Entry, record
from contracts.store import epochs
from contracts.store.epochs import Epochs
from contracts.store.unit import Store, Unit


@dataclass(frozen=True, slots=True)
class Ask:
    """What an answer takes: one question of its kind, counted since a day, of at most `cap`; `exhausted` where none is left."""

    contract_id: str
    kind: str
    since: date
    cap: int
    exhausted: Refusal


@dataclass(frozen=True, slots=True)
class Settled:
    """What is durable now: the entry, how many questions were used with this one, and why it is a refusal, if it is."""

    entry_id: str
    used: int = 0
    refusal: Refusal | None = None
    receipt: Receipt | None = None


def settle(store: Store, ask: Ask, entry: Entry, seen: Epochs, proof: Once | None) -> Settled:
    """Count the question and write its entry.

    `StaleEpoch` where grants or erasures moved since the answer's facts were read; then nothing is written.
    """
    settled = _settle(store, ask, entry, seen, proof)
    with store.read() as session:
        return replace(settled, receipt=receipt_of(session.connection(), settled.entry_id))


def _settle(store: Store, ask: Ask, entry: Entry, seen: Epochs, proof: Once | None) -> Settled:
    with store.write("question") as unit:
        now = epochs.held(unit)
        if (seen.grants, seen.erasures) != (now.grants, now.erasures):
            raise StaleEpoch("grants or erasures moved")
        if proof is not None and proof.digest not in fresh(unit, [proof]):
            refusal = invalid_proof(REUSED)
            return Settled(record(unit, entry._replace(decision="refuse", rule=refusal.code)), refusal=refusal)
        used = _take(unit, ask)
        if used is None:
            return Settled(record(unit, entry._replace(decision="refuse", rule=ask.exhausted.code)), ask.cap, ask.exhausted)
        return Settled(record(unit, entry._replace(facts={**entry.facts, "questions": used})), used)


def _take(unit: Unit, ask: Ask) -> int | None:
    """How many questions are used with this one; None where the cap was reached. One statement, so two never take the last one."""
    row = QuestionCount
    here = (col(row.contract_id) == ask.contract_id, col(row.kind) == ask.kind, col(row.since) == ask.since)
    dialect = postgresql if unit.connection.dialect.name == "postgresql" else sqlite
    values = {"contract_id": ask.contract_id, "kind": ask.kind, "since": ask.since, "used": 0}
    unit.connection.execute(dialect.insert(row).values(**values).on_conflict_do_nothing())
    taken = update(row).where(*here, col(row.used) < ask.cap).values(used=col(row.used) + 1).returning(col(row.used))
    used = unit.connection.execute(taken).scalar()
    return None if used is None else int(used)
