"""Sandbox credentials: who makes them, how many, and how they end, on both stores."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.errors import Refusal
from contracts.ids import is_well_formed_secret, secret_hash
from contracts.keys import KeyRing
from contracts.ledger.tables import LedgerEntry
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.sandbox import service
from contracts.sandbox.grant import clients_of, compile_sandbox
from contracts.sandbox.tables import SandboxClient
from contracts.store import epochs
from contracts.store.unit import Store
from contracts.terms.grant import Grant, compile_grant
from tests.contracts.people.people import person, race, refused
from tests.contracts.sandbox.test_rows import dataset

TODAY = date(2026, 11, 2)


@pytest.fixture
def lead(store: Store) -> Actor:
    return person(store, "ada@northfield.example", Role.LEAD)


def create(store: Store, actor: Actor, name: str = "First try", today: date = TODAY) -> tuple[SandboxClient, str]:
    """A credential and its secret."""
    with store.write() as unit:
        return service.create(unit, actor, name=name, today=today)


def renew(store: Store, actor: Actor, client_id: str, today: date = TODAY) -> tuple[SandboxClient, str]:
    """The credential with a new secret."""
    with store.write() as unit:
        return service.renew(unit, actor, client_id, today)


def revoke(store: Store, actor: Actor, client_id: str) -> None:
    with store.write() as unit:
        service.revoke(unit, actor, client_id)


def grant_of(store: Store, organisation_id: str) -> Grant | Refusal:
    """The grant as a request finds it."""
    with store.read() as session:
        return compile_sandbox(session, [dataset()], f"sbx_{organisation_id}")


def leaves(store: Store) -> list[dict[str, Any]]:
    names = ("event", "subject", "organisation", "contract", "contract_version", "credential", "credential_kind", "facts")
    with store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
    return [{name: json.loads(row.leaf)[name] for name in names} for row in rows]


def moved(store: Store) -> int:
    with store.engine.connect() as connection:
        return epochs.current(connection).grants


def test_a_credential_is_the_organisations_for_ninety_days_and_its_secret_shows_what_it_is(store: Store, lead: Actor) -> None:
    before = moved(store)
    client, secret = create(store, lead, " First   try ")
    with store.read() as session:
        (kept,) = clients_of(session, lead.organisation_id)
    assert (secret[:9], is_well_formed_secret(secret)) == ("licet_sb_", True)
    assert kept.model_dump() == {
        "id": client.id,
        "organisation_id": lead.organisation_id,
        "name": "First try",
        "secret_sha256": secret_hash(secret),
        "created_by": lead.account_id,
        "created_at": store.clock.now(),
        "last_day": date(2027, 1, 30),
        "rotated_at": None,
        "tokens_since": None,
        "revoked_at": None,
        "last_used_at": None,
        "last_network": "",
    }
    assert (client.id[:4], moved(store)) == ("cli_", before + 1)
    assert leaves(store) == [
        {
            "event": "sandbox.created",
            "subject": client.id,
            "organisation": lead.organisation_id,
            "contract": f"sbx_{lead.organisation_id}",
            "contract_version": 1,
            "credential": client.id,
            "credential_kind": "oauth_client",
            "facts": {"sandbox": True, "last_day": "2027-01-30"},
        }
    ]


def test_the_grant_is_made_of_the_settings_and_is_no_contracts(store: Store, lead: Actor) -> None:
    client, _ = create(store, lead)
    grant = grant_of(store, lead.organisation_id)
    assert isinstance(grant, Grant)
    (part,) = grant.terms.datasets
    assert (grant.contract_id, grant.version, grant.sandbox, grant.state) == (f"sbx_{lead.organisation_id}", 1, True, "sandbox")
    assert (dict(grant.clients), grant.terms.crawl, grant.terms.price) == ({client.id: frozenset({"records:read"})}, None, None)
    assert (part.fields, part.rows, part.pseudonymised) == (tuple(dataset().fields), (), ("id", "who"))
    assert (grant.terms.requests_per_second, grant.terms.records_per_day, grant.terms.erasure_hours) == (5, 10_000, None)
    with store.read() as session:
        other = compile_grant(KeyRing(b"k" * 32), session, grant.contract_id)
    assert isinstance(other, Refusal) and other.code == "not_found"


def test_there_is_no_sandbox_of_nobody_of_a_contract_or_of_nothing(store: Store, lead: Actor) -> None:
    create(store, lead)
    with store.read() as session:
        found = [
            compile_sandbox(session, [dataset()], "sbx_org_nobody"),
            compile_sandbox(session, [dataset()], lead.organisation_id),
            compile_sandbox(session, [], f"sbx_{lead.organisation_id}"),
            compile_sandbox(session, [dataset(purposes=["astrology"])], f"sbx_{lead.organisation_id}"),
        ]
    assert [each.code if isinstance(each, Refusal) else each for each in found] == ["not_found"] * 4


@pytest.mark.parametrize("role", list(Role))
def test_leads_and_developers_make_them(sqlite_store: Store, role: Role) -> None:
    actor = person(sqlite_store, "ada@northfield.example", role)
    if role in (Role.LEAD, Role.DEVELOPER):
        assert create(sqlite_store, actor)[0].created_by == actor.account_id
    else:
        assert refused(lambda: create(sqlite_store, actor)) == "role_required"


def test_five_at_once_and_the_next_when_one_has_ended(store: Store, lead: Actor) -> None:
    made = [create(store, lead, f"Try {number}")[0].id for number in range(5)]
    assert refused(lambda: create(store, lead)) == "command_not_possible"
    revoke(store, lead, made[0])
    create(store, lead, "Sixth")
    assert refused(lambda: create(store, lead)) == "command_not_possible"
    assert create(store, lead, "Later", TODAY + timedelta(days=90))[0].name == "Later"


def test_eight_at_once_make_five(store: Store, lead: Actor) -> None:
    results = race(lambda number: create(store, lead, f"Try {number}")[1][:9])
    assert sorted(results) == ["command_not_possible"] * 3 + ["licet_sb_"] * 5


def test_a_name_is_asked_for(sqlite_store: Store) -> None:
    actor = person(sqlite_store, "ada@northfield.example", Role.LEAD)
    assert refused(lambda: create(sqlite_store, actor, "  ")) == "invalid_input"
    assert refused(lambda: create(sqlite_store, actor, "x" * 121)) == "invalid_input"


def test_a_new_secret_ends_the_old_one_and_its_tokens(store: Store, lead: Actor, clock: FixedClock) -> None:
    client, first = create(store, lead)
    clock.advance(seconds=90)
    again, second = renew(store, lead, client.id)
    assert (again.id, again.secret_sha256, first != second) == (client.id, secret_hash(second), True)
    assert (again.rotated_at, again.tokens_since) == (clock.now(), clock.now())
    assert [each["event"] for each in leaves(store)] == ["sandbox.created", "sandbox.rotated"]


def test_what_has_ended_gets_no_new_secret(store: Store, lead: Actor) -> None:
    client, _ = create(store, lead)
    assert renew(store, lead, client.id, client.last_day)[0].id == client.id
    assert refused(lambda: renew(store, lead, client.id, client.last_day + timedelta(days=1))) == "command_not_possible"
    revoke(store, lead, client.id)
    revoke(store, lead, client.id)
    assert refused(lambda: renew(store, lead, client.id)) == "command_not_possible"
    assert [each["event"] for each in leaves(store)] == ["sandbox.created", "sandbox.rotated", "sandbox.revoked"]
    grant = grant_of(store, lead.organisation_id)
    assert isinstance(grant, Grant) and dict(grant.clients) == {}


def test_others_find_nothing_and_staff_may_revoke(store: Store, lead: Actor) -> None:
    rival = person(store, "ruth@rival.example", Role.LEAD, organisation="org_rival")
    reader = person(store, "rob@northfield.example", Role.READER)
    steward = person(store, "sam@agora.example", Role.STEWARD)
    client, _ = create(store, lead)
    for each in (rival, steward):
        assert refused(partial(renew, store, each, client.id)) == "not_found"
    assert refused(lambda: renew(store, reader, client.id)) == "role_required"
    assert refused(lambda: revoke(store, rival, client.id)) == "not_found"
    assert refused(lambda: revoke(store, reader, client.id)) == "role_required"
    revoke(store, steward, client.id)
    with store.read() as session:
        assert session.get_one(SandboxClient, client.id).revoked_at is not None
