"""The keys that sign access tokens: which of them signs, which only verify, and how one follows another without a refused request.

A new key is published before it signs, so that whoever keeps the key set has it; the one before verifies until its last token ended.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from joserfc.jwk import ECKey
from sqlalchemy.exc import SQLAlchemyError

from contracts.clock import Clock
from contracts.errors import StoreUnavailable
from contracts.keys import KeyRing, KeyRow, Purpose, all_of, ec_key
from contracts.ledger.stage import Entry, record
from contracts.store.unit import Store, Unit

ALGORITHM = "ES256"
RELOAD_SECONDS = 1.0
# Twice as long as the key set may be kept by caches.
PUBLISHED_FOR = timedelta(seconds=600)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key, ready for use."""

    kid: str
    made_at: datetime
    key: ECKey = field(repr=False)
    private: EllipticCurvePrivateKey = field(repr=False)


def signing_now(keys: Sequence[tuple[str, datetime]], now: datetime) -> str:
    """The id of the key that signs, of (id, time of making) oldest first: the newest that is published long enough.

    Where none is, the oldest signs: the first of an installation, or the one that remains after a revocation. Empty without keys.
    """
    published = [kid for kid, made_at in keys if made_at + PUBLISHED_FOR <= now]
    return published[-1] if published else next((kid for kid, _ in keys), "")


def make_key(unit: Unit, ring: KeyRing) -> KeyRow:
    """A new key of access tokens, with its entry."""
    made = ring.make(unit, Purpose.TOKEN)
    record(unit, Entry(event="key.made", subject=made.id, facts={"purpose": Purpose.TOKEN.value}))
    return made


class SigningKeys:
    """The keys in use, in memory. Safe for threads."""

    def __init__(self, ring: KeyRing, store: Store, clock: Clock, reload_seconds: float = RELOAD_SECONDS) -> None:
        self._ring, self._store, self._clock, self._reload = ring, store, clock, reload_seconds
        self._lock = threading.Lock()
        self._keys: dict[str, SigningKey] = {}
        self._loaded_at = float("-inf")

    def prepare(self) -> None:
        """Make a key where there is none."""
        with self._store.read() as session:
            if all_of(session, Purpose.TOKEN):
                return
        with self._store.write("token key") as unit:
            if not all_of(unit.session, Purpose.TOKEN):
                make_key(unit, self._ring)

    def forget(self) -> None:
        """Read the keys anew; where the store does not answer now, at the next use."""
        with self._lock:
            self._keys, self._loaded_at = {}, float("-inf")
        with contextlib.suppress(StoreUnavailable):
            self.in_use()

    def in_use(self, *, fresh: bool = False) -> Mapping[str, SigningKey]:
        """The keys that verify, by id, oldest first. `fresh` reads them again, at most once a second: invented ids cost no query each.

        Raises `StoreUnavailable` where they have to be read and cannot be.
        """
        with self._lock:
            age = time.monotonic() - self._loaded_at
            if (self._keys and not fresh) or age < self._reload:
                return self._keys
            try:
                with self._store.read() as session:
                    rows = all_of(session, Purpose.TOKEN)
            except SQLAlchemyError as error:
                raise StoreUnavailable("the token keys cannot be read") from error
            self._keys = {row.id: _signing_key(row, self._ring.open(row)) for row in rows}
            self._loaded_at = time.monotonic()
            return self._keys

    def find(self, kid: str) -> ECKey | None:
        """The key of an id that a token names; None for one that is unknown or out of use."""
        found = self.in_use().get(kid) or self.in_use(fresh=True).get(kid)
        return found.key if found else None

    def signer(self) -> SigningKey:
        """The key that signs now."""
        loaded = self.in_use()
        if not loaded:
            self.prepare()
            self.forget()
            loaded = self.in_use()
        if len(loaded) == 1:
            return next(iter(loaded.values()))
        return loaded[signing_now([(each.kid, each.made_at) for each in loaded.values()], self._clock.now())]

    def published(self) -> dict[str, Any]:
        """The public parts as a JWK set (RFC 7517), oldest first."""
        return {"keys": [each.key.as_dict(private=False) for each in self.in_use().values()]}


def _signing_key(row: KeyRow, stored: bytes) -> SigningKey:
    private = ec_key(stored)
    return SigningKey(row.id, row.created_at, ECKey.import_key(private, {"use": "sig", "alg": ALGORITHM, "kid": row.id}), private)
