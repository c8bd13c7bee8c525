"""The terms hold: whatever lies outside a contract is refused with its code and a ledger entry, by a real `licet serve` on both stores.

The partner's program is a real one, over HTTP; what staff do is done through the portal's pages, or by another process on the same
database. A seal and a ledger that the database contradicts stop the data, and what was lifted flows again.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from contracts.clock import SystemClock
from contracts.lifecycle import service
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.people.actor import Actor
from contracts.people.queries import find_account, platform_organisation
from contracts.people.roles import Role
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.demo.people import person
from portal.demo.story import MadeClient
from tests.harness import partner
from tests.harness.installation import Installation, Licence, install
from tests.harness.partner import Reply
from tests.harness.server import free_port, start
from tests.harness.visitor import Visitor

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date()
RECORDS, TREES = "/v1/datasets/trees/records", 3_000
QUOTA, READERS = 1_000, 20
WHY = "Records of this contract were found on a public page."
CONTRACTS: dict[str, dict[str, Any]] = {
    "slow": {"requests_per_second": 2},
    "counted": {"records_per_day": QUOTA},
    "elsewhere": {"networks": ("203.0.113.0/24",)},
    "suspended here": {"crawls": True},
    "suspended there": {"crawls": True},
    "edited": {},
    "ending": {"ends": TOMORROW, "crawls": True},
    "revoked": {"crawls": True},
}


@dataclass
class Place:
    """A served installation, with its database at hand as another process has it."""

    made: Installation
    base_url: str
    store: Store
    clock: Path
    visitors: list[Visitor] = field(default_factory=list)

    def token(self, client: MadeClient) -> str:
        """A fresh access token."""
        answer = partner.token(self.base_url, client)
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])

    def get(self, token: str, path: str = f"{RECORDS}?limit=1", **headers: str) -> Reply:
        """One request to the API."""
        return partner.ask(self.base_url, "GET", path, headers={"authorization": f"Bearer {token}", **headers})

    def fetch(self, token: str, page: str = "/trees/3") -> Reply:
        """What the gate says of one page of the site, asked as nginx asks."""
        site = self.made.settings.platform.site.removeprefix("http://")
        told = {"x-original-uri": page, "x-original-method": "GET", "x-forwarded-host": site, "x-forwarded-for": "198.51.100.9"}
        return partner.ask(self.base_url, "GET", "/gate/nginx", headers={"authorization": f"Bearer {token}", **told})

    def entry(self, entry_id: str) -> dict[str, Any]:
        """The leaf of a ledger entry, whether or not it is in the tree yet."""
        with self.store.engine.connect() as connection:
            # Staged first: an entry that is integrated meanwhile is then seen twice, never missed.
            for table in ("ledger_staged", "ledger_entry"):
                found = connection.execute(text(f"SELECT leaf FROM {table} WHERE id = :id"), {"id": entry_id}).scalar()
                if found is not None:
                    return dict(json.loads(bytes(found)))
        raise LookupError(entry_id)

    def refused(self, answer: Reply, status: int, code: str, licence: Licence) -> None:
        """Assert a refusal whole: status, code, and an entry that says the same of this contract and client."""
        assert (answer.status, answer.json.get("code")) == (status, code), answer.body
        leaf = self.entry(answer.json["entry"])
        told = {name: leaf.get(name) for name in ("decision", "rule", "contract", "credential")}
        client = {licence.client.client_id, licence.crawler.client_id if licence.crawler else ""}
        assert told == {"decision": "refuse", "rule": code, "contract": licence.contract.id, "credential": told["credential"]}
        assert told["credential"] in client

    def contract(self, licence: Licence) -> Contract:
        """The row as it stands."""
        with self.store.read() as session:
            return session.get_one(Contract, licence.contract.id)

    def staff(self, key: str) -> Actor:
        """A steward, as a page establishes them."""
        with self.store.read() as session:
            account, home = find_account(session, person(key).email), platform_organisation(session)
        assert account is not None and home is not None
        return Actor(account.id, home.id, account.name, account.email, frozenset({Role.STEWARD}))

    def visitor(self, key: str) -> Visitor:
        """Somebody's browser, signed in through the page."""
        made = Visitor(self.base_url)
        self.visitors.append(made)
        made.sign_in(person(key).email, person(key).password)
        return made

    def execute(self, statement: str, **values: object) -> None:
        """Change the database past every service."""
        with self.store.write() as unit:
            unit.connection.execute(text(statement), values)

    def incidents(self) -> list[tuple[str, str]]:
        """Open incidents as kind and contract; closes them, so that the next one is news."""
        with self.store.write() as unit:
            rows = unit.connection.execute(text("SELECT kind, contract_id FROM incident WHERE closed_at IS NULL")).all()
            unit.connection.execute(text("UPDATE incident SET closed_at = opened_at WHERE closed_at IS NULL"))
        return [(kind, contract) for kind, contract in rows]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if request.param == "sqlite":
        yield from _served(tmp_path_factory.mktemp("enforcement"), "")
        return
    from tests.harness.postgres import copied

    with copied(request.getfixturevalue("postgres_url"), "template_licet") as url:
        yield from _served(tmp_path_factory.mktemp("enforcement"), url)


