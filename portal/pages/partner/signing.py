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
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.states import ROLES, Command
from contracts.lifecycle.tables import Contract
from contracts.lifecycle.ways import AUTHORITIES, Method, Way
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.signatories import service as signatories
from contracts.signatories.queries import open_request
from contracts.signing.apart import look
from contracts.signing.document import grouped
from contracts.signing.files import keep
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, partner
from portal.evidence import content_of, evidence_response, refuse_file, shown
from portal.forms import Form, mendable, submitted
from portal.limits import MAILS, SIGN_IN, limited
from portal.pages.partner.contracts import may_sign
from portal.uploads import Upload, takes_file, uploaded

router = APIRouter(prefix="/partner/contracts")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


def signer(request: Request) -> Actor:
    """Dependency: a person of a partner who may sign for it."""
    actor = partner(request)
    actor.require(*ROLES[Command.SIGN])
    return actor


Signer = Annotated[Actor, Depends(signer)]


@router.get("/{contract_id}/signing")
def show(request: Request, actor: Partner, contract_id: str) -> Response:
    """Who is asked to sign and how far that is; the ways to sign; what was signed and what it is worth."""
    return signing_page(request, actor, contract_id, Form())


@router.post("/{contract_id}/signed-pdf")
@takes_file(signer)
@limited(SIGN_IN)
def take_pdf(request: Request, actor: Signer, contract_id: str, sent: Annotated[Upload, Depends(uploaded)]) -> Response:
    """Sign by the PDF that was signed elsewhere. It is looked at in a process of its own, before the store is written."""
    house, form = house_of(request), sent.form
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        version = queries.version_of(session, contract)
    try:
        authority = form.require("authority", "Say what lets you sign for your organisation.")
        form.require("name", "Write the name of the person who signed the file.")
        form.require("capacity", "Say in what role that person signed.")
        content = content_of(sent)
        form.check()
        person = assured(request, actor, Act.SIGN, form)
        looked = look(version.pdf, content, house.clock.now())
        if looked.problem:
            refuse_file(request, actor, contract, "signed_file_refused", looked.problem)
        sha256 = keep(house.settings.home, content)
        way = Way(Method.PDF, sha256, "application/pdf", looked.signers)
        names = (form.text("name"), form.text("capacity"))
        with house.store.write("sign") as unit:
            lifecycle.sign(
                unit, person, contract_id, form.number("revision"), name=names[0], capacity=names[1], authority=authority, way=way
            )
    except Refused as error:
        form.take(mendable(error))
        return signing_page(request, actor, contract_id, form, 422)
    return go(f"/partner/contracts/{contract_id}/signing", "signed")


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
        asked_to_sign=asked_for(request, actor, Act.SIGN),
        may_sign=may_sign(contract, actor, context["named"]),
        authorities=list(AUTHORITIES.items()),
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
