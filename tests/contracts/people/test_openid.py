"""An ID token is taken only from this issuer, for us, in answer to this request, signed by a key of the provider (RFC 8725)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from contracts.people.openid import Expected, Person, read_id_token

ISSUER, US, NOW = "https://login.northfield.example", "licet", 1_800_000_000.0
EXPECTED = Expected(ISSUER, US, "nonce-1", NOW)
EC, RSA = ECKey.generate_key("P-256", {"kid": "ec"}), RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS = KeySet([EC, RSA]).as_dict(private=False)
CLAIMS = {
    "iss": ISSUER,
    "sub": "person-7",
    "aud": US,
    "nonce": "nonce-1",
    "iat": NOW - 5,
    "exp": NOW + 300,
    "email": "Ada@Northfield.example",
    "email_verified": True,
    "name": "Ada Okafor",
    "amr": ["pwd", "mfa"],
    "acr": "silver",
}
ADA = Person(ISSUER, "person-7", "ada@northfield.example", "Ada Okafor", frozenset({"pwd", "mfa", "silver"}))


def _token(alg: str = "ES256", key: Any = EC, **changed: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


def _read(token: str) -> Person | str:
    found = read_id_token(token, KEYS, EXPECTED)
    return found if isinstance(found, Person) else found.code


@pytest.mark.parametrize(("alg", "key"), [("ES256", EC), ("PS256", RSA), ("RS256", RSA)])
def test_a_token_names_the_person(alg: str, key: Any) -> None:
    assert _read(_token(alg, key)) == ADA


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://login.other.example"},
        {"iss": ISSUER + "/"},
        {"aud": "somebody"},
        {"aud": [US, "somebody"]},
        {"aud": []},
        {"aud": None},
        {"azp": "somebody"},
        {"nonce": "nonce-2"},
        {"nonce": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": None},
        {"sub": "x" * 256},
        {"exp": NOW - 60},
        {"exp": None},
        {"exp": True},
        {"iat": NOW + 61},
        {"iat": None},
    ],
)
def test_a_token_that_is_not_for_this_request_is_refused(changed: dict[str, Any]) -> None:
    assert _read(_token(**changed)) == "institution_failed"


def test_times_have_a_minute_of_grace() -> None:
    assert _read(_token(exp=NOW - 59)) == ADA
    assert _read(_token(iat=NOW + 60)) == ADA


def test_only_a_key_of_the_provider_signs() -> None:
    stranger = ECKey.generate_key("P-256", {"kid": "ec"})
    body = _token().split(".")[1]
    plain = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + f".{body}."
    # HMAC with the public key as the secret, as a library that trusted the header would check it.
    signed = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa"}').decode().rstrip("=") + f".{body}"
    mac = hmac.new(RSA.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    confused = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    for token in (_token(key=stranger), plain, confused, _token()[:-8] + "AAAAAAAA", "", "a.b.c", "x" * 20_000):
        assert _read(token) == "institution_failed"


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_counts_only_where_the_provider_has_verified_it(verified: object) -> None:
    found = _read(_token(email_verified=verified))
    assert isinstance(found, Person)
    assert found.email == ""


def test_what_is_no_address_is_none() -> None:
    found = _read(_token(email="no address"))
    assert isinstance(found, Person)
    assert found.email == ""
