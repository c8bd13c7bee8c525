"""DPoP proofs: the RFC's own examples, our nonces, and every proof that must not hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from contracts.credentials.dpop import Nonces, Proof, check_proof, token_hash
from contracts.errors import Refusal
from tests.conftest import START
from tests.harness.jose import Key, proof, public

EC, OKP, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
URL, NOW = "https://data.agora.example/oauth/token", START.timestamp()
NONCES = Nonces(b"n" * 32)
NONCE = NONCES.current(START)
TOKEN = "an.access.token"

# RFC 9449: figure 2 (section 4.2), figure 12 (section 7.1) and the token and thumbprint of sections 6.1 and 7.1.
FOR_TOKEN = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
FOR_RESOURCE = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
RFC_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
RFC_JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def _check(token: str, method: str = "POST", url: str = URL, access_token: str | None = None, now: datetime = START) -> Proof | Refusal:
    return check_proof(token, method, url, now, lambda nonce: NONCES.accepts(nonce, now), access_token)


def _code(answer: Proof | Refusal) -> str:
    return answer.code if isinstance(answer, Refusal) else ""


@pytest.mark.parametrize(
    ("token", "method", "url", "access_token", "made", "jti"),
    [
        (FOR_TOKEN, "POST", "https://server.example.com/token", None, 1562262616, "-BwC3ESc6acc2lTc"),
        (FOR_RESOURCE, "GET", "https://resource.example.org/protectedresource", RFC_TOKEN, 1562262618, "e1j3V_bKic8-LAEB"),
    ],
)
def test_the_examples_of_rfc_9449_hold(token: str, method: str, url: str, access_token: str | None, made: int, jti: str) -> None:
    now = datetime.fromtimestamp(made, UTC)
    held = check_proof(token, method, url, now, None, access_token)
    assert held == Proof(RFC_JKT, jti, now + timedelta(seconds=301))
    assert token_hash(RFC_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    # The same proofs are refused here for want of a nonce, and for a token that is another's.
    assert _code(_check(token, method, url, access_token, now)) == "dpop_nonce_required"
    assert _code(check_proof(token, method, url, now, None, "another")) == "dpop_proof_invalid"


@pytest.mark.parametrize(("alg", "key"), [("ES256", EC), ("EdDSA", OKP), ("Ed25519", OKP), ("PS256", RSA)])
def test_a_proof_holds_for_its_request(alg: str, key: Key) -> None:
    made = proof(key, "GET", URL, NOW, nonce=NONCE, token=TOKEN, jti="j1", header_alg=alg)
    assert _check(made, "GET", URL + "?a=b", TOKEN) == Proof(key.thumbprint(), "j1", START + timedelta(seconds=301))


@pytest.mark.parametrize(
    "url", ["HTTPS://Data.Agora.example/oauth/token", "https://data.agora.example:443/oauth/token", URL + "?x=1", URL + "#x"]
)
def test_an_address_may_be_written_in_several_ways(url: str) -> None:
    assert isinstance(_check(proof(EC, "POST", url, NOW, nonce=NONCE)), Proof)


@pytest.mark.parametrize(
    "changed",
    [
        {"htm": "GET"}, {"htm": "post"}, {"htm": None}, {"htu": "https://data.agora.example/oauth/token/"}, {"htu": None}, {"htu": 5},
        {"htu": "http://data.agora.example/oauth/token"}, {"htu": "https://other.example/oauth/token"}, {"htu": "/oauth/token"},
        {"htu": "https://data.agora.example:99999/oauth/token"}, {"jti": None}, {"jti": ""}, {"jti": 1}, {"jti": "x" * 257},
        {"iat": None}, {"iat": "now"}, {"iat": NOW - 301}, {"iat": NOW + 31}, {"header_typ": "JWT"}, {"header_typ": "at+jwt"},
        {"header_jwk": None}, {"header_jwk": public(ECKey.generate_key("P-256"))}, {"header_jwk": EC.as_dict(private=True)},
        {"header_jwk": "x"}, {"header_crit": ["nonce"]}, {"header_alg": "ES512"},
    ],
)  # fmt: skip
def test_a_proof_for_another_request_does_not_hold(changed: dict[str, Any]) -> None:
    if changed == {"header_alg": "ES512"}:
        other = ECKey.generate_key("P-521")
        made = proof(other, "POST", URL, NOW, nonce=NONCE, **changed)
    else:
        made = proof(EC, "POST", URL, NOW, nonce=NONCE, **changed)
    assert _code(_check(made)) == "dpop_proof_invalid"


def test_at_the_api_a_proof_is_for_one_token() -> None:
    bound, free = (proof(EC, "GET", URL, NOW, nonce=NONCE, token=token) for token in (TOKEN, None))
    answers = [_check(bound, "GET", URL, TOKEN), _check(bound, "GET", URL, "another"), _check(free, "GET", URL, TOKEN)]
    assert [_code(answer) for answer in answers] == ["", "dpop_proof_invalid", "dpop_proof_invalid"]


@pytest.mark.parametrize("nonce", [None, "", "x", NONCE + "x", Nonces(b"o" * 32).current(START), 5])
def test_a_nonce_of_this_platform_is_asked_for(nonce: Any) -> None:
    made = proof(EC, "POST", URL, NOW, **({"nonce": nonce} if isinstance(nonce, str) else {}))
    assert _code(_check(made)) == "dpop_nonce_required"


def test_a_nonce_holds_for_its_minute_and_the_four_after_it() -> None:
    begun = START.replace(second=0)
    nonce = NONCES.current(begun)
    held = {seconds: NONCES.accepts(nonce, begun + timedelta(seconds=seconds)) for seconds in (-61, -60, 0, 299, 300)}
    assert held == {-61: False, -60: True, 0: True, 299: True, 300: False}
    assert (NONCES.current(begun + timedelta(seconds=59)) == nonce, NONCES.current(begun + timedelta(seconds=60)) == nonce) == (True, False)
    assert [NONCES.accepts(each, begun) for each in ("\udcff", "é", "0" * 10_000)] == [False] * 3


def test_a_jti_may_be_used_once_for_as_long_as_its_proof_would_hold() -> None:
    held = _check(proof(EC, "POST", URL, NOW + 30, nonce=NONCE))
    assert isinstance(held, Proof)
    late = held.ends_at - timedelta(seconds=0.5)
    again = proof(EC, "POST", URL, NOW + 30, nonce=NONCES.current(late))
    assert _code(_check(again, now=late)) == "dpop_proof_invalid"
