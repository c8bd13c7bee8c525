"""Closing: after the end the partner certifies that every record was destroyed, by a date; until then nothing is renewed."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, col, select

from contracts.clock import long_day
from contracts.errors import Refusal, refuse
from contracts.lifecycle import tell
from contracts.lifecycle.decide import Wanted
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.states import Command, State
from contracts.lifecycle.steps import apply, note, take
from contracts.lifecycle.tables import Closing, Contract
from contracts.people.actor import SYSTEM, Actor
from contracts.store.unit import Unit
from contracts.terms.model import Terms, readable

MEND_DAYS = 14


def due_of(terms: Terms, ended: date) -> date | None:
    """The last day for the certificate: so many days after the records had to be deleted; None where none is owed."""
    if terms.certificate_days is None:
        return None
    return ended + timedelta(days=(terms.retention_days or 0) + terms.certificate_days)


def begin(unit: Unit, contract: Contract) -> None:
    """After the end of a contract that was in force: ask for the certificate where its terms do. Nothing happens where not."""
    terms = readable(version_of(unit.session, contract).terms_json)
    due = due_of(terms, min(terms.ends, unit.now.date())) if terms is not None and contract.activated_at is not None else None
    if due is None:
        return
    apply(unit, SYSTEM, contract, Wanted(command=Command.CLOSE, revision=contract.revision))
    unit.session.add(Closing(contract_id=contract.id, due=due, begun_at=unit.now))
    tell.closing(unit, contract, due)
    note(unit, SYSTEM, contract, "contract.closing", due=due.isoformat())


def certify(unit: Unit, actor: Actor, contract_id: str, revision: int, statement: str, *, name: str, capacity: str) -> Contract:
    """The partner's certificate, signed as a contract is; closes the contract. Staff may send it back."""
    wanted = Wanted(command=Command.CERTIFY, revision=revision, reason=statement, name=name, capacity=capacity)
    contract = take(unit, actor, contract_id, wanted)
    closing = unit.lock(Closing, contract_id)
    closing.statement, closing.name, closing.capacity = statement.strip(), name.strip(), capacity.strip()
    closing.given_by, closing.given_at, closing.sent_back_reason = actor.account_id, unit.now, ""
    unit.session.add(closing)
    tell.certified(unit, contract, closing.name)
    signed = {"name": closing.name, "capacity": closing.capacity, "statement": closing.statement}
    note(unit, actor, contract, "contract.closed", personal=signed)
    return contract


def send_back(unit: Unit, actor: Actor, contract_id: str, revision: int, reason: str) -> Contract:
    """Do not take the certificate, with a reason that the partner reads; another is due within 14 days, or by the old date if later."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.SEND_BACK, revision=revision, reason=reason))
    closing = unit.lock(Closing, contract_id)
    closing.due = max(closing.due, unit.now.date() + timedelta(days=MEND_DAYS))
    closing.sent_back_reason, closing.given_at, closing.given_by = reason.strip(), None, None
    unit.session.add(closing)
    tell.certificate_sent_back(unit, contract, closing)
    note(unit, actor, contract, "contract.certificate_sent_back", personal={"reason": reason.strip()}, due=closing.due.isoformat())
    return contract


def closing_of(session: Session, contract_id: str) -> Closing | None:
    """What is owed, or was given, after the end."""
    return session.get(Closing, contract_id)


def all_overdue(session: Session, today: date) -> list[tuple[Contract, Closing]]:
    """Ended contracts whose certificate should be there and is not, the longest late first."""
    late = (col(Contract.state) == State.CLOSING.value) & (col(Closing.due) < today)
    query = select(Contract, Closing).join(Closing, col(Closing.contract_id) == col(Contract.id)).where(late)
    return list(session.exec(query.order_by(col(Closing.due), col(Contract.id))).all())


def overdue_refusal(session: Session, organisation_id: str, today: date) -> Refusal | None:
    """`certificate_overdue` while a certificate of the organisation is late: it gets no further contract and no renewal."""
    late = [row for row in all_overdue(session, today) if row[0].organisation_id == organisation_id]
    if not late:
        return None
    contract, closing = late[0]
    reason = (
        f"The certificate of destruction under “{contract.title}” was due on {long_day(closing.due)}. "
        "Nothing is renewed and no further contract is made until it is there."
    )
    return Refusal("certificate_overdue", reason, {"contract": contract.id, "due": closing.due.isoformat()})


def refuse_overdue(session: Session, organisation_id: str, today: date) -> None:
    """Raise what `overdue_refusal` found."""
    found = overdue_refusal(session, organisation_id, today)
    if found is not None:
        raise refuse(found.code, found.reason, **found.facts)
