"""The terms hold: whatever lies outside a contract is refused with its code and a ledger entry, by a real `licet serve` on both stores.

The partner's program is a real one, over HTTP; what staff do is done through the portal's pages, or by another process on the same
database; what was lifted flows again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from typing import Any

import pytest

from contracts.lifecycle import service
from contracts.lifecycle.tables import Contract
from tests.harness import partner
from tests.harness.felt import felt, within
from tests.harness.installation import Licence
from tests.harness.partner import Reply
from tests.harness.visitor import Visitor
from tests.journeys.served import RECORDS, STORES, WHY, Place, served

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date()
QUOTA, READERS = 1_000, 20
CONTRACTS: dict[str, dict[str, Any]] = {
    "slow": {"requests_per_second": 2},
    "counted": {"records_per_day": QUOTA},
    "elsewhere": {"networks": ("203.0.113.0/24",)},
    "suspended here": {"crawls": True},
    "suspended there": {"crawls": True},
    "ending": {"ends": TOMORROW, "crawls": True},
    "revoked": {"crawls": True},
}


@pytest.fixture(scope="module", params=STORES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(request, tmp_path_factory.mktemp("enforcement"), CONTRACTS) as made:
        yield made


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
    licence = place.first
    token = place.token(licence.client)
    place.refused(place.get(token, f"{RECORDS}?{query}"), status, code, licence)
    assert place.get(token).status == 200


def test_a_dataset_outside_the_contract_is_refused(place: Place) -> None:
    licence = place.first
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
    assert within(3, lambda: place.get(token).status == 200)


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
    assert (place.says(site, "contract_not_active"), place.fetch(site).status) == (True, 403)
    _everything_is_refused(place, licence, api)

    _pressed(steward, f"{at}/ask-lift", place.contract(licence), lift_reason=WHY)
    place.refused(place.get(api), 403, "contract_not_active", licence)
    alone = steward.post(f"{at}/lift", {"revision": str(place.contract(licence).revision)}, accept="application/json")
    assert (alone.status_code, alone.json()["code"]) == (403, "second_person_required")
    place.refused(place.get(api), 403, "contract_not_active", licence)

    _pressed(second, f"{at}/lift", place.contract(licence))
    assert (place.soon(lambda: place.get(api).status == 200), place.says(site, "licensed")) == (True, True)
    assert place.get(place.token(licence.client)).status == 200


def test_a_suspension_by_another_process_stops_the_next_request(place: Place) -> None:
    licence = place.made.others["suspended there"]
    assert licence.crawler is not None
    api, site = place.token(licence.client), place.token(licence.crawler)
    assert (place.get(api).status, place.fetch(site).headers["x-gate-reason"]) == (200, "licensed")
    with place.store.write() as unit:
        service.suspend(unit, place.staff("steward"), licence.contract.id, place.contract(licence).revision, WHY)
    with felt() as since:
        place.refused(place.get(api), 403, "contract_not_active", licence)
        _everything_is_refused(place, licence, api)
        # The gate decides from memory; it follows within two seconds, everywhere.
        while place.fetch(site).headers["x-gate-reason"] != "contract_not_active":
            assert since.seconds < 2.0
    for act, key in (("ask", "steward"), ("lift", "second-steward")):
        with place.store.write() as unit:
            revision, who = place.contract(licence).revision, place.staff(key)
            if act == "ask":
                service.ask_lift(unit, who, licence.contract.id, revision, WHY)
            else:
                service.lift(unit, who, licence.contract.id, revision)
    assert within(2, lambda: place.get(api).status == 200)
    assert within(2, lambda: place.fetch(site).headers["x-gate-reason"] == "licensed")


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
    assert place.says(site, "contract_not_active")
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
        assert place.says(site, "contract_not_active")
        answer = partner.token(place.base_url, licence.client)
        assert (answer.status, answer.json["error"], answer.json["code"]) == (400, "unauthorized_client", "contract_not_active")
    finally:
        place.clock.write_text("0")


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


def _set_clock(place: Place, moment: datetime) -> None:
    place.clock.write_text(str((moment - datetime.now(UTC)).total_seconds()))
