"""Addresses of /v1 that answer one question by one reply: the way in, the refusals and the way out, which they share."""

from __future__ import annotations

from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope

from api.data.door import Door, Reply, Seat
from api.data.records import unavailable
from contracts.access.request import Answer
from contracts.errors import StoreUnavailable

log = structlog.get_logger()


class Act(Protocol):
    """What answers a caller who came in."""

    async def __call__(self, seat: Seat, scope: Scope, receive: Receive, dataset_id: str) -> Answer: ...


class Asking:
    """One address. `act` records what it answers before it answers."""

    def __init__(self, door: Door, act: Act) -> None:
        self._door, self._act = door, act

    async def answer(self, scope: Scope, receive: Receive, dataset_id: str) -> Reply:
        """The reply; its entry is durable. 503 without an entry where the store takes none."""
        try:
            seat = await self._door.enter(scope)
            if isinstance(seat, Reply):
                return seat
            answer = await self._act(seat, scope, receive, dataset_id)
        except (StoreUnavailable, SQLAlchemyError) as error:
            log.warning("api.unavailable", error=type(error).__name__)
            return unavailable()
        if answer.refusal is not None:
            return self._door.leave(
                seat, self._door.refused(answer.refusal, answer.entry, answer.receipt, seat.standing, answer.quotas, dpop=seat.is_proved)
            )
        return self._door.leave(seat, self._door.allowed(answer.body, answer.receipt, seat.standing, answer.quotas))
