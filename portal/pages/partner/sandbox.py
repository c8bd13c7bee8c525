"""The sandbox: credentials that read invented rows, made by whoever just signed up, each shown once beside commands that run."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.clock import day_in
from contracts.datasets.catalogue import Dataset
from contracts.errors import Refused, refuse
from contracts.house import House
from contracts.people.actor import Actor
from contracts.sandbox import service
from contracts.sandbox.decide import LIVE_DAYS, MAKERS, MAX_LIVE
from contracts.sandbox.grant import clients_of, is_live, terms_of
from contracts.sandbox.tables import SandboxClient
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, of, submitted
from portal.pages.partner import commands

router = APIRouter(prefix="/partner/sandbox")
PATH = "/partner/sandbox"
FIRST_NAME = "First try"

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("")
def show(request: Request, actor: Partner) -> Response:
    """The organisation's sandbox credentials, and the form for the next; `dataset` is the one to begin with."""
    return _page(request, actor, of({"dataset": request.query_params.get("dataset", "")}))


@router.post("")
def create(request: Request, actor: Partner, form: Sent) -> Response:
    """Make a credential and answer with its secret. The answer is stored nowhere; loading it again would make another one."""
    house = house_of(request)
    try:
        with house.store.write("sandbox") as unit:
            client, secret = service.create(unit, actor, name=form.text("name"), today=_today(house))
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, form, 422)
    return _secret(request, client, secret, form.text("dataset"))


@router.post("/{sandbox_id}/renew")
def renew(request: Request, actor: Partner, sandbox_id: str) -> Response:
    """Make a new secret and answer with it; the old one ends at once."""
    house = house_of(request)
    with house.store.write("sandbox") as unit:
        client, secret = service.renew(unit, actor, sandbox_id, _today(house))
    return _secret(request, client, secret, "")


@router.post("/{sandbox_id}/revoke")
def revoke(request: Request, actor: Partner, sandbox_id: str) -> Response:
    """End a credential, for good."""
    with house_of(request).store.write("sandbox") as unit:
        service.revoke(unit, actor, sandbox_id)
    return go(PATH, "sandbox-revoked")


def _page(request: Request, actor: Actor, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    today = _today(house)
    with house.store.read() as session:
        clients = clients_of(session, actor.organisation_id)
    live = [each for each in clients if is_live(each, today)]
    chosen = _dataset(house, form.text("dataset"))
    may_make = bool(actor.roles & MAKERS)
    return page(
        request,
        "partner/sandbox.html",
        status,
        form=form,
        suggested=None if clients or "name" in form.values else FIRST_NAME,
        clients=clients,
        live={each.id for each in live},
        chosen=chosen,
        may_make=may_make,
        full=len(live) >= MAX_LIVE,
        days=LIVE_DAYS,
        most=MAX_LIVE,
    )


def _secret(request: Request, client: SandboxClient, secret: str, dataset_id: str) -> Response:
    """The secret, once, with commands for the dataset that was asked for or the first that there is."""
    house = house_of(request)
    dataset = _dataset(house, dataset_id)
    terms = None if dataset is None else terms_of([dataset])
    if dataset is None or terms is None:
        raise refuse("not_found", "There is no dataset to try yet. The people who run this installation describe them.")
    key = commands.Key(house.settings.base_url, client.id, secret)
    return page(
        request,
        "partner/sandbox-secret.html",
        client=client,
        secret=secret,
        dataset=dataset,
        curl=commands.curl_api(key, commands.records_path(terms, 5)),
        python=commands.python_records(key, terms),
    )


def _dataset(house: House, dataset_id: str) -> Dataset | None:
    """The dataset of this id, else the first that a sandbox has rows of."""
    offered = [each for each in house.catalogue.all() if terms_of([each]) is not None]
    return next((each for each in offered if each.id == dataset_id), offered[0] if offered else None)


def _today(house: House) -> date:
    return day_in(house.clock.now(), house.settings.platform.time_zone)
