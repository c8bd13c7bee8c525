"""Renewal: a partner asks to go on with a contract by an application like any other, which once approved becomes a new version of it.

Whatever the vetting asks of an application it asks of a renewal; what is agreed begins on the day after the present last one.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, col, select

from contracts.amendments.decide import ended_refusal
from contracts.amendments.tables import Amendment, Continuation
from contracts.applications import service as applications
from contracts.applications.decide import MOST_DAYS
from contracts.applications.form import read_form
from contracts.applications.states import State
from contracts.applications.tables import Application
from contracts.errors import Refused, refuse
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.closing import refuse_overdue
from contracts.lifecycle.queries import version_of, visible_to
from contracts.lifecycle.steps import insist_on_standing
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Unit
from contracts.terms.model import Terms, readable

OVER = (State.DECLINED.value, State.WITHDRAWN.value)


def ask(unit: Unit, actor: Actor, contract_id: str, today: date) -> Application:
    """A draft application to go on with the contract, filled with what is agreed now; the one that is under way, where there is one.

    Raises `role_required`, `not_found`, `command_not_possible` for a contract that is not in force, `barred` and `certificate_overdue`.
    """
    actor.require(Role.LEAD)
    insist_on_standing(unit, actor, contract_id)
    contract = unit.lock(Contract, contract_id)
    if not visible_to(actor, contract):
        raise refuse("not_found", "There is no such thing here.")
    terms = readable(version_of(unit.session, contract).terms_json)
    if terms is None:
        raise refuse("seal_broken", "The terms in force cannot be read, so there is nothing to renew.", contract=contract.id)
    if refusal := ended_refusal(contract, terms.ends, today):
        raise Refused(refusal)
    refuse_overdue(unit.session, contract.organisation_id, today)
    return under_way(unit.session, contract.id) or _begun(unit, actor, contract, terms)


def under_way(session: Session, contract_id: str) -> Application | None:
    """The application that asks to go on with the contract and has not come to its end, whatever that is."""
    used = select(Amendment.application_id).where(Amendment.contract_id == contract_id)
    query = (
        select(Application)
        .join(Continuation, col(Continuation.application_id) == col(Application.id))
        .where(Continuation.contract_id == contract_id, col(Application.state).not_in(OVER), col(Application.id).not_in(used))
    )
    return session.exec(query.order_by(col(Application.created_at).desc())).first()


def continued_by(session: Session, application_id: str) -> str:
    """The id of the contract that an application asks to go on with; empty for one that asks for a contract of its own."""
    found = session.get(Continuation, application_id)
    return "" if found is None else found.contract_id


def _begun(unit: Unit, actor: Actor, contract: Contract, terms: Terms) -> Application:
    before = unit.session.get_one(Application, contract.application_id)
    starts = terms.ends + timedelta(days=1)
    form = read_form(
        {
            "project": contract.title,
            "kind": before.kind,
            "purpose": terms.purposes[0],
            "purpose_text": before.purpose_text,
            "fields": list(terms.datasets[0].fields),
            "rows": before.rows,
            "answers": before.answers,
            "crawl": terms.crawl is not None,
            "starts": starts.isoformat(),
            "ends": (starts + min(terms.ends - terms.starts, timedelta(days=MOST_DAYS))).isoformat(),
        }
    )
    begun = applications.begin(unit, actor, before.dataset)
    saved = applications.save(unit, actor, begun.id, begun.revision, form)
    unit.session.flush()
    unit.session.add(Continuation(application_id=saved.id, contract_id=contract.id))
    facts = {"application": saved.id}
    personal, event = actor.personal(), "renewal.begun"
    home = contract.organisation_id
    record(unit, Entry(event=event, subject=saved.id, organisation=home, contract=contract.id, facts=facts, personal=personal))
    return saved
