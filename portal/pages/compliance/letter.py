"""The letter to somebody who asks who received their records, or one record: shown, as PDF, and with its proofs as one file."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.clock import day_in
from contracts.datasets.load import ordinal_of
from contracts.deliveries.holdings import Holding, holdings
from contracts.deliveries.ordinals import Ordinals
from contracts.house import House
from contracts.letters.recipients import Letter, OneRecord, as_pdf, note_letter, write
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.countries import NAMES
from portal.deps import go, house_of, page, requires
from portal.forms import Form, submitted
from portal.pages.compliance.people import are_several, found_people

routes = APIRouter(prefix="/compliance/deliveries/letter")
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
LONGEST = 500
FORMS = ("page", "pdf", "zip")


@dataclass(frozen=True, slots=True)
class About:
    """What a letter is about: a person by the name that was typed, or one record; and what contracts hold of it."""

    held: list[Holding]
    person: str = ""
    record: OneRecord | None = None


@routes.post("")
def letter(request: Request, actor: Officer, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Write the letter, which is an entry before it is shown. Posted, so that the person stands in no address.

    Somebody whose name several people of a dataset have is asked for by id first: a letter to the wrong one would tell of another.
    """
    house = house_of(request)
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    asked_on = form.day("asked_on") or today
    if asked_on > today:
        form.errors["asked_on"] = "The day on which the person asked is not in the future."
    about = _record(house, form) if form.text("key") else _person(house, form)
    if about is None:
        return go("/compliance/deliveries")
    if form.errors:
        return page(request, "compliance/letter.html", 422, form=form, about=about, letter=None, today=today.isoformat())
    as_form = form.text("form") if form.text("form") in FORMS else "page"
    reference = form.text("reference") if re.fullmatch(r"ent_[0-9A-Z]{1,40}", form.text("reference")) else ""
    with house.store.write("letter") as unit:
        entry = note_letter(unit, actor, about.record or about.person, about.held, as_form, reference)
    written = _written(house, about, form.text("to")[:1000], asked_on, reference or entry)
    if as_form == "page":
        return page(request, "compliance/letter.html", form=form, about=about, letter=written, asked_on=asked_on.isoformat())
    content = as_pdf(written)
    return _file(written, content, "pdf") if as_form == "pdf" else _file(written, _packed(written, content), "zip")


def _person(house: House, form: Form) -> About | None:
    """What contracts hold of the person; None where nobody is named, or several people by one name."""
    person = form.text("person")[:LONGEST]
    with house.store.read() as session:
        people = found_people(session, house, person) if person else []
    if not person or are_several(people):
        return None
    return About(sorted((one for each in people for one in each.held), key=lambda each: (each.first_at, each.first_entry)), person)


def _record(house: House, form: Form) -> About | None:
    """What contracts hold of the record; None where no record of that id was ever loaded."""
    record = OneRecord(form.text("dataset"), form.text("key")[:LONGEST])
    version = house.catalogue.version_of(record.dataset) if house.catalogue.get(record.dataset) is not None else None
    ordinal = ordinal_of(house.settings, version, record.key) if version is not None else None
    if ordinal is None:
        return None
    with house.store.read() as session:
        return About(holdings(session, record.dataset, Ordinals([ordinal])), record=record)


def _written(house: House, about: About, to: str, asked_on: date, reference: str) -> Letter:
    with house.store.read() as session:
        return write(
            session,
            house.settings,
            about.held,
            to=to,
            asked_on=asked_on,
            now=house.clock.now(),
            reference=reference,
            countries=NAMES,
            key=house.sequencer.verifier_key(session) if about.held else "",
            record=about.record,
        )


def _packed(written: Letter, pdf: bytes) -> bytes:
    """The letter with its proofs beside it, for whose reader of PDFs shows no attachments."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("letter.pdf", pdf)
        for name, content in written.proofs.items():
            archive.writestr(f"proofs/{name}", content)
    return out.getvalue()


def _file(written: Letter, content: bytes, ending: str) -> Response:
    kind = {"pdf": "application/pdf", "zip": "application/zip"}[ending]
    headers = {"content-disposition": f'attachment; filename="letter-{written.reference}.{ending}"', "cache-control": "no-store"}
    return Response(content, media_type=kind, headers=headers | {"x-content-type-options": "nosniff"})
