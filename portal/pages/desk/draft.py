"""Drafting a contract: proposed terms, narrowed in a form, beside the text that they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments.renewal import continued_by
from contracts.applications import queries
from contracts.applications.states import State
from contracts.applications.tables import Application
from contracts.coordinator.terms import proposed
from contracts.errors import Misconfigured, Refused, refuse
from contracts.ids import new_id
from contracts.lifecycle import service
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import DatasetSettings, Settings
from contracts.signing.document import ContractFacts, facts_of, render, render_text
from contracts.signing.text import blocks
from contracts.terms.model import Terms
from contracts.terms.narrow import within
from contracts.terms.words import plain
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, submitted
from portal.pages.desk import reads, terms_form

routes = APIRouter()
PREVIEW = "ctr_…"
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]


@dataclass(frozen=True, slots=True)
class Change:
    """A term that the steward made narrower than it was proposed."""

    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What a contract is drafted from."""

    application: Application
    dataset: DatasetSettings
    facts: ContractFacts
    proposed: Terms


@routes.get("/desk/applications/{application_id}/draft")
def draft(request: Request, actor: Steward, application_id: str) -> Response:
    """The proposed terms, ready to be narrowed; for an application that renews a contract, the form of its new version."""
    with house_of(request).store.read() as session:
        renews = continued_by(session, application_id)
    if renews:
        return go(f"/desk/contracts/{renews}/amend?application={application_id}")
    basis = _basis(request, actor, application_id)
    return _page(request, basis, terms_form.shown(basis.proposed), basis.proposed)


@routes.post("/desk/applications/{application_id}/draft")
def write(request: Request, actor: Steward, application_id: str, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Show the text that the terms make, or (button `create`) draft the contract."""
    house, basis = house_of(request), _basis(request, actor, application_id)
    terms = basis.proposed
    try:
        terms = _read(form, basis, house.settings)
        if form.text("act") != "create":
            return _page(request, basis, form, terms)
        contract_id = new_id("ctr")
        rendered = render(house.settings, basis.facts, terms, contract_id)
        with house.store.write() as unit:
            service.draft(unit, actor, contract_id, application_id, rendered, terms, house.settings)
    except Refused as error:
        form.take(mendable(error))
    except Misconfigured as error:
        form.errors[""] = f"{error.where} {error.problem} {error.mend}"
    else:
        return go(f"/desk/contracts/{contract_id}", "drafted")
    return _page(request, basis, form, terms, 422)


def changes(proposed: Terms, terms: Terms, settings: Settings) -> list[Change]:
    """Terms whose words differ from the proposal, in the contract's order; an empty side means that it is not agreed."""
    before = {line.title: line.sentence for line in plain(proposed, settings)}
    after = {line.title: line.sentence for line in plain(terms, settings)}
    titles = [*before, *(title for title in after if title not in before)]
    return [Change(title, before.get(title, ""), after.get(title, "")) for title in titles if before.get(title) != after.get(title)]


def _basis(request: Request, actor: Actor, application_id: str) -> Basis:
    house = house_of(request)
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
        drafted = reads.contract_of(session, application_id)
        facts = facts_of(session, application)
        unlawful = queries.basis_missing(session, application)
        dataset = house.settings.datasets.get(application.dataset)
        terms = proposed(session, application, dataset, house.settings.platform.site) if dataset and application.starts else None
    if application.state != State.APPROVED or reads.stands(drafted):
        raise refuse("command_not_possible", "A contract is drafted once, from an approved application.")
    if unlawful is not None:
        raise Refused(unlawful)
    if dataset is None or terms is None:
        raise refuse("not_found", "The platform offers this dataset no longer.")
    return Basis(application, dataset, facts, terms)


def _read(form: Form, basis: Basis, settings: Settings) -> Terms:
    terms = terms_form.read(form, basis.proposed, basis.dataset, basis.application)
    refusal = within(terms, basis.application, settings)
    if refusal is not None:
        raise Refused(refusal)
    return terms


def _page(request: Request, basis: Basis, form: Form, terms: Terms, status: int = 200) -> Response:
    settings = house_of(request).settings
    return page(
        request,
        "desk/draft.html",
        status,
        form=form,
        **terms_form.asked(basis.application, basis.dataset),
        facts=basis.facts,
        proposed=basis.proposed,
        text=_text(settings, basis, terms, form),
        changes=changes(basis.proposed, terms, settings),
    )


def _text(settings: Settings, basis: Basis, terms: Terms, form: Form) -> object:
    try:
        return blocks(render_text(settings, basis.facts, terms, PREVIEW))
    except Misconfigured as error:
        form.errors[""] = f"{error.where} {error.problem} {error.mend}"
        return []
