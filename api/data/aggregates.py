"""GET /v1/datasets/{id}/aggregate: counts and sums under a contract, of cells that are large enough to name nobody."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Scope

from api.data.door import Door, Reply, Seat
from api.data.records import unavailable
from api.data.strings import pairs_of, recordable
from contracts.access.request import Answer
from contracts.aggregates.query import Question, parse
from contracts.aggregates.service import AggregateRequest, Aggregator
from contracts.errors import Refusal, StoreUnavailable
from contracts.house import House

log = structlog.get_logger()


class AggregateEndpoint:
    """Answers questions for counts and sums."""

    def __init__(self, house: House, door: Door) -> None:
        self._door, self._aggregator = door, Aggregator(house)

    async def answer(self, scope: Scope, dataset_id: str) -> Reply:
        """The reply to a question; its entry is durable. 503 without an entry where the store takes none."""
        try:
            seat = await self._door.enter(scope)
            if isinstance(seat, Reply):
                return seat
            return self._door.leave(seat, self._reply(seat, await self._answered(seat, scope, dataset_id)))
        except (StoreUnavailable, SQLAlchemyError) as error:
            log.warning("api.unavailable", error=type(error).__name__)
            return unavailable()

    async def _answered(self, seat: Seat, scope: Scope, dataset_id: str) -> Answer:
        raw: bytes = scope["query_string"]
        pairs = pairs_of(raw)
        question = pairs if isinstance(pairs, Refusal) else parse(pairs)
        known = question if isinstance(question, Question) else Question()
        request = AggregateRequest(seat.caller, dataset_id, known, recordable(raw))
        refusal = seat.refusal or (question if isinstance(question, Refusal) else None)
        if refusal is not None:
            return await self._aggregator.refuse(refusal, request, seat.held)
        return await self._aggregator.answer(request)

    def _reply(self, seat: Seat, answer: Answer) -> Reply:
        if answer.refusal is not None:
            return self._door.refused(answer.refusal, answer.entry, seat.standing, dpop=seat.is_proved)
        return self._door.allowed(answer.body, seat.standing)
