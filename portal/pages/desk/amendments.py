"""New versions of contracts on the desk: offering one, and one with what changes and the act that is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments import queries, service
from contracts.amendments.decide import Kind, widened
from contracts.amendments.renewal import continued_by
from contracts.amendments.service import Offer
from contracts.amendments.states import MEANING, State
from contracts.amendments.tables import Amendment
from contracts.applications import queries as applications
from contracts.applications.tables import Application
from contracts.errors import Misconfigured, Refused, refuse
from contracts.lifecycle import queries as contracts
from contracts.lifecycle.states import LIVE
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.settings import DatasetSettings, Settings
from contracts.signing.compare import term_changes
from contracts.signing.document import ContractFacts, facts_of, render, render_text
from contracts.signing.text import blocks
from contracts.terms.defaults import propose
from contracts.terms.model import Terms, readable
from portal.again import asked_for
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, submitted
from portal.hints import hinted
from portal.limits import SIGN_IN, limited
from portal.pages.desk import reads, terms_form
from portal.pages.desk.text_read import insist_read, text_hash
from portal.sent import SentForm
from portal.versions import context_of, pdf_response

routes = APIRouter()
BASE = "/desk/amendments"
Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[Form, Depends(submitted)]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a new version is made from: the contract with its terms in force, and the application that they may not exceed."""

    contract: Contract
    application: Application
    dataset: DatasetSettings
    facts: ContractFacts
    current: Terms
    proposed: Terms
    passages: Mapping[str, str]

    @property
    def kind(self) -> Kind:
        """A renewal rests on an application of its own."""
        return Kind.CHANGE if self.application.id == self.contract.application_id else Kind.RENEWAL


@routes.get("/desk/contracts/{contract_id}/amend")
def form_of(request: Request, actor: Steward, contract_id: str, application: str = "") -> Response:
    """The terms in force, or those that a renewal asks for, ready to be changed."""
    basis = _basis(request, actor, contract_id, application)
    return _form_page(request, basis, terms_form.shown(basis.proposed), basis.proposed)


@routes.post("/desk/contracts/{contract_id}/amend")
def offer(request: Request, actor: Steward, contract_id: str, form: Sent, application: str = "") -> Response:
    """Show the text that the terms make, or (button `create`) offer the new version to the partner."""
    house, basis = house_of(request), _basis(request, actor, contract_id, application)
    terms = basis.proposed
    try:
        terms = _read(form, basis, house.settings)
        if form.text("act") != "create":
            return _form_page(request, basis, form, terms)
        insist_read(form, house.settings, basis.facts.kind)
        rendered = render(house.settings, basis.facts, terms, contract_id, basis.passages)
        wanted = Offer(
            contract_id=contract_id,
            revision=form.number("revision"),
            kind=basis.kind,
            application_id=basis.application.id,
            terms=terms,
            rendered=rendered,
            reason=form.text("reason"),
        )
        with house.store.write("amendment") as unit:
            made = service.offer(unit, actor, wanted, house.settings)
    except Refused as error:
        form.take_reason(mendable(error), "reason")
    except Misconfigured as error:
        form.errors[""] = f"{error.where} {error.problem} {error.mend}"
    else:
        return go(f"{BASE}/{made.id}", "amendment-offered")
    return _form_page(request, basis, form, terms, 422)


@routes.get("/desk/amendments/{amendment_id}")
def one(request: Request, actor: Reader, amendment_id: str) -> Response:
    """One new version."""
    return _page(request, actor, amendment_id, hinted(request, "name", "capacity", "reason", name=actor.name))


@routes.get("/desk/amendments/{amendment_id}/pdf")
def pdf(request: Request, actor: Reader, amendment_id: str) -> Response:
    """The new version as PDF."""
    return pdf_response(request, actor, amendment_id)


@routes.post("/desk/amendments/{amendment_id}/countersign")
@limited(SIGN_IN)
def countersign(request: Request, actor: Steward, amendment_id: str, form: Sent) -> Response:
    """Countersign as a second person; the new version takes the old one's place."""
    house, number = house_of(request), form.number("revision")
    name = form.require("name", "Write your name as it stands under the contract.")
    capacity = form.require("capacity", "Say in what capacity you sign, such as Director of Data Governance.")
    return _sent(request, actor, amendment_id, form).proved(
        actor,
        Act.COUNTERSIGN,
        "amendment-countersigned",
        lambda unit, signer: service.countersign(
            unit, signer, house.keys, amendment_id, number, house.settings, name=name, capacity=capacity
        ),
    )


