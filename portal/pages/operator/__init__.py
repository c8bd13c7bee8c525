"""The operator's pages: the gate's mode and whom it stopped or would have stopped; its bans, budgets and routes; and objections."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from portal.pages.operator import appeals, bans, gate, rules


def router(house: House) -> APIRouter:
    """Every route under /operator."""
    whole = APIRouter()
    for part in (gate, appeals, bans, rules):
        whole.include_router(part.routes)
    return whole
