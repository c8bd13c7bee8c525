"""Client assertions: one form holds, and every other is told what is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from contracts.credentials.assertions import Assertion, check_assertion, claimed_client
from contracts.credentials.jose import public_key
from tests.conftest import START
from tests.harness.jose import Key, assertion, public

ISSUER, CLIENT = "https://data.agora.example", "cli_1"
EC, OKP, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
NOW = START.timestamp()
UNSIGNED = "The client assertion is not signed by a key of this client with ES256, EdDSA or PS256."
AUD = f"The client assertion must have {ISSUER} as its aud, and nothing beside it."
WHO = "The client assertion must have the client id as iss and as sub."
FUTURE = "The client assertion is from the future. Set the clock of the machine that signs it."


def _check(token: str, *keys: Key) -> Assertion | str:
    known = [found for key in keys or (EC, OKP, RSA) if (found := public_key(public(key))) is not None]
    return check_assertion(token, CLIENT, ISSUER, START, lambda _header: known)


@pytest.mark.parametrize(("alg", "key"), [("ES256", EC), ("EdDSA", OKP), ("PS256", RSA)])
@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
def test_an_assertion_holds(alg: str, key: Key, typ: str) -> None:
    token = assertion(key, CLIENT, ISSUER, NOW, alg=alg, jti="j1", nbf=NOW, header_typ=typ)
    assert _check(token) == Assertion(CLIENT, "j1", START + timedelta(seconds=90))
    assert claimed_client(token) == CLIENT


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"aud": [ISSUER]}, AUD),
        ({"aud": [ISSUER, "https://elsewhere.example"]}, AUD),
        ({"aud": f"{ISSUER}/oauth/token"}, AUD),
        ({"aud": f"{ISSUER}/"}, AUD),
        ({"aud": None}, AUD),
        ({"iss": "cli_2"}, WHO),
        ({"sub": "cli_2"}, WHO),
        ({"sub": None}, WHO),
        ({"jti": None}, "The client assertion must have a jti of 1 to 256 characters."),
        ({"jti": "x" * 257}, "The client assertion must have a jti of 1 to 256 characters."),
        ({"jti": 5}, "The client assertion must have a jti of 1 to 256 characters."),
        ({"exp": None}, "The client assertion must have an exp."),
        ({"exp": "9999999999"}, "The client assertion must have an exp."),
        ({"exp": True}, "The client assertion must have an exp."),
        ({"exp": NOW - 30}, "The client assertion has ended."),
        ({"exp": NOW + 3_601}, "The client assertion must end within 3600 seconds."),
        ({"exp": 1e300}, "The client assertion must have an exp."),
        ({"iat": NOW + 31}, FUTURE),
        ({"iat": "now"}, FUTURE),
        ({"nbf": NOW + 31}, FUTURE),
        ({"iat": NOW - 601}, "The client assertion was made too long ago."),
        ({"header_typ": "at+jwt"}, "The client assertion is a JWT of another kind."),
        ({"header_typ": "dpop+jwt"}, "The client assertion is a JWT of another kind."),
        ({"header_crit": ["exp"]}, UNSIGNED),
    ],
)
def test_an_assertion_of_another_form_is_told_why(changed: dict[str, Any], problem: str) -> None:
    assert _check(assertion(EC, CLIENT, ISSUER, NOW, **changed)) == problem


def test_an_assertion_by_another_key_is_none() -> None:
    token = assertion(ECKey.generate_key("P-256"), CLIENT, ISSUER, NOW)
    assert [_check(token), _check(assertion(EC, CLIENT, ISSUER, NOW), OKP), _check(""), _check("a.b.c")] == [UNSIGNED] * 4


@pytest.mark.parametrize("skewed", [{"exp": NOW - 29}, {"iat": NOW + 30}, {"nbf": NOW + 30}, {"iat": None}])
def test_clocks_may_differ_a_little(skewed: dict[str, Any]) -> None:
    assert isinstance(_check(assertion(EC, CLIENT, ISSUER, NOW, **skewed)), Assertion)


def test_whose_an_unreadable_assertion_is_nobody_knows() -> None:
    assert [claimed_client(each) for each in ("", "a.b.c", "e30.e30.", "e30.W10.", "x" * 9_000)] == [""] * 5
