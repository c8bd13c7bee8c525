"""API keys over HTTP: the same door, limits, quota and entries as tokens, and nothing else than the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from sqlmodel import select

from contracts.clock import FixedClock
from contracts.credentials.renewal import rotate_client
from contracts.credentials.service import create_client, revoke_client
from contracts.credentials.tables import Client
from contracts.datasets.plan import Engine, Page, Plan
from contracts.deliveries.tables import Delivery
from contracts.ids import new_secret
from contracts.lifecycle.tables import Contract
from contracts.quotas.tables import QuotaDay
from contracts.store import epochs
from tests.api.data.test_api import METADATA, Api, api

__all__ = ["api"]

RECORDS = "/v1/datasets/posts/records"


def key(api: Api, contract_id: str, **wanted: Any) -> tuple[str, str]:
    """An API key of the contract: its id and its secret."""
    with api.data.store.write() as unit:
        contract = unit.session.get_one(Contract, contract_id)
        row, secret = create_client(unit, api.data.cast.tove, contract, **{"name": "Sheet", "audience": "api", "kind": "api_key", **wanted})
    return row.id, secret


def test_a_key_reads_records_with_the_same_quota_entry_and_delivery(api: Api) -> None:
    contract, _ = api.data.contract(records_per_day=5)
    key_id, secret = key(api, contract)
    answer = api.get(f"{RECORDS}?limit=3", secret)
    assert (answer.status_code, len(answer.json()["data"])) == (200, 3)
    assert "ratelimit" in answer.headers
    (leaf,) = api.data.leaves()
    told = ("id", "credential", "credential_kind", "contract", "contract_version", "quota_before", "quota_after", "rows", "decision")
    assert [leaf[name] for name in told] == [answer.json()["entry"], key_id, "api_key", contract, 1, 0, 3, 3, "allow"]
    assert [len(api.get(RECORDS, secret).json()["data"]), api.get(RECORDS, secret).json()["code"]] == [2, "quota_exhausted"]
    with api.data.store.read() as session:
        assert [row.used for row in session.exec(select(QuotaDay)).all()] == [5]
        assert sorted(row.count for row in session.exec(select(Delivery)).all()) == [2, 3]
    assert {leaf["credential_kind"] for leaf in api.data.leaves()} == {"api_key"}
    assert api.get("/v1/contract", secret).json()["contract"] == contract
    assert api.data.leaves("access.catalogue")[0]["contract_version"] == 1


def test_keys_and_tokens_of_a_contract_share_its_pace(api: Api) -> None:
    contract, client = api.data.contract(requests_per_second=2)
    _, secret = key(api, contract)
    token = api.token(contract, client)
    answers = [*api.many([f"{RECORDS}?limit=1"] * 6, secret), *api.many([f"{RECORDS}?limit=1"] * 6, token)]
    assert 429 in {each.status_code for each in answers[6:]}


def test_an_unknown_and_a_revoked_key_are_refused_alike_and_recorded(api: Api) -> None:
    contract, _ = api.data.contract()
    key_id, secret = key(api, contract)
    with api.data.store.write() as unit:
        revoke_client(unit, api.data.cast.tove, key_id)
    answers = [api.get(RECORDS, each) for each in (secret, new_secret("ak"), secret[:-1], secret.upper())]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(401, "token_invalid")] * 4
    assert {each.headers["www-authenticate"] for each in answers} == {f'Bearer error="invalid_token", {METADATA}'}
    assert len({each.json()["detail"] for each in answers[:3]}) == 1
    assert [leaf["rule"] for leaf in api.data.leaves()] == ["token_invalid"] * 4


def test_a_key_in_the_address_is_no_key(api: Api) -> None:
    contract, _ = api.data.contract()
    _, secret = key(api, contract)
    answer = api.get(f"{RECORDS}?access_token={secret}")
    assert answer.json()["code"] == "token_missing"
    assert secret not in str(api.data.leaves()) + str(api.data.personal(answer.json()["entry"]))
    answer = api.get(f"{RECORDS}?access_token={secret}", secret)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert api.data.personal(answer.json()["entry"]) == {"network": "192.0.2.0/24"}


def test_a_key_for_the_contract_alone_reads_no_records(api: Api) -> None:
    contract, client = api.data.contract()
    key_id, secret = key(api, contract, scopes=["contract:read"])
    paths = ["contract", "datasets", "datasets/posts", "usage", "access-log", "erasures", "status"]
    assert [each.status_code for each in api.many([f"/v1/{path}" for path in paths], secret)] == [200] * 7
    answer = api.get(RECORDS, secret)
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (403, "scope_not_granted", "records:read")
    assert [(leaf["credential"], leaf["rule"]) for leaf in api.data.leaves()] == [(key_id, "scope_not_granted")]
    # A token cannot have more than its client either.
    with api.data.store.write() as unit:
        unit.lock(Client, client).scopes = ["contract:read"]
        epochs.bump(unit, "grants")
    assert api.get(RECORDS, api.token(contract, client)).json()["code"] == "scope_not_granted"
    assert api.get("/v1/usage", api.token(contract, client, scope="contract:read")).status_code == 200


def test_bounds_hold_a_key(api: Api, clock: FixedClock) -> None:
    contract, _ = api.data.contract()
    _, elsewhere = key(api, contract, networks=["203.0.113.0/24"])
    _, today = key(api, contract, last_day=clock.now().date())
    assert (api.get(RECORDS, elsewhere).json()["code"], api.get(RECORDS, today).status_code) == ("network_not_in_credential", 200)
    clock.advance(days=1)
    assert api.get(RECORDS, today).json()["code"] == "credential_ended"


def test_a_new_version_of_the_contract_needs_no_new_key_and_a_suspension_ends_it(api: Api) -> None:
    contract, _ = api.data.contract()
    key_id, secret = key(api, contract)
    with api.data.store.write() as unit:
        rotate_client(unit, api.data.cast.tove, key_id, timedelta(days=1))
        unit.lock(Contract, contract).state = "suspended"
    answer = api.get(RECORDS, secret)
    assert (answer.status_code, answer.json()["code"]) == (403, "contract_not_active")
    assert api.data.leaves()[0]["credential"] == key_id


class _Revoking:
    """The engine, of which every page is read before a key is revoked and committed after."""

    def __init__(self, api: Api, key_id: str) -> None:
        self._api, self._key_id, self._engine = api, key_id, api.data.reader.pages._real.engine

    def page(self, plan: Plan) -> Page:
        """The page, and then the revocation."""
        made = self._engine.page(plan)
        with self._api.data.store.write() as unit:
            revoke_client(unit, self._api.data.cast.tove, self._key_id)
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def test_a_key_that_is_revoked_while_its_request_runs_gets_nothing(api: Api) -> None:
    contract, _ = api.data.contract()
    key_id, secret = key(api, contract)
    api.data.reader.pages._real.engine = cast(Engine, _Revoking(api, key_id))
    answer = api.get(RECORDS, secret)
    assert (answer.status_code, answer.json()["code"], "data" in answer.json()) == (401, "token_invalid", False)
    assert [(leaf["decision"], leaf["rule"], "rows" in leaf) for leaf in api.data.leaves()] == [("refuse", "token_invalid", False)]
    with api.data.store.read() as session:
        assert session.exec(select(Delivery)).all() == []
