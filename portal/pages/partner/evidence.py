"""Documents of an application: the list, adding one, removing one, and getting one back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import queries
from contracts.applications.answers import facts_of
from contracts.applications.tables import Application
from contracts.errors import Refused, refuse
from contracts.forms.asked import documents as documents_of
from contracts.forms.model import Document
from contracts.house import House
from contracts.people.actor import Actor
from contracts.uploads import files, service
from contracts.uploads.decide import MOST_DOCUMENTS, may_change
from contracts.uploads.kinds import FILES, KINDS, TAKEN, title_of
from portal.deps import go, house_of, page, partner
from portal.documents import attachment
from portal.forms import Form, mendable, submitted
from portal.limits import UPLOADS, limited
from portal.pages.partner.applications import asked_of
from portal.uploads import Upload, takes_file, uploaded

router = APIRouter(prefix="/partner")

Partner = Annotated[Actor, Depends(partner)]
CHOICES = [(code, title, meaning) for code, (title, meaning) in KINDS.items()]
ENDINGS = ",".join(ending for each in FILES.values() for ending in each.endings)


@router.get("/applications/{application_id}/evidence")
def show(request: Request, actor: Partner, application_id: str) -> Response:
    """The application's documents, and the form for another one while it is being written."""
    return _page(request, actor, application_id, Form())


@router.post("/applications/{application_id}/evidence")
@takes_file(partner)
@limited(UPLOADS)
def add(request: Request, actor: Partner, application_id: str, sent: Annotated[Upload, Depends(uploaded)]) -> Response:
    """Add a document. It is looked at before the store is written, and what is wrong with it stands beside the field."""
    house = house_of(request)
    with house.store.read() as session:
        asked = [each.id for each in _asked(house, session, queries.get_for(session, actor, application_id))]
    try:
        _add(house, actor, application_id, sent, asked)
    except Refused as error:
        sent.form.take(mendable(error))
        if "file" in sent.form.errors and sent.name:
            with house.store.write("evidence") as unit:
                service.note_refused(unit, actor, application_id, sent.form.errors["file"])
        return _page(request, actor, application_id, sent.form, 422)
    return go(f"/partner/applications/{application_id}/evidence", "document-added")


@router.get("/evidence/{evidence_id}")
def get(request: Request, actor: Partner, evidence_id: str) -> Response:
    """A document, byte for byte as it was handed in."""
    house = house_of(request)
    with house.store.read() as session:
        row = service.get_for(session, actor, evidence_id)
    return attachment(row.name, row.media_type, files.read(house.settings.home, row))


@router.post("/evidence/{evidence_id}/remove")
def remove(request: Request, actor: Partner, evidence_id: str, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Remove a document from an application that is being written; its file goes with it."""
    house = house_of(request)
    with house.store.write("evidence") as unit:
        row = service.remove(unit, actor, evidence_id)
    files.remove(house.settings.home, row.sha256, row.id)
    return go(f"/partner/applications/{row.application_id}/evidence", "document-removed")


def _add(house: House, actor: Actor, application_id: str, sent: Upload, asked: Collection[str]) -> None:
    if sent.refusal is not None:
        raise Refused(sent.refusal)
    if sent.incoming is None:
        raise refuse("invalid_input", "Choose a file.", fields={"file": "Choose a file."})
    settings = house.settings
    checked = service.check(settings.home, sent.incoming, sent.name)
    try:
        with house.store.write("evidence") as unit:
            service.add(unit, actor, application_id, sent.form.text("document"), checked, settings.uploads, asked)
    except BaseException:  # whatever kept the row from being written, the file belongs to nobody
        files.remove(settings.home, checked.sha256, checked.id)
        raise


def _page(request: Request, actor: Actor, application_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
        documents = service.of_application(session, application_id)
        asked = _asked(house, session, application)
    own = {each.id: each.title for each in asked}
    return page(
        request,
        "partner/evidence.html",
        status,
        application=application,
        documents=documents,
        title_of=lambda kind: own.get(kind) or title_of(kind),
        missing=[each for each in asked if each.id not in {row.kind for row in documents}],
        form=form,
        choices=[(code, own.get(code, title), meaning) for code, title, meaning in CHOICES]
        + [(each.id, each.title, each.hint) for each in asked if each.id not in KINDS],
        endings=ENDINGS,
        taken=TAKEN,
        megabytes=house.settings.uploads.megabytes,
        most=MOST_DOCUMENTS,
        may_change=may_change(actor, application),
    )


def _asked(house: House, session: Session, application: Application) -> list[Document]:
    """The documents that the application's own form asks for, by the fields and answers that it has now."""
    dataset = house.settings.datasets.get(application.dataset)
    return documents_of(asked_of(house, session, application), facts_of(application, dataset)) if dataset else []
