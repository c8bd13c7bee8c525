"""Public pages: what there is, how one gets it, who has it, and how often someone was refused."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from portal.pages.public import apply, certificates, datasets, decisions, home, register, retention


def router(_house: House) -> APIRouter:
    """Routes of this area."""
    whole = APIRouter()
    for part in (home, datasets, apply, register, retention, certificates, decisions):
        whole.include_router(part.router)
    return whole
