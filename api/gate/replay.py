"""A decision that travels: nginx hands it from its first question to its second, whichever process answers that one.

It is signed, so that what comes back is what some process of this installation decided, in full and whatever a decision holds; nothing
is stored and nothing is counted a second time.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import asdict

import orjson

from contracts.gate.decide import Decision

_MAC_BYTES = 16
MAX_CHARACTERS = 2048


class Replays:
    """Seals and opens decisions under a key that all processes with the master key derive."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, decision: Decision) -> str:
        """The decision as one header value."""
        told = orjson.dumps(asdict(decision))
        return base64.urlsafe_b64encode(self._mac(told) + told).decode()

    def open(self, sealed: str) -> Decision | None:
        """The decision, or None where it was not sealed here, or by a release whose decisions hold something else."""
        if len(sealed) > MAX_CHARACTERS:
            return None
        try:
            found = base64.b64decode(sealed, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, told = found[:_MAC_BYTES], found[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(told)):
            return None
        try:
            return Decision(**orjson.loads(told))
        except TypeError:
            return None

    def _mac(self, told: bytes) -> bytes:
        return hmac.digest(self._key, told, "sha256")[:_MAC_BYTES]
