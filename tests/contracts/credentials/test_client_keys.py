"""Keys of clients: registered by value or by address, and found again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlmodel import col, select

from contracts.credentials import service as credentials
from contracts.credentials.client_keys import ClientKeys, require_dpop, use_keys
from contracts.credentials.directory import Directory
from contracts.credentials.tables import Client
from contracts.credentials.tokens import ClientFacts
from contracts.errors import Refused
from contracts.guarded import GuardedClient, is_public
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import CRAWL, RING, contract_in_force
from tests.contracts.people.people import person
from tests.harness.jose import public
from tests.harness.tls import TlsServer, tls_server

EC = ECKey.generate_key("P-256")
JWKS = {"keys": [public(EC, kid="one")]}
FACTS = ClientFacts("cli_1", "ctr_1", "org_1", "api", frozenset({"records:read"}))


@pytest.fixture
def lead(store: Store) -> Actor:
    return person(store, "ada@northfield.example", Role.LEAD)


@pytest.fixture
def contract(store: Store, lead: Actor) -> Contract:
    return contract_in_force(store, lead, person(store, "sam@agora.example", Role.STEWARD), crawl=CRAWL)


@pytest.fixture
def client(store: Store, lead: Actor, contract: Contract) -> Client:
    with store.write() as unit:
        return credentials.create_client(unit, lead, contract, name="Loader", audience="api")[0]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with tls_server(tmp_path) as served:
        yield served


class Time:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _facts(store: Store, client: Client) -> ClientFacts:
    watch = EpochWatch(store)
    watch.poll()
    known = Directory(RING, store, watch).find(client.id)
    assert known is not None
    return known.facts


def _refusal(store: Store, act: Any) -> str:
    with pytest.raises(Refused) as refused, store.write() as unit:
        act(unit)
    return refused.value.refusal.code


def test_a_client_changes_from_a_secret_to_keys(store: Store, lead: Actor, client: Client, contract: Contract) -> None:
    with store.write() as unit:
        use_keys(unit, lead, client.id, jwks=JWKS)
    facts = _facts(store, client)
    assert (facts.auth_method, facts.secret_sha256, facts.jwks, facts.jwks_uri) == ("private_key_jwt", "", JWKS, "")
    keys = ClientKeys(GuardedClient())
    found = [[key.kid for key in keys.candidates(facts, header)] for header in ({"kid": "one"}, {}, {"kid": "two"}, {"kid": 5})]
    assert found == [["one"], ["one"], [], []]
    with store.read() as session:
        leaves = [json.loads(row.leaf) for row in session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()]
    told = [(leaf["event"], leaf["subject"], leaf["contract"], leaf["facts"]) for leaf in leaves if leaf["event"] == "client.changed"]
    assert told == [("client.changed", client.id, contract.id, {"method": "private_key_jwt", "by": "value"})]
    with store.write() as unit:
        use_keys(unit, lead, client.id, jwks_uri="https://keys.partner.example/jwks")
        require_dpop(unit, lead, client.id, True)
    changed = _facts(store, client)
    assert (changed.jwks, changed.jwks_uri, changed.dpop_bound) == (None, "https://keys.partner.example/jwks", True)


def test_what_may_not_be_registered_is_refused(store: Store, lead: Actor, client: Client, contract: Contract) -> None:
    stranger = replace(lead, organisation_id="org_elsewhere")
    url = "https://keys.partner.example/jwks"
    tried = [
        lambda unit: use_keys(unit, lead, client.id),
        lambda unit: use_keys(unit, lead, client.id, jwks=JWKS, jwks_uri=url),
        lambda unit: use_keys(unit, lead, client.id, jwks={"keys": [EC.as_dict(private=True)]}),
        lambda unit: use_keys(unit, lead, client.id, jwks_uri="http://keys.partner.example/jwks"),
        lambda unit: use_keys(unit, stranger, client.id, jwks=JWKS),
        lambda unit: require_dpop(unit, stranger, client.id, True),
        lambda unit: require_dpop(unit, lead, "cli_unknown", True),
    ]
    assert [_refusal(store, act) for act in tried] == [*["invalid_input"] * 3, "address_refused", *["not_found"] * 3]
    with store.write() as unit:
        site, _ = credentials.create_client(unit, lead, contract, name="Crawler", audience="site")
        credentials.revoke_client(unit, lead, client.id)
    assert _refusal(store, lambda unit: require_dpop(unit, lead, site.id, True)) == "command_not_possible"
    assert _refusal(store, lambda unit: use_keys(unit, lead, client.id, jwks=JWKS)) == "command_not_possible"


def test_keys_at_an_address_are_kept_and_asked_for_again(server: TlsServer) -> None:
    seconds = Time()
    keys, facts = ClientKeys(server.client(), seconds), replace(FACTS, jwks_uri=server.url("/jwks"))

    def kids(kid: str | None = None) -> list[str]:
        return [key.kid for key in keys.candidates(facts, {} if kid is None else {"kid": kid})]

    server.give("/jwks", json.dumps(JWKS).encode(), "application/jwk-set+json")
    assert [kids(), kids("one"), kids("two")] == [["one"], ["one"], []]
    assert len(server.asked) == 1  # an unknown key does not make an address be asked at once again
    server.give("/jwks", json.dumps({"keys": [public(EC, kid="two")]}).encode())
    seconds.now += 30
    assert [kids("one"), kids("two"), kids("one")] == [["one"], ["two"], []]
    assert len(server.asked) == 2
    server.give("/jwks", b"{}", status=500)
    seconds.now += 300
    assert [kids("two"), kids("two")] == [["two"], ["two"]]  # the last good answer, while the address fails
    assert len(server.asked) == 3
    seconds.now += 3_600
    assert kids("two") == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"keys":[]}', b'{"keys":[' + b'{"kty":"oct"},' * 10_000 + b"{}]}"])
def test_an_address_without_a_key_set_gives_no_keys(server: TlsServer, body: bytes) -> None:
    server.give("/jwks", body)
    keys, facts = ClientKeys(server.client()), replace(FACTS, jwks_uri=server.url("/jwks"))
    assert [keys.candidates(facts, {}), keys.candidates(facts, {})] == [(), ()]
    assert len(server.asked) == 1  # a failure is remembered too


def test_an_address_within_the_platforms_network_is_not_asked(server: TlsServer) -> None:
    server.give("/jwks", json.dumps(JWKS).encode())
    keys, facts = ClientKeys(server.client(permitted=is_public)), replace(FACTS, jwks_uri=server.url("/jwks"))
    assert (keys.candidates(facts, {}), server.asked) == ((), [])


def test_a_client_without_keys_has_none() -> None:
    keys = ClientKeys(GuardedClient())
    assert [keys.candidates(replace(FACTS, jwks=each), {}) for each in (None, {}, {"keys": "x"})] == [(), (), ()]
