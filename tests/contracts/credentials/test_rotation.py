"""One signing key follows another without a refused token; a revoked one takes its tokens with it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.credentials.rotation import KeyLine, end_replaced, listed, revoke, rotate
from contracts.credentials.signing_keys import signing_now
from contracts.credentials.tokens import Claims, ClientFacts, Tokens
from contracts.errors import Refusal, Refused
from contracts.keys import KeyRing, Purpose
from contracts.ledger.tables import LedgerEntry
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.conftest import START
from tests.harness.tokens import issued

ISSUER = "https://data.agora.example"
API = f"{ISSUER}/v1"
RING = KeyRing(b"k" * 32)
CLIENT = ClientFacts("cli_1", "ctr_1", "org_1", "api", frozenset({"records:read"}))


class Process:
    """One process of several: its own tokens and its own look at the epochs."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.tokens = Tokens(RING, store, clock, ISSUER, "https://www.agora.example")
        self.watch = EpochWatch(store)
        self.tokens.follow(self.watch)
        self.tokens.prepare()
        self.watch.poll()


@pytest.fixture
def here(store: Store, clock: FixedClock) -> Process:
    return Process(store, clock)


@pytest.fixture
def there(here: Process, store: Store, clock: FixedClock) -> Process:
    return Process(store, clock)


def _rotate(store: Store) -> str:
    with store.write() as unit:
        return rotate(unit, RING).id


def _states(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        return [(line.kid, line.state) for line in listed(session, store.clock.now())]


def _key_entries(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        leaves = [json.loads(row.leaf) for row in session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()]
    return [(leaf["event"], leaf["subject"]) for leaf in leaves if leaf["event"].startswith("key.")]


def test_no_token_is_refused_while_keys_follow_one_another(here: Process, there: Process, store: Store, clock: FixedClock) -> None:
    alive: list[tuple[str, int]] = []
    refused = []
    rotations = 0
    for minute in range(120):
        if minute in (5, 50, 90):
            _rotate(store)
            rotations += 1
        end_replaced(store)
        for process in (here, there):
            process.watch.poll()
        alive = [(token, ends) for token, ends in alive if ends > minute] + [(issued(here.tokens, store, CLIENT).token, minute + 10)]
        for process in (here, there):
            answers = [process.tokens.verify(token, API) for token, _ in alive]
            refused += [answer for answer in answers if isinstance(answer, Refusal)]
        clock.advance(minutes=1)
    assert (refused, rotations) == ([], 3)
    assert [state for _, state in _states(store)] == ["signs", "ended", "ended", "ended"]
    assert [event for event, _ in _key_entries(store)] == ["key.made"] + ["key.made", "key.ended"] * 3


def test_a_new_key_is_published_before_it_signs(here: Process, store: Store, clock: FixedClock) -> None:
    (old,) = (key["kid"] for key in here.tokens.jwks()["keys"])
    new = _rotate(store)
    here.watch.poll()
    assert [key["kid"] for key in here.tokens.jwks()["keys"]] == [old, new]
    signers = []
    for seconds in (0, 599, 1):
        clock.advance(seconds=seconds)
        claims = here.tokens.verify(issued(here.tokens, store, CLIENT).token, API)
        assert isinstance(claims, Claims)
        signers.append(claims.kid)
    assert signers == [old, old, new]


def test_keys_are_listed_with_what_becomes_of_them(here: Process, store: Store, clock: FixedClock) -> None:
    (old,) = (key["kid"] for key in here.tokens.jwks()["keys"])
    clock.advance(days=1)
    new = _rotate(store)
    day = START + timedelta(days=1)
    with store.read() as session:
        assert listed(session, clock.now()) == [
            KeyLine(new, day, "published", day + timedelta(minutes=10)),
            KeyLine(old, START, "signs", day + timedelta(minutes=10)),
        ]
        assert listed(session, day + timedelta(minutes=10)) == [
            KeyLine(new, day, "signs", None),
            KeyLine(old, START, "verifies", day + timedelta(minutes=26)),
        ]
    clock.advance(minutes=25, seconds=59)
    assert end_replaced(store) == 0
    clock.advance(seconds=1)
    assert [end_replaced(store), end_replaced(store)] == [1, 0]
    assert _states(store) == [(new, "signs"), (old, "ended")]


def test_a_second_rotation_waits_for_the_first(here: Process, store: Store, clock: FixedClock) -> None:
    _rotate(store)
    with pytest.raises(Refused) as refused:
        _rotate(store)
    assert refused.value.refusal.code == "command_not_possible"
    clock.advance(minutes=10)
    _rotate(store)


def test_a_revoked_key_takes_its_tokens_with_it_everywhere(here: Process, there: Process, store: Store, clock: FixedClock) -> None:
    (old,) = (key["kid"] for key in here.tokens.jwks()["keys"])
    token = issued(here.tokens, store, CLIENT).token
    assert isinstance(there.tokens.verify(token, API), Claims)
    with store.write() as unit:
        revoke(unit, RING, old)
    for process in (here, there):
        process.watch.poll()
        answer = process.tokens.verify(token, API)
        assert isinstance(answer, Refusal)
        assert answer.code == "token_invalid"
        assert isinstance(asyncio.run(process.tokens.check(token, API)), Refusal)
    # Another key was made in the same transaction, and signs at once: there is no other.
    new = issued(there.tokens, store, CLIENT).token
    assert isinstance(here.tokens.verify(new, API), Claims)
    ((made, state), (ended, _)) = _states(store)
    assert (ended, state, _key_entries(store)) == (old, "signs", [("key.made", old), ("key.revoked", old), ("key.made", made)])


def test_revoking_the_key_that_signs_lets_the_published_one_sign_at_once(here: Process, store: Store) -> None:
    (old,) = (key["kid"] for key in here.tokens.jwks()["keys"])
    new = _rotate(store)
    with store.write() as unit:
        revoke(unit, RING, old)
    here.watch.poll()
    claims = here.tokens.verify(issued(here.tokens, store, CLIENT).token, API)
    assert isinstance(claims, Claims)
    assert (claims.kid, _states(store)) == (new, [(new, "signs"), (old, "ended")])


def test_only_keys_of_tokens_are_revoked_and_once(here: Process, store: Store) -> None:
    (old,) = (key["kid"] for key in here.tokens.jwks()["keys"])
    with store.write() as unit:
        seal = RING.make(unit, Purpose.SEAL)
        revoke(unit, RING, old)
    codes = []
    for kid in (seal.id, "key_unknown", old):
        with pytest.raises(Refused) as refused, store.write() as unit:
            revoke(unit, RING, kid)
        codes.append(refused.value.refusal.code)
    assert codes == ["not_found", "not_found", "command_not_possible"]


def test_which_key_signs() -> None:
    keys = [("a", START), ("b", START + timedelta(minutes=1)), ("c", START + timedelta(minutes=30))]
    at = {minutes: signing_now(keys, START + timedelta(minutes=minutes)) for minutes in (0, 10, 11, 39, 40)}
    assert at == {0: "a", 10: "a", 11: "b", 39: "b", 40: "c"}
    assert signing_now([], START) == ""
