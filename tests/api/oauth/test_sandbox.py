"""Sandbox credentials at the addresses of OAuth: a token, questions about it, its end; the same forms and refusals as any client's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.credentials.issued import sweep
from contracts.house import House
from contracts.sandbox import service as sandbox
from tests.api.oauth.conftest import ISSUER, SETTINGS, World
from tests.contracts.sandbox.test_rows import dataset

TODAY = date(2026, 11, 2)
ASK = {"grant_type": "client_credentials"}


@pytest.fixture
def trying(world: World) -> World:
    """The world with a dataset to invent rows of."""
    settings = SETTINGS.model_copy(update={"datasets": {"posts": dataset().settings}})
    return replace(world, house=cast(House, SimpleNamespace(**vars(world.house) | {"settings": settings})))


def make(world: World) -> tuple[str, str]:
    """A sandbox credential as (id, secret)."""
    with world.store.write() as unit:
        client, secret = sandbox.create(unit, world.lead, name="First try", today=TODAY)
    return client.id, secret


def token(caller: TestClient, who: tuple[str, str]) -> Any:
    return caller.post("/oauth/token", data=ASK, auth=who).json()


def test_a_token_names_the_sandbox_in_the_place_of_a_contract(trying: World) -> None:
    caller, who = trying.caller(), make(trying)
    mine, theirs = token(caller, who), token(caller, trying.api)
    assert (sorted(mine), mine["token_type"], mine["scope"]) == (sorted(theirs), "Bearer", "records:read")
    claims = trying.house.tokens.verify(mine["access_token"], f"{ISSUER}/v1")
    place = f"sbx_{trying.lead.organisation_id}"
    assert not hasattr(claims, "code") and (claims.contract_id, claims.contract_version, claims.client_id) == (place, 1, who[0])  # type: ignore[union-attr]  # no refusal, as said before
    entry = trying.entries()[0]
    assert (entry["event"], entry["contract"], entry["credential"]) == ("token.issued", place, who[0])
    assert entry["facts"] == {"audience": "api", "scope": "records:read", "sandbox": True}
    assert "sandbox" not in trying.entries()[1]["facts"]


def test_its_token_is_asked_about_by_its_own_sandbox_alone(trying: World) -> None:
    caller, who = trying.caller(), make(trying)
    mine, theirs = (token(caller, each)["access_token"] for each in (who, trying.api))
    asked = [caller.post("/oauth/introspect", data={"token": each}, auth=by).json() for each in (mine, theirs) for by in (who, trying.api)]
    assert [each["active"] for each in asked] == [True, False, False, True]


def test_a_token_that_is_given_back_is_over(trying: World, clock: FixedClock) -> None:
    caller, who = trying.caller(), make(trying)
    mine = token(caller, who)["access_token"]
    assert caller.post("/oauth/revoke", data={"token": mine}, auth=who).status_code == 200
    assert caller.post("/oauth/introspect", data={"token": mine}, auth=who).json() == {"active": False}
    clock.advance(minutes=11)
    assert sweep(trying.store) == 1


def test_it_ends_with_its_day_its_secret_and_itself(trying: World, clock: FixedClock) -> None:
    caller, who = trying.caller(), make(trying)
    assert "access_token" in token(caller, who)
    clock.advance(seconds=5)
    with trying.store.write() as unit:
        _, secret = sandbox.renew(unit, trying.lead, who[0], TODAY)
    renewed = (who[0], secret)
    assert token(caller, who)["error"] == "invalid_client"
    assert "access_token" in token(caller, renewed)
    clock.advance(days=90)
    ended = token(caller, renewed)
    assert (ended["error"], ended["code"]) == ("unauthorized_client", "credential_ended")
    with trying.store.write() as unit:
        sandbox.revoke(unit, trying.lead, who[0])
    assert token(caller, renewed)["error"] == "invalid_client"


def test_it_reaches_the_api_and_nothing_else(trying: World) -> None:
    caller, who = trying.caller(), make(trying)
    asked = [
        {**ASK, "scope": "site:fetch"},
        {**ASK, "resource": "https://www.agora.example"},
        {"grant_type": "authorization_code", "code": "x", "code_verifier": "y" * 43},
        {"grant_type": "refresh_token", "refresh_token": "x"},
    ]
    errors = [caller.post("/oauth/token", data=each, auth=who).json()["error"] for each in asked]
    assert errors == ["invalid_scope", "invalid_target", "unauthorized_client", "unauthorized_client"]


def test_without_a_dataset_there_is_nothing_to_try(world: World) -> None:
    answer = token(world.caller(), make(world))
    assert (answer["error"], answer["code"]) == ("unauthorized_client", "not_found")
