"""The data API over HTTP, as a partner's program meets it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import http_sf
import httpx
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow has no types
import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.data import face
from api.front import Front
from contracts.clock import FixedClock
from contracts.credentials.tokens import ClientFacts, Tokens
from contracts.datasets.load import ordinal_of
from contracts.deliveries import service as deliveries
from contracts.deliveries.ordinals import Ordinals
from contracts.house import House
from contracts.ledger import verify_licet
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.tables import Contract
from contracts.store import epochs
from contracts.store.unit import Store
from tests.harness.data import World, run, served, world
from tests.harness.tokens import issued

ISSUER = "https://data.agora.example"
METADATA = f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/v1"'


class Api:
    """The API of a world, and tokens for it."""

    def __init__(self, data: World) -> None:
        self.data = data
        self.tokens = Tokens(data.keys, data.store, data.clock, ISSUER, "https://www.agora.example")
        self.tokens.prepare()
        parts = {"settings": data.settings, "clock": data.clock, "store": data.store, "keys": data.keys, "catalogue": data.catalogue}
        parts |= {"grants": data.grants, "access": data.writer, "data": data.reader, "tokens": self.tokens, "watch": data.watch}
        house = cast(House, SimpleNamespace(**parts))
        rest = FastAPI()
        data_face = face(house)
        rest.include_router(data_face.router)
        self.app = Front(data_face.hot, rest)

    def token(self, contract: str, client: str, audience: Any = "api", scope: str = "records:read") -> str:
        facts = ClientFacts(client, contract, self.data.cast.lab, audience, frozenset([scope]))
        return issued(self.tokens, self.data.store, facts, 1, scope).token

    def get(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        return run(self._many([path], token, headers))[0]

    def many(self, paths: list[str], token: str) -> list[httpx.Response]:
        return run(self._many(paths, token, {}))

    async def _many(self, paths: list[str], token: str | None, headers: dict[str, str]) -> list[httpx.Response]:
        transport = httpx.ASGITransport(self.app, client=("192.0.2.7", 4711))
        sent = headers if token is None else {**headers, "authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER, headers=sent) as client:
            return list(await asyncio.gather(*(client.get(path) for path in paths)))


@pytest.fixture
def api(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Api]:
    with world(sqlite_store, clock, tmp_path) as data:
        yield Api(data)


def rules(api: Api, event: str = "access.records") -> list[str]:
    return [leaf.get("rule", "") for leaf in api.data.leaves(event)]


def test_records_leave_with_limits_and_entry(api: Api) -> None:
    contract, client = api.data.contract()
    answer = api.get("/v1/datasets/posts/records?fields=id,lang&limit=3&lang=en", api.token(contract, client))
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"], answer.headers["cache-control"]) == (200, "application/json", "no-store")
    assert [sorted(row) for row in body["data"]] == [["id", "lang"]] * 3
    assert list(body) == ["data", "next", "withheld", "entry"]
    assert [leaf["id"] for leaf in api.data.leaves()] == [body["entry"]]
    assert api.data.leaves()[0]["filter_shape"] == ["lang.eq"]
    policy = http_sf.parse(answer.headers["ratelimit-policy"].encode(), tltype="list")
    left = http_sf.parse(answer.headers["ratelimit"].encode(), tltype="list")
    assert policy == [("requests", {"q": 10, "w": 1}), ("records", {"q": 1000, "w": 86_400})]
    assert left == [("requests", {"r": 9, "t": 1}), ("records", {"r": 997, "t": 15 * 3600 + 1})]


def test_no_token_a_wrong_token_and_a_site_token_are_401_and_recorded(api: Api) -> None:
    contract, client = api.data.contract()
    path = "/v1/datasets/posts/records"
    none, wrong = api.get(path), api.get(path, "nonsense")
    basic = api.get(path, authorization="Basic YTpi")
    site = api.get(path, api.token(contract, client, audience="site", scope="site:fetch"))
    assert [each.status_code for each in (none, wrong, basic, site)] == [401] * 4
    assert [each.json()["code"] for each in (none, wrong, basic, site)] == [
        "token_missing",
        "token_invalid",
        "token_missing",
        "token_invalid",
    ]
    assert none.headers["www-authenticate"] == f'Bearer {METADATA}, DPoP algs="ES256 EdDSA Ed25519 PS256", {METADATA}'
    assert wrong.headers["www-authenticate"] == f'Bearer error="invalid_token", {METADATA}'
    assert none.headers["content-type"] == "application/problem+json"
    assert [leaf["id"] for leaf in api.data.leaves()] == [each.json()["entry"] for each in (none, wrong, basic, site)]


def test_a_token_in_the_address_is_refused_and_not_kept(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    answer = api.get(f"/v1/datasets/posts/records?access_token={token}", token)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert api.data.personal(answer.json()["entry"]) == {"network": "192.0.2.0/24"}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 422, "invalid_input"),
        ("limit=1001", 422, "invalid_input"),
        ("limit=1&limit=2", 422, "invalid_input"),
        ("fields=", 422, "invalid_input"),
        ("fields=id,id", 422, "invalid_input"),
        ("lang=en&lang=de", 422, "filter_not_possible"),
        ("created_at.near=2026", 422, "filter_not_possible"),
        ("created_at.gte=2026-01-01T00:00:00", 422, "filter_not_possible"),
        ("likes.gte=9999999999999999999", 422, "filter_not_possible"),
        ("lang=%FF", 400, "bad_request"),
        ("lang", 400, "bad_request"),
        ("lang=" + "a" * 9000, 400, "bad_request"),
        ("lang=a%00b", 422, "filter_not_possible"),
        ("cursor=%F0%9F%98%80", 422, "cursor_unusable"),
        ("fields=text", 403, "field_not_in_contract"),
        ("purpose=archiving", 403, "purpose_not_in_contract"),
    ],
)
def test_bad_input_is_a_clear_problem_with_its_entry(api: Api, query: str, status: int, code: str) -> None:
    contract, client = api.data.contract()
    answer = api.get(f"/v1/datasets/posts/records?{query}", api.token(contract, client))
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert [(leaf["id"], leaf["rule"]) for leaf in api.data.leaves()] == [(problem["entry"], code)]


def test_the_contracts_pace_is_kept_and_told(api: Api) -> None:
    contract, client = api.data.contract(requests_per_second=3)
    answers = api.many(["/v1/datasets/posts/records?limit=1"] * 12, api.token(contract, client))
    over = [each for each in answers if each.status_code == 429]
    assert 3 <= len(answers) - len(over) <= 6
    assert {each.json()["code"] for each in over} == {"rate_exceeded"}
    assert {each.headers["retry-after"] for each in over} == {"1"}
    assert len(api.data.leaves()) == 12


def test_an_exhausted_quota_tells_when_it_frees(api: Api) -> None:
    contract, client = api.data.contract(records_per_day=5)
    token = api.token(contract, client)
    assert len(api.get("/v1/datasets/posts/records", token).json()["data"]) == 5
    answer = api.get("/v1/datasets/posts/records", token)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "quota_exhausted", str(15 * 3600 + 1))
    assert answer.json()["resets_at"] == "2026-11-03T00:00:00.000Z"


def test_a_suspended_contract_reads_nothing_anywhere(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    assert api.get("/v1/contract", token).status_code == 200
    with api.data.store.write() as unit:
        epochs.bump(unit, "grants")
        unit.lock(Contract, contract).state = "suspended"
    api.data.watch.poll()
    paths = ["contract", "datasets", "datasets/posts", "datasets/posts/records", "usage", "access-log", "erasures", "status"]
    answers = api.many([f"/v1/{path}" for path in paths], token)
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(403, "contract_not_active")] * 8
    assert len(rules(api)) + len(rules(api, "access.catalogue")) == 9


def test_a_partner_sees_its_contract_datasets_usage_and_status(api: Api) -> None:
    contract, client = api.data.contract(price={"per_1000": "0.40", "currency": "EUR"}, purposes=["research", "archiving"])
    token = api.token(contract, client)
    api.get("/v1/datasets/posts/records?limit=7", token)
    seen = api.get("/v1/contract", token).json()
    assert (seen["contract"], seen["version"], seen["terms"]["records_per_day"]) == (contract, 1, 1000)
    listed = api.get("/v1/datasets", token).json()["data"]
    assert [(each["id"], [field["name"] for field in each["fields"]]) for each in listed] == [
        ("posts", ["id", "author_id", "created_at", "lang", "likes"])
    ]
    one = api.get("/v1/datasets/posts", token).json()
    assert one["fields"][0] == {"name": "id", "type": "string", "description": "", "pseudonym": True, "filters": ["eq", "in"]}
    assert (one["purposes"], one["limits"]["cursor_lifetime_seconds"]) == (["research"], 86_400)
    assert api.get("/v1/datasets/elsewhere", token).json()["code"] == "dataset_not_in_contract"
    sent = sum(leaf["bytes"] for leaf in api.data.leaves() if leaf["decision"] == "allow")
    uncounted = {"requests": 0, "refused": 0, "failed": 0, "refused_share": 0.0, "failed_share": 0.0}
    used = api.get("/v1/usage", token).json()
    assert used["data"] == [{"day": "2026-11-02", "records": 7, "bytes": sent, "billed": 7, **uncounted}]
    assert used["requests"] == uncounted
    assert api.get("/v1/status", token).json()["records"] == {"limit": 1000, "used": 7, "resets_at": "2026-11-03T00:00:00.000Z"}
    assert api.get("/v1/status", token).json()["bytes"] == {"limit": None, "used": sent}
    assert len(rules(api, "access.catalogue")) == 7


def test_a_generalised_field_is_described_compared_and_written_so(api: Api) -> None:
    part = {"dataset": "posts", "fields": ["created_at", "lang", "likes"], "generalised": {"created_at": "day", "lang": "masked"}}
    token = api.token(*api.data.contract(datasets=[part]))
    told = api.get("/v1/datasets/posts", token).json()["fields"]
    ranges = ["eq", "in", "gte", "gt", "lte", "lt"]
    assert told[0] == {"name": "created_at", "type": "date", "description": "", "pseudonym": False, "filters": ranges, "generalised": "day"}
    assert [each.get("generalised") for each in told] == ["day", "masked", None]
    page = api.get("/v1/datasets/posts/records?created_at=2026-01-02&limit=1000&fields=created_at", token).json()
    day = [each for each in served(api.data.posts) if each["created_at"].startswith("2026-01-02")]
    assert page["data"] == [{"created_at": "2026-01-02"}] * len(day)
    assert page["withheld"]["generalised"] == {"created_at": "day", "lang": "masked"}
    refused = api.get("/v1/datasets/posts/records?created_at.gte=2026-01-02T04:00:00Z", token)
    assert (refused.status_code, refused.json()["code"]) == (422, "filter_not_possible")
    stream = api.get("/v1/datasets/posts/records?created_at=2026-01-02&fields=created_at&format=arrow&limit=1000", token)
    assert str(pa.ipc.open_stream(stream.content).read_all().schema.field("created_at").type) == "date32[day]"


def test_the_status_says_what_is_left_of_the_period_and_what_may_run_at_once(api: Api) -> None:
    plain, capped = api.data.contract(), api.data.contract(records_in_period=90, distinct_records=30, concurrent_requests=2)
    api.get("/v1/datasets/posts/records?limit=20", api.token(*capped))
    again = api.get("/v1/datasets/posts/records?limit=25", api.token(*capped))
    assert again.status_code == 200
    told = [
        {name: api.get("/v1/status", api.token(*each)).json()[name] for name in ("period", "requests_at_once")} for each in (plain, capped)
    ]
    period = {"records_in_period": {"limit": 90, "used": 45}, "distinct_records": {"limit": 30, "used": 25}}
    assert told == [{"period": {}, "requests_at_once": None}, {"period": period, "requests_at_once": 2}]


def test_a_partner_reads_and_proves_its_own_entries_and_nobody_elses(api: Api, tmp_path: Path) -> None:
    mine, theirs = api.data.contract(), api.data.contract(api.data.cast.rival)
    own, foreign = api.token(*mine), api.token(*theirs)
    entry = api.get("/v1/datasets/posts/records?limit=1", own).json()["entry"]
    assert api.get(f"/v1/access-log/{entry}/proof", own).json()["state"] == "pending"
    sequencer = Sequencer(api.data.store, api.data.keys, "data.agora.example/ledger")
    sequencer.integrate()
    log = api.get("/v1/access-log", own).json()
    assert [each["id"] for each in log["data"]][-1] == entry
    assert {each["contract"] for each in log["data"]} == {mine[0]}
    file = tmp_path / "own.tlog-proof"
    file.write_bytes(api.get(f"/v1/access-log/{entry}/proof", own).content)
    # The offline file in a bare Python: no environment, no site packages, nothing of the house.
    command = [sys.executable, "-I", "-S", verify_licet.__file__, "proof", str(file), sequencer.ensure_key()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    checked = json.loads(done.stdout.partition("\n")[0])
    assert (done.returncode, checked["id"], checked["contract"], checked["rows"], done.stderr) == (0, entry, mine[0], 1, "")
    answer = api.get(f"/v1/access-log/{entry}/proof", foreign)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["detail"] == api.get("/v1/access-log/ent_00/proof", foreign).json()["detail"]
    assert [each["contract"] for each in api.get("/v1/access-log", foreign).json()["data"]] == []
    assert api.get("/v1/access-log?before=x", own).json()["code"] == "cursor_unusable"


def test_an_erasure_reaches_the_contract_by_its_own_pseudonym(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    first = api.get("/v1/datasets/posts/records?limit=1", token).json()["data"][0]["id"]
    data = api.data
    version = data.catalogue.version_of("posts")
    assert version is not None
    ordinal = ordinal_of(data.settings, version, "0001")
    assert ordinal is not None
    with data.store.read() as session:
        held = deliveries.held(session, "posts", Ordinals([ordinal]))
    with data.store.write() as unit:
        deliveries.erase(unit, data.cast.cora, held, "Asked for by the person.")
    (notice,) = api.get("/v1/erasures", token).json()["data"]
    assert (notice["records"], notice["count"], notice["due_at"]) == ([first], 1, "2026-11-03T09:00:00.000Z")


def test_no_store_no_answer(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    api.data.writer.stop()
    for path in ("/v1/datasets/posts/records", "/v1/contract"):
        answer = api.get(path, token)
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "store_unavailable", "2")


def test_a_bound_token_is_good_for_nothing_as_a_bearer_token(api: Api) -> None:
    contract, client = api.data.contract()
    facts = ClientFacts(client, contract, api.data.cast.lab, "api", frozenset({"records:read"}))
    bound = issued(api.tokens, api.data.store, facts, more={"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}).token
    for path in ("/v1/datasets/posts/records", "/v1/contract"):
        answer = api.get(path, bound)
        told = f'DPoP algs="ES256 EdDSA Ed25519 PS256", error="invalid_token", {METADATA}'
        assert (answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]) == (401, "token_invalid", told)
    assert rules(api) == ["token_invalid"] * 2


def test_a_flood_without_tokens_does_not_fill_the_ledger(api: Api) -> None:
    answers = run(api._many(["/v1/contract"] * 140, None, {}))
    assert sorted({each.status_code for each in answers}) == [401, 429]
    with api.data.store.read() as session:
        leaves = [json.loads(row.leaf) for row in session.exec(select(LedgerEntry)).all()]
    assert sum(leaf.get("rule") == "too_many_requests" for leaf in leaves) == 1
    assert sum(leaf.get("rule") == "token_missing" for leaf in leaves) <= 125
