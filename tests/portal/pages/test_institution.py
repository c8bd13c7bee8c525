"""The way to an institution and back: answers that were replayed, mixed up, or begun in another browser open nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.house import House
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.harness.tls import TlsServer, tls_server
from tests.portal.house import add_person, browser, settings, small_house

ADA = "ada@northfield.example"
KEY = ECKey.generate_key("P-256", {"kid": "k"})


@dataclass
class Place:
    """A portal that knows two institutions, both at one server that answers as the test says."""

    house: House
    server: TlsServer
    clock: FixedClock

    @property
    def issuer(self) -> str:
        return self.server.url("", "localhost")

    def away(self, client: TestClient, name: str = "north") -> dict[str, str]:
        """Go to the institution; what the browser was sent there with."""
        answer = client.get(f"/sign-in/with/{name}?next=/partner/team")
        assert answer.status_code == 303, answer.text
        return {each: values[0] for each, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    def says(self, nonce: str, **changed: Any) -> None:
        """What the institution gives for the next code."""
        now = self.clock.now().timestamp()
        claims = {"iss": self.issuer, "sub": "person-7", "aud": "licet", "nonce": nonce, "iat": now, "exp": now + 60, "email": ADA}
        token = jwt.encode({"alg": "ES256", "kid": "k"}, {**claims, "email_verified": True, **changed}, KEY)
        self.server.give("/token", json.dumps({"access_token": "a", "token_type": "Bearer", "id_token": token}).encode())

    def back(self, client: TestClient, state: str, name: str = "north", **changed: str) -> Any:
        """Come back with a code."""
        query = {"code": "c", "state": state, "iss": self.issuer, **changed}
        return client.get(f"/sign-in/with/{name}/back", params=query)


@pytest.fixture
def place(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Place]:
    with tls_server(tmp_path, "localhost") as server:
        issuer = server.url("", "localhost")
        document = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        server.give("/.well-known/openid-configuration", json.dumps(document).encode())
        server.give("/jwks", json.dumps(KeySet([KEY]).as_dict(private=False)).encode())
        common = {"issuer": issuer, "client_id": "licet", "client_secret": "s", "domains": ["northfield.example"]}
        one = {"name": "Northfield", **common, "private": True, "trust": tmp_path / "server.pem"}
        house = small_house(sqlite_store, clock, settings(sign_in={"north": one, "south": one, "far": {**one, "private": False}}))
        add_person(house, ADA, "Ada", Role.LEAD, organisation="org_a")
        yield Place(house, server, clock)


def _is_in(client: TestClient) -> bool:
    return client.get("/account").status_code == 200


def test_an_answer_signs_in_once(place: Place) -> None:
    client = browser(place.house)
    sent = place.away(client)
    assert (sent["response_type"], sent["scope"], sent["code_challenge_method"]) == ("code", "openid email profile", "S256")
    assert sent["redirect_uri"] == "http://127.0.0.1:8400/sign-in/with/north/back"
    place.says(sent["nonce"])
    answer = place.back(client, sent["state"])
    assert (answer.status_code, answer.headers["location"], _is_in(client)) == (303, "/partner/team", True)


def test_an_answer_that_comes_twice_is_refused(place: Place) -> None:
    client = browser(place.house)
    sent = place.away(client)
    place.says("another nonce")
    assert place.back(client, sent["state"]).status_code == 403
    place.says(sent["nonce"])
    assert (place.back(client, sent["state"]).status_code, _is_in(client)) == (403, False)


def test_an_answer_that_another_browser_asked_for_is_refused(place: Place) -> None:
    attacker, victim = browser(place.house), browser(place.house)
    sent = place.away(attacker)
    place.says(sent["nonce"])
    victim.get("/sign-in")
    for client in (victim, browser(place.house)):
        assert (place.back(client, sent["state"]).status_code, _is_in(client)) == (403, False)


def test_an_answer_to_another_institutions_request_is_refused(place: Place) -> None:
    client = browser(place.house)
    sent = place.away(client, "south")
    place.says(sent["nonce"])
    assert place.back(client, sent["state"], "north").status_code == 403
    for issuer in ("https://login.evil.example", ""):
        sent = place.away(client)
        place.says(sent["nonce"])
        assert place.back(client, sent["state"], iss=issuer or "x").status_code == 403
    sent = place.away(client)
    place.says(sent["nonce"])
    unnamed = client.get("/sign-in/with/north/back", params={"code": "c", "state": sent["state"]})
    assert (unnamed.status_code, _is_in(client)) == (403, False)


def test_an_answer_has_ten_minutes(place: Place) -> None:
    client = browser(place.house)
    for seconds, status in ((599, 303), (600, 403)):
        sent = place.away(client)
        place.clock.advance(seconds=seconds)
        place.says(sent["nonce"])
        assert place.back(client, sent["state"]).status_code == status


@pytest.mark.parametrize("state", ["", "x", "A" * 400, "é"])
def test_a_state_that_is_none_is_refused(place: Place, state: str) -> None:
    client = browser(place.house)
    place.away(client)
    assert place.back(client, state).status_code == 403


def test_an_institution_that_refuses_or_names_another_leads_nowhere(place: Place) -> None:
    client = browser(place.house)
    sent = place.away(client)
    assert place.back(client, sent["state"], error="access_denied").status_code == 403
    sent = place.away(client)
    place.server.give("/token", b'{"error": "invalid_grant"}', status=400)
    assert place.back(client, sent["state"]).status_code == 403
    sent = place.away(client)
    place.says(sent["nonce"], aud="somebody")
    assert (place.back(client, sent["state"]).status_code, _is_in(client)) == (403, False)


def test_a_provider_at_a_private_address_is_asked_only_where_the_setting_says_so(place: Place) -> None:
    client = browser(place.house)
    assert client.get("/sign-in/with/far", headers={"accept": "application/json"}).json()["code"] == "address_refused"
    assert client.get("/sign-in/with/nowhere").status_code == 404


def test_linking_is_for_people_who_are_signed_in(place: Place) -> None:
    assert browser(place.house).get("/sign-in/with/north?link=yes").headers["location"].startswith("/sign-in?next=")
