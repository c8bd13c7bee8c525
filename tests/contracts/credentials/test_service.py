"""Clients: who makes them, under what, and what is left of a secret."""

from __future__ import annotations

import json

import pytest
from sqlmodel import col, select

from contracts.credentials import service as credentials
from contracts.credentials.decide import ForPeople
from contracts.credentials.redirects import OWN_MACHINE
from contracts.credentials.tables import Client
from contracts.errors import Refused
from contracts.ids import is_well_formed_secret, secret_hash
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store import epochs
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import CRAWL, contract_in_force
from tests.contracts.people.people import person, race, refused


@pytest.fixture
def steward(store: Store) -> Actor:
    return person(store, "sam@agora.example", Role.STEWARD)


@pytest.fixture
def lead(store: Store) -> Actor:
    return person(store, "ada@northfield.example", Role.LEAD)


def _create(store: Store, actor: Actor, contract: Contract, name: str = "Loader", audience: str = "api") -> tuple[Client, str]:
    with store.write() as unit:
        return credentials.create_client(unit, actor, contract, name=name, audience=audience)  # type: ignore[arg-type]  # wrong ones are tried


def _revoke(store: Store, actor: Actor, client_id: str) -> None:
    with store.write() as unit:
        credentials.revoke_client(unit, actor, client_id)


def _grants(store: Store) -> int:
    with store.engine.connect() as connection:
        return epochs.current(connection).grants


def _leaves(store: Store) -> list[dict[str, object]]:
    names = ("event", "subject", "organisation", "contract", "contract_version", "credential", "credential_kind", "facts")
    with store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
    return [{name: json.loads(row.leaf)[name] for name in names} for row in rows]


def test_a_secret_is_shown_once_and_kept_as_its_hash(store: Store, lead: Actor, steward: Actor) -> None:
    contract = contract_in_force(store, lead, steward)
    before = _grants(store)
    client, secret = _create(store, lead, contract, " The  loader ")
    with store.read() as session:
        (kept,) = credentials.clients_of(session, contract.id)
    assert secret.startswith("licet_cs_")
    assert is_well_formed_secret(secret)
    assert secret not in str(kept.model_dump())
    assert kept.model_dump() == {
        "id": client.id,
        "contract_id": contract.id,
        "organisation_id": lead.organisation_id,
        "name": "The loader",
        "kind": "oauth_client",
        "audience": "api",
        "scopes": ["records:read"],
        "secret_sha256": secret_hash(secret),
        "auth_method": "client_secret",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "jwks": None,
        "jwks_uri": "",
        "dpop_bound": False,
        "created_by": lead.account_id,
        "created_at": store.clock.now(),
        "revoked_at": None,
        "revoked_why": "",
        "last_used_at": None,
        "last_network": "",
        "networks": [],
        "last_day": None,
        "datasets": [],
        "rotated_at": None,
        "earlier_sha256": "",
        "earlier_until": None,
        "tokens_since": None,
        "registration_sha256": "",
        "registered_by": "",
        "registered_method": "",
    }
    assert _grants(store) == before + 1
    assert _leaves(store) == [
        {
            "event": "client.created",
            "subject": client.id,
            "organisation": lead.organisation_id,
            "contract": contract.id,
            "contract_version": 1,
            "credential": client.id,
            "credential_kind": "oauth_client",
            "facts": {"audience": "api", "scopes": ["records:read"]},
        }
    ]


def test_a_client_for_the_site_needs_a_contract_that_allows_fetching_it(store: Store, lead: Actor, steward: Actor) -> None:
    without, with_crawl = contract_in_force(store, lead, steward), contract_in_force(store, lead, steward, crawl=CRAWL)
    with pytest.raises(Refused) as error:
        _create(store, lead, without, audience="site")
    assert dict(error.value.refusal.facts) == {"fields": {"audience": "This contract does not allow fetching the site."}}
    assert _create(store, lead, with_crawl, audience="site")[0].scopes == ["site:fetch"]


