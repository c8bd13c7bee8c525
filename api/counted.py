"""Counts how requests to /v1 end: for whom is noted on the way in, how is seen on the way out. One addition a request."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.health.tally import Tally, outcome_of

_KEY = "licet.ending"


@dataclass(slots=True)
class Ending:
    """One request: whose it is, once that is known, and how it ended. Without an answer it is an error of ours."""

    contract_id: str = ""
    status: int = 500


class CountedEnds:
    """An ASGI app with its answers under /v1 counted."""

    def __init__(self, app: ASGIApp, tally: Tally) -> None:
        self._app, self._tally = app, tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        ending = scope[_KEY] = Ending()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                ending.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._tally.count(ending.contract_id, outcome_of(ending.status))


def is_of(scope: Scope, contract_id: str) -> None:
    """Note whose request it is."""
    if _KEY in scope:
        scope[_KEY].contract_id = contract_id


def has_failed(scope: Scope) -> None:
    """Note that the answer, though it began well, was cut by an error of ours."""
    if _KEY in scope:
        scope[_KEY].status = 500
