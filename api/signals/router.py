"""What the house says of itself to other machines: `/robots.txt` and `/license.xml` for the main site's proxy to pass on, and the keys
that sign the requests that it sends.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from contracts.agent import Agent
from contracts.crawlers.directory import PATH
from contracts.gate import signals
from contracts.house import House
from contracts.settings import Settings

_CACHE = {"cache-control": "public, max-age=3600"}


def router(house: House) -> APIRouter:
    """The signals of a house, and its own key directory."""
    whole = signals_of(house.settings)
    agent = Agent(house.keys, house.store, house.clock, house.settings.base_url)

    @whole.get(PATH, summary="The keys that this platform signs its own requests with", response_class=Response, tags=["signals"])
    def key_directory() -> Response:
        """Signed by each of its keys (Web Bot Auth)."""
        found = agent.directory()
        return Response(found.body, headers=dict(found.headers))

    return whole


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