def _served(folder: Path, database: str) -> Iterator[Place]:
    port, clock = free_port(), folder / "clock"
    extra = f'clock_file = "{clock}"\n[gate]\nmode = "enforce"'
    made = install(folder, port, database=database, rows=TREES, extra=extra, others=CONTRACTS)
    running = start(folder, ["serve"], {}, port)
    store = Store(open_engine(made.settings.database_url), SystemClock(), "elsewhere")
    place = Place(made, running.base_url, store, clock)
    try:
        yield place
    finally:
        for each in place.visitors:
            each.close()
        running.stop()
        store.engine.dispose()


OUTSIDE = {
    "a field": ("fields=id,note", 403, "field_not_in_contract"),
    "a filter by a field": ("note=x", 403, "field_not_in_contract"),
    "rows": ("species=lime", 403, "rows_outside_contract"),
    "rows beside its own": ("species.in=lime,elm", 403, "rows_outside_contract"),
    "a purpose": ("purpose=market-analysis", 403, "purpose_not_in_contract"),
    "a field that is nowhere": ("fields=id,secret", 403, "field_not_in_contract"),
    "a parameter that is nowhere": ("colour=green", 422, "filter_not_possible"),
    "a cursor of its own making": ("cursor=AAAA", 422, "cursor_unusable"),
}


@pytest.mark.parametrize("asked", OUTSIDE)
def test_what_lies_outside_the_contract_is_refused(place: Place, asked: str) -> None:
    query, status, code = OUTSIDE[asked]
    licence = _first(place)
    token = place.token(licence.client)
    place.refused(place.get(token, f"{RECORDS}?{query}"), status, code, licence)
    assert place.get(token).status == 200


def test_a_dataset_outside_the_contract_is_refused(place: Place) -> None:
    licence = _first(place)
    token = place.token(licence.client)
    for path in ("/v1/datasets/people/records", "/v1/datasets/people"):
        place.refused(place.get(token, path), 403, "dataset_not_in_contract", licence)


def test_no_record_holds_more_than_the_contract_names(place: Place) -> None:
    answer = place.get(place.token(place.made.client), f"{RECORDS}?limit=1000").json
    assert {tuple(sorted(each)) for each in answer["data"]} == {("height", "id", "keeper", "planted", "species")}
    assert {each["species"] for each in answer["data"]} == {"oak", "ash"}
    assert all(each[name].startswith("ps_") for each in answer["data"] for name in ("id", "keeper"))
    leaf = place.entry(answer["entry"])
    told = {name: leaf[name] for name in ("event", "decision", "rows", "contract", "contract_version", "purpose", "dataset", "fields")}
    assert told == {
        "event": "access.records",
        "decision": "allow",
        "rows": len(answer["data"]),
        "contract": place.made.contract.id,
        "contract_version": 1,
        "purpose": "research",
        "dataset": "trees",
        "fields": ["id", "planted", "species", "height", "keeper"],
    }


