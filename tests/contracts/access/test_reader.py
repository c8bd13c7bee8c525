"""Reading records, on both stores: only what the contract names, nothing before its entry, nothing after a suspension."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import select

from contracts.access import batch
from contracts.access.answers import Committed, Delivered, Item
from contracts.access.request import Answer
from contracts.billing.tables import UsageRow
from contracts.clock import FixedClock
from contracts.credentials.tables import Client
from contracts.datasets.files import lines_file, version_file
from contracts.datasets.load import ordinal_of, refresh
from contracts.datasets.pseudonyms import key_of, pseudonym
from contracts.deliveries import service as deliveries
from contracts.deliveries.ordinals import Ordinals, unpack
from contracts.deliveries.tables import Delivery
from contracts.errors import StoreUnavailable
from contracts.incidents.tables import Incident
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.quotas.tables import QuotaDay
from contracts.store import epochs
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.harness.data import World, run, served, world


@pytest.fixture
def data(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    with world(store, clock, tmp_path) as made:
        yield made


def code(answer: Answer) -> str | None:
    return None if answer.refusal is None else answer.refusal.code


def rows(answer: Answer) -> list[dict[str, Any]]:
    assert answer.refusal is None, answer.refusal
    return list(json.loads(answer.body)["data"])


def suspend(data: World, contract_id: str) -> None:
    with data.store.write() as unit:
        epochs.bump(unit, "grants")
        unit.lock(Contract, contract_id).state = "suspended"


def test_an_answer_holds_the_contracts_fields_pseudonyms_and_its_entry(data: World) -> None:
    contract, client = data.contract()
    answer = data.get(data.caller(contract, client), limit="2")
    key = key_of(data.store, data.keys, contract)
    first, second = served(data.posts)[:2]

    def expected(post: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": pseudonym(key, "posts", "id", post["id"]),
            "author_id": pseudonym(key, "posts", "author_id", post["author_id"]),
            "created_at": post["created_at"].replace("+00:00", ".000000Z"),
            "lang": post["lang"],
            "likes": post["likes"],
        }

    body = json.loads(answer.body)
    assert body.pop("next")
    assert body == {
        "data": [expected(first), expected(second)],
        "withheld": {
            "rows": {"outside_contract": 0, "deleted": 30, "objecting": 25},
            "fields": ["author_handle", "country", "text", "score", "edited"],
        },
        "entry": answer.entry,
    }
    (leaf,) = data.leaves()
    version = data.catalogue.version_of("posts")
    assert version is not None and isinstance(leaf.pop("nonce"), str)
    with data.store.read() as session:
        delivery = session.exec(select(Delivery)).one()
        terms_sha256 = session.exec(select(ContractVersion.terms_sha256)).one()
    assert len(unpack(delivery.ordinals)) == 2
    assert leaf == {
        "v": 1,
        "id": answer.entry,
        "at": "2026-11-02T09:00:00.000Z",
        "node": "main",
        "n": leaf["n"],
        "event": "access.records",
        "decision": "allow",
        "organisation": data.cast.lab,
        "contract": contract,
        "contract_version": 1,
        "contract_hash": terms_sha256,
        "credential": client,
        "credential_kind": "oauth_client",
        "purpose": "research",
        "dataset": "posts",
        "dataset_version": version.version,
        "fields": ["id", "author_id", "created_at", "lang", "likes"],
        "rows": 2,
        "bytes": len(answer.body[9 : answer.body.index(b'],"next"')]),
        "records_hash": leaf["records_hash"],
        "quota_before": 0,
        "quota_after": 2,
        "commitments": leaf["commitments"],
    }
    assert data.personal(answer.entry) == {"network": "192.0.2.0/24", "query": "limit=2"}


def test_pages_follow_each_other_without_gap_or_repetition(data: World) -> None:
    contract, client = data.contract()
    caller, cursor, seen = data.caller(contract, client), "", []
    for _ in range(20):
        answer = data.get(caller, limit="40", **({"cursor": cursor} if cursor else {}))
        seen += [row["id"] for row in rows(answer)]
        cursor = json.loads(answer.body)["next"]
        if cursor is None:
            break
    key = key_of(data.store, data.keys, contract)
    assert seen == [pseudonym(key, "posts", "id", post["id"]) for post in served(data.posts)]


def test_a_contracts_rows_bound_every_answer_and_its_counts(data: World) -> None:
    posts = {**{"dataset": "posts", "fields": ["lang"]}, "rows": [{"field": "lang", "op": "in", "value": ["de", "fr"]}]}
    contract, client = data.contract(datasets=[posts])
    caller = data.caller(contract, client)
    whole = data.get(caller, limit="1000")
    inside = [post for post in served(data.posts) if post["lang"] in ("de", "fr")]
    assert rows(whole) == [{"lang": post["lang"]} for post in inside]
    withheld = json.loads(whole.body)["withheld"]
    within = [post for post in data.posts if post["lang"] in ("de", "fr")]
    deleted = sum(post["is_deleted"] for post in within)
    objecting = sum(post["objects"] and not post["is_deleted"] for post in within)
    assert withheld["rows"] == {"outside_contract": len(served(data.posts)) - len(inside), "deleted": deleted, "objecting": objecting}
    assert rows(data.get(caller, lang__in="en,de")) == [{"lang": "de"}] * sum(post["lang"] == "de" for post in inside)
    assert code(data.get(caller, lang="en")) == "rows_outside_contract"


def test_counts_under_ten_are_not_told(data: World) -> None:
    narrow = {"dataset": "posts", "fields": ["lang"], "rows": [{"field": "lang", "op": "eq", "value": "de"}]}
    narrow["rows"].append({"field": "country", "op": "eq", "value": "SE"})  # type: ignore[attr-defined]  # a list
    contract, client = data.contract(datasets=[narrow])
    withheld = json.loads(data.get(data.caller(contract, client)).body)["withheld"]["rows"]
    assert (withheld["deleted"], withheld["objecting"]) == (0, "<10")


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ({"fields": "author_handle"}, "field_not_in_contract"),
        ({"fields": "id,nothing"}, "field_not_in_contract"),
        ({"country": "SE"}, "field_not_in_contract"),
        ({"nothing": "1"}, "filter_not_possible"),
        ({"likes": "many"}, "filter_not_possible"),
        ({"lang__gte": "de"}, "filter_not_possible"),
        ({"author_id": "a1"}, "filter_not_possible"),
        ({"purpose": "market-analysis"}, "purpose_not_in_contract"),
        ({"cursor": "AAAA"}, "cursor_unusable"),
    ],
)
def test_what_the_contract_does_not_name_is_refused_and_recorded(data: World, parameters: dict[str, str], refused: str) -> None:
    contract, client = data.contract()
    answer = data.get(data.caller(contract, client), **parameters)
    assert (code(answer), answer.body) == (refused, b"")
    (leaf,) = data.leaves()
    assert (leaf["id"], leaf["decision"], leaf["rule"], leaf["contract"]) == (answer.entry, "refuse", refused, contract)
    assert "rows" not in leaf


def test_a_foreign_dataset_network_scope_or_credential_is_refused(data: World) -> None:
    contract, client = data.contract(networks=["198.51.100.0/24"])
    caller = data.caller(contract, client, address="198.51.100.7")
    other, foreign = data.contract()
    assert code(data.get(caller, "elsewhere")) == "dataset_not_in_contract"
    assert code(data.get(data.caller(contract, client))) == "network_not_in_contract"
    assert code(data.get(data.caller(contract, client, address="198.51.100.7", scopes=["site:fetch"]))) == "scope_not_granted"
    assert code(data.get(data.caller(contract, foreign, address="198.51.100.7"))) == "token_invalid"
    assert code(data.get(data.caller(contract, client, version=2, address="198.51.100.7"))) == "token_invalid"
    assert code(data.get(data.caller(other, foreign))) is None
    assert [leaf.get("dataset", "") for leaf in data.leaves()] == ["", "posts", "posts", "posts", "posts", "posts"]


def test_dates_bound_the_contract(data: World) -> None:
    contract, client = data.contract(starts="2026-11-03", ends="2026-11-04")
    assert code(data.get(data.caller(contract, client))) == "contract_not_active"
    data.clock.advance(days=1)
    assert code(data.get(data.caller(contract, client))) is None
    data.clock.advance(days=2)
    assert code(data.get(data.caller(contract, client))) == "contract_not_active"


def test_pseudonyms_differ_between_contracts_and_filter_within_one(data: World) -> None:
    one, two = data.contract(), data.contract(data.cast.rival)
    first, second = (rows(data.get(data.caller(*pair), limit="1"))[0] for pair in (one, two))
    assert first["author_id"] != second["author_id"] and first["id"] != second["id"]
    theirs = rows(data.get(data.caller(*one), author_id=first["author_id"], limit="1000"))
    author = served(data.posts)[0]["author_id"]
    assert len(theirs) == sum(post["author_id"] == author for post in served(data.posts))
    assert {row["author_id"] for row in theirs} == {first["author_id"]}
    assert rows(data.get(data.caller(*two), author_id=first["author_id"])) == []


def test_a_cursor_is_bound_to_contract_and_query(data: World) -> None:
    one, two = data.contract(), data.contract(data.cast.rival)
    caller = data.caller(*one)
    cursor = json.loads(data.get(caller, limit="5", lang="en").body)["next"]
    assert code(data.get(caller, limit="9", lang="en", cursor=cursor)) is None
    assert code(data.get(caller, limit="5", lang="de", cursor=cursor)) == "cursor_unusable"
    assert code(data.get(caller, limit="5", lang="en", fields="id", cursor=cursor)) == "cursor_unusable"
    assert code(data.get(data.caller(*two), limit="5", lang="en", cursor=cursor)) == "cursor_unusable"
    data.clock.advance(hours=24, seconds=2)
    assert code(data.get(data.caller(*one), limit="5", lang="en", cursor=cursor)) == "cursor_unusable"


def test_a_cursor_goes_on_in_a_new_version(data: World) -> None:
    contract, client = data.contract()
    caller = data.caller(contract, client)
    first = data.get(caller, limit="50")
    refresh(data.store, data.settings, "posts")
    second = data.get(caller, limit="1000", cursor=json.loads(first.body)["next"])
    key = key_of(data.store, data.keys, contract)
    seen = [row["id"] for row in rows(first) + rows(second)]
    assert seen == [pseudonym(key, "posts", "id", post["id"]) for post in served(data.posts)]


def test_readers_go_on_while_versions_change_under_them(data: World) -> None:
    contract, client = data.contract(records_per_day=1_000_000)
    caller = data.caller(contract, client)
    answers: list[list[Answer]] = [[] for _ in range(4)]

    async def read_until(done: asyncio.Event, mine: list[Answer]) -> None:
        while not done.is_set():
            mine.append(await data.ask(caller, limit="20"))

    async def another_each() -> None:
        before = list(map(len, answers))
        # Two more: the first may have begun before.
        while any(len(mine) < count + 2 for mine, count in zip(answers, before, strict=True)):
            await asyncio.sleep(0.001)

    async def refresh_meanwhile() -> None:
        done = asyncio.Event()
        readers = [asyncio.create_task(read_until(done, mine)) for mine in answers]
        for _ in range(4):
            await another_each()
            await asyncio.to_thread(refresh, data.store, data.settings, "posts")
        await another_each()
        done.set()
        await asyncio.gather(*readers)

    run(refresh_meanwhile())
    told = [answer for mine in answers for answer in mine]
    assert {code(answer) for answer in told} == {None}
    assert len({answer.body[: answer.body.index(b'],"next"')] for answer in told}) == 1
    assert len({leaf["dataset_version"] for leaf in data.leaves()}) == 5


def test_many_readers_get_exactly_the_quota(data: World) -> None:
    contract, client = data.contract(records_per_day=10_000)
    caller = data.caller(contract, client)

    async def all_at_once() -> list[Answer]:
        return await asyncio.gather(*(data.ask(caller, limit="217") for _ in range(100)))

    answers = run(all_at_once())
    given = [len(rows(answer)) for answer in answers if answer.refusal is None]
    refused = [answer for answer in answers if answer.refusal is not None]
    assert sum(given) == 10_000
    assert {code(answer) for answer in refused} == {"quota_exhausted"}
    with data.store.read() as session:
        quota = session.exec(select(QuotaDay)).one()
        delivered = session.exec(select(Delivery)).all()
    assert (quota.used, sum(row.count for row in delivered)) == (10_000, 10_000)
    leaves = data.leaves()
    assert len(leaves) == 100 and len({leaf["id"] for leaf in leaves}) == 100
    assert sum(leaf["rows"] for leaf in leaves if leaf["decision"] == "allow") == 10_000
    late = data.get(caller)
    assert late.refusal is not None
    assert late.refusal.facts == {"limit": 10_000, "used": 10_000, "resets_at": "2026-11-03T00:00:00.000Z"}
    data.clock.advance(hours=16)
    assert len(rows(data.get(data.caller(contract, client), limit="7"))) == 7


def test_who_hangs_up_has_paid_for_what_was_recorded_and_for_nothing_else(data: World) -> None:
    contract, client = data.contract()
    caller = data.caller(contract, client)

    async def hang_up(turns: int) -> None:
        asking = asyncio.create_task(data.ask(caller, limit="7"))
        for _ in range(turns):
            await asyncio.sleep(0.001)
        asking.cancel()
        await asyncio.wait([asking])

    async def many() -> None:
        await asyncio.gather(*(hang_up(turns) for turns in range(40)))

    run(many())
    assert len(rows(data.get(caller, limit="7"))) == 7  # what waited before it is written
    with data.store.read() as session:
        used = session.exec(select(QuotaDay.used)).one()
        delivered = {row.entry_id: row.count for row in session.exec(select(Delivery)).all()}
    assert delivered == {leaf["id"]: leaf["rows"] for leaf in data.leaves() if leaf["decision"] == "allow"}
    assert used == sum(delivered.values())


def test_a_page_that_the_quota_cuts_goes_on_the_next_day(data: World) -> None:
    contract, client = data.contract(records_per_day=10)
    first = data.get(data.caller(contract, client), limit="100")
    assert len(rows(first)) == 10
    cursor = json.loads(first.body)["next"]
    data.clock.advance(hours=16)
    second = data.get(data.caller(contract, client), limit="100", cursor=cursor)
    key = key_of(data.store, data.keys, contract)
    both = [row["id"] for row in rows(first) + rows(second)]
    assert both == [pseudonym(key, "posts", "id", post["id"]) for post in served(data.posts)[:20]]


class _Meanwhile:
    """Does something between the reading of a page and its commit, once."""

    def __init__(self, data: World, act: Any) -> None:
        self._commit, self._act, self.runs = data.writer.commit, act, 0
        data.writer.commit = self  # type: ignore[method-assign,assignment]  # stands where the moment is

    async def __call__(self, item: Item) -> Committed:
        self.runs += 1
        if self.runs == 1:
            await asyncio.to_thread(self._act)
        return await self._commit(item)


def test_nothing_leaves_after_a_suspension_between_query_and_commit(data: World) -> None:
    contract, client = data.contract()
    _Meanwhile(data, lambda: suspend(data, contract))
    answer = data.get(data.caller(contract, client))
    assert (code(answer), answer.body) == ("contract_not_active", b"")
    assert [leaf["decision"] for leaf in data.leaves()] == ["refuse"]
    with data.store.read() as session:
        assert session.exec(select(Delivery)).all() == []


def test_another_contracts_change_re_runs_a_request_unharmed(data: World) -> None:
    contract, client = data.contract()
    other, _ = data.contract(data.cast.rival)
    meanwhile = _Meanwhile(data, lambda: suspend(data, other))
    assert len(rows(data.get(data.caller(contract, client), limit="3"))) == 3
    assert meanwhile.runs == 2
    assert [leaf["quota_after"] for leaf in data.leaves()] == [3]


def test_an_erased_record_is_left_out_at_once_even_of_a_page_on_its_way(data: World) -> None:
    contract, client = data.contract()
    caller = data.caller(contract, client)
    gone = served(data.posts)[0]["id"]
    version = data.catalogue.version_of("posts")
    assert version is not None

    def erase() -> None:
        ordinal = ordinal_of(data.settings, version, gone)
        assert ordinal is not None
        with data.store.read() as session:
            held = deliveries.held(session, "posts", Ordinals([ordinal]))
        with data.store.write() as unit:
            deliveries.erase(unit, data.cast.cora, held, "Asked for by the person on 1 November.")

    _Meanwhile(data, erase)
    answer = data.get(caller, limit="5")
    key = key_of(data.store, data.keys, contract)
    assert [row["id"] for row in rows(answer)] == [pseudonym(key, "posts", "id", post["id"]) for post in served(data.posts)[1:6]]
    refresh(data.store, data.settings, "posts")
    assert [row["id"] for row in rows(data.get(caller, limit="5"))] == [row["id"] for row in rows(answer)]


def test_terms_edited_in_the_database_stop_data_and_open_an_incident(data: World) -> None:
    contract, client = data.contract()
    caller = data.caller(contract, client)
    assert code(data.get(caller)) is None
    with data.store.write() as unit:
        version = unit.session.exec(select(ContractVersion).where(ContractVersion.contract_id == contract)).one()
        wider = version.terms_json.replace('"records_per_day":1000', '"records_per_day":9000')
        unit.connection.execute(update(ContractVersion).values(terms_json=wider))
    data.grants.forget(contract)
    assert code(data.get(caller)) == "seal_broken"
    data.grants.forget(contract)
    assert code(data.get(caller)) == "seal_broken"
    with data.store.read() as session:
        (incident,) = session.exec(select(Incident)).all()
    assert (incident.kind, incident.contract_id) == ("seal_broken", contract)


def test_an_edit_past_every_service_is_noticed_within_two_seconds(data: World) -> None:
    contract, client = data.contract(records_per_day=200_000)
    caller = data.caller(contract, client)
    assert code(data.get(caller)) is None
    with data.store.write() as unit:
        unit.connection.execute(update(ContractVersion).values(terms_sha256="0" * 64))
    deadline = time.monotonic() + 2
    while (found := code(data.get(caller, limit="1"))) is None and time.monotonic() < deadline:
        continue
    assert found == "seal_broken"


def test_a_contract_just_lifted_and_a_client_just_made_read_at_once(data: World) -> None:
    contract, client = data.contract()
    caller = data.caller(contract, client)
    data.watch.poll()
    suspend(data, contract)
    data.watch.poll()
    assert code(data.get(caller)) == "contract_not_active"
    with data.store.write() as unit:
        epochs.bump(unit, "grants")
        unit.lock(Contract, contract).state = "active"
    assert code(data.get(caller)) is None
    assert code(data.get(data.caller(contract, "cli_new"))) == "token_invalid"
    with data.store.write() as unit:
        epochs.bump(unit, "grants")
        made = unit.lock(Client, client).model_dump()
        unit.session.add(Client(**{**made, "id": "cli_new"}))
    assert code(data.get(data.caller(contract, "cli_new"))) is None


def test_a_version_that_cannot_be_read_is_said_and_recorded(data: World) -> None:
    contract, client = data.contract()
    version = data.catalogue.version_of("posts")
    assert version is not None
    version_file(data.settings.home, "posts", version.version).unlink()
    lines_file(version_file(data.settings.home, "posts", version.version)).unlink()
    assert code(data.get(data.caller(contract, client))) == "dataset_unavailable"
    assert code(data.get(data.caller(contract, client), fields="lang")) == "dataset_unavailable"
    assert [leaf["rule"] for leaf in data.leaves()] == ["dataset_unavailable"] * 2


def test_a_store_that_takes_no_entry_lets_nothing_out(data: World) -> None:
    contract, client = data.contract()
    data.writer.stop()
    with pytest.raises(StoreUnavailable):
        data.get(data.caller(contract, client))


def test_a_priced_answer_is_billed_with_its_entry(data: World) -> None:
    contract, client = data.contract(price={"per_1000": "0.40", "currency": "EUR"})
    answer = data.get(data.caller(contract, client), limit="25")
    assert code(data.get(data.caller(contract, client), fields="text")) == "field_not_in_contract"
    with data.store.read() as session:
        (row,) = session.exec(select(UsageRow)).all()
    assert (row.entry_id, row.contract_id, row.rows, row.price_per_1000, str(row.day)) == (answer.entry, contract, 25, "0.40", "2026-11-02")


def test_the_periods_records_are_exact_over_days_and_writers(data: World) -> None:
    contract, client = data.contract(records_per_day=30, records_in_period=50, starts="2026-11-02")
    assert len(rows(data.get(data.caller(contract, client), limit="20"))) == 20
    data.clock.advance(days=1)

    async def all_at_once() -> list[Answer]:
        return await asyncio.gather(*(data.ask(data.caller(contract, client), limit="7") for _ in range(10)))

    answers = run(all_at_once())
    assert sum(len(rows(answer)) for answer in answers if answer.refusal is None) == 30
    assert {code(answer) for answer in answers} - {None} <= {"quota_exhausted", "period_exhausted"}
    data.clock.advance(days=1)
    late = data.get(data.caller(contract, client))
    assert late.refusal is not None
    assert (late.refusal.code, late.refusal.facts) == ("period_exhausted", {"limit": 50, "used": 50})
    leaf = data.leaves()[-1]
    assert (leaf["decision"], leaf["rule"], leaf["rows"]) == ("refuse", "period_exhausted", 0)
    with data.store.read() as session:
        assert sum(row.count for row in session.exec(select(Delivery)).all()) == 50


def test_days_before_the_period_do_not_count_in_it(data: World) -> None:
    contract, client = data.contract(records_in_period=10, starts="2026-11-02")
    with data.store.write() as unit:
        unit.session.add(QuotaDay(contract_id=contract, day=date(2026, 11, 1), used=9))
    assert len(rows(data.get(data.caller(contract, client)))) == 10
    assert code(data.get(data.caller(contract, client))) == "period_exhausted"


def test_two_writers_on_both_sides_of_midnight_give_out_the_period_once(data: World) -> None:
    contract, client = data.contract(records_in_period=30, starts="2026-11-02")
    item = _item(data, contract, client)
    later = replace(item, charge=replace(item.charge, day=date(2026, 11, 3)))
    with ThreadPoolExecutor(1) as pool:
        with data.store.write("access") as unit:
            (first,) = batch.write(unit, [item])
            second = pool.submit(_written, data, later)
            wait([second], timeout=0.7)  # it ends at once where it does not wait for the first to be durable
        outcomes = [first, second.result()]
    assert [each.portion.count for each in outcomes if isinstance(each, Committed) and each.portion is not None] == [20, 10]
    with data.store.read() as session:
        assert sum(session.exec(select(QuotaDay.used)).all()) == 30


def _item(data: World, contract: str, client: str) -> Delivered:
    """What a request for 20 records would commit; it is caught on its way."""
    caught: list[Item] = []

    async def keep(item: Item) -> Committed:
        caught.append(item)
        raise StoreUnavailable("caught")

    kept, data.writer.commit = data.writer.commit, keep  # type: ignore[method-assign]  # stands where the moment is
    with pytest.raises(StoreUnavailable):
        data.get(data.caller(contract, client), limit="20")
    data.writer.commit = kept  # type: ignore[method-assign]  # as above
    (item,) = caught
    assert isinstance(item, Delivered)
    return item


def _written(data: World, item: Delivered) -> Committed:
    """As a process of its own writes it, with nothing in common but the database."""
    engine = open_engine(data.store.engine.url.render_as_string(hide_password=False))
    try:
        with Store(engine, data.clock, "other").write("access") as unit:
            (outcome,) = batch.write(unit, [item])
    finally:
        engine.dispose()
    assert isinstance(outcome, Committed), outcome
    return outcome


def test_no_more_requests_at_once_than_the_contract_names(data: World) -> None:
    contract, client = data.contract(concurrent_requests=2)
    caller, begun, go_on = data.caller(contract, client), threading.Semaphore(0), threading.Event()
    engine = data.reader.pages._real.engine
    page = engine.page

    def slow(plan: Any) -> Any:
        begun.release()
        go_on.wait(10)
        return page(plan)

    engine.page = slow  # type: ignore[method-assign]  # stands where the moment is

    async def crowd() -> list[Answer]:
        waiting = [asyncio.create_task(data.ask(caller, limit="3")) for _ in range(2)]
        await asyncio.to_thread(lambda: [begun.acquire(timeout=10) for _ in waiting])
        refused = await data.ask(caller, limit="3")
        gave_up = waiting.pop()
        gave_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gave_up
        go_on.set()
        return [refused, await waiting[0], await data.ask(caller, limit="3")]

    answers = run(crowd())
    assert [code(answer) for answer in answers] == ["too_many_at_once", None, None]
    assert answers[0].refusal is not None and answers[0].refusal.facts == {"limit": 2}
