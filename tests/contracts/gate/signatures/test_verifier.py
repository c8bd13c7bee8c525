"""Whose crawler signed: by pair of key set and thumbprint, once for each nonce, in memory and over Valkey."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from contracts.credentials.tokens import Claims
from contracts.gate.facts import identity_of
from contracts.gate.identity import NOBODY, Identity
from contracts.gate.signatures import nonces
from contracts.gate.signatures.nonces import KEPT_SECONDS, MemoryNonces, Nonces, SharedNonces
from contracts.gate.signatures.verifier import Signatures
from contracts.sections import Shared
from tests.contracts.gate.signatures.test_profile import BOT, NOW, WELL_KNOWN, FixedKeys, of
from tests.harness import valkey
from tests.harness.bots import ADDRESS, Bot, asked

SECONDS = int(NOW.timestamp())


def identified(keys: FixedKeys, kept: Nonces | None = None, bot: Bot = BOT, now: datetime = NOW) -> Identity:
    return asyncio.run(Signatures(keys, kept or MemoryNonces(now)).verify(bot.ask(now), now))


def test_a_verified_crawler_stands_for_its_contract() -> None:
    claims = Claims("bot_1", "ctr_1", 0, frozenset({"site:fetch"}), "", datetime.fromtimestamp(SECONDS + 60, UTC), "", kind="crawler_key")
    assert identified(of(BOT, WELL_KNOWN)) == Identity("signature", "bot_1", "verified", "ctr_1", claims, WELL_KNOWN)


def test_what_is_not_verified_is_counted_as_the_visitor_that_it_may_be() -> None:
    visitor = identity_of(ADDRESS, "LabBot/1.0")
    assert identified(FixedKeys()) == Identity("signature", visitor, "unverified", label="key_unknown")
    other = FixedKeys({(WELL_KNOWN, BOT.thumbprint): of(Bot(), "").known.popitem()[1]})
    assert identified(other) == Identity("signature", visitor, "invalid", label="wrong")


def test_a_request_without_a_signature_is_nobodys_and_one_with_it_is_looked_at() -> None:
    made = Signatures(FixedKeys(), MemoryNonces(NOW))
    assert (made.known(asked({}), NOW), asyncio.run(made.verify(asked({}), NOW)), made.known(BOT.ask(NOW), NOW)) == (NOBODY, NOBODY, None)


class Kept:
    """A store of nonces as a test asks it."""

    def __init__(self, store: Nonces) -> None:
        self.store = store

    def use(self, nonce: str = "n", owner: str = "key", created: int = SECONDS, now: datetime = NOW) -> str:
        return asyncio.run(self.store.use(owner, nonce, created, now))


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    with valkey.running() as server:
        yield valkey.address(server)


@pytest.fixture(params=["memory", "shared"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        return Kept(MemoryNonces(NOW))
    return Kept(SharedNonces(Shared(url=SecretStr(request.getfixturevalue("shared")))))


def test_a_nonce_is_good_once_for_each_key(kept: Kept) -> None:
    assert [kept.use(), kept.use(), kept.use(owner="other"), kept.use("m")] == ["first", "again", "first", "first"]


def test_of_many_uses_at_once_one_is_the_first(kept: Kept) -> None:
    outcomes: list[str] = []
    together = threading.Barrier(8)

    def use() -> None:
        together.wait()
        outcomes.append(kept.use("raced"))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["again"] * 7 + ["first"]


def test_memory_keeps_a_nonce_for_as_long_as_its_signature_could_count() -> None:
    kept = Kept(MemoryNonces(NOW))
    assert kept.use() == "first"
    assert kept.use(now=NOW + timedelta(seconds=KEPT_SECONDS - 1)) == "again"
    assert kept.use(now=NOW + timedelta(seconds=KEPT_SECONDS)) == "first"


def test_memory_does_not_believe_what_it_cannot_remember() -> None:
    kept = Kept(MemoryNonces(NOW, most=2))
    assert kept.use(created=SECONDS - 1) == "untold"
    assert [kept.use("a"), kept.use("b"), kept.use("c"), kept.use("a")] == ["first", "first", "untold", "again"]


def test_a_shared_store_that_does_not_answer_tells_nothing() -> None:
    assert Kept(SharedNonces(Shared(url=SecretStr("redis://127.0.0.1:1/0")))).use() == "untold"


@pytest.mark.parametrize(
    ("first", "outcome"), [(lambda: MemoryNonces(NOW), "replayed"), (lambda: MemoryNonces(NOW, most=0), "nonce_untold")]
)
def test_a_replayed_signature_is_invalid_and_an_untold_one_unverified(first: Callable[[], Nonces], outcome: str) -> None:
    keys, store = of(BOT, WELL_KNOWN), first()
    identified(keys, store)
    assert identified(keys, store).label == outcome


def test_the_installation_has_one_store_of_nonces() -> None:
    assert isinstance(nonces.nonces_of(Shared(), lambda: NOW), MemoryNonces)
    assert isinstance(nonces.nonces_of(Shared(url=SecretStr("redis://127.0.0.1:1/0")), lambda: NOW), SharedNonces)
