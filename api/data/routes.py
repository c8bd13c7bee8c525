"""A partner's own resources under /v1: its contract, the datasets that it names, usage, access log with proofs, erasures, status.

Each answer or refusal is a ledger entry first. Everything is looked up by the contract of the verified token, never by an id
that the request names; where one is named, another organisation's is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import anyio.to_thread
import orjson
import structlog
from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.data import views
from api.data.asking import Asking
from api.data.door import Door, Reply, Seat, carried
from api.data.records import RecordsEndpoint, unavailable
from contracts.access.answers import Committed
from contracts.access.grants import Held
from contracts.access.request import entry_by
from contracts.errors import Refusal, Refused, StoreUnavailable
from contracts.house import House
from contracts.terms.grant import Grant

log = structlog.get_logger()

View = Callable[[Session, House, Held, Grant, Mapping[str, str]], views.View]


def routes_of(house: House, door: Door, records: RecordsEndpoint, aggregates: Asking, estimates: Asking) -> APIRouter:
    """The routes of /v1 but for the hot ones, which are listed here for the description and for callers past the front."""
    router = APIRouter(prefix="/v1", tags=["data"])

    def serve(path: str, view: View, summary: str) -> None:
        async def endpoint(request: Request) -> Response:
            return (await _serve(house, door, request, view)).response()

        router.add_api_route(path, endpoint, methods=["GET"], summary=summary, name=view.__name__, response_class=Response)

    async def records_endpoint(request: Request) -> Response:
        return _Passed(records, request.path_params)

    async def aggregate_endpoint(request: Request) -> Response:
        return (await aggregates.answer(request.scope, request.receive, request.path_params["dataset_id"])).response()

    async def estimate_endpoint(request: Request) -> Response:
        return (await estimates.answer(request.scope, request.receive, request.path_params["dataset_id"])).response()

    serve("/contract", views.contract, "The contract in force and its terms")
    serve("/datasets", views.datasets, "The datasets that the contract names")
    serve("/datasets/{dataset_id}", views.dataset, "One dataset: fields, filters, limits and version")
    router.add_api_route(
        "/datasets/{dataset_id}/records", records_endpoint, methods=["GET"], summary="Records under the contract", response_class=Response
    )
    router.add_api_route(
        "/datasets/{dataset_id}/query", records_endpoint, methods=["POST"], summary="Records by a query", response_class=Response
    )
    router.add_api_route(
        "/datasets/{dataset_id}/aggregate", aggregate_endpoint, methods=["GET"], summary="Counts and sums", response_class=Response
    )
    router.add_api_route(
        "/datasets/{dataset_id}/estimate", estimate_endpoint, methods=["POST"], summary="Size and price of a query", response_class=Response
    )
    serve("/usage", views.usage, "Records and cost by day")
    serve("/access-log", views.access_log, "The contract's own entries in the ledger, newest first")
    serve("/access-log/{entry_id}/proof", views.proof, "The proof of one own entry, as C2SP tlog-proof")
    serve("/erasures", views.erasures, "Records that the contract must delete")
    serve("/status", views.status, "Whether the service answers this contract, and what is left of its limits")
    return router


class _Passed(Response):
    """Hands the request on to the hot endpoint, which sends its own answer."""

    def __init__(self, records: RecordsEndpoint, path: Mapping[str, str]) -> None:
        super().__init__()
        self._records, self._path = records, dict(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._records(scope, receive, send, self._path)


async def _serve(house: House, door: Door, request: Request, view: View) -> Reply:
    try:
        seat = await door.enter(request.scope)
        return seat if isinstance(seat, Reply) else door.leave(seat, await _seated(house, door, request, seat, view))
    except (StoreUnavailable, SQLAlchemyError) as error:
        log.warning("api.unavailable", error=type(error).__name__)
        return unavailable()


async def _seated(house: House, door: Door, request: Request, seat: Seat, view: View) -> Reply:
    """Decide, read, record, and only then answer."""
    outcome = seat.refusal or await house.data.authorise(seat.caller)
    made: views.View | None = None
    if isinstance(outcome, Held) and isinstance(outcome.grant, Grant):
        asked = {**request.query_params, **request.path_params}
        try:
            made = await anyio.to_thread.run_sync(_look, house, outcome, outcome.grant, view, asked)
        except Refused as refused:
            outcome = refused.refusal
    grant = seat.held.grant if isinstance(seat.held.grant, Grant) else None
    refusal = outcome if isinstance(outcome, Refusal) else None
    base = entry_by(seat.caller, grant, "access.catalogue", refusal)
    entry = base._replace(facts={"asked": view.__name__, **base.facts})
    committed = await house.access.record_once(entry, seat.caller.proof)
    refusal = committed.refusal or refusal
    if made is None or refusal is not None:
        return door.refused(refusal or _NOT_FOUND, committed.entry_id, committed.receipt, seat.standing, dpop=seat.is_proved)
    return _told(door, seat, made, committed)


def _look(house: House, held: Held, grant: Grant, view: View, asked: Mapping[str, str]) -> views.View:
    with house.store.read() as session:
        return view(session, house, held, grant, asked)


def _told(door: Door, seat: Seat, made: views.View, committed: Committed) -> Reply:
    if isinstance(made, str):
        return Reply(
            200, made.encode(), {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store", **carried(committed.receipt)}
        )
    return door.allowed(orjson.dumps({**made, "entry": committed.entry_id}), committed.receipt, seat.standing)


_NOT_FOUND = Refusal("not_found", "There is no such thing under this contract.")
