"""Answers under /v1 are counted by contract and by how they ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api.counted import CountedEnds, has_failed, is_of
from contracts.clock import FixedClock
from contracts.health import service
from contracts.health.tally import Counted, Tally
from contracts.store.unit import Store
from tests.api.data.test_api import Api
from tests.harness.data import world


def ends(tally: Tally) -> dict[tuple[str, str], int]:
    """What is counted, taken out."""
    taken: list[Counted] = []
    tally.hand_over(datetime(2026, 11, 2, tzinfo=UTC), taken.append)
    return {key: count for each in taken for key, count in each.ends.items()}


def app(status: int, contract: str = "ctr_1", cut: bool = False) -> Any:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if contract:
            is_of(scope, contract)
        if not status:
            raise ValueError("a fault of ours")
        await send({"type": "http.response.start", "status": status, "headers": []})
        if cut:
            has_failed(scope)
        await send({"type": "http.response.body", "body": b""})

    return answer


@pytest.mark.parametrize(
    ("made", "path", "counted"),
    [
        (app(200), "/v1/status", {("ctr_1", "answered"): 1}),
        (app(403), "/v1/status", {("ctr_1", "refused"): 1}),
        (app(503), "/v1/status", {("ctr_1", "failed"): 1}),
        (app(200, cut=True), "/v1/status", {("ctr_1", "failed"): 1}),
        (app(0), "/v1/status", {("ctr_1", "failed"): 1}),
        (app(503, ""), "/v1/status", {("", "failed"): 1}),
        (app(401, ""), "/v1/status", {}),
        (app(500), "/token", {}),
    ],
)
def test_each_request_is_counted_once_by_how_it_ended(made: Any, path: str, counted: dict[tuple[str, str], int]) -> None:
    tally = Tally()

    async def ask() -> None:
        transport = httpx.ASGITransport(CountedEnds(made, tally), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://licet.example") as client:
            await client.get(path)

    asyncio.run(ask())
    assert ends(tally) == counted


@pytest.fixture
def api(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Api]:
    with world(sqlite_store, clock, tmp_path) as data:
        yield Api(data)


def test_a_partner_reads_how_its_requests_ended_and_how_the_service_does(api: Api) -> None:
    (contract, client), other = api.data.contract(requests_per_second=100), api.data.contract(api.data.cast.rival)
    tally, token = Tally(), api.token(contract, client)
    api.app = CountedEnds(api.app, tally)  # type: ignore[assignment]  # as the composition root does
    for path in ("posts/records?limit=3", "posts/records?fields=text", "people/records", "posts/aggregate"):
        api.get(f"/v1/datasets/{path}", token)
    api.get("/v1/datasets/posts/records", "nonsense")
    tally.count(other[0], "failed")
    service.flush(api.data.store, tally, "UTC")
    usage = api.get("/v1/usage", token).json()
    own = {"requests": 4, "refused": 3, "failed": 0, "refused_share": 0.75, "failed_share": 0.0}
    assert (usage["requests"], {name: usage["data"][0][name] for name in own}) == (own, own)
    every = {"requests": 5, "refused": 3, "failed": 1, "refused_share": 0.6, "failed_share": 0.2}
    assert api.get("/v1/status", token).json()["service"] == {"five_minutes": every, "day": every}
