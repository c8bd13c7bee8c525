"""Webhooks of the own organisation: the same pages for a partner and for the platform, each under its own path."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused, refuse
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Side
from contracts.webhooks import queries, service
from contracts.webhooks.decide import KEEPERS
from contracts.webhooks.events import MEANING, offered
from contracts.webhooks.tables import WebhookEndpoint
from portal.again import asked_for, assured, insisted
from portal.deps import go, house_of, page, signed_in
from portal.forms import Form, mendable, of, submitted
from portal.limits import SIGN_IN, limited

BASES = {Side.PARTNER: "/partner/webhooks", Side.PLATFORM: "/desk/webhooks"}
Sent = Annotated[Form, Depends(submitted)]


def keeper(request: Request) -> Actor:
    """Dependency: a signed-in person who may keep webhooks, on the path of the own side."""
    actor = signed_in(request)
    actor.require(*KEEPERS)
    if not request.url.path.startswith(base_of(actor)):
        raise refuse("role_required", "This page is for the other side. Your own webhooks are behind your navigation.")
    return actor


Keeper = Annotated[Actor, Depends(keeper)]


def every(request: Request, actor: Keeper) -> Response:
    """The organisation's webhooks, and the form for the next."""
    return _list_page(request, actor)


@limited(SIGN_IN)
def create(request: Request, actor: Keeper, form: Sent) -> Response:
    """Make one and answer with its secret, which is shown this once."""
    house = house_of(request)
    try:
        actor = assured(request, actor, Act.WEBHOOK, form)
        with house.store.write("webhook") as unit:
            endpoint, secret = service.create(unit, actor, house.keys, form.text("url"), form.all("events"))
    except Refused as error:
        form.take(mendable(error))
        return _list_page(request, actor, form, 422)
    return page(request, "webhooks/secret.html", endpoint=endpoint, secret=secret, base=base_of(actor), rotated=False)


def one(request: Request, actor: Keeper, webhook_id: str) -> Response:
    """One webhook with what was sent to it and how each try went."""
    return _one_page(request, actor, webhook_id)


@limited(SIGN_IN)
def change(request: Request, actor: Keeper, webhook_id: str, form: Sent) -> Response:
    """Another address or other events."""
    try:
        actor = assured(request, actor, Act.WEBHOOK, form)
        with house_of(request).store.write("webhook") as unit:
            service.change(unit, actor, webhook_id, form.text("url"), form.all("events"))
    except Refused as error:
        form.take(mendable(error))
        return _one_page(request, actor, webhook_id, form, 422)
    return go(f"{base_of(actor)}/{webhook_id}", "webhook-changed")


@limited(SIGN_IN)
def rotate(request: Request, actor: Keeper, webhook_id: str, form: Sent) -> Response:
    """Answer with a new secret."""
    house = house_of(request)
    try:
        actor = assured(request, actor, Act.WEBHOOK, form)
        with house.store.write("webhook") as unit:
            secret = service.rotate(unit, actor, house.keys, webhook_id)
            endpoint = queries.get_for(unit.session, actor, webhook_id)
    except Refused as error:
        form.take(mendable(error))
        return _one_page(request, actor, webhook_id, form, 422)
    return page(request, "webhooks/secret.html", endpoint=endpoint, secret=secret, base=base_of(actor), rotated=True)


@limited(SIGN_IN)
def test(request: Request, actor: Keeper, webhook_id: str) -> Response:
    """Send a message that tells of nothing."""
    insisted(request, actor, Act.KEEP_WEBHOOK)
    with house_of(request).store.write("webhook") as unit:
        service.test(unit, actor, webhook_id)
    return go(f"{base_of(actor)}/{webhook_id}", "webhook-tested")


def end(request: Request, actor: Keeper, webhook_id: str) -> Response:
    """Send nothing to it any more."""
    insisted(request, actor, Act.KEEP_WEBHOOK)
    with house_of(request).store.write("webhook") as unit:
        service.end(unit, actor, webhook_id)
    return go(base_of(actor), "webhook-ended")


@limited(SIGN_IN)
def resend(request: Request, actor: Keeper, webhook_id: str, message_id: str) -> Response:
    """Send a message again under its own id."""
    insisted(request, actor, Act.KEEP_WEBHOOK)
    with house_of(request).store.write("webhook") as unit:
        queries.get_for(unit.session, actor, webhook_id)
        service.resend(unit, actor, webhook_id, message_id)
    return go(f"{base_of(actor)}/{webhook_id}", "webhook-resent")


def routes(side: Side) -> APIRouter:
    """The pages under the path of one side."""
    whole = APIRouter(prefix=BASES[side])
    for path, act, method in (
        ("", every, "GET"),
        ("", create, "POST"),
        ("/{webhook_id}", one, "GET"),
        ("/{webhook_id}", change, "POST"),
        ("/{webhook_id}/rotate", rotate, "POST"),
        ("/{webhook_id}/test", test, "POST"),
        ("/{webhook_id}/end", end, "POST"),
        ("/{webhook_id}/messages/{message_id}/resend", resend, "POST"),
    ):
        whole.add_api_route(path, act, methods=[method], response_class=Response)
    return whole


def base_of(actor: Actor) -> str:
    """Where the actor's own webhooks are."""
    return BASES[Side.PLATFORM if actor.is_staff else Side.PARTNER]


def _list_page(request: Request, actor: Actor, form: Form | None = None, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        webhooks = queries.of_organisation(session, actor.organisation_id)
    return page(
        request,
        "webhooks/list.html",
        status,
        webhooks=webhooks,
        form=form or of({}),
        base=base_of(actor),
        events=_choices(actor),
        asked=asked_for(request, actor, Act.WEBHOOK),
    )


def _one_page(request: Request, actor: Actor, webhook_id: str, form: Form | None = None, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        webhook = queries.get_for(session, actor, webhook_id)
        log = queries.log_of(session, webhook_id)
    return page(
        request,
        "webhooks/one.html",
        status,
        webhook=webhook,
        log=log,
        form=form or _filled(webhook),
        base=base_of(actor),
        events=_choices(actor),
        asked=asked_for(request, actor, Act.WEBHOOK),
        shown=queries.SHOWN,
    )


def _filled(webhook: WebhookEndpoint) -> Form:
    return Form({"url": [webhook.url], "events": list(webhook.events)})


def _choices(actor: Actor) -> list[tuple[str, str, str]]:
    return [(name, name, MEANING[name]) for name in offered(platform=actor.is_staff)]
