"""Contracts that name their users: no token for a program alone, at the token address or with one that it should not have."""

from __future__ import annotations

from contracts.access.decide import admit
from contracts.clock import day_in
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Claims
from contracts.ids import new_id, new_secret, secret_hash
from contracts.people.roles import Role
from contracts.store import epochs
from contracts.terms.grant import Grant, compile_grant
from tests.api.oauth.conftest import SETTINGS, World
from tests.api.oauth.programs import allowed_code, exchange, program
from tests.contracts.credentials.sealed import RING, contract_in_force
from tests.contracts.people.people import person


def test_a_program_alone_is_refused_and_one_for_a_person_is_served(world: World) -> None:
    steward = person(world.store, "kim@agora.example", Role.STEWARD)
    world.contract = contract_in_force(world.store, world.lead, steward, named_users=True)
    alone, for_people, caller = _alone(world), program(world), world.caller()
    refused = caller.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=alone)
    assert (refused.status_code, refused.json()) == (
        400,
        {
            "error": "unauthorized_client",
            "error_description": "The contract names its users. Create a client for people, and let a person sign in: "
            "grant_type=authorization_code.",
            "code": "user_required",
        },
    )
    assert world.entries()[-1] | {"contract_hash": ""} == {
        "event": "token.refused",
        "decision": "refuse",
        "rule": "user_required",
        "organisation": world.lead.organisation_id,
        "contract": world.contract.id,
        "contract_version": 1,
        "contract_hash": "",
        "credential": alone[0],
        "credential_kind": "oauth_client",
    }
    token = exchange(caller, for_people, allowed_code(world, caller, for_people[0])).json()["access_token"]
    claims = world.house.tokens.read(token)
    assert isinstance(claims, Claims) and claims.account == world.lead.account_id
    assert _admitted(world, claims) == ""


def test_a_token_for_nobody_reads_nothing_where_users_are_named(sqlite_world: World) -> None:
    world = sqlite_world
    before = world.house.tokens.read(
        world.caller().post("/oauth/token", data={"grant_type": "client_credentials"}, auth=world.api).json()["access_token"]
    )
    assert isinstance(before, Claims) and _admitted(world, before) == ""
    steward = person(world.store, "kim@agora.example", Role.STEWARD)
    world.contract = contract_in_force(world.store, world.lead, steward, named_users=True)
    client_id, _ = _alone(world)
    token = Claims(client_id, world.contract.id, 1, frozenset({"records:read"}), "tok_1", before.expires_at, "api")
    assert _admitted(world, token) == "user_required"


def _alone(world: World) -> tuple[str, str]:
    """A client for itself, which no page makes under such a contract; it could come from a time before the term."""
    secret = new_secret("cs")
    with world.store.write() as unit:
        client = Client(
            id=new_id("cli"),
            contract_id=world.contract.id,
            organisation_id=world.lead.organisation_id,
            name="Loader",
            audience="api",
            scopes=["records:read"],
            secret_sha256=secret_hash(secret),
            created_by=world.lead.account_id,
            created_at=unit.now,
        )
        unit.session.add(client)
        epochs.bump(unit, "grants")
    world.house.watch.poll()
    return client.id, secret


def _admitted(world: World, claims: Claims) -> str:
    with world.store.read() as session:
        grant = compile_grant(RING, session, claims.contract_id)
    assert isinstance(grant, Grant)
    refusal = admit(grant, claims, "203.0.113.9", day_in(world.house.clock.now(), SETTINGS.platform.time_zone))
    return "" if refusal is None else refusal.code
