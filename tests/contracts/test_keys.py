"""Stored keys open under their master key and in their own row only."""

from __future__ import annotations

import pytest

from contracts.errors import Misconfigured
from contracts.keys import KeyRing, KeyRow, Purpose, all_of, ec_key, ed25519_key, newest
from contracts.store.unit import Store

MASTER = bytes(range(32))


def test_a_key_opens_again_and_stands_nowhere_in_clear(store: Store) -> None:
    ring = KeyRing(MASTER)
    with store.write() as unit:
        made = ring.make(unit, Purpose.PSEUDONYM, "ctr_1")
    with store.read() as session:
        row = newest(session, Purpose.PSEUDONYM, "ctr_1")
        assert row is not None
        plain = ring.open(row)
    assert len(plain) == 32
    assert row.id == made.id
    assert plain not in row.wrapped


def test_ensure_makes_a_key_once(store: Store) -> None:
    ring = KeyRing(MASTER)
    with store.write() as unit:
        first = ring.ensure(unit, Purpose.LEDGER)
        assert ring.ensure(unit, Purpose.LEDGER).id == first.id
    with store.read() as session:
        assert [row.id for row in all_of(session, Purpose.LEDGER)] == [first.id]


@pytest.mark.parametrize("change", [{"owner": "ctr_2"}, {"purpose": "totp"}, {"id": "key_X"}])
def test_a_key_copied_onto_another_row_does_not_open(store: Store, change: dict[str, str]) -> None:
    ring = KeyRing(MASTER)
    with store.write() as unit:
        row = ring.make(unit, Purpose.PSEUDONYM, "ctr_1")
    moved = KeyRow(**{**row.model_dump(), **change})
    with pytest.raises(Misconfigured, match="does not open"):
        ring.open(moved)


def test_another_master_key_opens_nothing(store: Store) -> None:
    with store.write() as unit:
        row = KeyRing(MASTER).make(unit, Purpose.SESSION)
    with pytest.raises(Misconfigured, match="does not open"):
        KeyRing(bytes(32)).open(row)


def test_a_short_master_key_is_refused() -> None:
    with pytest.raises(Misconfigured, match="32 bytes"):
        KeyRing(b"short")


def test_signing_keys_are_of_their_kinds(store: Store) -> None:
    ring = KeyRing(MASTER)
    with store.write() as unit:
        token, ledger = ring.make(unit, Purpose.TOKEN), ring.make(unit, Purpose.LEDGER)
    assert ec_key(ring.open(token)).curve.name == "secp256r1"
    assert len(ed25519_key(ring.open(ledger)).public_key().public_bytes_raw()) == 32


def test_a_wrapped_secret_opens_in_its_context_only() -> None:
    ring = KeyRing(MASTER)
    sealed = ring.wrap(b"whsec", "webhook:1")
    assert ring.unwrap(sealed, "webhook:1") == b"whsec"
    with pytest.raises(Misconfigured, match="does not open"):
        ring.unwrap(sealed, "webhook:2")
