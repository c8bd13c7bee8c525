"""Crawler keys: registered for one contract, proved by what they sign, found by thumbprint, revoked."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.clock import FixedClock
from contracts.crawlers import service as crawlers
from contracts.crawlers.decide import PublicPart, challenge, keys_in, thumbprint
from contracts.crawlers.key_sets import PublishedKey
from contracts.crawlers.lookup import Crawler, CrawlerKeys
from contracts.crawlers.tables import CrawlerKey
from contracts.errors import Refused
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import CRAWL, contract_in_force
from tests.contracts.people.people import person, race, refused
from tests.harness.crawler import crawler_key, x_of

BASE = "https://data.agora.example"


class Crawling:
    """Two contracts of one partner, one key, and a process that looks crawlers up."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lead, steward = person(store, "ada@northfield.example", Role.LEAD), person(store, "sam@agora.example", Role.STEWARD)
        self.first, self.second = (contract_in_force(store, self.lead, steward, crawl=CRAWL) for _ in range(2))
        self.jwk, self.private = crawler_key()
        self.watch = EpochWatch(store)
        self.lookup = CrawlerKeys(store, self.watch)

    def register(self, contract: Contract | None = None, actor: Actor | None = None, keys: list[PublicPart] | None = None) -> CrawlerKey:
        with self.store.write() as unit:
            return crawlers.register(unit, actor or self.lead, (contract or self.first).id, "LabBot", keys or keys_in(self.jwk))[0]

    def signature(self, row: CrawlerKey, private: Ed25519PrivateKey | None = None, base: str = BASE) -> str:
        return base64.b64encode((private or self.private).sign(challenge(row, base).encode())).decode()

    def prove(self, row: CrawlerKey, signature: str = "", actor: Actor | None = None) -> CrawlerKey:
        with self.store.write() as unit:
            return crawlers.prove(unit, actor or self.lead, row.id, signature or self.signature(row), BASE)

    def found(self) -> Crawler | None:
        self.watch.poll()
        return self.lookup.find(thumbprint(x_of(self.private)))


@pytest.fixture
def crawling(store: Store) -> Crawling:
    return Crawling(store)


def test_a_key_counts_once_it_is_proved_and_until_it_is_revoked(crawling: Crawling) -> None:
    row = crawling.register()
    assert (row.id[:4], row.thumbprint, crawling.found()) == ("bot_", thumbprint(x_of(crawling.private)), None)
    crawling.prove(row)
    key = PublishedKey(row.thumbprint, crawling.private.public_key())
    assert crawling.found() == Crawler(row.id, crawling.first.id, "", key)
    assert refused(lambda: crawling.prove(row)) == "command_not_possible"
    with crawling.store.write() as unit:
        crawlers.revoke(unit, crawling.lead, row.id)
        crawlers.revoke(unit, crawling.lead, row.id)
    assert crawling.found() is None


def test_the_text_to_sign_is_a_signature_base_over_our_name_and_nonce(crawling: Crawling) -> None:
    row = crawling.register()
    created, expires = int(row.created_at.timestamp()), int(row.nonce_until.timestamp())
    assert challenge(row, BASE) == (
        '"@authority": data.agora.example\n'
        f'"@signature-params": ("@authority");created={created};expires={expires};keyid="{row.thumbprint}";alg="ed25519";'
        f'nonce="{row.nonce}";tag="licet-crawler-proof"'
    )


def test_only_the_keys_own_signature_over_its_own_text_proves_it(sqlite_store: Store, clock: FixedClock) -> None:
    crawling = Crawling(sqlite_store)
    row = crawling.register()
    other = crawling.register(keys=keys_in(crawler_key()[0]))
    wrong = {
        "another key": crawling.signature(row, crawler_key()[1]),
        "another text": crawling.signature(other),
        "another platform": crawling.signature(row, base="https://evil.example"),
        "no signature": "AAAA",
        "no base64": "ä",
        "empty": " ",
    }
    assert {name: refused(lambda given=given: crawling.prove(row, given)) for name, given in wrong.items()} == dict.fromkeys(  # type: ignore[misc]  # bound at once
        wrong, "invalid_input"
    )
    proof = crawling.signature(row)
    clock.advance(seconds=int(timedelta(hours=24).total_seconds()))
    again = replace(crawling.lead, reauthenticated_at=clock.now())
    assert refused(lambda: crawling.prove(row, proof, again)) == "command_not_possible"
    assert crawling.found() is None


