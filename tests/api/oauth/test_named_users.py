"""Contracts that name their users: no token for a program alone, at the token address or with one that it should not have."""

from __future__ import annotations

import hashlib

import pytest
from sqlmodel import select

from contracts.access.decide import admit
from contracts.clock import day_in
from contracts.credentials import authorizations
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Claims
from contracts.errors import Refused
from contracts.ids import new_id, new_secret, secret_hash
from contracts.lifecycle.tables import Contract
from contracts.members import service as members
from contracts.members.tables import ProjectMember
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store import epochs
from contracts.terms.grant import Grant, compile_grant
from tests.api.oauth.conftest import SETTINGS, World
from tests.api.oauth.programs import allowed_code, asked, authorize, exchange, program, refresh
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


def test_a_person_reads_only_once_they_accepted_the_terms_and_no_longer_than_they_are_on_the_project(world: World) -> None:
    steward = person(world.store, "kim@agora.example", Role.STEWARD)
    reader = person(world.store, "rhea@northfield.example", Role.READER)
    world.contract = contract_in_force(world.store, world.lead, steward, named_users=True)
    registered, caller = program(world), world.caller()

    def code() -> str:
        where = authorize(caller, asked(registered[0])).headers["location"]
        with world.store.write() as unit:
            return authorizations.allow(unit, reader, where.removeprefix("/consent/"))[1]

    with pytest.raises(Refused, match="member_required"):
        code()
    place = _on_the_project(world, reader)
    given = exchange(caller, registered, code()).json()
    # What was accepted is another text than the one in force, so the family waits until that is accepted.
    _accepted_text(world, "ab" * 32)
    assert refresh(caller, registered, given["refresh_token"]).json()["error"] == "invalid_grant"
    _accepted_text(world, hashlib.sha256(b"The text.").hexdigest())
    renewed = refresh(caller, registered, given["refresh_token"]).json()
    left = code()
    with world.store.write() as unit:
        members.leave(unit, reader, place)
    assert exchange(caller, registered, left).json()["error"] == "invalid_grant"
    assert refresh(caller, registered, renewed["refresh_token"]).json()["error"] == "invalid_grant"
    claims = world.house.tokens.read(renewed["access_token"])
    assert isinstance(claims, Claims) and _admitted(world, claims) == "token_invalid"


def _on_the_project(world: World, reader: Actor) -> str:
    with world.store.write() as unit:
        application = unit.session.get_one(Contract, world.contract.id).application_id
        unit.lock(Contract, world.contract.id).activated_at = unit.now
        row = ProjectMember(
            id=new_id("prm"),
            application_id=application,
            organisation_id=reader.organisation_id,
            state="confirmed",
            email=reader.email,
            name=reader.name,
            account_id=reader.account_id,
            later=False,
            invited_by=world.lead.account_id,
            invited_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        members.accept(unit, reader, world.contract.id, name=reader.name, read=True)
        return application


def _accepted_text(world: World, sha256: str) -> None:
    with world.store.write() as unit:
        row = unit.session.exec(select(ProjectMember).where(ProjectMember.application_id == world.contract.application_id)).one()
        row.accepted_sha256 = sha256
        unit.session.add(row)
