"""The desk's view of how a contract was signed, and what it is worth."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.lifecycle import queries
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.ways import Method, Way, compared
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.signatories.queries import open_request
from contracts.signing.document import grouped
from contracts.signing.files import keep, read
from contracts.uploads.kinds import FILES
from contracts.uploads.sniff import sniff
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, requires
from portal.documents import attachment
from portal.evidence import content_of, evidence_response, refuse_file, shown
from portal.forms import Form, mendable
from portal.limits import SIGN_IN, limited
from portal.uploads import Upload, takes_file, uploaded

routes = APIRouter(prefix="/desk/contracts")

SCANS = ("pdf", "png", "jpeg")

Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]


@routes.get("/{contract_id}/signing")
def show(request: Request, actor: Reader, contract_id: str) -> Response:
    """Who is asked to sign, and the evidence."""
    return signing_page(request, actor, contract_id, Form())


@routes.post("/{contract_id}/paper")
@takes_file(requires(Role.STEWARD))
@limited(SIGN_IN)
def record_paper(request: Request, actor: Steward, contract_id: str, sent: Annotated[Upload, Depends(uploaded)]) -> Response:
    """Record a signature on paper: the scan, who signed, and the short hash as it stands on the scan's page."""
    house, form = house_of(request), sent.form
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        version = queries.version_of(session, contract)
    try:
        name, capacity = form.require("name", "Write the name of who signed."), form.require("capacity", "Say in what role they signed.")
        short_hash = form.require("short_hash", "Type the short hash as it stands on the signed page.")
        file_type = _scan_type(sent)
        form.check()
        steward = assured(request, actor, Act.COMPARE, form)
        if refusal := compared(short_hash, version.text_sha256):
            refuse_file(request, actor, contract, refusal.code, refusal.reason)
        way = Way(Method.PAPER, keep(house.settings.home, content_of(sent)), file_type)
        with house.store.write("paper") as unit:
            lifecycle.record_paper(
                unit, steward, contract_id, form.number("revision"), name=name, capacity=capacity, short_hash=short_hash, way=way
            )
    except Refused as error:
        form.take(mendable(error))
        return signing_page(request, actor, contract_id, form, 422)
    return go(f"/desk/contracts/{contract_id}/signing", "paper-recorded")


@routes.get("/{contract_id}/signed-file")
def signed_file(request: Request, actor: Reader, contract_id: str) -> Response:
    """What the partner signed: the scan of the paper, the PDF as it came, else the PDF that they were shown. Never in a page of ours."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        shown_pdf = queries.version_of(session, contract).pdf
        found = next((each for each in queries.signatures_of(session, contract) if each.file_sha256), None)
    if found is None:
        return attachment(f"{contract_id}-to-sign.pdf", "application/pdf", shown_pdf)
    ending = next((each.endings[0] for each in FILES.values() if each.media_type == found.file_type), "")
    return attachment(f"{contract_id}-signed{ending}", found.file_type, read(house.settings.home, found.file_sha256))


@routes.get("/{contract_id}/evidence.json")
def evidence(request: Request, actor: Reader, contract_id: str) -> Response:
    """The evidence for machines."""
    return evidence_response(request, actor, contract_id)


def _scan_type(sent: Upload) -> str:
    """The media type of a scan by its bytes; an error is noted beside the field where it is none."""
    if sent.incoming is None or sent.refusal is not None:
        return ""
    found, problem = sniff(sent.incoming.path, sent.name)
    if problem or found not in SCANS:
        sent.form.errors["file"] = problem or "Send the scan as a PDF, PNG or JPEG."
        return ""
    return FILES[found].media_type


def signing_page(request: Request, actor: Actor, contract_id: str, form: Form, status: int = 200) -> Response:
    """The page; `form` is the one that came back with errors."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        version = queries.version_of(session, contract)
        context = {
            "contract": contract,
            "version": version,
            "organisation": session.get(Organisation, contract.organisation_id),
            "named": open_request(session, contract.id),
            "short_hash": grouped(version.text_sha256),
            "evidence": shown(house, session, contract, version),
        }
    may_record = contract.state == "offered" and Role.STEWARD in actor.roles
    asked = asked_for(request, actor, Act.COMPARE)
    return page(request, "desk/signing.html", status, form=form, may_record=may_record, asked=asked, **context)
