"""Bound tokens at the API, over HTTP: with the proof of their key, once in all workers, and in no other way (RFC 9449 section 7)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey
from sqlmodel import select

from contracts.access.reader import Reader
from contracts.access.writer import AccessWriter
from contracts.clock import FixedClock
from contracts.credentials.dpop import Nonces
from contracts.credentials.tokens import ClientFacts
from contracts.deliveries.tables import Delivery
from contracts.keys import Purpose
from contracts.quotas.service import used_on
from contracts.store.unit import Store
from tests.api.data.test_api import ISSUER, METADATA, Api
from tests.harness.data import World, run, world
from tests.harness.jose import proof
from tests.harness.tokens import issued

EC, OTHER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
RECORDS, CONTRACT = "/v1/datasets/posts/records", "/v1/contract"
ALGORITHMS = 'algs="ES256 EdDSA Ed25519 PS256"'
REUSED = "The DPoP proof does not hold. It was used before. Make a new one for each request."


class Bound:
    """Two workers on one store, and a token that is bound to a key."""

    def __init__(self, data: World, **terms: Any) -> None:
        self.data, self.one = data, Api(data)
        self.writer = AccessWriter(data.store, data.watch, data.clock)
        self.writer.start()
        reader = Reader(data.store, data.settings, data.clock, data.watch, data.keys, data.catalogue, data.grants, self.writer)
        self.reader = reader
        self.other = Api(replace(data, writer=self.writer, reader=reader))
        self.contract, self.client = data.contract(**terms)
        self.nonces = Nonces(data.keys.derived(Purpose.NONCE))
        self.token = self.issue(jkt=EC.thumbprint())

    def issue(self, jkt: str = "") -> str:
        """A token of the client; bound where there is a thumbprint."""
        facts = ClientFacts(self.client, self.contract, self.data.cast.lab, "api", frozenset({"records:read"}))
        return issued(self.one.tokens, self.data.store, facts, more={"cnf": {"jkt": jkt}} if jkt else None).token

    def proof(self, path: str = RECORDS, key: ECKey = EC, method: str = "GET", **changed: Any) -> str:
        """A proof for one request with the token."""
        now = self.data.clock.now()
        values = {"nonce": self.nonces.current(now), "token": self.token} | changed
        return proof(key, method, values.pop("url", ISSUER + path), now.timestamp(), **values)

    def get(self, path: str, *proofs: str, worker: Api | None = None, token: str = "", scheme: str = "DPoP", **more: str) -> httpx.Response:
        """The answer to one request."""
        return run(self.asked(worker or self.one, path, proofs, token or self.token, scheme, more))

    async def asked(
        self, worker: Api, path: str, proofs: tuple[str, ...], token: str, scheme: str = "DPoP", more: dict[str, str] | None = None
    ) -> httpx.Response:
        """As `get`, in a loop."""
        headers = [("authorization", f"{scheme} {token}"), *(("dpop", each) for each in proofs), *(more or {}).items()]
        transport = httpx.ASGITransport(worker.app, client=("192.0.2.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
            return await client.get(path, headers=headers)

    def used(self) -> tuple[int, int]:
        """Records that were taken from the contract's day, and deliveries."""
        with self.data.store.read() as session:
            return used_on(session, self.contract, self.data.clock.now().date()).records, len(session.exec(select(Delivery)).all())

    def rules(self) -> list[str]:
        return [leaf.get("rule", "") for leaf in self.data.leaves()]


@pytest.fixture
def bound(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Bound]:
    yield from _bound(store, clock, tmp_path)


@pytest.fixture
def sqlite_bound(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Bound]:
    yield from _bound(sqlite_store, clock, tmp_path)


def _bound(store: Store, clock: FixedClock, folder: Path, **terms: Any) -> Iterator[Bound]:
    with world(store, clock, folder) as data:
        made = Bound(data, **terms)
        yield made
        made.writer.stop()
        made.reader.close()


def told(answer: httpx.Response) -> tuple[int, str, str, bool]:
    """Status, code, challenge, and whether a nonce came along."""
    code = answer.json().get("code", "")
    return answer.status_code, code, answer.headers.get("www-authenticate", ""), "dpop-nonce" in answer.headers


def test_records_and_everything_else_leave_with_a_proof(sqlite_bound: Bound) -> None:
    place = sqlite_bound
    records = place.get(f"{RECORDS}?limit=2", place.proof())
    contract = place.get(CONTRACT, place.proof(CONTRACT), scheme="dpop")
    assert [told(each) for each in (records, contract)] == [(200, "", "", True)] * 2
    assert (len(records.json()["data"]), contract.json()["contract"]) == (2, place.contract)
    assert records.headers["dpop-nonce"] == place.nonces.current(place.data.clock.now())
    assert place.used() == (2, 1)


