"""What is held now: the question that every erasure and every pruning asks first.

Whoever destroys something reads the holds, finds what they leave free, and in the transaction that decides it asks `unchanged`: a
hold that was confirmed meanwhile is then seen by one of the two, whichever commits first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from contracts.holds.decide import covers
from contracts.holds.states import HOLDING, Scope
from contracts.holds.tables import Hold
from contracts.ledger.projection import UNREADABLE, read_leaf
from contracts.ledger.tables import SealedValues
from contracts.store.leader import HOLDS
from contracts.store.unit import Unit

TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds in force at a moment."""

    all: tuple[Hold, ...]

    @property
    def stamp(self) -> tuple[tuple[str, int], ...]:
        """What changes with them."""
        return tuple((each.id, each.revision) for each in self.all)


def in_force(session: Session, now: datetime) -> Holds:
    """The holds that hold now; one whose last day has passed does not, whether or not the job has ended it."""
    query = select(Hold).where(col(Hold.state).in_([each.value for each in HOLDING]), Hold.ends_at > now)
    return Holds(tuple(session.exec(query.order_by(col(Hold.id))).all()))


def fence(unit: Unit) -> None:
    """Let nobody else confirm a hold, or decide on destroying, until this unit commits. SQLite's write lock does so by itself."""
    if unit.connection.dialect.name == "postgresql":
        unit.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": HOLDS})


def unchanged(unit: Unit, holds: Holds) -> bool:
    """Whether these are the holds still; none is confirmed until the unit commits."""
    fence(unit)
    return in_force(unit.session, unit.now).stamp == holds.stamp


def held(session: Session, holds: Holds, entries: Sequence[tuple[str, bytes]]) -> dict[str, Hold]:
    """Of these entries (id and leaf) those that are held, each with the first hold that names it. What cannot be read is held by all."""
    found = dict[str, Hold]()
    if not holds.all:
        return found
    for start in range(0, len(entries), TOGETHER):
        part = entries[start : start + TOGETHER]
        people = _people(session, holds, [entry_id for entry_id, _ in part])
        for entry_id, leaf in part:
            hold = people.get(entry_id) or _naming(holds, leaf)
            if hold is not None:
                found[entry_id] = hold
    return found


def _people(session: Session, holds: Holds, entry_ids: Sequence[str]) -> dict[str, Hold]:
    whose = {handle: each for each in reversed(holds.all) if each.scope == Scope.PERSON for handle in each.handles}
    if not whose:
        return {}
    columns = (col(SealedValues.entry_id), col(SealedValues.subject), col(SealedValues.network))
    beside = col(SealedValues.subject).in_(whose) | col(SealedValues.network).in_(whose)
    rows = session.exec(select(*columns).where(col(SealedValues.entry_id).in_(entry_ids), beside)).all()
    return {entry_id: whose[subject] if subject in whose else whose[network or 0] for entry_id, subject, network in rows}


def _naming(holds: Holds, leaf: bytes) -> Hold | None:
    try:
        facts = read_leaf(leaf)
        at = datetime.fromisoformat(facts["at"])
    except UNREADABLE:
        return holds.all[0]
    return next((each for each in holds.all if covers(each, facts, at)), None)
