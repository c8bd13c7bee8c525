"""Attacks on the code flow, each over HTTP and each refused: downgraded PKCE, mixed-up platforms, and addresses that look registered."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from api.oauth.grants import verifies
from contracts.credentials.redirects import matches, redirect_problem
from portal.commands.wire import hashed
from tests.api.oauth.conftest import ISSUER, World
from tests.api.oauth.programs import CHALLENGE, VERIFIER, allowed_code, answered, asked, authorize, code_form, exchange, program

TOOL = "https://tool.example/back"
HERE = "http://127.0.0.1/back"

# Each looks like one of the two, to some reader of addresses.
ALIKE = [
    f"{TOOL}/",
    f"{TOOL}/../back",
    f"{TOOL}/%2e%2e/evil",
    f"{TOOL}%2f..%2fevil",
    f"{TOOL}%00.evil.example",
    f"{TOOL}?next=https://evil.example",
    f"{TOOL}?",
    f"{TOOL}#",
    f"{TOOL}#@evil.example",
    f"{TOOL};evil",
    f"{TOOL} ",
    f" {TOOL}",
    f"{TOOL}\r\nlocation: https://evil.example",
    "https://tool.example//back",
    "https://tool.example:443/back",
    "https://tool.example:8443/back",
    "https://TOOL.example/back",
    "HTTPS://tool.example/back",
    "http://tool.example/back",
    "https://tool.example/BACK",
    "https://tool.example./back",
    "https://tool.example.evil.example/back",
    "https://evil.example/tool.example/back",
    "https://tool.example@evil.example/back",
    "https://user:pass@tool.example/back",
    "https://tool.example\\@evil.example/back",
    "https://tool.example%40evil.example/back",
    "https://evil.example?https://tool.example/back",
    "https://evil.example#https://tool.example/back",
    "https://t\u043eol.example/back",
    "https://xn--tol-jlc.example/back",
    "https:///tool.example/back",
    "https:/tool.example/back",
    "//tool.example/back",
    "/back",
    "javascript:alert(1)//https://tool.example/back",
    "data:text/html,https://tool.example/back",
    "http://127.0.0.1:80@evil.example/back",
    "http://127.0.0.1.evil.example/back",
    "http://127.0.0.1:/back#x",
    "http://127.0.0.1:99999/back",
    "http://127.0.0.1:0/back",
    "http://127.0.0.1/Back",
    "http://127.0.0.1/back?x=1",
    "http://127.0.0.1//back",
    "http://127.0.0.1/other/../back",
    "http://127.1/back",
    "http://0x7f000001/back",
    "http://2130706433/back",
    "http://localhost/back",
    "http://[::1]/back",
    "http://[::ffff:127.0.0.1]/back",
    "https://127.0.0.1/back",
]


@pytest.fixture
def registered(sqlite_world: World) -> tuple[World, TestClient, tuple[str, str]]:
    """A program with one address of each sort."""
    return sqlite_world, sqlite_world.caller(), program(sqlite_world, back=(TOOL, HERE))


def test_an_address_that_only_looks_registered_gets_nobody_and_no_error(registered: tuple[World, TestClient, tuple[str, str]]) -> None:
    world, _, client = registered
    sent = []
    for number, uri in enumerate(ALIKE):
        caller = world.caller(address=f"198.51.{number}.7")  # networks of their own, so that none is slowed down
        answers = [authorize(caller, asked(client[0], redirect_uri=uri, **bad)) for bad in ({}, {"code_challenge": None})]
        pushed = caller.post("/oauth/par", data=asked(client[0], redirect_uri=uri))
        if any(each.status_code != 400 or "location" in each.headers for each in [*answers, pushed]):
            sent.append(uri)
    assert sent == []


def test_the_registered_addresses_themselves_work_and_a_loopback_port_does_not_matter(
    registered: tuple[World, TestClient, tuple[str, str]],
) -> None:
    _, caller, client = registered
    for uri in (TOOL, HERE, "http://127.0.0.1:49152/back"):
        assert authorize(caller, asked(client[0], redirect_uri=uri)).headers["location"].startswith("/consent/aut_")


@pytest.mark.parametrize("uri", [TOOL, HERE, "http://127.0.0.1:49153/back", "http://127.0.0.1:49152/back/", None])
def test_a_code_is_redeemed_with_the_very_address_that_it_was_asked_for_with(sqlite_world: World, uri: str | None) -> None:
    caller, client = sqlite_world.caller(), program(sqlite_world, back=(TOOL, HERE))
    code = allowed_code(sqlite_world, caller, client[0], redirect_uri="http://127.0.0.1:49152/back")
    assert exchange(caller, client, code, redirect_uri=uri).json()["error"] == "invalid_grant"
    assert exchange(caller, client, code, redirect_uri="http://127.0.0.1:49152/back").status_code == 200


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "S512"},
        {"code_challenge_method": "s256"},
        {"code_challenge": VERIFIER + "="},
        {"code_challenge": ""},
    ],
)
def test_pkce_cannot_be_talked_down_by_whoever_changes_the_request(
    sqlite_world: World, changed: dict[str, str | None], public: bool
) -> None:
    caller, client = sqlite_world.caller(), program(sqlite_world, public=public)
    assert answered(authorize(caller, asked(client[0], **changed)))["error"] == "invalid_request"
    pushed = caller.post("/oauth/par", data=asked(client[0], **changed), auth=client if client[1] else None)
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("public", [True, False])
def test_a_stolen_code_is_worth_nothing_without_its_verifier(world: World, public: bool) -> None:
    caller, client = world.caller(), program(world, public=public)
    code = allowed_code(world, caller, client[0])
    tried: list[dict[str, Any]] = [
        {"code_verifier": None},
        {"code_verifier": ""},
        {"code_verifier": CHALLENGE},
        {"code_verifier": VERIFIER.lower()},
        {"code_verifier": VERIFIER + "x"},
        {"code_verifier": None, "code_challenge_method": "plain", "code_challenge": CHALLENGE},
    ]
    answers = [exchange(caller, client, code, **each) for each in tried]
    assert {(each.status_code, each.json()["error"]) for each in answers} <= {(400, "invalid_grant"), (400, "invalid_request")}
    assert exchange(caller, client, code).status_code == 200


def test_every_answer_to_a_program_names_the_platform_so_that_none_is_taken_for_another(sqlite_world: World) -> None:
    caller, client = sqlite_world.caller(), program(sqlite_world)
    metadata = caller.get("/.well-known/oauth-authorization-server").json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    for wrong in ({"code_challenge": None}, {"scope": "site:fetch"}, {"response_type": "token"}, {"resource": "https://evil.example"}):
        assert answered(authorize(caller, asked(client[0], **wrong)))["iss"] == ISSUER == metadata["issuer"]


def test_a_code_of_one_client_is_worth_nothing_to_another_or_without_the_right_secret(world: World) -> None:
    caller, client, thief = world.caller(), program(world, public=False), program(world)
    code = allowed_code(world, caller, client[0])
    for whose in (thief, (client[0], ""), (client[0], "licet_cs_wrong")):
        assert exchange(caller, whose, code).status_code in (400, 401)
    mixed = caller.post("/oauth/token", data={**code_form(code), "client_id": thief[0]}, auth=client)
    assert (mixed.status_code, mixed.json()["error"]) == (400, "invalid_request")
    assert exchange(caller, client, code).status_code == 200


def test_rfc_7636_appendix_b() -> None:
    """The published example: verifier, the challenge that S256 makes of it, and that the one opens the other."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert (hashed(verifier), verifies(verifier, challenge), verifies(challenge, challenge)) == (challenge, True, False)


