"""GET /v1/datasets/{id}/aggregate: counts and sums under a contract, of cells that are large enough to name nobody."""

from __future__ import annotations

from starlette.types import Receive, Scope

from api.data.asking import Act
from api.data.door import Seat
from api.data.strings import pairs_of, recordable
from contracts.access.request import Answer
from contracts.aggregates.query import Question, parse
from contracts.aggregates.service import AggregateRequest, Aggregator
from contracts.errors import Refusal
from contracts.house import House


def aggregates(house: House) -> Act:
    """What answers questions for counts and sums; make it once a process."""
    aggregator = Aggregator(house)

    async def act(seat: Seat, scope: Scope, receive: Receive, dataset_id: str) -> Answer:
        raw: bytes = scope["query_string"]
        pairs = pairs_of(raw)
        question = pairs if isinstance(pairs, Refusal) else parse(pairs)
        known = question if isinstance(question, Question) else Question()
        request = AggregateRequest(seat.caller, dataset_id, known, recordable(raw))
        refusal = seat.refusal or (question if isinstance(question, Refusal) else None)
        return await (aggregator.answer(request) if refusal is None else aggregator.refuse(refusal, request, seat.held))

    return act
