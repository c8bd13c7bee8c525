"""The operator's page: the gate's mode, whom it stopped or would have stopped, and the site's last day in numbers."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from portal.pages.operator import gate


def router(house: House) -> APIRouter:
    """Every route under /operator."""
    return gate.routes
