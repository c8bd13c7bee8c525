"""Streams of records over HTTP: chunks that are each durable before they are sent, and an end that says why."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from sqlmodel import select

from contracts.access.formats import CONTENT_TYPES, MEDIA_TYPES
from contracts.access.pages import Pages
from contracts.clock import FixedClock
from contracts.lifecycle.tables import Contract
from contracts.quotas.tables import QuotaDay
from contracts.store import epochs
from contracts.store.unit import Store
from tests.api.data.test_api import Api
from tests.api.data.test_query import post
from tests.harness.data import run, served, world

PATH = "/v1/datasets/posts/records?fields=lang,likes"


@pytest.fixture
def api(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Api]:
    with world(sqlite_store, clock, tmp_path) as data:
        data.reader.chunk = 100  # so that 300 posts make several
        yield Api(data)


def lines(text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Records and end of an NDJSON stream."""
    *records, last = map(json.loads, text.splitlines())
    return records, last["_end"]


def test_a_stream_is_the_same_records_in_every_form(api: Api) -> None:
    contract, client = api.data.contract(requests_per_second=100)
    token = api.token(contract, client)
    wanted = [{"lang": each["lang"], "likes": each["likes"]} for each in served(api.data.posts)]
    ndjson = api.get(f"{PATH}&limit=1000&format=ndjson", token)
    records, end = lines(ndjson.text)
    assert (ndjson.headers["content-type"], records) == (MEDIA_TYPES["ndjson"], wanted)
    leaves = api.data.leaves()
    assert [leaf["rows"] for leaf in leaves] == [100, 100, len(wanted) - 200]
    assert (end["reason"], end["next"], end["records"], end["entries"]) == ("complete", None, len(wanted), [leaf["id"] for leaf in leaves])
    assert (ndjson.headers["licet-entry"], "licet-next" in ndjson.headers) == (leaves[0]["id"], False)
    by_csv = api.get(f"{PATH}&limit=1000", token, accept="text/csv")
    assert by_csv.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert [*csv.DictReader(io.StringIO(by_csv.text, newline=""))] == [
        {"lang": each["lang"], "likes": str(each["likes"])} for each in wanted
    ]
    by_arrow = post(api, token, {"fields": ["lang", "likes"], "limit": 1000, "format": "arrow"})
    assert pyarrow.ipc.open_stream(by_arrow.content).read_all().to_pylist() == wanted
    assert api.data.leaves()[-1]["quota_after"] == 3 * len(wanted)


