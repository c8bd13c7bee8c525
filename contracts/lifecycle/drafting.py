"""Drafting: an approved application becomes a contract that is no wider than what was asked and what the dataset's policy allows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlmodel import select

from contracts.amendments.tables import Continuation
from contracts.applications.queries import basis_missing
from contracts.applications.states import State as ApplicationState
from contracts.applications.tables import Application
from contracts.bars import standing
from contracts.clock import day_in
from contracts.coordinator import terms as requested
from contracts.errors import Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.closing import refuse_overdue
from contracts.lifecycle.states import FINAL, State
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.signing.confirmations import check_confirmed
from contracts.signing.document import Rendered
from contracts.store.unit import Unit
from contracts.terms.model import Terms, to_json
from contracts.terms.narrow import within


def draft(
    unit: Unit, actor: Actor, contract_id: str, application_id: str, rendered: Rendered, terms: Terms, settings: Settings
) -> Contract:
    """A contract in state draft, from what `signing.render` made of the same terms, facts and id.

    One application gives one contract: another is drafted only where every earlier one ended before it came into force.
    Raises `clause_unconfirmed` where its text holds own words for a term that nobody of staff confirmed, and ValueError where
    `rendered` is not of these terms or this id, which is a mistake of the caller's.
    """
    actor.require(Role.STEWARD)
    if known := unit.session.get(Application, application_id):
        standing.insist(unit, known.organisation_id, application=known)
    application = unit.lock(Application, application_id)
    _check_application(unit, application)
    refuse_overdue(unit.session, application.organisation_id, day_in(unit.now, settings.platform.time_zone))
    if refusal := within(terms, application, settings) or requested.refusal(unit.session, application, terms, settings):
        raise Refused(refusal)
    check_rendered(unit, rendered, terms, contract_id)
    contract = _contract(unit, actor, contract_id, application)
    unit.session.add(contract)
    unit.session.flush()
    unit.session.add(new_version(unit, actor, contract_id, 1, rendered))
    _record(unit, actor, contract, rendered)
    return contract


def _check_application(unit: Unit, application: Application) -> None:
    if application.state != ApplicationState.APPROVED:
        raise refuse("command_not_possible", "A contract is drafted from an approved application only.", state=application.state)
    if renews := unit.session.get(Continuation, application.id):
        reason = "This application asks to go on with a contract. Offer it as a new version of that."
        raise refuse("command_not_possible", reason, contract=renews.contract_id)
    if refusal := basis_missing(unit.session, application):
        raise Refused(refusal)
    earlier = unit.session.exec(select(Contract).where(Contract.application_id == application.id)).all()
    standing = [each for each in earlier if each.state not in FINAL or each.activated_at is not None]
    if standing:
        reason = "This application already has its contract. A further one needs a new application."
        raise refuse("command_not_possible", reason, contract=standing[0].id)


def check_rendered(unit: Unit, rendered: Rendered, terms: Terms, contract_id: str) -> None:
    """Whether what was rendered may be stored as this contract's; raises as `draft` says."""
    of_terms = rendered.terms_json == to_json(terms) and rendered.terms_sha256 == _sha256(rendered.terms_json.encode())
    of_text = rendered.text_sha256 == _sha256(rendered.text.encode()) and rendered.pdf_sha256 == _sha256(rendered.pdf)
    if not (of_terms and of_text and contract_id in rendered.text and rendered.terms_sha256 in rendered.text):
        raise ValueError(f"what was rendered is not the contract {contract_id} with these terms")
    check_confirmed(unit.session, rendered.to_confirm)


def _contract(unit: Unit, actor: Actor, contract_id: str, application: Application) -> Contract:
    return Contract(
        id=contract_id,
        organisation_id=application.organisation_id,
        application_id=application.id,
        title=application.project,
        kind=application.kind,
        state=State.DRAFT.value,
        drafted_by=actor.account_id,
        approved_by=application.decided_by or "",
        created_at=unit.now,
    )


def new_version(
    unit: Unit,
    actor: Actor,
    contract_id: str,
    number: int,
    rendered: Rendered,
    *,
    note: str = "",
    passages: Mapping[str, str] | None = None,
) -> ContractVersion:
    """A version's row, not added yet. `passages` are the general clauses that were worded for this contract alone."""
    return ContractVersion(
        id=new_id("ver"),
        contract_id=contract_id,
        number=number,
        terms_json=rendered.terms_json,
        terms_sha256=rendered.terms_sha256,
        text=rendered.text,
        text_sha256=rendered.text_sha256,
        pdf=rendered.pdf,
        pdf_sha256=rendered.pdf_sha256,
        passages=dict(passages or {}),
        made_by=actor.account_id,
        note=note,
        created_at=unit.now,
    )


def _record(unit: Unit, actor: Actor, contract: Contract, rendered: Rendered) -> None:
    record(
        unit,
        Entry(
            event="contract.drafted",
            subject=contract.id,
            organisation=contract.organisation_id,
            contract=contract.id,
            contract_version=contract.version,
            contract_hash=rendered.terms_sha256,
            facts={"application": contract.application_id, "text_sha256": rendered.text_sha256, "pdf_sha256": rendered.pdf_sha256},
            personal=actor.personal(),
        ),
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
