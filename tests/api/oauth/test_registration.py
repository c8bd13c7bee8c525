"""Programs that register themselves (RFC 7591) and manage that (RFC 7592), over HTTP: with a token alone, and never beyond the contract."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlmodel import col, select
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.credentials.registration import end_registration_token, make_registration_token
from contracts.credentials.tables import Client, RegistrationToken
from contracts.errors import Refused
from contracts.ids import secret_hash
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.people.tables import Membership
from contracts.store import epochs
from tests.api.oauth.conftest import ISSUER, World
from tests.api.oauth.programs import allowed_code, exchange
from tests.harness.jose import assertion, public

KEY = ECKey.generate_key("P-256")
ALONE = {"client_name": "Nightly pull", "grant_types": ["client_credentials"]}
PEOPLE = {"redirect_uris": ["http://127.0.0.1/back"], "token_endpoint_auth_method": "none"}
SIGNED = {**ALONE, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [public(KEY, kid="one")]}}


def opened(world: World, uses: int = 5, days: int = 7) -> str:
    """A token that programs register with."""
    with world.store.write() as unit:
        return make_registration_token(unit, world.lead, world.contract.id, uses=uses, days=days)[1]


def register(caller: TestClient, token: str, document: Any = ALONE) -> Any:
    return caller.post("/oauth/register", json=document, headers=_bearer(token))


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def manage(caller: TestClient, method: str, made: dict[str, Any], document: Any = None, token: str | None = None) -> Any:
    """A request of the program about itself, at the address that it was given."""
    held = made["registration_access_token"] if token is None else token
    path = made["registration_client_uri"].removeprefix(ISSUER)
    return caller.request(method, path, headers=_bearer(held), json=document)


def events(world: World) -> list[tuple[str, str]]:
    with world.store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
    leaves = [json.loads(row.leaf) for row in rows]
    wanted = ("registration.", "client.registered", "client.changed", "client.revoked")
    return [(leaf["event"], leaf.get("rule", "")) for leaf in leaves if leaf["event"].startswith(wanted)]


def test_a_program_registers_reads_changes_and_ends_itself(world: World) -> None:
    caller = world.caller()
    answer = register(caller, opened(world))
    made = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert {name: value for name, value in made.items() if name not in ("registration_access_token", "client_secret")} == {
        "client_id": made["client_id"],
        "client_id_issued_at": int(world.store.clock.now().timestamp()),
        "client_secret_expires_at": 0,
        "registration_client_uri": f"{ISSUER}/oauth/register/{made['client_id']}",
        "client_name": "Nightly pull",
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "scope": "records:read",
        "dpop_bound_access_tokens": False,
    }
    own = (made["client_id"], made["client_secret"])
    assert caller.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=own).status_code == 200
    read = manage(caller, "GET", made)
    assert (read.status_code, read.json()) == (200, {k: v for k, v in made.items() if not k.startswith("client_secret")})
    changed = manage(caller, "PUT", made, {**SIGNED, "client_id": made["client_id"], "client_secret": made["client_secret"]})
    assert (changed.status_code, changed.json()["token_endpoint_auth_method"], "client_secret" in changed.json()) == (
        200,
        "private_key_jwt",
        False,
    )
    assert caller.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=own).status_code == 401
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    signed = assertion(KEY, made["client_id"], ISSUER, world.store.clock.now().timestamp())
    form = {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": signed}
    assert caller.post("/oauth/token", data=form).status_code == 200
    assert (manage(caller, "DELETE", made).status_code, manage(caller, "GET", made).status_code) == (204, 401)
    assert events(world) == [
        ("registration.opened", ""),
        ("client.registered", ""),
        ("client.changed", ""),
        ("client.revoked", "withdrawn"),
        ("registration.refused", "invalid_token"),
    ]


def test_a_program_for_people_has_no_secret_and_reads_for_them(sqlite_world: World) -> None:
    world, caller = sqlite_world, sqlite_world.caller()
    made = register(caller, opened(world), PEOPLE).json()
    assert (made["grant_types"], made["response_types"], "client_secret" in made) == (["authorization_code"], ["code"], False)
    world.house.watch.poll()
    code = allowed_code(world, caller, made["client_id"])
    assert exchange(caller, (made["client_id"], ""), code).status_code == 200


def test_what_is_kept_are_hashes(sqlite_world: World) -> None:
    token = opened(sqlite_world)
    made = register(sqlite_world.caller(), token).json()
    with sqlite_world.store.read() as session:
        client, kept = session.get_one(Client, made["client_id"]), session.exec(select(RegistrationToken)).one()
    assert token.startswith("licet_ia_") and made["registration_access_token"].startswith("licet_ra_")
    hashes = (kept.token_sha256, client.registration_sha256, client.secret_sha256)
    assert hashes == tuple(map(secret_hash, (token, made["registration_access_token"], made["client_secret"])))


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ([], "invalid_client_metadata"),
        ({**ALONE, "client_name": 5}, "invalid_client_metadata"),
        ({**ALONE, "client_name": "x" * 200}, "invalid_client_metadata"),
        ({**ALONE, "token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({**ALONE, "token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
        ({**ALONE, "grant_types": ["password"]}, "invalid_client_metadata"),
        ({**ALONE, "grant_types": ["implicit", "authorization_code"]}, "invalid_client_metadata"),
        ({**ALONE, "grant_types": ["client_credentials", "authorization_code"]}, "invalid_client_metadata"),
        ({**PEOPLE, "grant_types": ["refresh_token"]}, "invalid_client_metadata"),
        ({**PEOPLE, "response_types": ["token"]}, "invalid_client_metadata"),
        ({**ALONE, "scope": "records:read site:fetch"}, "invalid_client_metadata"),
        ({**ALONE, "scope": "records:write"}, "invalid_client_metadata"),
        ({**ALONE, "jwks": SIGNED["jwks"]}, "invalid_client_metadata"),
        ({**SIGNED, "jwks": None}, "invalid_client_metadata"),
        ({**SIGNED, "jwks_uri": "https://keys.example/jwks"}, "invalid_client_metadata"),
        ({**SIGNED, "jwks": {"keys": [KEY.as_dict(private=True)]}}, "invalid_client_metadata"),
        ({**SIGNED, "jwks": None, "jwks_uri": "http://169.254.169.254/keys"}, "invalid_client_metadata"),
        ({**ALONE, "dpop_bound_access_tokens": "yes"}, "invalid_client_metadata"),
        ({**PEOPLE, "redirect_uris": []}, "invalid_redirect_uri"),
        ({**PEOPLE, "redirect_uris": "http://127.0.0.1/back"}, "invalid_redirect_uri"),
        ({**PEOPLE, "redirect_uris": ["http://tool.example/back"]}, "invalid_redirect_uri"),
        ({**PEOPLE, "redirect_uris": ["https://tool.example/#x"]}, "invalid_redirect_uri"),
        ({**PEOPLE, "redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({**ALONE, "redirect_uris": ["https://tool.example/back"]}, "invalid_redirect_uri"),
        ({**ALONE, "software_statement": "a.b.c"}, "unapproved_software_statement"),
        ({**ALONE, "software_statement": 5}, "invalid_software_statement"),
    ],
)
def test_metadata_that_cannot_be_taken_are_refused_and_cost_nothing(sqlite_world: World, document: Any, error: str) -> None:
    token, caller = opened(sqlite_world, uses=1), sqlite_world.caller()
    answer = register(caller, token, document)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert events(sqlite_world)[-1] == ("registration.refused", error)
    assert register(caller, token).status_code == 201, "the token is not used up by a mistake"


def test_bodies_that_are_no_metadata(sqlite_world: World) -> None:
    token, caller = opened(sqlite_world), sqlite_world.caller()
    headers = {**_bearer(token), "content-type": "application/json"}
    tried = [
        caller.post("/oauth/register", content=b"{", headers=headers),
        caller.post("/oauth/register", content=b"{}", headers=_bearer(token)),
        caller.post("/oauth/register", content=b" " * 40_000, headers=headers),
    ]
    assert [(each.status_code, each.json()["error"]) for each in tried] == [
        *[(400, "invalid_client_metadata")] * 2,
        (413, "invalid_client_metadata"),
    ]


def test_nobody_registers_without_a_token_that_is_good_now(world: World, clock: FixedClock) -> None:
    caller, tokens = world.caller(), [opened(world, uses=1), opened(world), opened(world, days=1)]
    assert register(caller, tokens[0]).status_code == 201
    with world.store.write() as unit:
        second = unit.session.exec(select(RegistrationToken).order_by(col(RegistrationToken.id))).all()[1]
        end_registration_token(unit, world.lead, second.id)
    clock.advance(days=1)
    for token in ("", "licet_ia_nonsense", world.api[1], *tokens):
        answer = register(caller, token)
        assert (answer.status_code, answer.json()["error"], answer.headers["www-authenticate"]) == (
            401,
            "invalid_token",
            'Bearer error="invalid_token"',
        )


def test_of_many_at_once_a_token_lets_in_as_many_as_it_was_made_for(world: World) -> None:
    token, caller = opened(world, uses=2), world.caller()
    with ThreadPoolExecutor(8) as crowd:
        statuses = Counter(crowd.map(lambda _: register(caller, token).status_code, range(12)))
    assert statuses == {201: 2, 401: 10}


def test_a_token_ends_with_its_contract_and_with_the_role_of_its_maker(world: World) -> None:
    token, caller = opened(world), world.caller()
    with world.store.write() as unit:
        unit.lock(Contract, world.contract.id).state = "suspended"
        epochs.bump(unit, "grants")
    assert (register(caller, token).status_code, register(caller, token).json()["error"]) == (400, "invalid_client_metadata")
    with world.store.write() as unit:
        for row in unit.session.exec(select(Membership).where(Membership.account_id == world.lead.account_id)).all():
            row.ended_at = unit.now
    assert register(caller, token).status_code == 401


def test_a_registration_is_managed_with_its_own_token_alone(world: World) -> None:
    caller, token = world.caller(), opened(world)
    one, other = register(caller, token).json(), register(caller, token).json()
    for method in ("GET", "PUT", "DELETE"):
        for wrong in ("", token, other["registration_access_token"], one["client_secret"]):
            assert manage(caller, method, one, ALONE, wrong).status_code == 401, (method, wrong)
    by_hand = {"registration_client_uri": f"{ISSUER}/oauth/register/{world.api[0]}"}
    assert manage(caller, "GET", by_hand, token="").status_code == 401, "a client that people made has no such token"


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": None},
        {"client_id": "cli_other"},
        {"client_secret": "mine"},
        {"registration_access_token": "x"},
        {"client_secret_expires_at": 0},
        {"scope": "site:fetch"},
    ],
)
def test_a_change_that_cannot_be_taken_changes_nothing(sqlite_world: World, changed: dict[str, Any]) -> None:
    caller = sqlite_world.caller()
    made = register(caller, opened(sqlite_world)).json()
    answer = manage(caller, "PUT", made, {**ALONE, "client_id": made["client_id"], **changed})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert caller.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(made["client_id"], made["client_secret"])
    ).is_success


def test_only_leads_and_developers_of_the_partner_open_registration(world: World) -> None:
    reader = replace(world.lead, roles=frozenset({Role.READER}))
    stranger = replace(world.lead, organisation_id="org_elsewhere")
    unsure = replace(world.lead, second_factor_at=None)
    tried = [(reader, 1, 1), (stranger, 1, 1), (unsure, 1, 1), (world.lead, 0, 1), (world.lead, 21, 1), (world.lead, 1, 31)]
    codes = []
    for actor, uses, days in tried:
        with pytest.raises(Refused) as refused, world.store.write() as unit:
            make_registration_token(unit, actor, world.contract.id, uses=uses, days=days)
        codes.append(refused.value.refusal.code)
    assert codes == ["role_required", "not_found", "second_factor_required", *["invalid_input"] * 3]


def test_a_token_that_was_found_in_the_open_ends_and_so_does_the_program_that_it_manages(world: World) -> None:
    caller, token = world.caller(), opened(world)
    made = register(caller, token).json()
    for secret in (token, made["registration_access_token"]):
        reports = [caller.post("/oauth/leaked", json={"token": secret, "url": "https://example.com/x"}).json()["status"] for _ in range(2)]
        assert reports == ["revoked", "unknown"]
    assert (register(caller, token).status_code, manage(caller, "GET", made).status_code) == (401, 401)
    with world.store.read() as session:
        assert session.get_one(Client, made["client_id"]).revoked_why == "leaked"