@pytest.mark.parametrize("role", list(Role))
def test_only_leads_and_developers_make_clients(sqlite_store: Store, role: Role) -> None:
    store = sqlite_store
    steward, lead = person(store, "sam@agora.example", Role.STEWARD), person(store, "ada@b.example", Role.LEAD)
    contract = contract_in_force(store, lead, steward)
    actor = person(store, "who@b.example", role)
    staff = actor.organisation_id == "org_platform"
    expected = "not_found" if staff or role is Role.AUDITOR else {Role.LEAD: "", Role.DEVELOPER: ""}.get(role, "role_required")
    if expected:
        assert refused(lambda: _create(store, actor, contract)) == expected
    else:
        assert _create(store, actor, contract)[0].created_by == actor.account_id


@pytest.mark.parametrize("state", ["draft", "offered", "signed", "suspended", "lift_asked", "terminated", "expired"])
def test_a_contract_that_is_not_active_makes_no_client(sqlite_store: Store, state: str) -> None:
    steward, lead = person(sqlite_store, "sam@agora.example", Role.STEWARD), person(sqlite_store, "ada@b.example", Role.LEAD)
    contract = contract_in_force(sqlite_store, lead, steward, state)
    assert refused(lambda: _create(sqlite_store, lead, contract)) == "contract_not_active"


def test_a_contract_suspended_since_the_page_was_opened_makes_no_client(store: Store, lead: Actor, steward: Actor) -> None:
    contract = contract_in_force(store, lead, steward)
    with store.write() as unit:
        unit.lock(Contract, contract.id).state = "suspended"
    assert contract.state == "active"
    assert refused(lambda: _create(store, lead, contract)) == "contract_not_active"


def test_edited_terms_make_no_client(store: Store, lead: Actor, steward: Actor) -> None:
    contract = contract_in_force(store, lead, steward)
    with store.write() as unit:
        unit.session.exec(select(ContractVersion)).one().terms_json = '{"version":2}'
    assert refused(lambda: _create(store, lead, contract)) == "contract_not_active"


@pytest.mark.parametrize(("name", "audience", "field"), [(" ", "api", "name"), ("a\x00b", "api", "name"), ("Loader", "both", "audience")])
def test_wrong_fields_are_named(sqlite_store: Store, name: str, audience: str, field: str) -> None:
    steward, lead = person(sqlite_store, "sam@agora.example", Role.STEWARD), person(sqlite_store, "ada@b.example", Role.LEAD)
    contract = contract_in_force(sqlite_store, lead, steward)
    with pytest.raises(Refused) as error:
        _create(sqlite_store, lead, contract, name, audience)
    assert (error.value.refusal.code, list(error.value.refusal.facts["fields"])) == ("invalid_input", [field])


def test_a_foreign_contract_or_client_does_not_exist(store: Store, lead: Actor, steward: Actor) -> None:
    contract = contract_in_force(store, lead, steward)
    client, _ = _create(store, lead, contract)
    stranger = person(store, "eve@quotient.example", Role.LEAD, organisation="org_other")
    assert refused(lambda: _create(store, stranger, contract)) == "not_found"
    assert refused(lambda: _revoke(store, stranger, client.id)) == "not_found"
    assert refused(lambda: _revoke(store, stranger, "cli_unknown")) == "not_found"
    with store.read() as session:
        assert refused(lambda: credentials.client_for(session, stranger, client.id)) == "not_found"
        assert credentials.client_for(session, lead, client.id).id == credentials.client_for(session, steward, client.id).id == client.id


def test_revoking_bites_once_however_many_revoke(store: Store, lead: Actor, steward: Actor) -> None:
    contract = contract_in_force(store, lead, steward)
    (client, _), (kept, _) = _create(store, lead, contract), _create(store, lead, contract, "Kept")
    before = _grants(store)
    race(lambda _: _revoke(store, lead, client.id))
    with store.read() as session:
        rows = credentials.clients_of(session, contract.id)
    assert [(row.id, row.revoked_at) for row in rows] == [(kept.id, None), (client.id, store.clock.now())]
    assert _grants(store) == before + 1
    assert [leaf["event"] for leaf in _leaves(store)] == ["client.created", "client.created", "client.revoked"]


