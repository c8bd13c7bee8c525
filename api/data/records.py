"""Records under a contract, the hot endpoints: plain ASGI, no ORM, no routing of FastAPI's on their way.

`GET /v1/datasets/{id}/records` takes its query from the address, `POST /v1/datasets/{id}/query` from a JSON body; all else is the same.
"""

from __future__ import annotations

from contextlib import aclosing

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from api.counted import has_failed
from api.data.door import Door, Reply, Seat
from api.data.sent import repeat_key
from api.data.stream import Stream, accepted, encoded
from api.data.strings import pairs_of, recordable
from api.limits import retry_after
from api.oauth.form import read_body
from api.problems import MEDIA_TYPE, body_of, status_of
from contracts.access.body import MAX_BODY_BYTES, parse_body
from contracts.access.query import Query, parse
from contracts.access.request import Answer, RecordsRequest
from contracts.errors import Refusal, StoreUnavailable
from contracts.house import House

log = structlog.get_logger()


class RecordsEndpoint:
    """Answers requests for records."""

    def __init__(self, house: House, door: Door) -> None:
        self.house, self.door = house, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: dict[str, str]) -> None:
        """Answer; the entry of all that leaves is durable. 503 without an entry where the store takes none."""
        try:
            seat = await self.door.enter(scope)
            reply = seat if isinstance(seat, Reply) else await self._seated(seat, scope, receive, send, path["dataset_id"])
        except (StoreUnavailable, SQLAlchemyError) as error:
            log.warning("api.unavailable", error=type(error).__name__)
            reply = unavailable()
        if reply is None:
            return
        headers = [*encoded(reply.headers), (b"content-length", str(len(reply.body)).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _seated(self, seat: Seat, scope: Scope, receive: Receive, send: Send, dataset_id: str) -> Reply | None:
        """The reply, or None where the answer was streamed."""
        form = accepted(scope)
        query, asked = _asked(scope["query_string"], form) if scope["method"] != "POST" else await posted(scope, receive, form)
        key = repeat_key(scope)
        named = "" if isinstance(key, Refusal) else key
        request = RecordsRequest(seat.caller, dataset_id, query if isinstance(query, Query) else Query(), asked, named)
        refusal = seat.refusal or next((each for each in (query, key) if isinstance(each, Refusal)), None)
        if refusal is not None:
            answer = await self.house.data.refuse(refusal, request, seat.held, self.house.clock.now())
        elif request.query.form == "json":
            answer = await self.house.data.records(request)
        else:
            async with aclosing(self.house.data.chunks(request)) as answers:
                answer = await anext(answers)
                if answer.part is not None:
                    reply = self.door.leave(seat, self.door.allowed(b"", answer.receipt, seat.standing, answer.quotas))
                    stream = Stream(request, answer, answers, reply, self.house.data.chunk)
                    await stream.send(receive, send)
                    if stream.is_broken:
                        has_failed(scope)
                    return None
        return self.door.leave(seat, self._reply(seat, answer))

    def _reply(self, seat: Seat, answer: Answer) -> Reply:
        if answer.refusal is not None:
            return self.door.refused(answer.refusal, answer.entry, answer.receipt, seat.standing, answer.quotas, dpop=seat.is_proved)
        return self.door.allowed(answer.body, answer.receipt, seat.standing, answer.quotas)


def _asked(raw: bytes, form: str) -> tuple[Query | Refusal, str]:
    """The query of an address, and its text as the ledger keeps it beside the entry: never a secret, never unbounded."""
    pairs = pairs_of(raw)
    return pairs if isinstance(pairs, Refusal) else parse(pairs, form), recordable(raw)


async def posted(scope: Scope, receive: Receive, form: str) -> tuple[Query | Refusal, str]:
    """The query of a body, and its text as the ledger keeps it beside the entry."""
    types = [value.partition(b";")[0].strip().lower() for name, value in scope["headers"] if name == b"content-type"]
    if types != [b"application/json"]:
        return Refusal("bad_request", "Send the query as one JSON object with the content type application/json."), ""
    if scope["query_string"]:
        return Refusal("bad_request", "This address takes its query in the body, and nothing behind a question mark."), ""
    raw = await read_body(receive, MAX_BODY_BYTES)
    if raw is None:
        return Refusal("body_too_large", f"The query is longer than {MAX_BODY_BYTES:,} bytes."), ""
    query = parse_body(raw, form)
    # A body that is no JSON may hold what no store takes as text.
    return query, "" if isinstance(query, Refusal) and query.code == "bad_request" else raw.decode()


def unavailable() -> Reply:
    """503: the store takes no entries, so there is neither answer nor entry."""
    refusal = Refusal("store_unavailable", "The ledger takes no entries at the moment, so nothing was answered. Try again shortly.")
    headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **retry_after(refusal, None, None)}
    return Reply(status_of(refusal), body_of(refusal), headers)
