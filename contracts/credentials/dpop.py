"""DPoP (RFC 9449): a proof, signed for one request, that its sender holds the key that a token is bound to.

A proof holds for its method and address, with a nonce of this platform and, at the API, with the hash of its token. That its
`jti` is used once is for the caller to see to (`contracts.credentials.spent`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from contracts.credentials.jose import Document, Header, PublicKey, Signed, identifier, moment, open_jwt, public_key
from contracts.errors import Refusal, Refused

TYPE = "dpop+jwt"
ALGORITHMS = "ES256 EdDSA Ed25519 PS256"
LIFETIME_SECONDS = 300
SKEW_SECONDS = 30
NONCE_SECONDS = 60

_NONCE_WINDOWS = 5
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds; `jkt` is the thumbprint of its key, `jti` may be used once until `ends_at`."""

    jkt: str
    jti: str
    ends_at: datetime


class Nonces:
    """Nonces without a memory: a window of time and its HMAC-SHA-256, so every process with the key knows every other's.

    One holds for its own minute and the four after it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def current(self, now: datetime) -> str:
        """The nonce to give out now."""
        return self._of(self._window(now))

    def accepts(self, nonce: str, now: datetime) -> bool:
        """Whether a nonce was given out within the last five minutes; one window ahead for another machine's clock."""
        here, asked = self._window(now), nonce.encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(self._of(here - age).encode(), asked) for age in range(-1, _NONCE_WINDOWS))

    def _of(self, window: int) -> str:
        told = window.to_bytes(8, "big")
        return _text(told + hmac.digest(self._key, b"licet/dpop-nonce/v1" + told, "sha256")[:16])

    def _window(self, now: datetime) -> int:
        return int(now.timestamp()) // NONCE_SECONDS


def check_proof(
    proof: str, method: str, url: str, now: datetime, accepts: Callable[[str], bool] | None, access_token: str | None = None
) -> Proof | Refusal:
    """The proof, or `dpop_proof_invalid` or `dpop_nonce_required` (RFC 9449 section 4.3). `url` is this request's own address.

    `accepts` says whether a nonce is one of ours (section 8); without it none is asked for. With `access_token` the proof must hold
    its hash as `ath` (section 7). Whether the token is bound to the key is asked by `jkt`.
    """
    signed = open_jwt(proof, _own_key)
    if signed is None or signed.header.get("typ") != TYPE:
        return invalid_proof("It is no JWT of the type dpop+jwt that the public key in its header signs, with ES256, EdDSA or PS256.")
    problem = _problem(signed.claims, method, url, access_token)
    if problem:
        return invalid_proof(problem)
    return _timely(signed, now, accepts)


def token_hash(access_token: str) -> str:
    """The `ath` of a token (RFC 9449 section 4.2)."""
    return _text(hashlib.sha256(access_token.encode()).digest())


def _own_key(header: Header) -> Sequence[PublicKey]:
    jwk = header.get("jwk")
    try:
        key = public_key(jwk) if isinstance(jwk, dict) else None
    except Refused:
        return ()  # a private key in a header
    return () if key is None else (key,)


def _problem(claims: Document, method: str, url: str, access_token: str | None) -> str:
    if not identifier(claims, "jti"):
        return "It must have a jti of 1 to 256 characters."
    if claims.get("htm") != method:
        return "Its htm is not the method of this request."
    if _plain(claims.get("htu")) != _plain(url):
        return "Its htu is not the address of this request."
    if access_token is not None and claims.get("ath") != token_hash(access_token):
        return "Its ath is not the hash of the access token."
    return "" if moment(claims, "iat") is not None else "It must have an iat."


def _timely(signed: Signed, now: datetime, accepts: Callable[[str], bool] | None) -> Proof | Refusal:
    made, seconds = moment(signed.claims, "iat") or 0.0, now.timestamp()
    nonce = signed.claims.get("nonce")
    if accepts is not None and not (isinstance(nonce, str) and accepts(nonce)):
        return Refusal("dpop_nonce_required", "Put the nonce of the header DPoP-Nonce into the proof and send the request again.")
    if not seconds - LIFETIME_SECONDS <= made <= seconds + SKEW_SECONDS:
        return invalid_proof("Its iat is not of now. Set the clock of the machine that signs it.")
    ends = datetime.fromtimestamp(made + LIFETIME_SECONDS + 1, UTC)
    return Proof(signed.key.thumbprint, identifier(signed.claims, "jti"), ends)


def _plain(url: object) -> tuple[str, str, int, str] | None:
    """Scheme, host, port and path of an address, as RFC 3986 section 6.2.2 makes them alike; query and fragment count for nothing."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port, parts.path or "/"


def invalid_proof(reason: str) -> Refusal:
    """`dpop_proof_invalid` with what is wrong, in a sentence."""
    return Refusal("dpop_proof_invalid", f"The DPoP proof does not hold. {reason}")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
