"""Cursors: where the next page starts, sealed (AES-256-GCM) and bound to contract and query, good for 24 hours.

Opaque and useless elsewhere: contract and the query's fingerprint are associated data, so a cursor of another contract or of
another query does not open (NIST SP 800-38D).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
import struct
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.datasets.plan import Mark
from contracts.errors import Refusal, Refused
from contracts.keys import KeyRing, Purpose, all_of
from contracts.store.unit import Store

LIFETIME_SECONDS = 24 * 3600
_HEAD = struct.Struct(">qqII")
_MAX = 400


class Cursors:
    """Seals with the newest key, opens with any in use."""

    def __init__(self, keys: list[bytes]) -> None:
        """`keys` are of 32 bytes, oldest first, at least one."""
        self._ciphers = [AESGCM(key) for key in reversed(keys)]

    def seal(self, mark: Mark, contract_id: str, fingerprint: bytes, now: datetime) -> str:
        """The cursor after a mark."""
        nonce = secrets.token_bytes(12)
        plain = _HEAD.pack(int(now.timestamp()), mark.time, mark.pos, mark.ordinal) + mark.version.encode()
        sealed = self._ciphers[0].encrypt(nonce, plain, _bound(contract_id, fingerprint))
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, cursor: str, contract_id: str, fingerprint: bytes, now: datetime) -> Mark | Refusal:
        """The mark, or `cursor_unusable`."""
        plain = self._plain(cursor, _bound(contract_id, fingerprint))
        if plain is None or len(plain) < _HEAD.size:
            return Refusal("cursor_unusable", "The cursor is not of this contract and query. Repeat the query that gave it, unchanged.")
        made, time, pos, ordinal = _HEAD.unpack(plain[: _HEAD.size])
        if not 0 <= now.timestamp() - made + 1 <= LIFETIME_SECONDS:
            return Refusal("cursor_unusable", "The cursor has ended: cursors live 24 hours. Start again from the first page.")
        return Mark(plain[_HEAD.size :].decode(), pos, time, ordinal)

    def _plain(self, cursor: str, bound: bytes) -> bytes | None:
        if len(cursor) > _MAX:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw[:12], raw[12:], bound)
            except (InvalidTag, ValueError):
                continue
        return None


class CursorKeys:
    """The cursors of an installation: their keys are read, or made, when they are first needed."""

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self._store, self._keys = store, keys
        self._cursors: Cursors | None = None

    async def cursors(self) -> Cursors:
        """What seals and opens."""
        if self._cursors is None:
            self._cursors = await asyncio.to_thread(self._load)
        return self._cursors

    async def mark(self, cursor: str, contract_id: str, fingerprint: bytes, now: datetime) -> Mark | None:
        """Where a page begins; None for the first. Raises `cursor_unusable`."""
        cursors = await self.cursors()
        if not cursor:
            return None
        mark = cursors.open(cursor, contract_id, fingerprint, now)
        if isinstance(mark, Refusal):
            raise Refused(mark)
        return mark

    def _load(self) -> Cursors:
        with self._store.read() as session:
            rows = all_of(session, Purpose.CURSOR)
        if not rows:
            with self._store.write("cursor key") as unit:
                rows = [self._keys.ensure(unit, Purpose.CURSOR)]
        return Cursors([self._keys.open(row) for row in rows])


def _bound(contract_id: str, fingerprint: bytes) -> bytes:
    return contract_id.encode() + b"\0" + fingerprint
