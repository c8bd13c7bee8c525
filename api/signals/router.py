"""`/robots.txt` and `/license.xml`, made from settings once, for the main site's proxy to pass on."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from contracts.gate import signals
from contracts.house import House
from contracts.settings import Settings

_CACHE = {"cache-control": "public, max-age=3600"}


def router(house: House) -> APIRouter:
    """Both signals of a house."""
    return signals_of(house.settings)


def signals_of(settings: Settings) -> APIRouter:
    """Both signals. They change with the settings only, so they are rendered at start."""
    routes = APIRouter()
    robots, licence = signals.robots(settings), signals.licence(settings)

    @routes.api_route("/robots.txt", methods=["GET", "HEAD"], include_in_schema=False)
    async def robots_txt() -> Response:
        """Crawling preferences and where the licence is (RFC 9309, RSL 1.0 section 2.2)."""
        return Response(robots, media_type="text/plain", headers=_CACHE)

    @routes.api_route("/license.xml", methods=["GET", "HEAD"], include_in_schema=False)
    async def license_xml() -> Response:
        """The licence for machines (RSL 1.0)."""
        return Response(licence, media_type=signals.RSL_MEDIA_TYPE, headers=_CACHE)

    return routes
