"""Which entries and contracts belong to a visit."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from contracts.deliveries.ordinals import Ordinals, unpack
from contracts.ledger import queries
from contracts.ledger.queries import Results, Search
from contracts.lifecycle.tables import Contract
from contracts.people.tables import Organisation
from contracts.visits.decide import Slice
from contracts.visits.tables import AuditVisit


def places(session: Session, visit: AuditVisit) -> Sequence[int]:
    """The indexes of its entries, in ascending order; of a partner or a period those that were written meanwhile too."""
    if visit.slice == Slice.PERSON:
        return array("q", unpack(visit.places))
    return array("q", queries.indexes(session, _search(visit)))


def page(session: Session, visit: AuditVisit, before: int | None) -> Results:
    """Its entries, newest first, from an index on downwards."""
    wanted = replace(_search(visit), cursor=before)
    if visit.slice != Slice.PERSON:
        return queries.search(session, wanted)
    held = unpack(visit.places)
    end = len(held) if before is None else held.rank(before - 1) if before > 0 else 0
    shown = list(held[max(0, end - wanted.limit) : end])
    found = queries.search(session, Search(among=tuple(shown), limit=wanted.limit))
    return Results(found.rows, len(held), shown[0] if end > wanted.limit else None)


def holds(session: Session, visit: AuditVisit, index: int) -> bool:
    """Whether the entry at an index belongs to it."""
    if visit.slice == Slice.PERSON:
        return index in unpack(visit.places)
    return bool(queries.search(session, replace(_search(visit), among=(index,))).rows)


def contracts_of(session: Session, visit: AuditVisit) -> list[tuple[Contract, str]]:
    """The contracts that it is about, with the organisation's name; of a period all that had begun by its end."""
    query = select(Contract, Organisation.name).join(Organisation, col(Organisation.id) == col(Contract.organisation_id))
    query = query.where(col(Contract.offered_at).is_not(None)).order_by(col(Contract.created_at), col(Contract.id))
    match visit.slice:
        case Slice.PERSON:
            query = query.where(col(Contract.id).in_(visit.contracts))
        case Slice.PARTNER:
            query = query.where(Contract.organisation_id == visit.partner_id)
        case _:
            query = query.where(col(Contract.created_at) < visit.until)
    return list(session.exec(query).all())


def told(session: Session, visit: AuditVisit) -> dict[str, str]:
    """What the manifest of its archive says was asked. The person of a person's slice is not named."""
    partner = session.get(Organisation, visit.partner_id) if visit.partner_id else None
    moments = {"since": visit.since, "until": visit.until}
    said = {"visit": visit.id, "slice": visit.slice, "partner": partner.name if partner else ""}
    return {name: value for name, value in said.items() if value} | {name: each.isoformat() for name, each in moments.items() if each}


def as_set(found: Sequence[int]) -> Ordinals:
    """Places as a set that packs well."""
    return Ordinals(found)


def _search(visit: AuditVisit) -> Search:
    return Search(organisation=visit.partner_id, since=visit.since, until=visit.until)
