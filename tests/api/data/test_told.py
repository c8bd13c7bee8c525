"""What every answer says of the contract's quotas, in each of its forms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import http_sf
import httpx
import pytest

from contracts.clock import FixedClock
from contracts.store.unit import Store
from tests.api.data.test_api import Api
from tests.api.data.test_query import post
from tests.api.data.test_streams import lines
from tests.contracts.aggregates.policy import AGREED, POLICY
from tests.harness.data import world

PATH = "/v1/datasets/posts/records?fields=lang"
CAPS: dict[str, Any] = {
    "requests_per_second": 100,
    "bytes_per_day": 900_000,
    "records_in_period": 400,
    "distinct_records": 150,
    "bytes_in_period": 5_000_000,
}
DAY = {"w": 86_400}
FREES = {"t": 15 * 3600 + 1}


@pytest.fixture
def api(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Api]:
    with world(sqlite_store, clock, tmp_path, aggregates=POLICY) as data:
        data.reader.chunk = 100
        yield Api(data)


def told(answer: httpx.Response, field: str) -> dict[str, dict[str, Any]]:
    """A header's members but that of the pace."""
    return {str(name): values for name, values in http_sf.parse(answer.headers[field].encode(), tltype="list") if name != "requests"}


def left(records: int, size: int, period: int, distinct: int, period_size: int) -> dict[str, dict[str, Any]]:
    return {
        "records": {"r": records, **FREES},
        "bytes": {"r": size, **FREES},
        "records-in-period": {"r": period},
        "distinct-records": {"r": distinct},
        "bytes-in-period": {"r": period_size},
    }


def test_every_form_of_answer_names_what_is_left_of_each_quota(api: Api) -> None:
    contract, client = api.data.contract(**CAPS, **AGREED)
    token = api.token(contract, client)
    page = api.get(f"{PATH}&limit=30", token, **{"idempotency-key": "once"})
    sent = api.data.leaves()[0]["bytes"]
    assert told(page, "ratelimit-policy") == {
        "records": {"q": 1_000, **DAY},
        "bytes": {"q": 900_000, **DAY},
        "records-in-period": {"q": 400},
        "distinct-records": {"q": 150},
        "bytes-in-period": {"q": 5_000_000},
    }
    after = left(970, 900_000 - sent, 370, 120, 5_000_000 - sent)
    free = api.get(f"{PATH}&limit=30", token, **{"idempotency-key": "once"})
    counts = api.get("/v1/datasets/posts/aggregate?by=lang", token)
    sized = post(api, token, {"fields": ["lang"]}, "/v1/datasets/posts/estimate")
    for answer in (page, free, counts, sized):
        assert (answer.status_code, told(answer, "ratelimit")) == (200, after)


def test_a_stream_names_them_at_its_head_and_at_its_end(api: Api) -> None:
    contract, client = api.data.contract(**CAPS)
    stream = api.get(f"{PATH}&limit=1000&format=ndjson", api.token(contract, client))
    first, second, last = api.data.leaves()
    assert told(stream, "ratelimit") == left(900, 900_000 - first["bytes"], 300, 50, 5_000_000 - first["bytes"])
    records, end = lines(stream.text)
    sent = first["bytes"] + second["bytes"]
    assert (len(records), end["reason"], last["decision"]) == (150, "distinct_exhausted", "refuse")
    assert end["quotas"] == {
        "records_per_day": {"limit": 1_000, "left": 850},
        "bytes_per_day": {"limit": 900_000, "left": 900_000 - sent},
        "records_in_period": {"limit": 400, "left": 250},
        "distinct_records": {"limit": 150, "left": 0},
        "bytes_in_period": {"limit": 5_000_000, "left": 5_000_000 - sent},
    }


def test_a_refusal_by_one_quota_names_all_of_them(api: Api) -> None:
    contract, client = api.data.contract(**{**CAPS, "records_in_period": 10})
    token = api.token(contract, client)
    api.get(f"{PATH}&limit=10", token)
    refused = api.get(f"{PATH}&limit=10", token)
    assert (refused.status_code, refused.json()["code"], "retry-after" in refused.headers) == (403, "period_exhausted", False)
    sent = api.data.leaves()[0]["bytes"]
    assert told(refused, "ratelimit") == left(990, 900_000 - sent, 0, 140, 5_000_000 - sent)


def test_quotas_that_the_contract_does_not_have_are_not_named(api: Api) -> None:
    contract, client = api.data.contract()
    answer = api.get(f"{PATH}&limit=30", api.token(contract, client))
    assert told(answer, "ratelimit") == {"records": {"r": 970, **FREES}}
