"""Pages of the platform's staff: what waits, applications, contracts, people and incidents."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House


def router(house: House) -> APIRouter:
    """Every route under /desk."""
    return APIRouter()
