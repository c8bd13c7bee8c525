"""Who signs for a partner, in which way, and what each signature is worth: one page before and after signing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.house import House
from contracts.lifecycle import queries
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.signatories import service as signatories
from contracts.signatories.queries import open_request
from contracts.signing.document import grouped
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, partner
from portal.evidence import evidence_response, shown
from portal.forms import Form, mendable, submitted
from portal.limits import MAILS, limited

router = APIRouter(prefix="/partner/contracts")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("/{contract_id}/signing")
def show(request: Request, actor: Partner, contract_id: str) -> Response:
    """Who is asked to sign and how far that is; the ways to sign; what was signed and what it is worth."""
    return signing_page(request, actor, contract_id, Form())


@router.post("/{contract_id}/signatory")
@limited(MAILS)
def name_signatory(request: Request, actor: Partner, contract_id: str, form: Sent) -> Response:
    """Ask a person to sign, by mail. Where no mail leaves, the link is shown to the lead, because nobody else could pass it on."""
    house = house_of(request)
    try:
        lead = assured(request, actor, Act.MEMBER, form)
        name, email = form.text("signatory_name"), form.text("signatory_email")
        with house.store.write("signatory") as unit:
            link = signatories.name_signatory(unit, lead, contract_id, name=name, email=email, base_url=house.settings.base_url)
    except Refused as error:
        form.take(mendable(error))
        return signing_page(request, actor, contract_id, form, 422)
    return _sent(request, actor, contract_id, link, "signatory-named")


@router.post("/{contract_id}/signatory/remind")
@limited(MAILS)
def remind(request: Request, actor: Partner, contract_id: str) -> Response:
    """Send the person another mail, at most one a day."""
    house = house_of(request)
    with house.store.write("signatory") as unit:
        link = signatories.remind(unit, actor, contract_id, house.settings.base_url)
    return _sent(request, actor, contract_id, link, "signatory-reminded")


@router.post("/{contract_id}/signatory/withdraw")
def withdraw(request: Request, actor: Partner, contract_id: str) -> Response:
    """Take back who is to sign."""
    with house_of(request).store.write("signatory") as unit:
        signatories.withdraw(unit, actor, contract_id)
    return go(f"/partner/contracts/{contract_id}/signing", "signatory-withdrawn")


@router.get("/{contract_id}/evidence.json")
def evidence(request: Request, actor: Partner, contract_id: str) -> Response:
    """The evidence for machines: who signed, how, and the seal over text, terms and signatures."""
    return evidence_response(request, actor, contract_id)


def signing_page(request: Request, actor: Actor, contract_id: str, form: Form, status: int = 200, link: str = "") -> Response:
    """The page; `form` is the one that came back with errors."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        context = _context(house, session, contract)
    return page(
        request,
        "partner/signing.html",
        status,
        form=form,
        link=link,
        asked=asked_for(request, actor, Act.MEMBER),
        may_name=Role.LEAD in actor.roles and contract.state == "offered",
        **context,
    )


def _context(house: House, session: Session, contract: Contract) -> dict[str, Any]:
    version = queries.version_of(session, contract)
    return {
        "contract": contract,
        "version": version,
        "organisation": session.get(Organisation, contract.organisation_id),
        "named": open_request(session, contract.id),
        "short_hash": grouped(version.text_sha256),
        "evidence": shown(house, session, contract, version),
    }


def _sent(request: Request, actor: Actor, contract_id: str, link: str, done: str) -> Response:
    if house_of(request).settings.mail.transport == "none":
        return signing_page(request, actor, contract_id, Form(), link=link)
    return go(f"/partner/contracts/{contract_id}/signing", done)