def test_what_may_be_registered_and_what_matches_agree() -> None:
    assert [each for each in ALIKE if matches(each, [TOOL, HERE])] == []
    assert (redirect_problem(TOOL), redirect_problem(HERE)) == ("", "")


ODD = ["ü", '"quoted"', "back\\slash", "line\r\nbreak", "nul\0", "\u202e", "x" * 300, "<b>"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", sorted({*asked("c"), "resource", "authorization_details", "dpop_jkt", "response_mode", "request_uri"}))
def test_no_letter_of_a_request_breaks_the_answer(sqlite_world: World, name: str, odd: str) -> None:
    caller, client = sqlite_world.caller(), program(sqlite_world)
    answer = authorize(caller, asked(client[0]) | {name: odd})
    pushed = caller.post("/oauth/par", data=asked(client[0]) | {name: odd})
    assert answer.status_code in (303, 400, 401) and pushed.status_code in (201, 400, 401)
    if answer.status_code == 303:
        assert answer.headers["location"].startswith((f"{HERE}?", "/consent/"))


@pytest.mark.parametrize("odd", ODD)
def test_no_letter_of_a_token_request_breaks_the_answer(sqlite_world: World, odd: str) -> None:
    caller, client = sqlite_world.caller(), program(sqlite_world)
    code = allowed_code(sqlite_world, caller, client[0])
    for name in (*code_form(code), "client_id", "resource", "authorization_details", "refresh_token"):
        grant = "refresh_token" if name == "refresh_token" else "authorization_code"
        answer = caller.post("/oauth/token", data={"client_id": client[0], **code_form(code), "grant_type": grant, name: odd})
        assert answer.status_code in (400, 401, 413), (name, answer.text)
        assert set(answer.json()) <= {"error", "error_description", "code"}
