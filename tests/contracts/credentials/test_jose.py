"""Keys and JWTs of others: what counts, and everything that must not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from contracts.credentials.jose import Signed, key_set, open_jwt, public_key
from contracts.errors import Refused
from tests.harness.jose import Key, public, sign

EC, OKP, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
# RFC 7638 section 3.1
EXAMPLE = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "kid": "2011-04-29",
}


def _open(token: str, *keys: Key) -> Signed | None:
    known = [found for key in keys if (found := public_key(public(key))) is not None]
    return open_jwt(token, lambda _header: known)


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    key = public_key(EXAMPLE | {"alg": "PS256"})
    assert key is not None
    assert (key.kid, key.family, key.thumbprint) == ("2011-04-29", "RSA", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")


@pytest.mark.parametrize(("alg", "key"), [("ES256", EC), ("EdDSA", OKP), ("Ed25519", OKP), ("PS256", RSA)])
def test_each_algorithm_verifies_with_its_own_key_alone(alg: str, key: Key) -> None:
    token = sign(key, {"alg": alg}, {"a": 1})
    opened = _open(token, ECKey.generate_key("P-256"), EC, OKP, RSA)
    assert opened is not None
    assert (opened.header, opened.claims, opened.key.thumbprint) == ({"alg": alg}, {"a": 1}, key.thumbprint())
    assert _open(token, *[other for other in (EC, OKP, RSA) if other is not key]) is None
    changed = token.split(".")
    changed[1] = base64.urlsafe_b64encode(b'{"a":2}').decode().rstrip("=")
    assert _open(".".join(changed), EC, OKP, RSA) is None


def test_no_other_algorithm_passes() -> None:
    secret = OctKey.import_key(base64.urlsafe_b64encode(EC.as_pem(private=False)).decode())
    signed = [sign(RSA, {"alg": "RS256"}, {}), sign(EC, {"alg": "ES256", "crit": ["b64"], "b64": False}, {})]
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=") + ".e30"
    mac = JWSRegistry.algorithms["HS256"].sign(head.encode(), secret)
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + ".e30."
    tokens = [*signed, f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}", none]
    assert [_open(token, EC, OKP, RSA) for token in tokens] == [None] * 4


@pytest.mark.parametrize(
    "token", ["", "..", "a.b", "a.b.c.d", "e30.e30.e30", "é.é.é", "W10.e30.", "x" * 9_000, "eyJhbGciOjF9.e30.", "=.=.="]
)
def test_what_is_no_jwt_is_none(token: str) -> None:
    assert _open(token, EC) is None


def test_text_in_another_form_of_base64_is_none() -> None:
    token = sign(EC, {"alg": "ES256"}, {"a": 1})
    assert _open(token + "=", EC) is None
    assert _open(token.replace(".", "=.", 1), EC) is None
    assert _open(token.replace("-", "+").replace("_", "/") + "==", EC) is None


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct"}, {}, {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}, {"kty": "EC", "crv": "P-256", "x": 1, "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": "OKP", "crv": "X25519", "x": "AA"}, {"kty": "RSA", "n": "AA", "e": "AQAB"},
        public(EC, use="enc"), public(EC, alg="ES384"), public(OKP, alg="ES256"), public(RSA, alg="RS256"),
        public(EC) | {"key_ops": ["sign"]}, public(EC) | {"key_ops": "verify"}, EXAMPLE | {"n": EXAMPLE["n"][:170]}, EXAMPLE | {"n": EXAMPLE["n"] * 3},
    ],
)  # fmt: skip
def test_a_key_that_does_not_serve_is_passed_over(jwk: dict[str, Any]) -> None:
    assert public_key(jwk) is None
    (only,) = key_set({"keys": [jwk, public(EC, kid="one")]})
    assert only.kid == "one"


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"keys": []}, {"keys": {}}, {"keys": ["x"]}, {"keys": [{"kty": "oct", "k": "AA"}]}, {"keys": [{}] * 21},
     {"keys": [EC.as_dict(private=True)]}, {"keys": [public(EC), RSA.as_dict(private=True)]}],
)  # fmt: skip
def test_a_set_without_a_usable_key_or_with_a_private_one_is_refused(document: object) -> None:
    with pytest.raises(Refused) as refused:
        key_set(json.loads(json.dumps(document)))
    assert (refused.value.refusal.code, list(refused.value.refusal.facts["fields"])) == ("invalid_input", ["jwks"])
