"""What an institution's OpenID provider says of a person, checked as OpenID Connect Core 1.0 section 3.1.3.7 asks; pure.

Three algorithms and no more: ES256, PS256 and RS256, which every provider has to offer (section 15.1). `none` and those with a shared
secret are refused whatever the provider's keys are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from contracts.addresses import address, address_problem
from contracts.errors import Refusal

ALGORITHMS = ["ES256", "PS256", "RS256"]
LEEWAY_SECONDS = 60
MAX_TOKEN_CHARACTERS = 16_384
MAX_SUBJECT_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to be: from this issuer, for us, in answer to this very request. `now` in Unix seconds."""

    issuer: str
    client_id: str
    nonce: str
    now: float


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the provider knows them. `email` is empty unless the provider has verified it; `how` are its `amr` and `acr`."""

    issuer: str
    subject: str
    email: str = ""
    name: str = ""
    how: frozenset[str] = frozenset()


def read_id_token(token: str, jwks: Mapping[str, Any], expected: Expected) -> Person | Refusal:
    """The person that the token names, or `institution_failed` with what is wrong with it."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        return failed("sent an ID token that is too long")
    try:
        claims = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]  # any mapping
    except (JoseError, ValueError, KeyError, TypeError):
        return failed("sent an ID token that none of its keys has signed")
    wrong = _wrong(claims, expected)
    return failed(wrong) if wrong else person_of(claims, expected.issuer)


def person_of(claims: Mapping[str, Any], issuer: str) -> Person:
    """The person of checked claims. An address counts only where `email_verified` is true itself, not a text that looks so."""
    email = claims.get("email")
    kept = address(email) if isinstance(email, str) and claims.get("email_verified") is True else ""
    amr, acr, name = claims.get("amr"), claims.get("acr"), claims.get("name")
    how = {each for each in amr if isinstance(each, str)} if isinstance(amr, list) else set()
    how |= {acr} if isinstance(acr, str) else set()
    return Person(
        issuer, str(claims["sub"]), "" if address_problem(kept) else kept, name[:120] if isinstance(name, str) else "", frozenset(how)
    )


def failed(what: str) -> Refusal:
    """The refusal of a sign-in through an institution."""
    return Refusal("institution_failed", f"Your institution’s sign-in {what}. Begin again; if it stays so, tell its administrators.")


def _wrong(claims: Mapping[str, Any], expected: Expected) -> str:
    audience, subject = claims.get("aud"), claims.get("sub")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    expires, issued = claims.get("exp"), claims.get("iat")
    if claims.get("iss") != expected.issuer:
        return "sent an ID token of another issuer"
    # More than one audience, or another party, is nobody that we know.
    if audiences != [expected.client_id] or claims.get("azp", expected.client_id) != expected.client_id:
        return "sent an ID token for somebody else"
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        return "did not say who you are"
    if claims.get("nonce") != expected.nonce:
        return "answered another request"
    if not _is_time(expires) or not _is_time(issued):
        return "sent an ID token without times"
    if expires <= expected.now - LEEWAY_SECONDS or issued > expected.now + LEEWAY_SECONDS:  # type: ignore[operator]  # both are numbers
        return "sent an ID token out of its time"
    return ""


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
