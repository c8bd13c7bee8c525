"""Directories are followed: new keys count, withdrawn ones end, failures change nothing, and nobody else's directory is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.crawlers import follow
from contracts.crawlers import service as crawlers
from contracts.crawlers.decide import keys_in, thumbprint
from contracts.crawlers.directory import MEDIA_TYPE, PATH
from contracts.crawlers.follow import AFTER_FAILURE, EVERY, directories_of
from contracts.crawlers.identifiers import identifier
from contracts.crawlers.key_sets import MOST_KEYS, opened_jwk, published
from contracts.crawlers.lookup import Crawler
from contracts.crawlers.tables import CrawlerKey
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.tables import Contract
from contracts.store.unit import Store
from tests.contracts.crawlers.test_crawlers import Crawling
from tests.contracts.people.people import race
from tests.harness.crawler import crawler_key, x_of
from tests.harness.tls import TlsServer, tls_server

PRINTED = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with tls_server(tmp_path_factory.mktemp("tls")) as made:
        yield made


class Following(Crawling):
    """Crawlers whose keys stand at an address."""

    def __init__(self, store: Store, server: TlsServer, clock: FixedClock, path: str = PATH) -> None:
        super().__init__(store)
        server.answers.clear()
        server.asked.clear()
        self.server, self.clock = server, clock
        self.stand_at(path)

    def stand_at(self, path: str) -> None:
        """Let the keys stand at this path of the server."""
        self.path, self.url = path, self.server.url(path)
        self.name = identifier(self.url)

    def proved(self, private: Ed25519PrivateKey | None = None, contract: Contract | None = None, url: str = "") -> CrawlerKey:
        """A proved key of the directory."""
        key = private or self.private
        part = keys_in(json.dumps(jwk_of(key)))
        with self.store.write() as unit:
            row = crawlers.register(unit, self.lead, (contract or self.first).id, "LabBot", part, url or self.url)[0]
        return self.prove(row, self.signature(row, key))

    def publish(self, *keys: Ed25519PrivateKey | dict[str, Any], media_type: str = MEDIA_TYPE) -> None:
        """Let the address list these keys."""
        listed = [jwk_of(each) if isinstance(each, Ed25519PrivateKey) else each for each in keys]
        self.server.give(self.path, json.dumps({"keys": listed}).encode(), media_type)

    def look(self) -> int:
        """Look at what is due."""
        return follow.tick(self.store, self.server.client())

    def at(self, key: Ed25519PrivateKey, keys_at: str | None = None) -> Crawler | None:
        """The crawler that a request with this key at this key set is from."""
        self.watch.poll()
        return self.lookup.find(thumbprint(x_of(key)), self.name if keys_at is None else keys_at)


def jwk_of(private: Ed25519PrivateKey) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "x": x_of(private)}


@pytest.fixture
def following(sqlite_store: Store, served: TlsServer, clock: FixedClock) -> Following:
    return Following(sqlite_store, served, clock)


def contracts_of(following: Following, *keys: Ed25519PrivateKey) -> list[str]:
    """For each key the contract that it stands for: first, second or none."""
    names = {following.first.id: "first", following.second.id: "second"}
    return [names[found.contract_id] if (found := following.at(each)) else "none" for each in keys]


def test_new_keys_of_a_directory_count_and_withdrawn_ones_end(store: Store, served: TlsServer, clock: FixedClock) -> None:
    following, new = Following(store, served, clock), crawler_key()[1]
    row = following.proved()
    assert contracts_of(following, following.private, new) == ["first", "none"]
    following.publish(following.private, new)
    assert (following.look(), contracts_of(following, following.private, new)) == (1, ["first", "first"])
    found = following.at(new)
    assert found is not None and (found.id, found.directory_url) == (row.id, following.url)
    following.publish(new)
    assert (following.look(), contracts_of(following, following.private)) == (0, ["first"])
    clock.advance(seconds=int(EVERY.total_seconds()))
    assert (following.look(), contracts_of(following, following.private, new)) == (1, ["none", "first"])


def test_a_key_counts_at_its_own_address_alone(following: Following) -> None:
    following.proved()
    following.publish(following.private)
    assert [following.at(following.private, each) is not None for each in ("", "https://other.example/keys", following.name)] == [
        False,
        False,
        True,
    ]
    following.look()
    assert [following.at(following.private, each) is not None for each in ("", "https://other.example/keys", following.name)] == [
        False,
        False,
        True,
    ]


def test_a_key_given_by_value_counts_whatever_address_is_named(following: Following) -> None:
    following.prove(following.register())
    assert (following.look(), following.at(following.private) is not None, following.at(following.private, "") is not None) == (
        0,
        True,
        True,
    )


def test_a_failed_look_changes_nothing_and_is_repeated(following: Following) -> None:
    new = crawler_key()[1]
    following.proved()
    following.publish(following.private, new)
    following.look()
    following.server.give(PATH, b"{}", MEDIA_TYPE, status=503)
    following.clock.advance(seconds=int(EVERY.total_seconds()))
    assert (following.look(), following.look(), contracts_of(following, following.private, new)) == (1, 0, ["first", "first"])
    with following.store.read() as session:
        known = directories_of(session, following.first.id)
    assert [(each.id, each.problem, each.next_at) for each in known] == [
        (following.name, "The address answered 503.", following.clock.now() + AFTER_FAILURE)
    ]
    following.clock.advance(seconds=int(AFTER_FAILURE.total_seconds()))
    assert following.look() == 1


@pytest.mark.parametrize(
    ("body", "media_type"), [(b"\xff", MEDIA_TYPE), (b"[]", MEDIA_TYPE), (b"{}", MEDIA_TYPE), (b'{"keys":[]}', "text/html")]
)
def test_what_is_no_directory_is_a_failed_look(following: Following, body: bytes, media_type: str) -> None:
    following.proved()
    following.server.give(PATH, body, media_type)
    assert (following.look(), contracts_of(following, following.private)) == (1, ["first"])


def test_an_empty_directory_ends_all_its_keys(following: Following) -> None:
    following.proved()
    following.publish()
    assert (following.look(), contracts_of(following, following.private)) == (1, ["none"])


def test_a_directory_of_two_contracts_is_not_asked(following: Following) -> None:
    other = crawler_key()[1]
    following.proved()
    following.proved(other, following.second)
    following.publish(following.private, other, crawler_key()[1])
    assert (following.look(), following.server.asked, contracts_of(following, following.private, other)) == (0, [], ["first", "second"])


def test_a_directory_without_a_proved_key_is_not_asked(following: Following) -> None:
    with following.store.write() as unit:
        crawlers.register(unit, following.lead, following.first.id, "LabBot", keys_in(following.jwk), following.url)
    assert (following.look(), following.server.asked) == (0, [])


def test_the_directory_of_a_contract_that_is_not_active_is_not_asked(following: Following) -> None:
    following.proved()
    following.publish(following.private)
    with following.store.write() as unit:
        unit.session.get_one(Contract, following.first.id).state = "suspended"
    assert (following.look(), following.server.asked) == (0, [])


def test_a_revoked_key_and_one_of_another_contract_do_not_come_back_by_a_directory(following: Following) -> None:
    lost, theirs = crawler_key()[1], crawler_key()[1]
    row = following.proved(lost)
    following.proved()
    following.proved(theirs, following.second, "https://elsewhere.example/keys")
    with following.store.write() as unit:
        crawlers.revoke(unit, following.lead, row.id)
    following.publish(following.private, lost, theirs)
    following.look()
    assert contracts_of(following, following.private, lost, theirs) == ["first", "none", "none"]


def test_a_directory_that_changes_hands_begins_anew(following: Following) -> None:
    new, other = crawler_key()[1], crawler_key()[1]
    row = following.proved()
    following.publish(following.private, new)
    following.look()
    with following.store.write() as unit:
        crawlers.revoke(unit, following.lead, row.id)
    following.proved(other, following.second)
    assert contracts_of(following, new, other) == ["none", "second"]
    following.publish(other, new)
    assert (following.look(), contracts_of(following, new, other)) == (1, ["second", "second"])


@pytest.mark.parametrize("inside", [True, False])
def test_client_metadata_lead_to_a_key_set(following: Following, inside: bool) -> None:
    card = following
    card.stand_at("/card")
    card.proved()
    keys = {"keys": [jwk_of(card.private)]}
    card.server.give("/keys.json", json.dumps(keys).encode())
    named = {"jwks": keys} if inside else {"jwks_uri": card.server.url("/keys.json")}
    card.server.give("/card", json.dumps({"client_id": card.url, **named}).encode())
    card.look()
    with card.store.read() as session:
        assert [list(each.keys) for each in directories_of(session, card.first.id)] == [[thumbprint(x_of(card.private))]]


@pytest.mark.parametrize("named", [{"jwks": {}, "jwks_uri": "x"}, {}, {"client_id": "https://other.example/card", "jwks": {"keys": []}}])
def test_client_metadata_of_another_or_without_one_key_set_are_a_failed_look(following: Following, named: dict[str, Any]) -> None:
    card = following
    card.stand_at("/card")
    card.proved()
    card.server.give("/card", json.dumps({"client_id": card.url, **named}).encode())
    card.look()
    with card.store.read() as session:
        assert [(each.fetched_at, bool(each.problem)) for each in directories_of(session, card.first.id)] == [(None, True)]


def _numbered(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()


def test_ed25519_rsa_and_p256_keys_are_usable_and_nothing_else_is() -> None:
    rsa, weak, ec = (new_rsa_key(65537, 2048), new_rsa_key(65537, 1024), new_ec_key(SECP256R1()))
    own = jwk_of(Ed25519PrivateKey.generate())
    point, modulus = ec.public_key().public_numbers(), rsa.public_key().public_numbers().n
    usable = [
        own,
        {"kty": "RSA", "e": "AQAB", "n": _numbered(modulus), "use": "sig", "alg": "PS512"},
        {"kty": "EC", "crv": "P-256", "x": _numbered(point.x), "y": _numbered(point.y), "nbf": 1, "exp": 2.5},
    ]
    refused: list[object] = [
        PRINTED,
        {**own, "d": own["x"]},
        {**own, "use": "enc"},
        {**own, "crv": "X25519"},
        {**own, "x": "AAAA"},
        {**own, "x": "é"},
        {**own, "nbf": "soon"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "e": "AQAB", "n": _numbered(weak.public_key().public_numbers().n)},
        {"kty": "EC", "crv": "P-256", "x": _numbered(point.x), "y": _numbered(point.x)},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        "text",
        None,
    ]
    assert [opened_jwk(each) is not None for each in usable] == [True] * 3
    assert [opened_jwk(each) for each in refused] == [None] * len(refused)
    assert published([*refused, *usable]).keys() == {key.thumbprint for each in usable if (key := opened_jwk(each))}
    assert published([PRINTED] * MOST_KEYS + [own]) == published("keys") == {}


def test_a_name_that_is_not_the_thumbprint_is_passed_over_at_the_well_known_path() -> None:
    own = jwk_of(Ed25519PrivateKey.generate())
    named, strange = {**own, "kid": thumbprint(own["x"])}, {**own, "kid": "key-1"}
    assert [len(published([each], named_by_thumbprint=True)) for each in (own, named, strange)] == [1, 1, 0]
    assert len(published([strange])) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://Bot.Example", "https://bot.example/"),
        ("https://bot.example:443/a?x=1", "https://bot.example/a"),
        ("https://bot.example:8443/%7ea/./b/../c/", "https://bot.example:8443/~a/c/"),
        ("https://bot.example/a%2fb%zz", "https://bot.example/a%2Fb%zz"),
        ("https://bot.example/../../a/..", "https://bot.example/"),
        ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        ("http://bot.example/a", ""),
        ("https://user:x@bot.example/a", ""),
        ("https://bot.example/a#b", ""),
        ("https://bot.example:x/", ""),
        ("/a", ""),
    ],
)
def test_an_address_has_one_name(url: str, name: str) -> None:
    assert identifier(url) == name


def test_ten_minutes_and_five() -> None:
    assert (timedelta(minutes=10), timedelta(minutes=5)) == (EVERY, AFTER_FAILURE)


def test_two_processes_that_look_at_once_note_it_once(store: Store, served: TlsServer, clock: FixedClock) -> None:
    following = Following(store, served, clock)
    following.proved()
    following.publish(following.private, crawler_key()[1])
    # Usually both look; where one is done before the other begins, that one finds nothing left to look at.
    assert max(race(lambda _number: following.look(), 2)) == 1
    with store.read() as session:
        told = [json.loads(each.leaf) for each in session.exec(select(LedgerEntry)).all()]
        assert len(directories_of(session, following.first.id)) == 1
    changes = [each["facts"] for each in told if each["event"] == "crawler.directory_changed"]
    assert [(len(each["come"]), each["gone"]) for each in changes] == [(1, [])]