def test_staff_may_revoke_a_leaked_client_and_a_reader_may_not(store: Store, lead: Actor, steward: Actor) -> None:
    client, _ = _create(store, lead, contract_in_force(store, lead, steward))
    reader = person(store, "rae@northfield.example", Role.READER)
    assert refused(lambda: _revoke(store, reader, client.id)) == "role_required"
    assert refused(lambda: _revoke(store, person(store, "root@agora.example", Role.ADMINISTRATOR), client.id)) == "not_found"
    _revoke(store, steward, client.id)
    with store.read() as session:
        assert session.get_one(Client, client.id).revoked_at == store.clock.now()


def test_a_contract_has_at_most_twenty_live_clients_even_when_made_at_once(store: Store, lead: Actor, steward: Actor) -> None:
    contract = contract_in_force(store, lead, steward)
    for number in range(18):
        _create(store, lead, contract, f"Loader {number}")
    results = race(lambda number: _create(store, lead, contract, f"Racer {number}")[0].audience)
    assert sorted(results) == ["api"] * 2 + ["command_not_possible"] * 6


TOOL = "https://tool.example/back"


@pytest.mark.parametrize(("secret", "method"), [(False, "none"), (True, "client_secret")])
def test_a_program_for_people_takes_codes_only(store: Store, lead: Actor, steward: Actor, secret: bool, method: str) -> None:
    contract = contract_in_force(store, lead, steward, named_users=True)
    with store.write() as unit:
        people = ForPeople((OWN_MACHINE, TOOL), secret=secret)
        _, shown = credentials.create_client(unit, lead, contract, name="Reader", audience="api", people=people)
    with store.read() as session:
        (kept,) = credentials.clients_of(session, contract.id)
    assert (kept.grant_types, kept.auth_method, kept.redirect_uris) == (
        ["authorization_code", "refresh_token"],
        method,
        [OWN_MACHINE, TOOL],
    )
    assert (kept.secret_sha256, is_well_formed_secret(shown)) == ((secret_hash(shown), True) if secret else ("", False))
    assert _leaves(store)[-1]["facts"] == {
        "audience": "api",
        "scopes": ["records:read"],
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [OWN_MACHINE, TOOL],
        "proof": method,
    }


@pytest.mark.parametrize(
    ("field", "terms", "people", "audience"),
    [
        ("redirect_uris", {}, ForPeople(()), "api"),
        ("redirect_uris", {}, ForPeople((TOOL, TOOL)), "api"),
        ("redirect_uris", {}, ForPeople(tuple(f"{TOOL}/{n}" for n in range(11))), "api"),
        ("redirect_uris", {}, ForPeople((OWN_MACHINE, "http://tool.example/back")), "api"),
        ("audience", {"crawl": CRAWL}, ForPeople((TOOL,)), "site"),
        ("who", {"named_users": True}, None, "api"),
    ],
)
def test_a_program_that_cannot_be_is_told_which_field_is_wrong(
    sqlite_store: Store, field: str, terms: dict[str, object], people: ForPeople | None, audience: str
) -> None:
    store = sqlite_store
    ada, sam = person(store, "ada@northfield.example", Role.LEAD), person(store, "sam@agora.example", Role.STEWARD)
    contract = contract_in_force(store, ada, sam, **terms)
    with pytest.raises(Refused) as error, store.write() as unit:
        credentials.create_client(unit, ada, contract, name="Reader", audience=audience, people=people)  # type: ignore[arg-type]  # a str by name
    assert (error.value.refusal.code, list(error.value.refusal.facts["fields"])) == ("invalid_input", [field])
