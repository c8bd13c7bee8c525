"""The machines' face: the FastAPI app and the hot routes ahead of it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

import api.data
import api.gate
import api.inbox
import api.ledger
import api.oauth
import api.signals
from api import operations
from api.counted import CountedEnds
from api.description import OPERATIONS
from api.direct import Direct
from api.front import NOT_ALLOWED, Front, HotRoute
from api.oauth.shell import Shell
from api.openapi import Operations, describe
from api.problems import on_error, respond
from contracts.errors import LicetError, Refusal
from contracts.health.tally import Tally
from contracts.house import House

# Paths of the machines' face; every other path belongs to people.
PREFIXES = (
    "/v1",
    "/oauth",
    "/token",
    "/ledger",
    "/gate",
    "/inbox",
    "/.well-known",
    "/robots.txt",
    "/license.xml",
    "/llms.txt",
    "/healthz",
    "/readyz",
    "/metrics",
)


@dataclass(frozen=True)
class Machines:
    """The machines' face: plain ASGI endpoints, tried first, and the FastAPI app behind them."""

    hot: list[HotRoute]
    app: FastAPI

    tally: Tally

    def direct(self) -> dict[bytes, Direct]:
        """What answers without ASGI, by path."""
        return {route.path.encode(): route.direct for route in self.hot if route.direct is not None}

    def front(self) -> ASGIApp:
        """Both as one ASGI app, which counts how requests end."""
        return CountedEnds(Front(self.hot, self.app), self.tally)


def create_machines(house: House, beside: Operations | None = None) -> Machines:
    """Every endpoint of a house; errors leave as problem+json. Make it once a process: it holds the counters of pace.

    `beside` describes what the house answers in JSON elsewhere, so that `/v1/openapi.json` is the whole of it.
    """
    app = FastAPI(title="Licet", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json", redirect_slashes=False)
    app.state.house = house
    app.add_exception_handler(LicetError, on_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    data = api.data.face(house)
    app.include_router(data.router)
    shell = Shell(house)
    app.include_router(api.oauth.router(house, shell))
    for router in (api.ledger.router, api.signals.router, api.inbox.router, operations.router):
        app.include_router(router(house))
    hot = [*api.oauth.hot_routes(house, shell=shell), *data.hot, *api.gate.hot_routes(house)]
    describe(app, hot, {**OPERATIONS, **(beside or {})})
    return Machines(hot, app, house.tally)


def is_machine_path(path: str) -> bool:
    """Whether a path belongs to this face."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in PREFIXES)


async def _on_http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return respond(_HTTP[400])
    return respond(_HTTP.get(error.status_code, _HTTP[400]), error.headers)


async def _on_validation(_request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    fields = {".".join(str(part) for part in each["loc"][1:]): each["msg"] for each in problems}
    return respond(Refusal("invalid_input", "Mend the fields that are named and send the request again.", {"fields": fields}))


_HTTP: dict[int, Refusal] = {
    400: Refusal("bad_request", "This address cannot read such a request."),
    404: Refusal("not_found", "There is nothing at this address."),
    405: NOT_ALLOWED,
}