@routes.post("/desk/amendments/{amendment_id}/withdraw")
def withdraw(request: Request, actor: Steward, amendment_id: str, form: Sent) -> Response:
    """Take the new version back, with a reason; the present one goes on."""
    given = form.number("revision"), house_of(request).settings, form.text("reason")
    return _sent(request, actor, amendment_id, form).act(
        "amendment-withdrawn", lambda unit: service.withdraw(unit, actor, amendment_id, *given)
    )


def _sent(request: Request, actor: Actor, amendment_id: str, form: Form) -> SentForm:
    return SentForm(request, form, f"{BASE}/{amendment_id}", lambda mended, status: _page(request, actor, amendment_id, mended, status))


def _page(request: Request, actor: Actor, amendment_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        contract, amendment = queries.get_for(session, actor, amendment_id)
        context = context_of(house, session, contract, amendment)
        names = reads.people(session, (amendment.drafted_by, amendment.approved_by))
        organisation = session.get_one(Organisation, contract.organisation_id)
    steward = Role.STEWARD in actor.roles
    return page(
        request,
        "desk/amendment.html",
        status,
        form=form,
        organisation=organisation,
        names=names,
        meaning=MEANING[State(amendment.state)],
        asked=asked_for(request, actor, Act.COUNTERSIGN),
        hindrance=hindrance(amendment, actor),
        may_countersign=steward and amendment.state == State.SIGNED,
        may_withdraw=steward and amendment.state in (State.OFFERED, State.SIGNED),
        **context,
    )


def hindrance(amendment: Amendment, actor: Actor) -> str:
    """Why this person may not countersign: the sentence for the page; empty where nothing in the row forbids it."""
    if amendment.drafted_by == actor.account_id:
        return "You offered this version, so another steward countersigns."
    if amendment.approved_by == actor.account_id:
        return "You approved the application, so another steward countersigns."
    if actor.roles_given_by & {amendment.approved_by, amendment.drafted_by}:
        return "The person who approved or offered it gave you your role, so another steward countersigns."
    return ""


def _basis(request: Request, actor: Actor, contract_id: str, application_id: str) -> Basis:
    house = house_of(request)
    with house.store.read() as session:
        contract = contracts.get_for(session, actor, contract_id)
        if application_id and continued_by(session, application_id) != contract_id:
            raise refuse("not_found", "This application does not ask to go on with this contract.")
        application = applications.get_for(session, actor, application_id or contract.application_id)
        version = contracts.version_of(session, contract)
        current = readable(version.terms_json)
        facts = replace(facts_of(session, application), version=queries.latest_number(session, contract_id) + 1)
        waits = queries.open_of(session, contract_id)
    dataset = house.settings.datasets.get(application.dataset)
    if waits is not None or contract.state not in LIVE or current is None or application.state != "approved":
        raise refuse("command_not_possible", "A contract in force gets one new version at a time, from an approved application.")
    if dataset is None:
        raise refuse("not_found", "The platform offers this dataset no longer.")
    proposed = current if not application_id else _renewed(current, application, dataset, house.settings)
    return Basis(contract, application, dataset, facts, current, proposed, version.passages)


def _renewed(current: Terms, application: Application, dataset: DatasetSettings, settings: Settings) -> Terms:
    """What is agreed now, for the fields and rows and until the day that the renewal asks for."""
    asked = propose(application, dataset, settings.platform.site)
    return current.model_copy(update={"datasets": asked.datasets, "purposes": asked.purposes, "ends": asked.ends})


def _read(form: Form, basis: Basis, settings: Settings) -> Terms:
    terms = terms_form.read(form, basis.proposed, basis.dataset, basis.application)
    refusal = widened(terms, basis.current, basis.application, settings)
    if refusal is not None:
        raise Refused(refusal)
    return terms


def _form_page(request: Request, basis: Basis, form: Form, terms: Terms, status: int = 200) -> Response:
    settings = house_of(request).settings
    try:
        text = blocks(render_text(settings, basis.facts, terms, basis.contract.id, basis.passages))
    except Misconfigured as error:
        form.errors[""], text = f"{error.where} {error.problem} {error.mend}", []
    return page(
        request,
        "desk/amend.html",
        status,
        form=form,
        contract=basis.contract,
        kind=basis.kind,
        text_read=text_hash(settings, basis.facts.kind),
        **terms_form.asked(basis.application, basis.dataset),
        facts=basis.facts,
        proposed=basis.proposed,
        text=text,
        changes=term_changes(basis.current, terms, settings),
    )
