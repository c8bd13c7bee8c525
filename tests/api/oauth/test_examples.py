"""Examples that the RFCs publish, as requests and tokens of ours. Those of RFC 7638 and 9449 are in tests/contracts/credentials."""

from __future__ import annotations

import base64
import json
from typing import Any

from api.oauth.grants import verifies
from tests.api.oauth.conftest import World
from tests.api.oauth.programs import allowed_code, exchange, program

# RFC 7636 appendix B.
VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
# RFC 9068 section 3, figures 3 and 4: an access token's header and claims.
HEADER = {"typ": "at+JWT", "alg": "RS256", "kid": "RjEwOwOA"}
CLAIMS = {
    "iss": "https://authorization-server.example.com/",
    "sub": "5ba552d67",
    "aud": "https://rs.example.com/",
    "exp": 1639528912,
    "iat": 1618354090,
    "jti": "dbe39bf3a3ba4238a513f51d6e1691c4",
    "client_id": "s6BhdRkqt3",
    "scope": "openid profile reademail",
}


def test_the_verifier_of_rfc_7636_redeems_its_challenge_and_nothing_else_does(sqlite_world: World) -> None:
    caller, client = sqlite_world.caller(), program(sqlite_world)
    code = allowed_code(sqlite_world, caller, client[0], code_challenge=CHALLENGE)
    answers = [exchange(caller, client, code, code_verifier=given) for given in (CHALLENGE, VERIFIER.swapcase(), VERIFIER)]
    assert [(each.status_code, each.json().get("error")) for each in answers] == [
        (400, "invalid_grant"),
        (400, "invalid_grant"),
        (200, None),
    ]
    assert (verifies(VERIFIER, CHALLENGE), verifies(CHALLENGE, CHALLENGE)) == (True, False)


def test_our_tokens_have_the_form_of_the_example_of_rfc_9068(sqlite_world: World) -> None:
    answer = sqlite_world.caller().post("/oauth/token", data={"grant_type": "client_credentials"}, auth=sqlite_world.api)
    header, claims = (_opened(part) for part in answer.json()["access_token"].split(".")[:2])
    assert set(header) == set(HEADER) and header["typ"].lower() == HEADER["typ"].lower()
    assert _kinds(claims) | _kinds(CLAIMS) == _kinds(claims), "every claim of the example, of the same type"
    assert set(claims) - set(CLAIMS) == {"contract", "contract_version"}


def _opened(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def _kinds(claims: dict[str, Any]) -> dict[str, str]:
    return {name: type(value).__name__ for name, value in claims.items()}
