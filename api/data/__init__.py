"""The data API: records under a contract, and a partner's own resources."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from api.data.aggregates import aggregates
from api.data.asking import Asking
from api.data.door import Door
from api.data.estimates import estimates
from api.data.records import RecordsEndpoint
from api.data.routes import routes_of
from api.front import HotRoute
from contracts.house import House

RECORDS = "/v1/datasets/{dataset_id}/records"
QUERY = "/v1/datasets/{dataset_id}/query"


@dataclass(frozen=True)
class DataFace:
    """The addresses of /v1: the hot ones ahead of FastAPI's routing, and the rest. They share one door, so they count one pace."""

    hot: list[HotRoute]
    router: APIRouter


def face(house: House) -> DataFace:
    """The data API of a house; make it once a process."""
    door = Door(house)
    records = RecordsEndpoint(house, door)
    asked = Asking(door, aggregates(house)), Asking(door, estimates(house))
    hot = [
        HotRoute(("GET",), RECORDS, records, "Records under a contract"),
        HotRoute(("POST",), QUERY, records, "Records under a contract, by nested conditions"),
    ]
    return DataFace(hot, routes_of(house, door, records, *asked))
