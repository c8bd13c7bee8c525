"""Pages of partners: what waits for them, their applications, contracts, clients, usage, entries and team."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House


def router(_house: House) -> APIRouter:
    """Routes of this area."""
    whole = APIRouter()
    return whole
