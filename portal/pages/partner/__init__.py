"""Pages of partners: what waits for them, their applications, contracts, clients, usage, entries and team."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from contracts.people.roles import Side
from portal.pages import webhooks
from portal.pages.partner import (
    acceptance,
    amendments,
    applications,
    clients,
    contracts,
    crawlers,
    credential,
    entries,
    evidence,
    leadership,
    life,
    member,
    negotiation,
    organisation,
    project,
    proving,
    registering,
    sandbox,
    sections,
    signing,
    team,
    today,
    usage,
)


def router(_house: House) -> APIRouter:
    """Routes of this area."""
    whole = APIRouter()
    contract_pages = (
        applications,
        sections,
        evidence,
        project,
        acceptance,
        contracts,
        life,
        amendments,
        negotiation,
        clients,
        credential,
        proving,
        registering,
        crawlers,
        usage,
        entries,
        signing,
    )
    for part in (today, *contract_pages, team, member, leadership, sandbox, organisation):
        whole.include_router(part.router)
    whole.include_router(webhooks.routes(Side.PARTNER))
    return whole
