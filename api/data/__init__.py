"""The data API: records under a contract, and a partner's own resources."""

from __future__ import annotations

from fastapi import APIRouter

from api.data.door import Door
from api.data.records import RecordsEndpoint
from api.data.routes import routes_of
from api.front import HotRoute
from contracts.house import House

RECORDS = "/v1/datasets/{dataset_id}/records"


def hot_routes(house: House) -> list[HotRoute]:
    """GET /v1/datasets/{id}/records ahead of FastAPI's routing."""
    return [HotRoute(("GET",), RECORDS, _records(house), "Records under the contract")]


def router(house: House) -> APIRouter:
    """Every other route of /v1."""
    records = _records(house)
    return routes_of(house, records.door, records)


def _records(house: House) -> RecordsEndpoint:
    """One endpoint a house, so that hot and other routes count one pace; the composition root builds one house a process."""
    if not _made or _made[0].house is not house:
        _made[:] = [RecordsEndpoint(house, Door(house))]
    return _made[0]


_made: list[RecordsEndpoint] = []
