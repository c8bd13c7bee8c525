"""A sandbox over HTTP: the same addresses, forms, limits and refusals as a contract's, marked, and never a byte of real data."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import http_sf
import httpx
import pytest
from sqlmodel import func, select

from contracts.billing.tables import UsageRow
from contracts.clock import FixedClock
from contracts.datasets.catalogue import Dataset
from contracts.datasets.files import folder_of, version_file
from contracts.datasets.load import ordinal_of
from contracts.deliveries import service as deliveries
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.tables import Delivery
from contracts.keys import KeyRow, Purpose
from contracts.ledger.tables import LedgerEntry
from contracts.quotas.tables import QuotaDay
from contracts.sandbox import service as sandbox
from contracts.sandbox.marks import contract_id_of
from contracts.sandbox.rows import rows_of
from contracts.store import epochs
from contracts.store.unit import Store
from portal.figures import FigureCache
from tests.api.data.test_api import Api
from tests.api.data.test_query import post
from tests.contracts.aggregates.policy import AGREED, POLICY
from tests.harness.data import run, world

PATH = "/v1/datasets/posts/records"


class Trying(Api):
    """The API with a sandbox credential of the lab."""

    def sandbox(self, name: str = "First try") -> str:
        """A fresh credential's id."""
        with self.data.store.write() as unit:
            return sandbox.create(unit, self.data.cast.tove, name=name, today=self.data.clock.now().date())[0].id

    def trying(self, client: str | None = None) -> str:
        """A token of a sandbox credential."""
        return self.token(contract_id_of(self.data.cast.lab), client or self.sandbox())


@pytest.fixture
def api(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Trying]:
    with world(store, clock, tmp_path) as data:
        yield Trying(data)


def counted(api: Trying, table: Any) -> int:
    with api.data.store.read() as session:
        return int(session.exec(select(func.count()).select_from(table)).one())


def leaves(api: Trying) -> list[dict[str, Any]]:
    """What the ledger holds of answers, of whichever event."""
    with api.data.store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(LedgerEntry.index)).all()  # type: ignore[arg-type]  # a column
    found = [json.loads(row.leaf) for row in rows]
    return [each for each in found if each["event"].partition(".")[2] in ("records", "catalogue")]


def shape(answer: httpx.Response) -> dict[str, Any]:
    """Everything of an answer but its values."""
    body = answer.json()
    return {
        "status": answer.status_code,
        "headers": sorted(set(answer.headers) - {"x-licet-sandbox"}),
        "type": answer.headers["content-type"],
        "members": [name for name in body if name != "sandbox"],
        "rows": [{name: type(value) for name, value in row.items()} for row in body.get("data", [])][:1],
        "withheld": sorted(body.get("withheld", {})),
    }


def test_an_answer_is_marked_and_its_entry_says_so(api: Trying) -> None:
    client = api.sandbox()
    answer = api.get(f"{PATH}?fields=id,lang&limit=3&lang.in=lang-1,lang-2", api.trying(client))
    body = answer.json()
    assert (answer.status_code, answer.headers["x-licet-sandbox"], body["sandbox"]) == (200, "true", True)
    assert (len(body["data"]), {row["lang"] for row in body["data"]} <= {"lang-1", "lang-2"}) == (3, True)
    assert list(body) == ["data", "next", "withheld", "entry", "sandbox"]
    assert body["withheld"] == {"rows": {"outside_contract": 0, "deleted": 0, "objecting": 0}, "fields": []}
    (leaf,) = leaves(api)
    named = ("id", "event", "decision", "organisation", "contract", "contract_version", "credential", "dataset", "fields", "rows", "facts")
    assert {name: leaf[name] for name in named} == {
        "id": body["entry"],
        "event": "sandbox.records",
        "decision": "allow",
        "organisation": api.data.cast.lab,
        "contract": f"sbx_{api.data.cast.lab}",
        "contract_version": 1,
        "credential": client,
        "dataset": "posts",
        "fields": ["id", "lang"],
        "rows": 3,
        "facts": {"sandbox": True},
    }
    policy = http_sf.parse(answer.headers["ratelimit-policy"].encode(), tltype="list")
    assert policy == [("requests", {"q": 5, "w": 1}), ("records", {"q": 10_000, "w": 86_400})]


