"""GET /oauth/authorize: what goes on to the person, what goes back to the program, and what goes nowhere."""

from __future__ import annotations

import pytest
from sqlmodel import select

from contracts.credentials.tables import Authorization
from contracts.lifecycle.tables import Contract
from contracts.store import epochs
from tests.api.oauth.conftest import ISSUER, World
from tests.api.oauth.programs import BACK, CHALLENGE, HERE, answered, asked, authorize, program


def test_a_request_in_order_waits_for_the_person(world: World) -> None:
    client_id, _ = program(world)
    answer = authorize(world.caller(), asked(client_id, redirect_uri="http://127.0.0.1:49152/back", scope=None))
    with world.store.read() as session:
        row = session.exec(select(Authorization)).one()
    assert (answer.status_code, answer.headers["location"], answer.headers["cache-control"]) == (303, f"/consent/{row.id}", "no-store")
    assert row.model_dump(exclude={"id", "created_at", "expires_at"}) == {
        "client_id": client_id,
        "contract_id": world.contract.id,
        "organisation_id": world.lead.organisation_id,
        "redirect_uri": "http://127.0.0.1:49152/back",
        "state": "af0ifjsldkj",
        "scope": "records:read",
        "code_challenge": CHALLENGE,
        "dpop_jkt": "",
        "account_id": None,
        "decision": "",
        "code_sha256": None,
        "spent_at": None,
        "family_id": None,
        "details": [],
    }


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": 'c"öde'}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "ä" * 43}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"dpop_jkt": "x" * 42}, "invalid_request"),
        ({"dpop_jkt": "+" * 43}, "invalid_request"),
        ({"request": "eyJ"}, "invalid_request"),
        ({"scope": "records:read site:fetch"}, "invalid_scope"),
    ],
)
def test_what_the_program_did_wrong_goes_back_to_it(sqlite_world: World, changed: dict[str, str | None], error: str) -> None:
    client_id, _ = program(sqlite_world, back=(BACK,))
    answer = authorize(sqlite_world.caller(), asked(client_id, redirect_uri=BACK, **changed))
    said = answered(answer)
    assert answer.headers["location"].startswith(BACK + "&error=")
    assert said == {"x": "1", "error": error, "error_description": said["error_description"], "state": "af0ifjsldkj", "iss": ISSUER}


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": None},
        {"client_id": "cli_" + "0" * 26},
        {"redirect_uri": "https://evil.example/back"},
        {"redirect_uri": HERE + "/../evil"},
        {"redirect_uri": "http://127.0.0.1:80@evil.example/back"},
        {"redirect_uri": HERE + "#x"},
        {"redirect_uri": HERE + '"ö'},
    ],
)
def test_nobody_is_sent_where_no_client_registered(sqlite_world: World, changed: dict[str, str | None]) -> None:
    client_id, _ = program(sqlite_world)
    answer = authorize(sqlite_world.caller(), asked(client_id, **changed))
    assert (answer.status_code, "location" in answer.headers) == (401 if "client_id" in changed else 400, False)


def test_a_parameter_given_twice_goes_nowhere(sqlite_world: World) -> None:
    client_id, _ = program(sqlite_world)
    for name in ("redirect_uri", "code_challenge", "state", "dpop_jkt"):
        given = asked(client_id, dpop_jkt="x" * 43)
        params = [*given.items(), (name, given[name])]
        answer = authorize(sqlite_world.caller(), params)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_client_for_itself_sends_nobody(sqlite_world: World) -> None:
    answer = authorize(sqlite_world.caller(), asked(sqlite_world.api[0]))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_contract_that_grants_nothing_is_told_to_the_program(world: World) -> None:
    client_id, _ = program(world)
    with world.store.write() as unit:
        unit.lock(Contract, world.contract.id).state = "suspended"
        unit.session.flush()
        epochs.bump(unit, "grants")
    world.house.watch.poll()
    assert answered(authorize(world.caller(), asked(client_id)))["error"] == "unauthorized_client"


def test_a_flood_of_requests_is_stopped(sqlite_world: World) -> None:
    client_id, _ = program(sqlite_world)
    caller = sqlite_world.caller()
    answers = [authorize(caller, asked(client_id, code_challenge=None)) for _ in range(121)]
    assert (answers[119].status_code, answers[120].status_code, answers[120].json()["error"]) == (303, 429, "slow_down")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_id": "cli_" + "0" * 26}, "program_unknown"),
        ({"client_id": None}, "program_unknown"),
        ({"client_id": None, "response_type": None}, "program_unknown"),
        ({"redirect_uri": "https://evil.example/back"}, "return_address_unknown"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "pushed_request_unusable"),
        ({"state": "x" * 4_000}, "bad_request"),
    ],
)
def test_a_person_gets_a_page_where_the_program_cannot_be_told(sqlite_world: World, changed: dict[str, str | None], code: str) -> None:
    client_id, _ = program(sqlite_world)
    browser = sqlite_world.caller()
    browser.headers["accept"] = "text/html,application/xhtml+xml"
    answer = authorize(browser, asked(client_id, **changed))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/consent/refused/{code}")
    assert sqlite_world.entries()[-1] | {"contract_hash": ""} == {
        "event": "token.refused",
        "decision": "refuse",
        "rule": code,
        "facts": {"asked": "authorization"},
        "contract_hash": "",
        **_whose(sqlite_world, "" if code != "return_address_unknown" else client_id),
    }


def _whose(world: World, client_id: str) -> dict[str, object]:
    if not client_id:
        return {}
    return {
        "organisation": world.lead.organisation_id,
        "contract": world.contract.id,
        "contract_version": 1,
        "credential": client_id,
        "credential_kind": "oauth_client",
    }


def test_what_goes_back_to_the_program_is_noted_as_well(sqlite_world: World) -> None:
    client_id, _ = program(sqlite_world)
    authorize(sqlite_world.caller(), asked(client_id, code_challenge=None))
    assert (sqlite_world.entries()[-1]["rule"], sqlite_world.entries()[-1]["credential"]) == ("invalid_request", client_id)


def test_a_flood_is_noted_once_a_minute_and_told_to_people_on_a_page(sqlite_world: World) -> None:
    client_id, _ = program(sqlite_world)
    browser = sqlite_world.caller()
    browser.headers["accept"] = "text/html"
    answers = [authorize(browser, asked(client_id, code_challenge=None)) for _ in range(123)]
    assert answers[-1].headers["location"] == "/consent/refused/too_many_requests"
    assert [entry["rule"] for entry in sqlite_world.entries()][-2:] == ["invalid_request", "too_many_requests"]
