"""Incidents: opened by the house itself or by staff, listed for staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from contracts.ids import new_id
from contracts.incidents.tables import Incident
from contracts.ledger.stage import Entry, record
from contracts.store.unit import Unit

KINDS: dict[str, str] = {
    "seal_broken": "Stored terms are not those of the sealed contract.",
    "ledger_broken": "The ledger does not verify.",
    "entries_missing": "Entries are missing: a gap in a node's numbers, or more at the proxies than in the ledger.",
    "token_forged": "A token was presented that the platform's key has signed and that was never issued.",
    "scraping": "Automated collection without a licence.",
    "contract_breach": "A partner acted outside its contract.",
    "usage_refused": "The payment service could not place usage that was reported to it.",
    "gate_open": "The gate could not decide and let traffic through.",
}


def open_incident(unit: Unit, kind: str, title: str, facts: Mapping[str, Any], contract_id: str | None = None) -> Incident:
    """Open a case, once: an open one of the same kind, title and contract is returned instead."""
    if kind not in KINDS:
        raise KeyError(kind)
    known = select(Incident).where(Incident.kind == kind, Incident.title == title, Incident.contract_id == contract_id)
    found = unit.session.exec(known.where(col(Incident.closed_at).is_(None))).first()
    if found is not None:
        return found
    incident = Incident(id=new_id("inc"), kind=kind, title=title, facts=dict(facts), contract_id=contract_id, opened_at=unit.now)
    unit.session.add(incident)
    record(unit, Entry(event="incident.opened", subject=incident.id, contract=contract_id or "", facts={"kind": kind}))
    return incident


def is_open(session: Session, kind: str, contract_id: str) -> bool:
    """Whether a case of this kind is open on a contract."""
    query = select(Incident.id).where(Incident.kind == kind, Incident.contract_id == contract_id, col(Incident.closed_at).is_(None))
    return session.exec(query).first() is not None


def listed(session: Session, limit: int = 200) -> list[Incident]:
    """Cases, open ones first, newest first."""
    return list(
        session.exec(select(Incident).order_by(col(Incident.closed_at).isnot(None), col(Incident.opened_at).desc()).limit(limit)).all()
    )
