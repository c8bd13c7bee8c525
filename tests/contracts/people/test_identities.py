"""Whose account an identity opens: by issuer and subject; by an address only where the setting trusts its very domain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from contracts.people import identities
from contracts.people.actor import Actor
from contracts.people.openid import Person
from contracts.people.roles import Role
from contracts.people.tables import Account, Identity, Organisation
from contracts.sections import SignIn
from contracts.store.unit import Store
from tests.contracts.people.people import entries, person, race, refused, sign_up

ISSUER = "https://login.northfield.example"
SETTING = SignIn(name="Northfield", issuer=ISSUER, client_id="licet", domains=["northfield.example"])
ADA = Person(ISSUER, "person-7", "ada@northfield.example", "Ada Okafor")


@pytest.fixture
def ada(store: Store) -> Actor:
    return person(store, "ada@northfield.example", Role.LEAD)


def _sign_in(store: Store, who: Person, setting: SignIn = SETTING) -> str:
    with store.write() as unit:
        return identities.account_for(unit, who, setting, "203.0.113.0/24").id


def _code(store: Store, who: Person, setting: SignIn = SETTING) -> str:
    return refused(lambda: _sign_in(store, who, setting))


def _identities(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as session:
        return sorted((each.issuer, each.subject, each.account_id) for each in session.exec(select(Identity)).all())


def test_a_verified_address_of_a_trusted_domain_links_once_and_the_subject_counts_from_then_on(store: Store, ada: Actor) -> None:
    assert _sign_in(store, ADA) == ada.account_id
    assert _identities(store) == [(ISSUER, "person-7", ada.account_id)]
    assert entries(store)[-1] == ("account.linked", ada.account_id)
    # The institution gave the person another address: the subject is who they are.
    assert _sign_in(store, replace(ADA, email="")) == ada.account_id
    assert _sign_in(store, replace(ADA, email="new@northfield.example")) == ada.account_id


@pytest.mark.parametrize("email", ["", "ada@elsewhere.example", "ada@sub.northfield.example", "ada@notnorthfield.example"])
def test_no_other_address_opens_anything(store: Store, email: str) -> None:
    if email:
        person(store, email, Role.READER)
    assert (_code(store, replace(ADA, email=email)), _identities(store)) == ("institution_failed", [])


def test_another_provider_that_asserts_the_address_is_not_trusted_with_it(store: Store, ada: Actor) -> None:
    other = SETTING.model_copy(update={"issuer": "https://login.evil.example", "domains": ["evil.example"]})
    assert _code(store, replace(ADA, issuer=other.issuer), other) == "institution_failed"


def test_the_same_subject_at_another_issuer_is_another_person(store: Store, ada: Actor) -> None:
    _sign_in(store, ADA)
    other = SETTING.model_copy(update={"issuer": "https://login.evil.example", "domains": ["evil.example"]})
    assert _code(store, Person(other.issuer, "person-7", "eve@evil.example"), other) == "institution_failed"


def test_an_address_that_is_given_to_a_second_person_opens_nothing_of_the_first(store: Store, ada: Actor) -> None:
    _sign_in(store, ADA)
    assert _code(store, replace(ADA, subject="person-8")) == "institution_failed"
    assert _identities(store) == [(ISSUER, "person-7", ada.account_id)]


def test_an_account_that_somebody_prepared_without_confirming_is_not_opened(store: Store) -> None:
    sign_up(store)
    assert (_code(store, ADA), _identities(store)) == ("institution_failed", [])


def test_a_disabled_account_stays_closed(store: Store, ada: Actor) -> None:
    _sign_in(store, ADA)
    with store.write() as unit:
        unit.lock(Account, ada.account_id).disabled_at = unit.now
    assert _code(store, ADA) == "institution_failed"


def test_someone_new_joins_only_the_partner_that_the_setting_names_as_a_reader(store: Store) -> None:
    assert _code(store, ADA) == "institution_failed"
    with store.write() as unit:
        unit.session.add(Organisation(id="org_n", name="Northfield", side="partner", created_at=unit.now))
        unit.session.add(Organisation(id="org_p", name="Agora", side="platform", created_at=unit.now))
    assert _code(store, ADA, SETTING.model_copy(update={"organisation": "org_p"})) == "institution_failed"
    joining = SETTING.model_copy(update={"organisation": "org_n"})
    results = race(lambda _number: _sign_in(store, ADA, joining), 4)
    made = {each for each in results if each != "institution_failed"}
    assert (len(made), len(_identities(store))) == (1, 1)
    with store.read() as session:
        account = session.get_one(Account, made.pop())
    assert (account.email, account.name, account.password_hash) == ("ada@northfield.example", "Ada Okafor", "")


def test_a_signed_in_person_links_what_is_nobodys_yet(store: Store, ada: Actor) -> None:
    bea = person(store, "bea@lab.example", Role.READER)
    carla = Person(ISSUER, "person-9", "carla@elsewhere.example")

    def link(actor: Actor, who: Person) -> None:
        with store.write() as unit:
            identities.link(unit, actor, who)

    link(bea, carla)
    link(bea, carla)
    assert _sign_in(store, carla) == bea.account_id
    assert refused(lambda: link(ada, carla)) == "institution_failed"
    assert refused(lambda: link(bea, ADA)) == "institution_failed"
    assert len(_identities(store)) == 1


@pytest.mark.parametrize(("how", "counts"), [({"mfa"}, True), ({"pwd"}, False), (set(), False), ({"MFA"}, False)])
def test_a_second_factor_there_counts_only_where_the_setting_says_so(how: set[str], counts: bool) -> None:
    trusting = SETTING.model_copy(update={"second_factor": ["mfa", "gold"]})
    assert identities.counts_as_second_factor(replace(ADA, how=frozenset(how)), trusting) is counts
    assert not identities.counts_as_second_factor(replace(ADA, how=frozenset(how)), SETTING)