def test_a_stream_that_reaches_its_limit_can_be_gone_on_with(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    first = api.get(f"{PATH}&limit=150&format=ndjson", token)
    records, end = lines(first.text)
    assert (len(records), end["reason"]) == (150, "limit")
    rest, end = lines(api.get(f"{PATH}&limit=1000&format=ndjson&cursor={end['next']}", token).text)
    assert [*records, *rest] == [{"lang": each["lang"], "likes": each["likes"]} for each in served(api.data.posts)]
    short = api.get(f"{PATH}&limit=10&format=csv", token)
    assert api.get(f"{PATH}&limit=10&cursor={short.headers['licet-next']}", token).json()["data"] == records[10:20]


def test_a_stream_of_several_parts_ends_at_its_own_limit_in_every_form(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    wanted = [{"lang": each["lang"], "likes": each["likes"]} for each in served(api.data.posts)][:230]
    by_csv = api.get(f"{PATH}&limit=230&format=csv", token)
    assert [*csv.reader(io.StringIO(by_csv.text, newline=""))] == [
        ["lang", "likes"],
        *([each["lang"], str(each["likes"])] for each in wanted),
    ]
    assert ("licet-next" in by_csv.headers, [leaf["rows"] for leaf in api.data.leaves()]) == (False, [100, 100, 30])
    by_arrow = pyarrow.ipc.open_stream(api.get(f"{PATH}&limit=230&format=arrow", token).content).read_all()
    assert (by_arrow.to_pylist(), api.data.leaves()[-1]["quota_after"]) == (wanted, 460)


def test_a_query_that_takes_too_long_is_refused_recorded_and_costs_nothing(api: Api) -> None:
    data = api.data
    hasty = data.settings.model_copy(update={"statement_seconds": 1e-9})
    data.reader.pages.close()
    data.reader.pages = Pages(data.store, hasty, data.keys, data.catalogue)
    contract, client = data.contract()
    token = api.token(contract, client)
    # Neither a sample nor what is asked by pseudonym is answered from lines, which take no time to speak of.
    part = f"{PATH}&lang.contains=e&sample=0.5&seed=1"
    asked = [part, f"{part}&format=csv", "/v1/datasets/posts/records?id.in=ps_" + "0" * 32]
    answers = [api.get(each, token) for each in asked]
    assert [(each.status_code, each.json()["code"], each.json()["seconds"]) for each in answers] == [(422, "query_too_slow", 1e-9)] * 3
    told = [(leaf["id"], leaf["decision"], leaf["rule"], leaf.get("rows", 0)) for leaf in data.leaves()]
    assert told == [(each.json()["entry"], "refuse", "query_too_slow", 0) for each in answers]
    with data.store.read() as session:
        assert session.exec(select(QuotaDay)).all() == []


def test_a_quota_that_is_reached_in_the_middle_ends_the_stream_with_its_sentence(api: Api) -> None:
    contract, client = api.data.contract(records_per_day=130)
    token = api.token(contract, client)
    records, end = lines(api.get(f"{PATH}&limit=1000&format=ndjson", token).text)
    leaves = api.data.leaves()
    assert (len(records), end["reason"], end["sentence"][:44]) == (130, "quota_exhausted", "The contract's records for the day are used ")
    assert [(leaf["decision"], leaf.get("rows")) for leaf in leaves] == [("allow", 100), ("allow", 30), ("refuse", 0)]
    assert end["entries"] == [leaf["id"] for leaf in leaves] and end["next"]
    refused = api.get(f"{PATH}&limit=1000&format=csv", token)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exhausted")


def test_a_suspension_ends_a_stream_and_nothing_leaves_after_it(api: Api) -> None:
    contract, client = api.data.contract()
    token, sent = api.token(contract, client), []

    async def stream() -> None:
        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 2:  # the head and the first chunk
                with api.data.store.write() as unit:
                    epochs.bump(unit, "grants")
                    unit.lock(Contract, contract).state = "suspended"

        headers = [(b"authorization", f"Bearer {token}".encode())]
        query = b"fields=lang&limit=1000&format=ndjson"
        scope = {"type": "http", "method": "GET", "path": "/v1/datasets/posts/records", "query_string": query, "headers": headers}
        await api.app(scope, receive, send)

    run(stream())
    records, end = lines(b"".join(each.get("body", b"") for each in sent).decode())
    assert (len(records), end["reason"], len(end["entries"])) == (100, "contract_not_active", 2)


def test_a_caller_who_goes_away_is_charged_for_no_further_chunk(api: Api) -> None:
    contract, client = api.data.contract()
    token, bodies = api.token(contract, client), 0

    async def stream() -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal bodies
            bodies += bool(message.get("body"))
            gone.set()
            await asyncio.sleep(0)

        headers = [(b"authorization", f"Bearer {token}".encode())]
        query = b"limit=1000&format=ndjson"
        scope = {"type": "http", "method": "GET", "path": "/v1/datasets/posts/records", "query_string": query, "headers": headers}
        await api.app(scope, receive, send)

    run(stream())
    assert (bodies, [leaf["rows"] for leaf in api.data.leaves()]) == (1, [100])


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "json"),
        ("text/html", "json"),
        ("text/csv", "csv"),
        ("text/csv;q=0.5, application/x-ndjson", "ndjson"),
        ("application/vnd.apache.arrow.stream, application/json;q=0.9", "arrow"),
        ("text/csv;q=0", "json"),
        ("text/csv;q=x", "json"),
    ],
)
def test_the_form_that_is_liked_best_is_sent(api: Api, accept: str, form: str) -> None:
    contract, client = api.data.contract()
    answer = api.get(f"{PATH}&limit=1", api.token(contract, client), accept=accept)
    assert answer.headers["content-type"] == CONTENT_TYPES[form]


def test_forms_and_their_limits_are_known(api: Api) -> None:
    contract, client = api.data.contract(requests_per_second=100)
    token = api.token(contract, client)
    asked = ["format=xml", "limit=1001", "limit=1001&format=json", "limit=1000001&format=csv"]
    assert [api.get(f"{PATH}&{each}", token).json()["code"] for each in asked] == ["invalid_input"] * 4
    assert api.get(f"{PATH}&limit=1000000&format=csv", token).status_code == 200
