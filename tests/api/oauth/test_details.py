"""Authorization details (RFC 9396) and resource indicators (RFC 8707) at every address that takes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import col, select

from contracts.credentials.tables import TokenFamily
from contracts.credentials.tokens import Claims
from contracts.ledger.tables import LedgerEntry
from tests.api.oauth.conftest import ISSUER, World
from tests.api.oauth.programs import allowed_code, answered, asked, authorize, exchange, program, refresh

API = f"{ISSUER}/v1"
GRANT = {"grant_type": "client_credentials"}
ID_ONLY = {"type": "dataset-access", "dataset": "posts", "fields": ["id"], "actions": ["read"], "purpose": "research"}
BOTH = {"type": "dataset-access", "dataset": "posts", "fields": ["id", "text"], "actions": ["read"]}


def text(*details: dict[str, Any]) -> str:
    return json.dumps(list(details))


def claims_of(world: World, token: str) -> Claims:
    claims = world.house.tokens.verify(token, API)
    assert isinstance(claims, Claims)
    return claims


def test_details_are_echoed_signed_introspected_and_noted(world: World) -> None:
    caller = world.caller()
    body = caller.post("/oauth/token", data={**GRANT, "authorization_details": text(ID_ONLY)}, auth=world.api).json()
    assert body["authorization_details"] == [ID_ONLY]
    claims = claims_of(world, body["access_token"])
    assert (claims.payload["authorization_details"], claims.details[0].fields) == ([ID_ONLY], ("id",))
    about = caller.post("/oauth/introspect", data={"token": body["access_token"]}, auth=world.api).json()
    assert (about["active"], about["authorization_details"]) == (True, [ID_ONLY])
    assert world.entries()[-1]["facts"] == {"audience": "api", "scope": "records:read", "details": [ID_ONLY]}


def test_without_details_the_token_has_none(sqlite_world: World) -> None:
    body = sqlite_world.caller().post("/oauth/token", data=GRANT, auth=sqlite_world.api).json()
    claims = claims_of(sqlite_world, body["access_token"])
    assert ("authorization_details" in body, "authorization_details" in claims.payload, claims.details) == (False, False, ())


@pytest.mark.parametrize(
    "details",
    [
        "x",
        text(),
        text({**ID_ONLY, "type": "account_information"}),
        text({**ID_ONLY, "more": 1}),
        text({**ID_ONLY, "dataset": "people"}),
        text({**ID_ONLY, "fields": ["id", "author"]}),
        text({**ID_ONLY, "purpose": "archiving"}),
        text({**ID_ONLY, "actions": ["delete"]}),
        text({**ID_ONLY, "locations": ["https://www.agora.example"]}),
    ],
)
def test_details_that_are_unknown_or_too_wide_are_refused_at_every_address(sqlite_world: World, details: str) -> None:
    world, caller = sqlite_world, sqlite_world.caller()
    client = program(world)
    more = {"authorization_details": details}
    token = caller.post("/oauth/token", data={**GRANT, **more}, auth=world.api)
    pushed = caller.post("/oauth/par", data={**asked(client[0]), **more})
    assert [(each.status_code, each.json()["error"]) for each in (token, pushed)] == [(400, "invalid_authorization_details")] * 2
    assert answered(authorize(caller, asked(client[0], **more)))["error"] == "invalid_authorization_details"
    code = allowed_code(world, caller, client[0])
    assert exchange(caller, client, code, **more).json()["error"] == "invalid_authorization_details"
    assert exchange(caller, client, code).status_code == 200
    assert {entry["rule"] for entry in world.entries() if entry["event"] == "token.refused"} == {"invalid_authorization_details"}


def test_a_token_for_the_site_has_no_details(sqlite_world: World) -> None:
    answer = sqlite_world.caller().post("/oauth/token", data={**GRANT, "authorization_details": text(ID_ONLY)}, auth=sqlite_world.site)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authorization_details")


def test_what_a_person_allowed_is_only_ever_narrowed(world: World) -> None:
    caller, client = world.caller(), program(world)
    code = allowed_code(world, caller, client[0], authorization_details=text({**BOTH, "purpose": "research"}))
    assert exchange(caller, client, code, authorization_details=text({**BOTH, "dataset": "people"})).status_code == 400
    first = exchange(caller, client, code, authorization_details=text(ID_ONLY)).json()
    assert first["authorization_details"] == [ID_ONLY]
    whole = refresh(caller, client, first["refresh_token"]).json()
    assert whole["authorization_details"] == [{**BOTH, "purpose": "research"}]
    narrow = refresh(caller, client, whole["refresh_token"], authorization_details=text(ID_ONLY)).json()
    assert (narrow["authorization_details"], claims_of(world, narrow["access_token"]).details[0].fields) == ([ID_ONLY], ("id",))
    again = refresh(caller, client, narrow["refresh_token"], authorization_details=text({**BOTH, "purpose": "archiving"}))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_authorization_details")
    assert refresh(caller, client, narrow["refresh_token"]).status_code == 200
    with world.store.read() as session:
        assert session.exec(select(TokenFamily.details)).all() == [[{**BOTH, "purpose": "research"}]]
        leaves = [json.loads(each) for each in session.exec(select(LedgerEntry.leaf).order_by(col(LedgerEntry.index))).all()]
    noted = {each["event"]: each["facts"].get("details") for each in leaves if each["event"].startswith("authorization.")}
    assert noted == {key: [{**BOTH, "purpose": "research"}] for key in ("authorization.asked", "authorization.allowed")}


def test_a_refresh_asks_for_no_more_than_the_person_allowed(sqlite_world: World) -> None:
    world, caller = sqlite_world, sqlite_world.caller()
    client = program(world)
    code = allowed_code(world, caller, client[0], authorization_details=text(ID_ONLY))
    token = exchange(caller, client, code).json()["refresh_token"]
    for wider in (BOTH, {**ID_ONLY, "fields": ["text"]}):
        answer = refresh(caller, client, token, authorization_details=text(wider))
        assert answer.json()["error"] == "invalid_authorization_details"
    assert refresh(caller, client, token).json()["authorization_details"] == [ID_ONLY]


@pytest.mark.parametrize(
    ("resources", "error"),
    [
        ([API], ""),
        ([API, API], ""),
        (["https://www.agora.example"], "invalid_target"),
        ([API, "https://www.agora.example"], "invalid_target"),
        ([f"{API}/"], "invalid_target"),
        ([f"{API}#here"], "invalid_target"),
        (["v1"], "invalid_target"),
        ([ISSUER], "invalid_target"),
    ],
)
def test_a_resource_is_the_credentials_own_audience_at_every_address(sqlite_world: World, resources: list[str], error: str) -> None:
    world, caller = sqlite_world, sqlite_world.caller()
    client = program(world)
    own = caller.post("/oauth/token", data={**GRANT, "resource": resources}, auth=world.api)
    pushed = caller.post("/oauth/par", data={**asked(client[0]), "resource": resources})
    asking = authorize(caller, [*asked(client[0]).items(), *(("resource", each) for each in resources)])
    if error:
        assert answered(asking)["error"] == error
    else:
        assert asking.headers["location"].startswith("/consent/aut_")
    code = allowed_code(world, caller, client[0])
    form: dict[str, Any] = {"resource": resources}
    redeemed = exchange(caller, client, code, **form)
    renewed = refresh(caller, client, (redeemed if not error else exchange(caller, client, code)).json()["refresh_token"], **form)
    assert [each.json().get("error", "") for each in (own, pushed, redeemed, renewed)] == [error] * 4


def test_only_a_resource_may_be_given_twice(sqlite_world: World) -> None:
    answer = sqlite_world.caller().post("/oauth/token", data={**GRANT, "scope": ["records:read", "records:read"]}, auth=sqlite_world.api)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
