"""Records as a stream of chunks, each durable before it is sent; and which form of answer a request accepts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from api.data.door import Reply
from contracts.access.formats import CONTENT_TYPES, MEDIA_TYPES, End, writer_of
from contracts.access.request import Answer, Part, RecordsRequest
from contracts.errors import StoreUnavailable

log = structlog.get_logger()

Written = Callable[[Sequence[str]], bytes]

_COMPLETE = "These are all records that the query finds."
_LIMITED = "The query's limit is reached, and more records follow."
_UNAVAILABLE = "The ledger takes no entries at the moment, so the stream ends here. Go on with the cursor."


class Stream:
    """One stream, from its first answer on. A caller who goes away ends it: nothing more is read or charged."""

    def __init__(self, request: RecordsRequest, first: Answer, following: AsyncIterator[Answer], reply: Reply, chunk: int) -> None:
        """`reply` has the headers that every answer has; `chunk` is how many records come at a time."""
        self._chunk = chunk
        self._query, self._first, self._following, self._reply = request.query, first, following, reply
        self._entries: list[str] = []
        self._quotas = first.quotas
        self._count = 0
        self.is_broken = False

    async def send(self, receive: Receive, send: Send) -> None:
        """Send all of it. Where it ends before the query does, its last part says why."""
        part = self._first.part
        if part is None:
            return
        writer = writer_of(self._query.form, part.columns)
        gone = asyncio.create_task(_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers(part)})
            await _more(send, writer.head())
            end = await self._records(part, send, writer.records, gone)
            await send({"type": "http.response.body", "body": b"" if end is None else writer.tail(end)})
        finally:
            gone.cancel()

    async def _records(self, part: Part, send: Send, written: Written, gone: asyncio.Task[None]) -> End | None:
        answer = self._first
        while True:
            self._entries.append(answer.entry)
            self._quotas = answer.quotas or self._quotas
            if answer.refusal is not None:
                return self._end(answer.refusal.code, answer.refusal.reason, part)
            part = answer.part or part
            self._count += len(part.rows)
            await _more(send, await asyncio.to_thread(written, part.rows) if part.rows else b"")
            if gone.done():
                return None
            try:
                answer = await anext(self._following)
            except StopAsyncIteration:
                return self._end("limit", _LIMITED, part) if part.following else self._end("complete", _COMPLETE, part)
            except (StoreUnavailable, SQLAlchemyError) as error:
                log.warning("api.unavailable", error=type(error).__name__)
                self.is_broken = True
                return self._end("store_unavailable", _UNAVAILABLE, part)

    def _end(self, reason: str, sentence: str, part: Part) -> End:
        quotas = {} if self._quotas is None else self._quotas.told()
        return End(reason, sentence, part.following, self._count, tuple(self._entries), part.withheld, quotas)

    def _headers(self, part: Part) -> list[tuple[bytes, bytes]]:
        """What is known before the first byte; the cursor only where one chunk is all of the stream."""
        told = {**self._reply.headers, "content-type": CONTENT_TYPES[self._query.form], "licet-entry": self._first.entry}
        told["licet-withheld"] = part.withheld.decode("ascii")
        if part.following and self._query.limit <= self._chunk:
            told["licet-next"] = part.following
        return encoded(told)


async def _more(send: Send, body: bytes) -> None:
    if body:
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Ends when the caller has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI takes them."""
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]


def accepted(scope: Scope) -> str:
    """The form of an answer that the request likes best (RFC 9110 section 12.5.1), of those that it names; else a page of JSON."""
    best, form = 0.0, "json"
    for name, value in scope["headers"]:
        if name == b"accept":
            for each in value.decode("latin-1").lower().split(","):
                media_type, *parameters = (part.strip() for part in each.split(";"))
                weight = _weight(parameters)
                if media_type in _FORMS and weight > best:
                    best, form = weight, _FORMS[media_type]
    return form


def _weight(parameters: list[str]) -> float:
    given = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return float(given)
    except ValueError:
        return 0.0


_FORMS = {media_type: form for form, media_type in MEDIA_TYPES.items()} | {"application/jsonl": "ndjson", "application/ndjson": "ndjson"}