def test_a_nonce_is_asked_for_and_given(sqlite_bound: Bound, clock: FixedClock) -> None:
    place = sqlite_bound
    for path in (RECORDS, CONTRACT):
        first = place.get(path, place.proof(path, nonce=None))
        challenge = f'DPoP {ALGORITHMS}, error="use_dpop_nonce", {METADATA}'
        assert told(first) == (401, "dpop_nonce_required", challenge, True)
        again = place.get(path, place.proof(path, nonce=first.headers["dpop-nonce"]), worker=place.other)
        assert again.status_code == 200, "the nonce holds in every worker"
    stale = place.nonces.current(clock.now())
    clock.advance(minutes=5)
    assert told(place.get(RECORDS, place.proof(nonce=stale)))[1] == "dpop_nonce_required"


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "POST"},
        {"url": ISSUER + CONTRACT},
        {"url": f"{ISSUER}{RECORDS}/"},
        {"url": f"http://data.agora.example{RECORDS}"},
        {"url": f"https://other.example{RECORDS}"},
        {"token": "another"},
        {"token": None},
        {"key": OTHER},
        {"jti": ""},
        {"iat": 0},
        {"header_typ": "at+jwt"},
        {"header_alg": "none"},
    ],
)
def test_a_proof_for_anything_else_opens_nothing(sqlite_bound: Bound, changed: dict[str, Any]) -> None:
    place = sqlite_bound
    made = _unsigned(place) if changed.get("header_alg") == "none" else place.proof(**changed)
    challenge = f'DPoP {ALGORITHMS}, error="invalid_dpop_proof", {METADATA}'
    assert told(place.get(RECORDS, made)) == (401, "dpop_proof_invalid", challenge, True)
    leaf = place.data.leaves()[0]
    assert (leaf["rule"], leaf["contract"], leaf["credential"]) == ("dpop_proof_invalid", place.contract, place.client)
    assert place.used() == (0, 0)


def _unsigned(place: Bound) -> str:
    head, body, _ = place.proof().split(".")
    return f"{head}.{body}."


def test_one_proof_and_no_more_is_sent(sqlite_bound: Bound) -> None:
    place = sqlite_bound
    answers = [place.get(RECORDS), place.get(RECORDS, place.proof(), place.proof())]
    assert [told(each)[:2] for each in answers] == [(401, "dpop_proof_invalid")] * 2


def test_what_a_request_says_of_its_host_counts_for_nothing(sqlite_bound: Bound) -> None:
    place = sqlite_bound
    spoofed = place.get(RECORDS, place.proof(url=f"https://evil.example{RECORDS}"), host="evil.example")
    assert told(spoofed)[:2] == (401, "dpop_proof_invalid")
    assert place.get(RECORDS, place.proof(), host="evil.example").status_code == 200


def test_a_bound_token_as_bearer_and_a_bearer_token_as_bound_are_refused(sqlite_bound: Bound) -> None:
    place, free = sqlite_bound, sqlite_bound.issue()
    invalid = f'DPoP {ALGORITHMS}, error="invalid_token", {METADATA}'
    tried = [place.get(RECORDS, place.proof(), scheme="Bearer"), place.get(RECORDS, place.proof(token=free), token=free)]
    assert [told(each) for each in tried] == [(401, "token_invalid", invalid, True)] * 2
    assert place.get(RECORDS, token=free, scheme="Bearer").status_code == 200


def test_a_contract_that_asks_for_bound_tokens_takes_no_other(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    for place in _bound(store, clock, tmp_path, bound_tokens=True):
        answers = [place.get(path, token=place.issue(), scheme="Bearer") for path in (RECORDS, CONTRACT)]
        assert [told(each)[:2] for each in answers] == [(401, "token_invalid")] * 2
        assert place.get(RECORDS, place.proof()).status_code == 200


def test_a_proof_opens_once_in_all_workers(bound: Bound) -> None:
    for path in (f"{RECORDS}?limit=2", CONTRACT):
        made = bound.proof(path.partition("?")[0])
        assert bound.get(path, made).status_code == 200
        again = [bound.get(path, made, worker=worker) for worker in (bound.one, bound.other)]
        assert [(told(each)[:2], each.json()["reason"]) for each in again] == [((401, "dpop_proof_invalid"), REUSED)] * 2
    assert bound.used() == (2, 1), "a replay takes nothing from the day"
    assert bound.rules() == ["", "dpop_proof_invalid", "dpop_proof_invalid"]
    catalogue = [leaf.get("rule", "") for leaf in bound.data.leaves("access.catalogue")]
    assert catalogue == ["", "dpop_proof_invalid", "dpop_proof_invalid"]


def test_of_many_at_once_with_one_proof_exactly_one_is_answered(bound: Bound) -> None:
    made, workers = bound.proof(), (bound.one, bound.other)

    async def race() -> list[httpx.Response]:
        return await asyncio.gather(*(bound.asked(workers[n % 2], f"{RECORDS}?limit=3", (made,), bound.token) for n in range(10)))

    answers = run(race())
    assert Counter(each.status_code for each in answers) == {200: 1, 401: 9}
    assert bound.used() == (3, 1)


def test_a_refused_request_uses_its_proof_up_as_well(bound: Bound) -> None:
    made = bound.proof()
    assert told(bound.get(f"{RECORDS}?fields=text", made))[:2] == (403, "field_not_in_contract")
    assert told(bound.get(f"{RECORDS}?limit=1", made, worker=bound.other))[:2] == (401, "dpop_proof_invalid")
    assert bound.used() == (0, 0)
