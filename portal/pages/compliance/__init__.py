"""Pages of compliance: the ledger, its entries and proofs, deliveries, erasures and incidents."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from portal.pages.compliance import completeness, deliveries, entries, erasure, holds, incidents, ledger, letter, questions, values, visits


def router(_house: House) -> APIRouter:
    """Every route under /compliance."""
    whole = APIRouter()
    for part in (ledger, entries, deliveries, letter, questions, completeness, erasure, holds, incidents, visits, values):
        whole.include_router(part.routes)
    return whole
