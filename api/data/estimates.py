"""POST /v1/datasets/{id}/estimate: how much the query of the body would bring and cost. The body is that of …/query."""

from __future__ import annotations

from starlette.types import Receive, Scope

from api.data.asking import Act
from api.data.door import Seat
from api.data.records import posted
from contracts.access.query import Query
from contracts.access.request import Answer, RecordsRequest
from contracts.errors import Refusal
from contracts.estimates.service import Estimator
from contracts.house import House


def estimates(house: House) -> Act:
    """What answers estimates; make it once a process."""
    estimator = Estimator(house)

    async def act(seat: Seat, scope: Scope, receive: Receive, dataset_id: str) -> Answer:
        query, asked = await posted(scope, receive, "json")
        request = RecordsRequest(seat.caller, dataset_id, query if isinstance(query, Query) else Query(), asked)
        refusal = seat.refusal or (query if isinstance(query, Refusal) else None)
        return await (estimator.answer(request) if refusal is None else estimator.refuse(refusal, request, seat.held))

    return act
