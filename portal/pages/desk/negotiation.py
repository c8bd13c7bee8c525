"""Negotiating on the desk: another version of a draft or an offer, declining what the partner asks for, what changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications.tables import Application
from contracts.errors import Misconfigured, Refused, refuse
from contracts.lifecycle import offers, queries
from contracts.lifecycle.states import Command, State, possible
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import DatasetSettings, Settings
from contracts.signing.compare import compared, folded, term_changes
from contracts.signing.document import ContractFacts, facts_of, render, render_text
from contracts.signing.text import Block, blocks, paragraphs, passages_in
from contracts.terms.defaults import propose
from contracts.terms.model import Terms, readable
from contracts.terms.narrow import within
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, submitted
from portal.negotiation import Asked, comparison, general_passages, negotiation_of
from portal.pages.desk import terms_form
from portal.pages.desk.contracts import BASE, sent_for
from portal.pages.desk.text_read import insist_read, text_hash
from portal.sent import SentForm

routes = APIRouter(prefix=BASE)
Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[Form, Depends(submitted)]


@dataclass(frozen=True, slots=True)
class Basis:
    """What another version is made from: the present one, the bound that the application sets, and what the partner asks for."""

    contract: Contract
    version: ContractVersion
    application: Application
    dataset: DatasetSettings
    facts: ContractFacts
    proposed: Terms
    present: Terms
    waiting: Asked | None


@routes.get("/{contract_id}/revise")
def form_of(request: Request, actor: Steward, contract_id: str, take: str = "") -> Response:
    """The present version as a form; with `take` the passages as the partner wishes them."""
    basis = _basis(request, actor, contract_id)
    form = terms_form.shown(basis.present)
    wished = _wished(basis)
    passages = {name: text for name, _, text in general_passages(blocks(basis.version.text))}
    for name, text in (passages | wished if take else passages).items():
        form.values[f"clause.{name}"] = [text]
    return _page(request, basis, form, basis.present)


@routes.post("/{contract_id}/revise")
def revise(request: Request, actor: Steward, contract_id: str, form: Sent) -> Response:
    """Show the text that terms and passages make, or (button `create`) make it the contract's next version."""
    house, basis = house_of(request), _basis(request, actor, contract_id)
    terms = basis.present
    try:
        terms = _read(form, basis, house.settings)
        if form.text("act") != "create":
            return _page(request, basis, form, terms)
        insist_read(form, house.settings, basis.facts.kind)
        passages = _passages(form, house.settings, basis, terms)
        rendered = render(house.settings, basis.facts, terms, contract_id, passages)
        note, revision = form.text("note"), form.number("revision")
        with house.store.write("revise") as unit:
            made = offers.revise(
                unit, actor, contract_id, revision, rendered, terms, house.settings, note_to_partner=note, passages=passages
            )
    except Refused as error:
        form.take_reason(mendable(error), "note")
    except Misconfigured as error:
        form.errors[""] = f"{error.where} {error.problem} {error.mend}"
    else:
        return go(f"{BASE}/{contract_id}", "redrafted" if made.state == State.DRAFT else "reoffered")
    return _page(request, basis, form, terms, 422)


@routes.post("/{contract_id}/decline")
def decline(actor: Steward, contract_id: str, sent: Annotated[SentForm, Depends(sent_for)]) -> Response:
    """Decline what the partner asks for, with the reason; the offer stands."""
    given = sent.form.number("revision"), sent.form.text("decline_reason")
    return sent.act("wishes-declined", lambda unit: offers.decline(unit, actor, contract_id, *given), reason="decline_reason")


@routes.get("/{contract_id}/versions")
def versions(request: Request, actor: Reader, contract_id: str, older: int = 0, newer: int = 0) -> Response:
    """What changed between two versions."""
    return comparison(request, actor, contract_id, older, newer, f"{BASE}/{contract_id}")


def _basis(request: Request, actor: Actor, contract_id: str) -> Basis:
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        version, application = queries.version_of(session, contract), session.get_one(Application, contract.application_id)
        facts = replace(facts_of(session, application), version=offers.next_number(session, contract_id))
        waiting = negotiation_of(session, actor, contract, house.settings)["waiting"]
    if Command.REVISE not in possible(State(contract.state)):
        raise refuse("command_not_possible", "Another version is made before the partner signs.")
    dataset, present = house.settings.datasets.get(application.dataset), readable(version.terms_json)
    if dataset is None:
        raise refuse("not_found", "The platform offers this dataset no longer.")
    proposed = propose(application, dataset, house.settings.platform.site)
    return Basis(contract, version, application, dataset, facts, proposed, present or proposed, waiting)


def _read(form: Form, basis: Basis, settings: Settings) -> Terms:
    terms = terms_form.read(form, basis.proposed, basis.dataset, basis.application)
    refusal = within(terms, basis.application, settings)
    if refusal is not None:
        raise Refused(refusal)
    return terms


def _passages(form: Form, settings: Settings, basis: Basis, terms: Terms) -> dict[str, str]:
    """The general clauses that this contract words otherwise than the template does now."""
    usual = passages_in(blocks(render_text(settings, basis.facts, terms, basis.contract.id)))
    typed = {name: form.text(f"clause.{name}") for name in usual}
    return {name: text for name, text in typed.items() if text and paragraphs(text) != paragraphs(usual[name][1])}


def _page(request: Request, basis: Basis, form: Form, terms: Terms, status: int = 200) -> Response:
    settings = house_of(request).settings
    text = _text(settings, basis, terms, form)
    return page(
        request,
        "desk/revise.html",
        status,
        form=form,
        contract=basis.contract,
        text_read=text_hash(settings, basis.facts.kind),
        **terms_form.asked(basis.application, basis.dataset),
        facts=basis.facts,
        proposed=basis.proposed,
        waiting=basis.waiting,
        wished=_wished(basis),
        passages=general_passages(text),
        changes=term_changes(basis.present, terms, settings),
        text=folded(compared(blocks(basis.version.text), text)) if text else [],
    )


def _wished(basis: Basis) -> dict[str, str]:
    """The passages that the partner wishes otherwise, in its words."""
    asked = basis.waiting.row.wishes if basis.waiting else []
    return {each["name"]: each["wish"] for each in asked if each["about"] == "clause"}


def _text(settings: Settings, basis: Basis, terms: Terms, form: Form) -> list[Block]:
    try:
        passages = _passages(form, settings, basis, terms)
        return blocks(render_text(settings, basis.facts, terms, basis.contract.id, passages))
    except Misconfigured as error:
        form.errors[""] = f"{error.where} {error.problem} {error.mend}"
        return []