def test_the_pace_of_the_contract_holds_and_frees(place: Place) -> None:
    licence = place.made.others["slow"]
    token = place.token(licence.client)
    answers = [place.get(token) for _ in range(6)]
    late = [each for each in answers if each.status != 200]
    assert len(late) >= 3, "six requests at once are more than two in a second"
    for each in late:
        place.refused(each, 429, "rate_exceeded", licence)
        assert (each.json["limit"], each.headers["retry-after"]) == (2, "1")
        assert '"requests";q=2;w=1' in each.headers["ratelimit-policy"]
    assert _within(3, lambda: place.get(token).status == 200)


def test_requests_come_from_the_networks_of_the_contract(place: Place) -> None:
    licence = place.made.others["elsewhere"]
    answer = partner.token(place.base_url, licence.client)
    assert (answer.status, answer.json["error"], answer.json["code"]) == (400, "unauthorized_client", "network_not_in_contract")
    inside = {"x-forwarded-for": "203.0.113.9"}
    token = _token_from(place, licence, inside)
    assert place.get(token, **inside).status == 200
    place.refused(place.get(token), 403, "network_not_in_contract", licence)


def test_the_days_records_are_exact_under_twenty_readers(place: Place) -> None:
    licence = place.made.others["counted"]
    token = place.token(licence.client)
    read, last = list[int](), list[Reply]()

    def reader() -> None:
        while (answer := place.get(token, f"{RECORDS}?limit=7&fields=id")).status == 200:
            read.append(len(answer.json["data"]))
        last.append(answer)

    threads = [threading.Thread(target=reader) for _ in range(READERS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (sum(read), len(last)) == (QUOTA, READERS)
    for answer in last:
        place.refused(answer, 429, "quota_exhausted", licence)
        resets = datetime.fromisoformat(answer.json["resets_at"])
        assert (answer.json["limit"], answer.json["used"]) == (QUOTA, QUOTA)
        assert resets > datetime.now(UTC) and abs(int(answer.headers["retry-after"]) - (resets - datetime.now(UTC)).total_seconds()) < 30
        assert f'"records";r=0;t={answer.headers["retry-after"]}' in answer.headers["ratelimit"]
    assert place.get(token, "/v1/usage").json["data"][0]["records"] == QUOTA


def test_a_suspension_on_the_page_bites_at_once_and_lifting_restores(place: Place) -> None:
    licence = place.made.others["suspended here"]
    assert licence.crawler is not None
    api, site = place.token(licence.client), place.token(licence.crawler)
    assert (place.get(api).status, place.fetch(site).headers["x-gate-reason"]) == (200, "licensed")
    steward, second = place.visitor("steward"), place.visitor("second-steward")
    at = f"/desk/contracts/{licence.contract.id}"

    _pressed(steward, f"{at}/suspend", place.contract(licence), reason=WHY)
    place.refused(place.get(api), 403, "contract_not_active", licence)
    stopped = place.fetch(site)
    assert (stopped.status, stopped.headers["x-gate-reason"]) == (403, "contract_not_active")
    _everything_is_refused(place, licence, api)

    _pressed(steward, f"{at}/ask-lift", place.contract(licence), lift_reason=WHY)
    place.refused(place.get(api), 403, "contract_not_active", licence)
    alone = steward.post(f"{at}/lift", {"revision": str(place.contract(licence).revision)}, accept="application/json")
    assert (alone.status_code, alone.json()["code"]) == (403, "second_person_required")
    place.refused(place.get(api), 403, "contract_not_active", licence)

    _pressed(second, f"{at}/lift", place.contract(licence))
    assert (place.get(api).status, place.fetch(site).headers["x-gate-reason"]) == (200, "licensed")
    assert place.get(place.token(licence.client)).status == 200


def test_a_suspension_by_another_process_stops_the_next_request(place: Place) -> None:
    licence = place.made.others["suspended there"]
    assert licence.crawler is not None
    api, site = place.token(licence.client), place.token(licence.crawler)
    assert (place.get(api).status, place.fetch(site).headers["x-gate-reason"]) == (200, "licensed")
    with place.store.write() as unit:
        service.suspend(unit, place.staff("steward"), licence.contract.id, place.contract(licence).revision, WHY)
    committed = time.monotonic()
    place.refused(place.get(api), 403, "contract_not_active", licence)
    _everything_is_refused(place, licence, api)
    # The gate decides from memory; it follows within two seconds, everywhere.
    while place.fetch(site).headers["x-gate-reason"] != "contract_not_active":
        assert time.monotonic() - committed < 2.0
    for act, key in (("ask", "steward"), ("lift", "second-steward")):
        with place.store.write() as unit:
            revision, who = place.contract(licence).revision, place.staff(key)
            if act == "ask":
                service.ask_lift(unit, who, licence.contract.id, revision, WHY)
            else:
                service.lift(unit, who, licence.contract.id, revision)
    assert _within(2, lambda: place.get(api).status == 200)
    assert _within(2, lambda: place.fetch(site).headers["x-gate-reason"] == "licensed")


def test_a_revoked_client_ends_with_its_tokens(place: Place) -> None:
    licence = place.made.others["revoked"]
    assert licence.crawler is not None
    api, site = place.token(licence.client), place.token(licence.crawler)
    assert (place.get(api).status, place.fetch(site).headers["x-gate-reason"]) == (200, "licensed")
    lead = place.visitor("lead")
    for client in (licence.client, licence.crawler):
        answer = lead.post(f"/partner/contracts/{licence.contract.id}/clients/{client.client_id}/revoke")
        assert answer.headers["location"].endswith("done=revoked")
    place.refused(place.get(api), 401, "token_invalid", licence)
    assert place.fetch(site).headers["x-gate-reason"] == "contract_not_active"
    for client in (licence.client, licence.crawler):
        again = partner.token(place.base_url, client)
        assert (again.status, again.json["error"]) == (401, "invalid_client")


def test_a_token_for_one_audience_is_none_for_the_other(place: Place) -> None:
    licence = place.made.others["ending"]
    assert licence.crawler is not None
    api, site = place.token(licence.client), place.token(licence.crawler)
    answer = place.get(site)
    assert (answer.status, answer.json["code"]) == (401, "token_invalid")
    assert place.entry(answer.json["entry"])["rule"] == "token_invalid"
    gate = place.fetch(api)
    assert (gate.status, gate.headers["x-gate-status"], gate.headers["x-gate-reason"]) == (403, "401", "token_invalid")
    assert (place.get(api).status, place.fetch(site).status) == (200, 200)


_VERSION = "UPDATE contract_version SET {} WHERE contract_id = :id"
EDITS: dict[str, str] = {
    "terms": _VERSION.format("terms_json = replace(terms_json, 'records_per_day', 'records_per_week')"),
    "fields of the terms": _VERSION.format("terms_json = replace(terms_json, '\"height\"', '\"note\"')"),
    "the hash of the terms": _VERSION.format("terms_sha256 = text_sha256"),
    "the text": _VERSION.format("text = text || 'All else is allowed.'"),
    "the number of the version": _VERSION.format("number = 2"),
    "the version in force": "UPDATE contract SET version = 2 WHERE id = :id",
    "the seal": _VERSION.format("seal = ''"),
    "a seal of another contract": _VERSION.format("seal = (SELECT seal FROM contract_version WHERE contract_id = :other)"),
    "terms, hash and seal of another contract": _VERSION.format(
        "terms_json = (SELECT terms_json FROM contract_version WHERE contract_id = :other),"
        " terms_sha256 = (SELECT terms_sha256 FROM contract_version WHERE contract_id = :other),"
        " seal = (SELECT seal FROM contract_version WHERE contract_id = :other)"
    ),
    "the organisation": "UPDATE contract SET organisation_id = (SELECT id FROM organisation WHERE side = 'platform') WHERE id = :id",
    "a signature": "UPDATE signature SET name = 'Somebody Else' WHERE contract_id = :id",
    "the state, closing it": "UPDATE contract SET state = 'suspended' WHERE id = :id",
    "the state, to a word that is none": "UPDATE contract SET state = 'open' WHERE id = :id",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_in_the_database_stops_the_data_and_opens_an_incident(place: Place, edit: str) -> None:
    licence, other = place.made.others["edited"], place.made.contract.id
    token = place.token(licence.client)
    assert (place.get(token).status, place.incidents()) == (200, [])
    with _undone(place, licence.contract.id):
        place.execute(EDITS[edit], id=licence.contract.id, **({"other": other} if ":other" in EDITS[edit] else {}))
        edited = time.monotonic()
        while (answer := place.get(token)).status == 200:
            assert time.monotonic() - edited < 2.0, "an edit moves no epoch; it is found by the look of each second"
        place.refused(answer, 503, "seal_broken", licence)
        assert place.incidents() == [("seal_broken", licence.contract.id)]
        assert partner.token(place.base_url, licence.client).status == 503
        assert place.get(place.token(place.made.client)).status == 200, "other contracts go on"
    assert _within(2, lambda: place.get(token).status == 200)


def test_a_suspension_that_is_edited_away_is_still_one(place: Place) -> None:
    licence = place.made.others["edited"]
    token = place.token(licence.client)
    assert place.get(token).status == 200
    with _undone(place, licence.contract.id):
        with place.store.write() as unit:
            service.suspend(unit, place.staff("steward"), licence.contract.id, place.contract(licence).revision, WHY)
        place.refused(place.get(token), 403, "contract_not_active", licence)
        place.execute(
            "UPDATE contract SET state = 'active', suspended_at = NULL, suspended_by = NULL, suspension_reason = '' WHERE id = :id",
            id=licence.contract.id,
        )
        assert _within(2, lambda: place.get(token).json.get("code") == "seal_broken")
        assert place.incidents() == [("seal_broken", licence.contract.id)]


def test_a_contract_that_has_ended_stops_with_its_last_day(place: Place) -> None:
    licence = place.made.others["ending"]
    assert licence.crawler is not None
    midnight = datetime.combine(TOMORROW + timedelta(days=1), day_time(), UTC)
    try:
        _set_clock(place, midnight - timedelta(minutes=2))
        api, site = place.token(licence.client), place.token(licence.crawler)
        assert (place.get(api).status, place.fetch(site).headers["x-gate-reason"]) == (200, "licensed")
        _set_clock(place, midnight + timedelta(seconds=30))
        place.refused(place.get(api), 403, "contract_not_active", licence)
        assert place.fetch(site).headers["x-gate-reason"] == "contract_not_active"
        answer = partner.token(place.base_url, licence.client)
        assert (answer.status, answer.json["error"], answer.json["code"]) == (400, "unauthorized_client", "contract_not_active")
    finally:
        place.clock.write_text("0")


def _first(place: Place) -> Licence:
    return Licence(place.made.contract, place.made.client, place.made.crawler)


def _everything_is_refused(place: Place, licence: Licence, token: str) -> None:
    """Neither records nor anything else of the API, nor another token."""
    for path in ("/v1/contract", "/v1/datasets", "/v1/datasets/trees", "/v1/usage", "/v1/access-log", "/v1/erasures", "/v1/status"):
        place.refused(place.get(token, path), 403, "contract_not_active", licence)
    answer = partner.token(place.base_url, licence.client)
    assert (answer.status, answer.json["error"], answer.json["code"]) == (400, "unauthorized_client", "contract_not_active")


def _pressed(visitor: Visitor, path: str, contract: Contract, **fields: str) -> None:
    answer = visitor.post(path, {"revision": str(contract.revision), **fields})
    assert answer.status_code == 303, answer.text


def _token_from(place: Place, licence: Licence, headers: dict[str, str]) -> str:
    form = f"grant_type=client_credentials&client_id={licence.client.client_id}&client_secret={licence.client.client_secret}"
    told = {"content-type": "application/x-www-form-urlencoded", **headers}
    return str(partner.ask(place.base_url, "POST", "/oauth/token", form.encode(), told).json["access_token"])


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
    return False


def _set_clock(place: Place, moment: datetime) -> None:
    place.clock.write_text(str((moment - datetime.now(UTC)).total_seconds()))


@contextmanager
def _undone(place: Place, contract_id: str) -> Iterator[None]:
    """Put the rows of a contract back as they were, whatever was edited within the block."""
    owners = {each.__table__: key for each, key in ((Contract, "id"), (ContractVersion, "contract_id"), (Signature, "contract_id"))}
    with place.store.engine.connect() as connection:
        kept = {table: connection.execute(select(table).where(table.c[key] == contract_id)).all() for table, key in owners.items()}
    yield
    with place.store.write() as unit:
        for table, rows in kept.items():
            for row in rows:
                unit.connection.execute(update(table).where(table.c.id == row.id).values(**row._mapping))
