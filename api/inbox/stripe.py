"""POST /inbox/stripe: verify on the raw body, store once, answer; handling comes later, by the worker."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from contracts.billing.events import accept_event
from contracts.errors import refuse
from contracts.house import House

MAX_BODY = 262_144


def router(house: House) -> APIRouter:
    """The one route for webhooks of the payment service."""
    routes = APIRouter()

    @routes.post("/inbox/stripe", summary="Webhooks of the payment service")
    async def receive(request: Request) -> Response:
        body = await _raw_body(request)
        await to_thread.run_sync(_store, house, body, request.headers.get("stripe-signature", ""))
        return Response(status_code=200)

    return routes


def _store(house: House, body: bytes, signature: str) -> None:
    event = house.payments.verify_webhook(body, signature)
    with house.store.write("inbox") as unit:
        accept_event(unit, event)


async def _raw_body(request: Request) -> bytes:
    """The exact bytes that were signed; `body_too_large` above 256 KiB, without reading on."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise refuse("body_too_large", "An event is never larger than 256 KiB.")
    except ClientDisconnect as error:
        raise refuse("bad_request", "The body ended early.") from error
    return bytes(body)