def test_the_program_that_reads_the_sandbox_reads_the_contract(api: Trying) -> None:
    every = ["id", "author_id", "author_handle", "created_at", "lang", "country", "text", "likes", "score", "edited"]
    terms = [{"dataset": "posts", "fields": every, "rows": [], "pseudonymised": ["id", "author_id"]}]
    contract, client = api.data.contract(datasets=terms)
    live, trying = api.token(contract, client), api.trying()
    wrong = ("?fields=nothing", "?limit=1001", "?likes=many", "?text=hello", "?id=17", "?cursor=x", "?purpose=journalism", "?lang.gt=a")
    for query in ("", "?limit=7&fields=id,created_at", "?likes.gte=5&edited=true", "?created_at.gt=2026-01-02", *wrong):
        fresh = Trying(api.data)  # the pace begins anew
        first, second = fresh.get(PATH + query, trying), fresh.get(PATH + query, live)
        assert shape(first) == shape(second), query
        assert (first.json().get("code"), first.json()["sandbox"]) == (second.json().get("code"), True)
    for path in ("contract", "datasets", "datasets/posts", "usage", "access-log", "erasures", "status"):
        fresh = Trying(api.data)
        first, second = fresh.get(f"/v1/{path}", trying), fresh.get(f"/v1/{path}", live)
        assert sorted(first.json()) == sorted([*second.json(), "sandbox"]), path
        assert (first.status_code, first.headers["x-licet-sandbox"], "x-licet-sandbox" in second.headers) == (200, "true", False)
    assert api.get("/v1/erasures", trying).json()["data"] == []


def test_nothing_real_is_read_counted_or_needed(api: Trying) -> None:
    token = api.trying()
    before = api.get(f"{PATH}?limit=50", token).json()["data"]
    home, version = api.data.settings.home, api.data.catalogue.version_of("posts")
    assert version is not None
    for file in folder_of(home, "posts").glob("*"):
        file.unlink()
    version_file(home, "posts", version.version).write_bytes(b"poison" * 1_000)
    Path(api.data.settings.datasets["posts"].location).unlink()
    contract, client = api.data.contract()
    assert api.get(PATH, api.token(contract, client)).json()["code"] == "dataset_unavailable"
    with api.data.store.write() as unit:
        unit.connection.exec_driver_sql("DELETE FROM dataset_version")
    assert api.get(f"{PATH}?limit=50", token).json()["data"] == before


def test_it_delivers_owes_and_bills_nothing_and_no_figure_counts_it(api: Trying) -> None:
    token, figures = api.trying(), FigureCache(api.data.store)
    asked = [api.get(f"{PATH}?limit=100", token), api.get(f"{PATH}?fields=nothing", token)]
    assert [each.status_code for each in asked] == [200, 403]
    assert [counted(api, table) for table in (Delivery, UsageRow)] == [0, 0]
    with api.data.store.read() as session:
        (used,) = session.exec(select(QuotaDay)).all()
        assert session.exec(select(KeyRow).where(KeyRow.purpose == Purpose.PSEUDONYM)).all() == []
    assert (used.contract_id, used.used) == (f"sbx_{api.data.cast.lab}", 100)
    assert [each["event"] for each in leaves(api)] == ["sandbox.records"] * 2
    told = figures.get()
    assert (told.delivered, told.answered, told.refused) == (0, 0, 0)
    assert [row["records"] for row in api.get("/v1/usage", token).json()["data"]] == [100]


def test_an_erasure_of_a_real_record_changes_no_invented_row(api: Trying) -> None:
    token = api.trying()
    before = api.get(f"{PATH}?limit=5", token).json()["data"]
    version = api.data.catalogue.version_of("posts")
    assert version is not None
    ordinals = Ordinals([found for key in ("0001", "0002", "0003") if (found := ordinal_of(api.data.settings, version, key)) is not None])
    with api.data.store.read() as session:
        what = deliveries.held(session, "posts", ordinals)
    with api.data.store.write() as unit:
        deliveries.erase(unit, api.data.cast.cora, what, "The person asked for it.")
    assert (len(ordinals), api.get(f"{PATH}?limit=5", token).json()["data"]) == (3, before)
    assert api.get("/v1/erasures", token).json()["data"] == []


def test_pages_follow_each_other_to_the_end_and_a_cursor_is_the_sandboxs_alone(api: Trying) -> None:
    token, cursor, seen = api.trying(), "", []
    contract, client = api.data.contract()
    while True:
        answer = api.get(f"{PATH}?fields=id&limit=150{cursor and '&cursor=' + cursor}", token).json()
        seen += [row["id"] for row in answer["data"]]
        if answer["next"] is None:
            break
        cursor = answer["next"]
    assert (len(seen), len(set(seen))) == (400, 400)
    theirs = api.get(f"{PATH}?fields=id&limit=150", api.token(contract, client)).json()["next"]
    crossed = [
        api.get(f"{PATH}?fields=id&limit=150&cursor={cursor}", api.token(contract, client)).json()["code"],
        api.get(f"{PATH}?fields=id&limit=150&cursor={theirs}", token).json()["code"],
    ]
    assert crossed == ["cursor_unusable", "cursor_unusable"]


