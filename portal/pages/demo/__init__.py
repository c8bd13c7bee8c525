"""The ten-minute tour of the demo."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from portal.pages.demo.walk import Tour


def router(house: House) -> APIRouter:
    """Every route under /demo."""
    return Tour(house).routes()
