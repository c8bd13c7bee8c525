"""Pages of the platform's staff: what waits, applications, contracts, people and incidents."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from contracts.people.roles import Side
from portal.pages import webhooks
from portal.pages.desk import (
    acts,
    agreements,
    amendments,
    applications,
    bars,
    contracts,
    draft,
    evidence,
    forms,
    incidents,
    life,
    lost,
    mails,
    members,
    negotiation,
    partners,
    people,
    policies,
    requests,
    reviewing,
    signing,
    templates,
    texts,
    today,
    whole_life,
)


def router(house: House) -> APIRouter:
    """Every route under /desk."""
    whole = APIRouter()
    contract_pages = (contracts, whole_life, negotiation, acts, signing, life, amendments, texts, agreements)
    for part in (
        today,
        applications,
        forms,
        reviewing,
        evidence,
        members,
        draft,
        *contract_pages,
        people,
        partners,
        lost,
        incidents,
        templates,
        mails,
    ):
        whole.include_router(part.routes)
    for guard in (bars, policies, requests):
        whole.include_router(guard.routes)
    whole.include_router(webhooks.routes(Side.PLATFORM))
    return whole
