"""Signing up. What was to be applied for travels in `next` through the mail's link to the first sign-in.

Who comes to try the sandbox is asked for a name, an address, a password and the organisation's name, and for no more: what kind of
organisation it is and where matters to whoever decides an application, and is asked before the first one.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.house import House
from contracts.notices import send
from contracts.people import service as people
from contracts.people.passwords import hash_password, weakness
from portal.countries import COUNTRIES
from portal.deps import go, house_of, page, safe_path, visitor
from portal.forms import Form, mendable, submitted
from portal.limits import MAILS, PAGES, limited
from portal.words import home_of

router = APIRouter()

KINDS = (
    ("university", "University or research institute"),
    ("company", "Company"),
    ("public body", "Public body"),
    ("other", "Something else, such as a newsroom or an association"),
)


@router.get("/sign-up")
@limited(PAGES)
def show(request: Request) -> Response:
    """The form, naming the dataset that one came for."""
    actor = visitor(request)
    if actor is not None:
        return go(safe_path(request.query_params.get("next", "")) or home_of(actor))
    return _form(request, Form(), safe_path(request.query_params.get("next", "")), 200)


@router.post("/sign-up")
@limited(MAILS)
def sign_up(request: Request, form: Form = Depends(submitted)) -> Response:
    """Make the account and send the mail; the page that follows is the same whether or not the address was known."""
    next_path = safe_path(form.text("next"))
    problem = weakness(form.raw("password"))
    if problem is not None:
        form.errors["password"] = problem
    try:
        _keep(house_of(request), form, next_path)
    except Refused as error:
        form.take(mendable(error))
        return _form(request, form, next_path, 422)
    return page(request, "account/check-mail.html", email=form.text("email"))


def _keep(house: House, form: Form, next_path: str) -> None:
    # Hashed before the unit, so that the store's write lock is never held for it; a weak password is told with the rest.
    hashed = "" if form.errors else hash_password(form.raw("password"))
    with house.store.write("sign-up") as unit:
        people.sign_up(
            unit,
            send,
            name=form.text("name"),
            email=form.text("email"),
            password_hash=hashed,
            organisation_name=form.text("organisation_name"),
            organisation_kind=form.text("organisation_kind"),
            country=form.text("country"),
            next_path=next_path or "/partner",
            base_url=house.settings.base_url,
            rest_later=tries_first(next_path),
        )
        form.check()


def _form(request: Request, form: Form, next_path: str, status: int) -> Response:
    return page(
        request,
        "account/sign-up.html",
        status,
        form=form,
        next_path=next_path,
        dataset=dataset_of(house_of(request), next_path),
        tries_first=tries_first(next_path),
        kinds=KINDS,
        countries=(("", "Choose a country"), *COUNTRIES),
    )


def tries_first(next_path: str) -> bool:
    """Whether one is on the way to the sandbox."""
    return urlsplit(next_path).path == "/partner/sandbox"


def dataset_of(house: House, next_path: str) -> str:
    """The title of the dataset that `/apply?dataset=…` or the sandbox's address names; empty where it names none."""
    wanted = parse_qs(urlsplit(next_path).query).get("dataset", [""])[0]
    found = house.settings.datasets.get(wanted)
    return found.title if found else ""