def test_a_signature_header_is_taken_as_well_as_bare_base64(sqlite_store: Store) -> None:
    crawling = Crawling(sqlite_store)
    row = crawling.register()
    crawling.prove(row, f"Signature: sig1=:{crawling.signature(row)}:")
    assert crawling.found() is not None


def test_a_key_stands_for_one_contract_at_a_time(crawling: Crawling) -> None:
    first, second = crawling.register(), crawling.register(crawling.second)
    crawling.prove(first)
    assert refused(lambda: crawling.prove(second)) == "command_not_possible"
    with crawling.store.write() as unit:
        crawlers.revoke(unit, crawling.lead, first.id)
    crawling.prove(second)
    found = crawling.found()
    assert found is not None and found.contract_id == crawling.second.id


def test_of_two_contracts_that_prove_one_key_at_once_one_gets_it(crawling: Crawling) -> None:
    rows = [crawling.register(), crawling.register(crawling.second)]
    outcomes = race(lambda number: crawling.prove(rows[number]).id, 2)
    assert sorted(each in {row.id for row in rows} for each in outcomes) == [False, True]
    assert "command_not_possible" in outcomes


def test_who_registers_and_under_what(sqlite_store: Store) -> None:
    crawling = Crawling(sqlite_store)
    reader = person(sqlite_store, "rae@northfield.example", Role.READER)
    stranger = person(sqlite_store, "eve@quotient.example", Role.LEAD, organisation="org_other")
    row = crawling.register()
    assert [refused(lambda who=who: crawling.register(actor=who)) for who in (reader, stranger)] == ["role_required", "not_found"]  # type: ignore[misc]  # bound at once
    assert [refused(lambda who=who: crawling.prove(row, actor=who)) for who in (reader, stranger)] == ["role_required", "not_found"]  # type: ignore[misc]  # bound at once
    steward = person(sqlite_store, "jon@agora.example", Role.STEWARD)
    plain = contract_in_force(sqlite_store, crawling.lead, steward)
    suspended = contract_in_force(sqlite_store, crawling.lead, steward, state="suspended", crawl=CRAWL)
    assert refused(lambda: crawling.register(plain)) == "command_not_possible"
    assert refused(lambda: crawling.register(suspended)) == "contract_not_active"


def test_a_contract_has_ten_keys_at_most(sqlite_store: Store) -> None:
    crawling = Crawling(sqlite_store)
    for _ in range(10):
        crawling.register(keys=keys_in(crawler_key()[0]))
    assert refused(lambda: crawling.register(keys=keys_in(crawler_key()[0]))) == "command_not_possible"


PUBLIC = json.loads(crawler_key()[0])


@pytest.mark.parametrize(
    "document",
    [
        "no json",
        "[]",
        "7",
        '{"keys":[]}',
        json.dumps({"keys": [PUBLIC] * 11}),
        json.dumps(PUBLIC | {"d": "secret"}),
        json.dumps(PUBLIC | {"crv": "X25519"}),
        json.dumps(PUBLIC | {"kty": "EC"}),
        json.dumps(PUBLIC | {"x": "AAAA"}),
        json.dumps(PUBLIC | {"x": 7}),
        json.dumps(PUBLIC | {"x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}),
    ],
    ids=range(11),
)
def test_what_is_no_public_ed25519_key_of_their_own_is_refused(document: str) -> None:
    with pytest.raises(Refused) as error:
        keys_in(document)
    assert (error.value.refusal.code, list(error.value.refusal.facts["fields"])) == ("invalid_input", ["keys"])


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    # RFC 8037, appendix A.3.
    assert thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
