"""Bounds of single credentials: they only ever narrow what their contract says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.credentials import service as credentials
from contracts.credentials.bounds import Bounds, last_day_problem, networks_problem
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Claims
from contracts.errors import Refused
from contracts.networks import within
from contracts.people.roles import Role
from contracts.store.unit import Store
from contracts.terms.grant import Grant, compile_grant
from tests.contracts.credentials.sealed import RING, contract_in_force, terms
from tests.contracts.people.people import person

CONTRACTS = ("192.0.2.0/24", "2001:db8::/32")
NOW = datetime(2026, 11, 2, 9, 30, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("networks", "problem"),
    [
        ((), ""),
        (("192.0.2.128/25", "2001:db8:1::/48", "192.0.2.7/32"), ""),
        (("192.0.2.0/23",), "192.0.2.0/23 is not within the contract’s networks: 192.0.2.0/24, 2001:db8::/32."),
        (("10.0.0.0/8",), "10.0.0.0/8 is not within the contract’s networks: 192.0.2.0/24, 2001:db8::/32."),
        (("192.0.2.7/24",), "Write each network as 192.0.2.0/24 or 2001:db8::/48, one a line."),
        (("anywhere",), "Write each network as 192.0.2.0/24 or 2001:db8::/48, one a line."),
        (("192.0.2.0/24",) * 51, "Name at most 50 networks."),
    ],
)
def test_a_credentials_networks_lie_within_its_contracts(networks: tuple[str, ...], problem: str) -> None:
    assert networks_problem(networks, terms(networks=CONTRACTS)) == problem


def test_under_a_contract_without_networks_any_may_be_named() -> None:
    assert networks_problem(("10.0.0.0/8", "::1/128"), terms()) == ""


@pytest.mark.parametrize(
    ("last_day", "problem"),
    [
        (None, ""),
        (date(2026, 11, 2), ""),
        (date(2027, 10, 31), ""),
        (date(2026, 11, 1), "The last day has passed already."),
        (date(2027, 11, 1), "The contract ends with 2027-10-31; a credential ends no later."),
    ],
)
def test_a_credential_ends_no_later_than_its_contract(last_day: date | None, problem: str) -> None:
    assert last_day_problem(last_day, terms(), NOW.date()) == problem


def _grant(store: Store, **changed: object) -> tuple[Grant, str]:
    lead, steward = person(store, "ada@northfield.example", Role.LEAD), person(store, "sam@agora.example", Role.STEWARD)
    contract = contract_in_force(store, lead, steward, networks=CONTRACTS)
    with store.write() as unit:
        client, _ = credentials.create_client(unit, lead, contract, name="Loader", audience="api", **changed)  # type: ignore[arg-type]  # as given
    with store.read() as session:
        grant = compile_grant(RING, session, contract.id)
    assert isinstance(grant, Grant)
    return grant, client.id


def test_the_grant_holds_a_credential_to_its_own_bounds(store: Store) -> None:
    grant, client_id = _grant(store, networks=("192.0.2.128/25",), last_day=date(2026, 12, 31))
    assert dict(grant.bounds) == {client_id: Bounds(("192.0.2.128/25",), date(2026, 12, 31))}
    other = "cli_other"
    asked = {
        (client_id, "192.0.2.129"): "",
        (client_id, "192.0.2.1"): "network_not_in_credential",
        (client_id, "198.51.100.1"): "network_not_in_contract",
        (client_id, ""): "network_not_in_contract",
        (other, "192.0.2.1"): "",
        (other, "198.51.100.1"): "network_not_in_contract",
    }
    got = {key: getattr(grant.refusal_from(key[1], key[0]), "code", "") for key in asked}
    assert got == asked
    days = {
        (client_id, date(2026, 12, 31)): "",
        (client_id, date(2027, 1, 1)): "credential_ended",
        (client_id, date(2027, 11, 1)): "contract_not_active",
        (other, date(2027, 1, 1)): "",
    }
    assert {key: getattr(grant.refusal_at(key[1], key[0]), "code", "") for key in days} == days


def test_a_plain_credential_has_no_bounds(sqlite_store: Store) -> None:
    grant, _ = _grant(sqlite_store)
    assert dict(grant.bounds) == {}


def test_wider_bounds_make_no_credential(sqlite_store: Store) -> None:
    with pytest.raises(Refused) as error:
        _grant(sqlite_store, networks=("0.0.0.0/0",), last_day=date(2030, 1, 1))
    assert sorted(error.value.refusal.facts["fields"]) == ["last_day", "networks"]


@given(st.ip_addresses(v=4).map(str), st.integers(24, 32))
def test_no_address_gets_in_by_a_credential_that_the_contract_keeps_out(address: str, bits: int) -> None:
    own = f"192.0.2.{128 if bits == 25 else 0}/{bits}"
    assert networks_problem((own,), terms(networks=CONTRACTS)) == ""
    assert not within(address, (own,)) or within(address, CONTRACTS)


@pytest.mark.parametrize(("issued", "over"), [(-60, True), (0, True), (1, False), (60, False), (None, True)])
def test_tokens_that_came_by_an_ended_secret_are_over(sqlite_store: Store, issued: int | None, over: bool) -> None:
    grant, client_id = _grant(sqlite_store)
    with sqlite_store.write() as unit:
        unit.lock(Client, client_id).tokens_since = NOW
    with sqlite_store.read() as session:
        ended = compile_grant(RING, session, grant.contract_id)
    payload = {} if issued is None else {"iat": int(NOW.timestamp()) + issued}
    claims = Claims(client_id, grant.contract_id, 1, frozenset({"records:read"}), "tok_1", NOW + timedelta(hours=1), "", payload=payload)
    assert isinstance(ended, Grant)
    assert (ended.is_over(claims), grant.is_over(claims)) == (over, False)
    assert (ended.refusal_of(claims) is not None) == over
