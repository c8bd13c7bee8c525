"""Grants: what a contract in force allows, and when it does not."""

from __future__ import annotations

from datetime import date

from contracts.credentials.tables import Client
from contracts.errors import Refusal
from contracts.keys import KeyRing
from contracts.lifecycle import service
from contracts.lifecycle.tables import Contract
from contracts.store.unit import Store
from contracts.terms.grant import Grant, compile_grant
from contracts.terms.model import Condition, DatasetTerms, Terms, terms_hash, to_json
from tests.harness.cast import ENDS, STARTS, Cast, active, signed

TERMS = Terms(
    datasets=(
        DatasetTerms(
            dataset="posts",
            fields=("id", "author_id", "created_at", "lang", "text"),
            rows=(Condition(field="lang", op="in", value=("de", "sv")),),
            pseudonymised=("id", "author_id"),
        ),
    ),
    purposes=("research",),
    prohibited=("identify-people", "resale", "ai-training", "political-targeting"),
    requests_per_second=10,
    records_per_day=200_000,
    starts=STARTS,
    ends=ENDS,
    retention_days=365,
)


def _compiled(store: Store, keys: KeyRing, contract: Contract) -> Grant | Refusal:
    with store.read() as session:
        return compile_grant(keys, session, contract.id)


def _client(store: Store, cast: Cast, contract: Contract, client_id: str, *, revoked: bool = False) -> None:
    with store.write() as unit:
        row = Client(
            id=client_id,
            contract_id=contract.id,
            organisation_id=cast.lab,
            name="nightly",
            audience="api",
            scopes=["records:read"],
            secret_sha256="-",
            created_by=cast.tove.account_id,
            created_at=unit.now,
            revoked_at=unit.now if revoked else None,
        )
        unit.session.add(row)


def test_a_contract_in_force_compiles_with_its_live_clients(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    _client(store, cast, contract, "cli_1")
    _client(store, cast, contract, "cli_2", revoked=True)
    assert _compiled(store, keys, contract) == Grant(
        contract_id=contract.id,
        version=1,
        revision=4,
        organisation_id=cast.lab,
        terms_sha256=terms_hash(to_json(TERMS)),
        state="active",
        terms=TERMS,
        clients={"cli_1": frozenset({"records:read"})},
    )


def test_only_a_contract_in_force_compiles(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    waiting = signed(sqlite_store, cast)
    assert _refusal(_compiled(sqlite_store, keys, waiting)) == ("contract_not_active", {"contract": waiting.id, "state": "signed"})
    contract = active(sqlite_store, cast, keys, project="Second project")
    with sqlite_store.write() as unit:
        service.suspend(unit, cast.mara, contract.id, 4, "Pace.")
    assert _refusal(_compiled(sqlite_store, keys, contract)) == ("contract_not_active", {"contract": contract.id, "state": "suspended"})
    with sqlite_store.read() as session:
        assert _refusal(compile_grant(keys, session, "ctr_nothing")) == ("not_found", {})


def test_dates_bite_by_the_day(sqlite_store: Store, keys: KeyRing) -> None:
    grant = _compiled(sqlite_store, keys, active(sqlite_store, Cast(sqlite_store), keys))
    assert isinstance(grant, Grant)
    assert [grant.refusal_at(day) is None for day in (date(2026, 11, 1), STARTS, ENDS, date(2027, 11, 1))] == [False, True, True, False]
    assert _refusal(grant.refusal_at(date(2027, 11, 1))) == (
        "contract_not_active",
        {"contract": grant.contract_id, "starts": "2026-11-02", "ends": "2027-10-31"},
    )


def test_networks_bite_where_the_contract_names_some(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    anywhere = _compiled(sqlite_store, keys, active(sqlite_store, cast, keys))
    bound = _compiled(sqlite_store, keys, active(sqlite_store, cast, keys, project="Bound", terms={"networks": ("192.0.2.0/24",)}))
    assert isinstance(anywhere, Grant)
    assert isinstance(bound, Grant)
    assert anywhere.refusal_from("203.0.113.9") is None
    assert bound.refusal_from("192.0.2.7") is None
    assert _refusal(bound.refusal_from("203.0.113.9")) == ("network_not_in_contract", {"contract": bound.contract_id})
    assert _refusal(bound.refusal_from("nonsense")) == ("network_not_in_contract", {"contract": bound.contract_id})


def _refusal(found: object) -> tuple[str, object]:
    assert isinstance(found, Refusal)
    return found.code, found.facts
