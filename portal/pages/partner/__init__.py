"""Pages of partners: what waits for them, their applications, contracts, clients, usage, entries and team."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from portal.pages.partner import applications, clients, contracts, crawlers, credential, entries, proving, team, today, usage


def router(_house: House) -> APIRouter:
    """Routes of this area."""
    whole = APIRouter()
    for part in (today, applications, contracts, clients, credential, proving, crawlers, usage, entries, team):
        whole.include_router(part.router)
    return whole
