"""Where the link of a signatory leads: the whole contract to read, without an account, and the way on to signing it.

Opening the link changes nothing, because mail scanners open links too.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.people import service as people
from contracts.people.tables import Account, Organisation
from contracts.signatories import service as signatories
from contracts.signatories.queries import asked_by
from contracts.signing.document import grouped
from contracts.signing.handler import document_of
from contracts.signing.text import blocks
from contracts.terms.model import readable
from contracts.terms.words import plain
from portal.deps import house_of, page
from portal.forms import Form, mendable, of, submitted
from portal.limits import PAGES, SIGN_IN, limited
from portal.pages.account.links import chosen_password
from portal.pages.account.sign_in import open_browser

router = APIRouter()


@router.get("/sign/{token}")
@limited(PAGES)
def read(request: Request, token: str) -> Response:
    """Who asks, for whom, and the whole contract."""
    context = _asked(request, token)
    return page(request, "account/read-contract.html", form=of({"name": context["asked"].request.name}), **context)


@router.get("/sign/{token}/contract.pdf")
@limited(PAGES)
def pdf(request: Request, token: str) -> Response:
    """The contract as a file."""
    house = house_of(request)
    with house.store.read() as session:
        asked = asked_by(session, token, house.clock.now())
        content = document_of(session, asked.version)
    name = f"{asked.contract.id}-version-{asked.version.number}.pdf"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


@router.post("/sign/{token}")
@limited(SIGN_IN)
def go_on(request: Request, token: str, form: Form = Depends(submitted)) -> Response:
    """Make the account, or give the password of the one that exists; the contract's own page takes the signature."""
    context = _asked(request, token)
    try:
        hashed = chosen_password(form, context["account"])
        with house_of(request).store.write("signatory") as unit:
            account, path = signatories.accept(unit, token, name=form.text("name"), password_hash=hashed)
    except Refused as error:
        form.take(mendable(error))
        return page(request, "account/read-contract.html", 422, form=form, **context)
    return open_browser(request, account, path)


def _asked(request: Request, token: str) -> dict[str, Any]:
    house = house_of(request)
    with house.store.read() as session:
        asked = asked_by(session, token, house.clock.now())
        terms = readable(asked.version.terms_json)
        account = people.find_account(session, asked.link.email)
        return {
            "token": token,
            "asked": asked,
            "contract": asked.contract,
            "lines": plain(terms, house.settings) if terms else [],
            "blocks": blocks(asked.version.text),
            "short_hash": grouped(asked.version.text_sha256),
            "account": account if account is not None and account.confirmed_at is not None else None,
            "organisation": session.get(Organisation, asked.contract.organisation_id),
            "by": session.get(Account, asked.request.named_by),
        }
