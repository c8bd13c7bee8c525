"""GET /v1/datasets/{id}/records, the hot endpoint: plain ASGI, no ORM, no routing of FastAPI's on its way."""

from __future__ import annotations

from urllib.parse import parse_qsl

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from api.data.door import Door, Reply, Seat
from api.limits import retry_after
from api.problems import MEDIA_TYPE, body_of, status_of
from contracts.access.query import Query, parse
from contracts.access.request import Answer, RecordsRequest
from contracts.errors import Refusal, StoreUnavailable
from contracts.house import House

log = structlog.get_logger()

_MAX_QUERY = 8_192


class RecordsEndpoint:
    """Answers requests for records."""

    def __init__(self, house: House, door: Door) -> None:
        self.house, self.door = house, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: dict[str, str]) -> None:
        reply = await self.answer(scope, path["dataset_id"])
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in reply.headers.items()]
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def answer(self, scope: Scope, dataset_id: str) -> Reply:
        """The reply to a request; its entry is durable. 503 without an entry where the store takes none."""
        try:
            seat = await self.door.enter(scope)
            if isinstance(seat, Reply):
                return seat
            return self.door.leave(seat, self._reply(seat, await self._records(seat, scope, dataset_id)))
        except (StoreUnavailable, SQLAlchemyError) as error:
            log.warning("api.unavailable", error=type(error).__name__)
            return unavailable()

    async def _records(self, seat: Seat, scope: Scope, dataset_id: str) -> Answer:
        raw: bytes = scope["query_string"]
        query = _query(raw)
        request = RecordsRequest(seat.caller, dataset_id, query if isinstance(query, Query) else Query(), _recordable(raw))
        refusal = seat.refusal or (query if isinstance(query, Refusal) else None)
        if refusal is not None:
            return await self.house.data.refuse(refusal, request, seat.held, self.house.clock.now())
        return await self.house.data.records(request)

    def _reply(self, seat: Seat, answer: Answer) -> Reply:
        if answer.refusal is not None:
            return self.door.refused(answer.refusal, answer.entry, seat.standing, answer.quota, dpop=seat.is_proved)
        return self.door.allowed(answer.body, seat.standing, answer.quota)


def _query(raw: bytes) -> Query | Refusal:
    if len(raw) > _MAX_QUERY:
        return Refusal("bad_request", f"The query string is longer than {_MAX_QUERY} bytes.")
    if b"access_token=" in raw:
        return Refusal("bad_request", "Send the token in the Authorization header; in an address it ends up in logs. Revoke this one.")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict")
    except ValueError:
        return Refusal("bad_request", "The query string is not names and values in percent-encoded UTF-8.")
    return parse(pairs)


def _recordable(raw: bytes) -> str:
    """The query as the ledger keeps it beside the entry: never a secret, never unbounded."""
    return "" if b"access_token=" in raw else raw[:_MAX_QUERY].decode("latin-1")


def unavailable() -> Reply:
    """503: the store takes no entries, so there is neither answer nor entry."""
    refusal = Refusal("store_unavailable", "The ledger takes no entries at the moment, so nothing was answered. Try again shortly.")
    headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **retry_after(refusal, None, None)}
    return Reply(status_of(refusal), body_of(refusal), headers)
