"""private_key_jwt: a client proves who it is by a JWT that it signs (RFC 7523, profiled by FAPI 2.0 section 5.3.3).

`aud` is this issuer as one text: an assertion that other servers would take too could be forwarded by one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.credentials.jose import Header, PublicKey, Signed, identifier, moment, open_jwt, unverified

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# What Authlib's client makes unless it is told otherwise; each is good once, however long it lasts.
MAX_LIFETIME_SECONDS = 3_600
MAX_AGE_SECONDS = 600
SKEW_SECONDS = 30
UNSIGNED = "The client assertion is not signed by a key of this client with ES256, EdDSA or PS256."

_TYPES = (None, "JWT", "client-authentication+jwt")


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that holds; its `jti` may be used once until `ends_at`."""

    client_id: str
    jti: str
    ends_at: datetime


def claimed_client(assertion: str) -> str:
    """The client that an assertion says it comes from, before anything is verified; empty where it says none."""
    return identifier(unverified(assertion), "sub")


def check_assertion(
    assertion: str, client_id: str, issuer: str, now: datetime, keys: Callable[[Header], Sequence[PublicKey]]
) -> Assertion | str:
    """The assertion, or in a sentence what is wrong with it: `UNSIGNED`, or what the client's own key signed wrongly.

    Whether its `jti` was used before is the caller's to find out.
    """
    signed = open_jwt(assertion, keys)
    if signed is None:
        return UNSIGNED
    return _whose(signed, client_id, issuer) or _when(signed, client_id, now)


def _whose(signed: Signed, client_id: str, issuer: str) -> str:
    claims = signed.claims
    kind = signed.header.get("typ")
    if kind not in _TYPES:
        return "The client assertion is a JWT of another kind."
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        return "The client assertion must have the client id as iss and as sub."
    if claims.get("aud") != issuer:
        return f"The client assertion must have {issuer} as its aud, and nothing beside it."
    return "" if identifier(claims, "jti") else "The client assertion must have a jti of 1 to 256 characters."


def _when(signed: Signed, client_id: str, now: datetime) -> Assertion | str:
    claims, seconds = signed.claims, now.timestamp()
    ends = moment(claims, "exp")
    if ends is None:
        return "The client assertion must have an exp."
    if ends <= seconds - SKEW_SECONDS:
        return "The client assertion has ended."
    if ends > seconds + MAX_LIFETIME_SECONDS:
        return f"The client assertion must end within {MAX_LIFETIME_SECONDS} seconds."
    for name in ("iat", "nbf"):
        begins = moment(claims, name)
        if name in claims and (begins is None or begins > seconds + SKEW_SECONDS):
            return "The client assertion is from the future. Set the clock of the machine that signs it."
    if (moment(claims, "iat") or seconds) < seconds - MAX_AGE_SECONDS:
        return "The client assertion was made too long ago."
    return Assertion(client_id, identifier(claims, "jti"), datetime.fromtimestamp(ends + SKEW_SECONDS, UTC))
