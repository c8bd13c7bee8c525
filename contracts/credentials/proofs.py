"""DPoP proofs as requests carry them: read from the header, held to our own nonces, and used up once (RFC 9449)."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.clock import Clock
from contracts.credentials.dpop import Nonces, Proof, check_proof, invalid_proof
from contracts.credentials.spent import Once
from contracts.errors import Refusal
from contracts.keys import KeyRing, Purpose

REUSED = "It was used before. Make a new one for each request."


class Proofs:
    """Checks proofs. Every process of an installation takes the nonces that any of them gave out."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._nonces, self._clock = Nonces(ring.derived(Purpose.NONCE)), clock

    def nonce(self) -> str:
        """The nonce to give out now, in the header `DPoP-Nonce`."""
        return self._nonces.current(self._clock.now())

    def check(self, given: Sequence[str], method: str, url: str, access_token: str | None = None) -> Proof | Refusal:
        """The proof of a request's `DPoP` headers, of which there must be one; otherwise as `check_proof`, with a nonce of ours."""
        if len(given) != 1:
            return invalid_proof("Send one header DPoP with one proof.")
        now = self._clock.now()
        return check_proof(given[0], method, url, now, lambda nonce: self._nonces.accepts(nonce, now), access_token)


def once_of(proof: Proof) -> Once:
    """What is used up with a proof."""
    return Once("dpop", proof.jkt, proof.jti, proof.ends_at)