def test_pace_and_quota_hold_as_a_contracts_do(api: Trying, monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = api.trying(), time.time()
    # The pace is counted by the second, and six answers may take longer where the machine is busy.
    with monkeypatch.context() as still:
        still.setattr(time, "time", lambda: now)
        answers = api.many([f"{PATH}?limit=1"] * 6, token)
    assert sorted(each.status_code for each in answers) == [200] * 5 + [429]
    with api.data.store.write() as unit:
        unit.connection.exec_driver_sql("UPDATE quota_day SET used = 9990")
    fresh = Trying(api.data)
    last, over = fresh.get(f"{PATH}?limit=100", token), fresh.get(f"{PATH}?limit=1", token)
    assert (len(last.json()["data"]), over.status_code, over.json()["code"]) == (10, 429, "quota_exhausted")
    assert (over.json()["sandbox"], over.headers["x-licet-sandbox"]) == (True, "true")


def test_counts_and_estimates_are_those_of_a_contract_over_invented_rows(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    with world(store, clock, tmp_path, aggregates=POLICY) as data:
        api = Trying(data)
        token, path = api.trying(), "/v1/datasets/posts/aggregate"
        contract, client = data.contract(**AGREED)
        live = api.token(contract, client)
        answers = [api.get(f"{path}?by=edited&measures=count,sum:likes", each) for each in (token, live)]
        assert shape(answers[0]) == shape(answers[1])
        body = answers[0].json()
        rows = rows_of(Dataset("posts", data.settings.datasets["posts"]))
        for told in body["data"]:
            inside = [row for row in rows if str(row.values["edited"]).lower() == told["edited"]]
            likes = sum(min(30, max(0, int(str(row.values["likes"])))) for row in inside)
            assert abs(told["count"] - len(inside)) <= 2 and abs(told["sum:likes"] - likes) <= 60
        assert ([each["edited"] for each in body["data"]], body["sandbox"], body["questions"]) == (
            ["false", "true"],
            True,
            {"limit": 500, "used": 1},
        )
        clock.advance(hours=24)
        assert api.get(path, api.trying()).json()["questions"]["used"] == 1
        estimated = post(api, api.trying(), {"where": {"field": "edited", "op": "eq", "value": True}}, "/v1/datasets/posts/estimate").json()
        assert (estimated["rows"], estimated["at_least"]) == (-(-len([row for row in rows if row.values["edited"]]) // 10) * 10, False)
        told = [
            (leaf["contract"], leaf["facts"].get("sandbox")) for leaf in data.leaves("access.aggregate") + data.leaves("access.estimate")
        ]
        mine = (f"sbx_{data.cast.lab}", True)
        assert [each for each in told if each[0] != contract] == [mine] * 3
        with data.store.read() as session:
            keys = session.exec(select(KeyRow.owner).where(KeyRow.purpose == Purpose.PSEUDONYM)).all()
        assert keys == [contract]


def test_a_revoked_an_ended_and_a_foreign_credential_read_nothing(api: Trying) -> None:
    client = api.sandbox()
    contract, live = api.data.contract()
    token = api.trying(client)
    cast = api.data.cast
    # Neither credential opens what the other's contract is.
    crossed = [api.get(PATH, api.token(contract, client)), api.get(PATH, api.token(contract_id_of(cast.lab), live))]
    assert [each.json()["code"] for each in crossed] == ["token_invalid", "token_invalid"]
    assert api.get(PATH, api.token(contract_id_of("org_nobody"), client)).json()["code"] == "not_found"
    with api.data.store.write() as unit:
        unit.connection.exec_driver_sql("UPDATE sandbox_client SET last_day = '2026-11-01'")
        epochs.bump(unit, "grants")
    assert api.get(PATH, token).json()["code"] == "credential_ended"
    with api.data.store.write() as unit:
        sandbox.revoke(unit, cast.tove, client)
    answer = api.get(PATH, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_a_store_that_takes_no_entry_lets_no_invented_row_out(api: Trying) -> None:
    token = api.trying()
    assert api.get(f"{PATH}?limit=1", token).status_code == 200
    api.data.writer.stop()
    answer = api.get(f"{PATH}?limit=1", token)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    api.data.writer.start()
    assert run(api.data.ask(api.data.caller(contract_id_of(api.data.cast.lab), "cli_unknown"))).refusal is not None
