"""The gate's endpoints as plain ASGI handlers, for an installation whose one process does everything."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from api.front import HotRoute
from api.gate.adapters import STOPPED, Endpoint, Endpoints, endpoints
from contracts.house import House


def hot_routes(house: House) -> list[HotRoute]:
    """The gate's endpoints of a house."""
    return routes_of(endpoints(house))


def routes_of(made: Endpoints) -> list[HotRoute]:
    """Endpoints as hot routes."""
    return [
        HotRoute(methods, path, GateHandler(endpoint), _TOLD if path == STOPPED else _ASKED) for path, (methods, endpoint) in made.items()
    ]


class GateHandler:
    """One endpoint over ASGI."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send, params: dict[str, str]) -> None:
        client, query = scope.get("client"), scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        reply = await self._endpoint.reply(scope["method"], target, scope["headers"], client[0] if client else "")
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await send({"type": "http.response.body", "body": reply.body})


_ASKED = "Allow or stop one request to the main site"
_TOLD = "What a visitor whom nginx was told to stop is told"
