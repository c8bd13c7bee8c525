"""The first page: what this is, what there is, and how one gets it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.deps import house_of, page, portal_of
from portal.limits import PAGES, limited
from portal.pages.public.datasets import listed

router = APIRouter()


@router.get("/")
@limited(PAGES)
def show(request: Request) -> Response:
    """The same for everyone, signed in or not."""
    house = house_of(request)
    return page(request, "public/home.html", datasets=listed(house), figures=portal_of(request).figures.get())


@router.get("/transparency")
@limited(PAGES)
def transparency(request: Request) -> Response:
    """Counts, and how an outsider checks the ledger."""
    return page(request, "public/transparency.html", figures=portal_of(request).figures.get(), base_url=house_of(request).settings.base_url)
