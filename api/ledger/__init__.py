"""The ledger for outsiders: its signed checkpoint and the tiles of its tree (C2SP tlog-tiles), and a partner's own proofs."""

from __future__ import annotations

from fastapi import APIRouter

from api.ledger import tiles
from contracts.house import House


def router(_house: House) -> APIRouter:
    """Every route of the ledger."""
    whole = APIRouter()
    whole.include_router(tiles.routes)
    return whole
