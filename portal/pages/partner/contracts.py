"""A partner's contracts: the list, one contract with its terms and text, its PDF, and signing it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.changes.decide import of_contract
from contracts.clock import day_in
from contracts.credentials.decide import LOOK, READ
from contracts.credentials.service import clients_of
from contracts.errors import Refused
from contracts.house import House
from contracts.lifecycle import queries, service
from contracts.lifecycle.states import LIVE
from contracts.lifecycle.tables import Contract
from contracts.lifecycle.ways import AUTHORITIES
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.quotas.standing import standings
from contracts.signatories.queries import open_request
from contracts.signatories.tables import SigningRequest
from contracts.signing.handler import document_of
from contracts.signing.text import blocks
from contracts.terms.model import Terms
from contracts.terms.words import plain
from portal.again import asked_for, assured
from portal.chain import chain
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, of, submitted
from portal.hints import hinted
from portal.limits import SIGN_IN, limited
from portal.negotiation import negotiation_of
from portal.pages.partner import reads
from portal.pages.partner.life import life_of
from portal.terms_files import odrl_file, terms_file
from portal.timelines import story

router = APIRouter(prefix="/partner/contracts")
SCOPES = (
    (READ, "Read records", "And the contract, its usage and its access log."),
    (LOOK, "Read the contract, its usage and its access log", "Never records: for dashboards and audits."),
)

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("")
def every(request: Request, actor: Partner) -> Response:
    """The contracts that were offered to the organisation, newest first."""
    house = house_of(request)
    with house.store.read() as session:
        now = reads.situation(session, actor.organisation_id)
    titles = {name: told.title for name, told in house.settings.datasets.items()}
    return page(request, "partner/contracts.html", found=now.contracts, terms=now.terms, clients=now.clients, titles=titles)


@router.get("/{contract_id}")
def one(request: Request, actor: Partner, contract_id: str) -> Response:
    """One contract: what it allows in plain words, its text with the enforced passages marked, clients, use and history."""
    return contract_page(request, actor, contract_id)


@router.get("/{contract_id}/pdf")
def pdf(request: Request, actor: Partner, contract_id: str) -> Response:
    """The contract as PDF, with its signature page once there is one."""
    with house_of(request).store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        content = document_of(session, queries.version_of(session, contract))
    return pdf_response(contract, content)


@router.get("/{contract_id}/terms.json")
def terms_json(request: Request, actor: Partner, contract_id: str) -> Response:
    """The terms for machines, as they were hashed."""
    return terms_file(request, actor, contract_id)


@router.get("/{contract_id}/odrl.json")
def odrl_json(request: Request, actor: Partner, contract_id: str) -> Response:
    """The terms as an ODRL 2.2 agreement."""
    return odrl_file(request, actor, contract_id)


@router.post("/{contract_id}/sign")
@limited(SIGN_IN)
def sign(request: Request, actor: Partner, contract_id: str, form: Sent) -> Response:
    """Sign with name, capacity and password. The password is checked before the unit, because hashing takes long."""
    house = house_of(request)
    with house.store.read() as session:
        queries.get_for(session, actor, contract_id)
    try:
        authority = form.require("authority", "Say what lets you sign for your organisation.")
        form.require("name", "Write your full name.")
        form.require("capacity", "Say in what role you sign.")
        if not form.checked("read"):
            form.errors["read"] = "Say that you have read the contract and may sign for your organisation."
        if asked_for(request, actor, Act.SIGN).password:
            form.require("password", "Give your password once more; your name goes under this.")
        form.check()
        signer = assured(request, actor, Act.SIGN, form)
        with house.store.write("sign") as unit:
            name, capacity = form.text("name"), form.text("capacity")
            service.sign(unit, signer, contract_id, form.number("revision"), name=name, capacity=capacity, authority=authority)
    except Refused as error:
        form.take(mendable(error))
        return contract_page(request, actor, contract_id, form, 422)
    return go(f"/partner/contracts/{contract_id}", "signed")


def contract_page(
    request: Request, actor: Actor, contract_id: str, form: Form | None = None, status: int = 200, client_form: Form | None = None
) -> Response:
    """The contract's page; `form` is the signature's, `client_form` the new client's, each with its errors."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        context = _context(house, session, actor, contract)
    return page(
        request,
        "partner/contract.html",
        status,
        form=form or hinted(request, "name", "capacity", name=actor.name, authority="office"),
        asked=asked_for(request, actor, Act.SIGN),
        asked_for_client=asked_for(request, actor, Act.CREDENTIAL),
        client_form=client_form or of({"audience": "api", "who": _first_choice(context["terms"]), "scopes": READ}),
        scopes=SCOPES,
        datasets=_datasets(house, context["terms"]),
        may_sign=may_sign(contract, actor, context["named"]),
        authorities=list(AUTHORITIES.items()),
        may_recall=contract.state == "countered" and bool(actor.roles & {Role.LEAD, Role.SIGNATORY}),
        may_create=contract.state == "active" and bool(actor.roles & {Role.LEAD, Role.DEVELOPER}),
        may_revoke=bool(actor.roles & {Role.LEAD, Role.DEVELOPER}),
        **context,
    )


def may_sign(contract: Contract, actor: Actor, named: SigningRequest | None) -> bool:
    """Whether this person may sign now: who holds the role, or the one whom the lead named."""
    mine = named is None or named.accepted_by == actor.account_id or named.email == actor.email
    return contract.state == "offered" and bool(actor.roles & {Role.LEAD, Role.SIGNATORY}) and mine


def pdf_response(contract: Contract, content: bytes) -> Response:
    """A PDF under the contract's id, to be kept."""
    name = f"{contract.id}-version-{contract.version}.pdf"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


def _datasets(house: House, terms: Terms | None) -> list[tuple[str, str, str]]:
    known = house.settings.datasets
    named = [each.dataset for each in terms.datasets] if terms else []
    return [(name, known[name].title if name in known else name, "") for name in named]


def _first_choice(terms: Terms | None) -> str:
    return "people" if terms is not None and terms.named_users else "program"


def _context(house: House, session: Session, actor: Actor, contract: Contract) -> dict[str, Any]:
    version = queries.version_of(session, contract)
    terms = reads.terms_of(session, contract)
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    return {
        "contract": contract,
        "version": version,
        "organisation": session.get(Organisation, contract.organisation_id),
        "terms": terms,
        "lines": plain(terms, house.settings) if terms else [],
        "blocks": blocks(version.text),
        "signatures": queries.signatures_of(session, contract),
        "named": open_request(session, contract.id),
        "clients": clients_of(session, contract.id),
        "standings": standings(session, contract.id, version.number, terms) if terms else [],
        "used": reads.used_on(session, [contract.id], today).get(contract.id, 0),
        "links": chain(session, contract=contract, staff=False),
        "rows": story(session, contract.id),
        "zone": house.settings.platform.time_zone,
        "changes": of_contract(terms, house.settings.datasets, today) if terms and contract.state in LIVE else [],
        "negotiation": negotiation_of(session, actor, contract, house.settings),
        "life": life_of(session, actor, contract),
    }
