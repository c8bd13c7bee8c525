"""The directory: what is kept of clients, and that a change bites."""

from __future__ import annotations

import pytest
from sqlmodel import select

from contracts.credentials import service as credentials
from contracts.credentials.directory import Directory
from contracts.credentials.tables import Client
from contracts.credentials.tokens import ClientFacts
from contracts.errors import Refusal
from contracts.ids import secret_hash
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from contracts.terms.grant import Grant
from tests.contracts.credentials.sealed import CRAWL, RING, contract_in_force
from tests.contracts.people.people import person


@pytest.fixture
def lead(store: Store) -> Actor:
    return person(store, "ada@northfield.example", Role.LEAD)


@pytest.fixture
def contract(store: Store, lead: Actor) -> Contract:
    return contract_in_force(store, lead, person(store, "sam@agora.example", Role.STEWARD), crawl=CRAWL)


def _create(store: Store, lead: Actor, contract: Contract, audience: str = "api") -> tuple[Client, str]:
    with store.write() as unit:
        return credentials.create_client(unit, lead, contract, name="Loader", audience=audience)  # type: ignore[arg-type]  # a str by name


def _watched(store: Store) -> tuple[EpochWatch, Directory]:
    watch = EpochWatch(store)
    watch.poll()
    return watch, Directory(RING, store, watch)


def test_a_client_is_found_with_its_grant(store: Store, lead: Actor, contract: Contract) -> None:
    client, secret = _create(store, lead, contract)
    _, directory = _watched(store)
    known = directory.find(client.id)
    assert known is not None
    assert known.facts == ClientFacts(client.id, contract.id, lead.organisation_id, "api", frozenset({"records:read"}), secret_hash(secret))
    assert isinstance(known.grant, Grant)
    assert known.grant.version == 1
    assert directory.find(client.id) is known


@pytest.mark.parametrize("client_id", ["", "cli_x", "cli_" + "0" * 26, "cli_" + "0" * 25 + "\x00", "ctr_" + "0" * 26])
def test_an_unknown_client_is_none(store: Store, client_id: str) -> None:
    assert _watched(store)[1].find(client_id) is None


def test_a_revocation_bites_when_the_epoch_is_seen(store: Store, lead: Actor, contract: Contract) -> None:
    client, _ = _create(store, lead, contract)
    watch, directory = _watched(store)
    assert directory.find(client.id) is not None
    with store.write() as unit:
        credentials.revoke_client(unit, lead, client.id)
    watch.poll()
    assert directory.find(client.id) is None


def test_a_revocation_bites_at_once_where_epochs_are_not_fresh_or_the_client_is_forgotten(
    store: Store, lead: Actor, contract: Contract
) -> None:
    client, _ = _create(store, lead, contract)
    watch = EpochWatch(store, stale_seconds=0.3)
    watch.poll()
    directory = Directory(RING, store, watch)
    _, other = _watched(store)
    assert directory.find(client.id) is not None
    assert other.find(client.id) is not None
    with store.write() as unit:
        credentials.revoke_client(unit, lead, client.id)
    other.forget(client.id)
    assert other.find(client.id) is None
    while watch.fresh():
        continue
    assert directory.find(client.id) is None


def test_edited_terms_leave_a_client_without_a_grant(store: Store, lead: Actor, contract: Contract) -> None:
    client, _ = _create(store, lead, contract)
    with store.write() as unit:
        version = unit.session.exec(select(ContractVersion)).one()
        version.terms_json = version.terms_json.replace('"records_per_day":1000', '"records_per_day":9999')
    known = _watched(store)[1].find(client.id)
    assert known is not None
    assert isinstance(known.grant, Refusal)
    assert known.grant.code == "seal_broken"


def test_scopes_edited_into_a_row_count_for_nothing(store: Store, lead: Actor, contract: Contract) -> None:
    api, site = _create(store, lead, contract)[0], _create(store, lead, contract, "site")[0]
    with store.write() as unit:
        unit.lock(Client, api.id).scopes = ["records:read", "site:fetch", "all"]
        unit.lock(Client, site.id).audience = "everything"
    _, directory = _watched(store)
    known = directory.find(api.id)
    assert known is not None
    assert known.facts.scopes == frozenset({"records:read"})
    assert directory.find(site.id) is None
