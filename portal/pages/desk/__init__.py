"""Pages of the platform's staff: what waits, applications, contracts, people and incidents."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from portal.pages.desk import (
    acts,
    applications,
    contracts,
    draft,
    evidence,
    incidents,
    lost,
    members,
    negotiation,
    partners,
    people,
    signing,
    templates,
    today,
)


def router(house: House) -> APIRouter:
    """Every route under /desk."""
    whole = APIRouter()
    for part in (
        today,
        applications,
        evidence,
        members,
        draft,
        contracts,
        negotiation,
        acts,
        signing,
        people,
        partners,
        lost,
        incidents,
        templates,
    ):
        whole.include_router(part.routes)
    return whole
