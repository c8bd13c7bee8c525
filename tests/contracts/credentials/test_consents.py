"""Consents as the store keeps them: who decides, codes and refresh tokens that are good once, and families that end together."""

from __future__ import annotations

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.credentials import authorizations, families
from contracts.credentials.authorizations import Asked
from contracts.credentials.issued import denied_of
from contracts.credentials.tables import Authorization, Client, RefreshToken, TokenFamily
from contracts.ids import is_well_formed_secret, new_id, secret_hash
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import contract_in_force
from tests.contracts.people.people import entries, person, race, refused


class Scene:
    """A contract with a program of people's own, and the person who decides."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lead = person(store, "ada@northfield.example", Role.LEAD)
        self.contract: Contract = contract_in_force(store, self.lead, person(store, "sam@agora.example", Role.STEWARD))
        with store.write() as unit:
            self.client = Client(
                id=new_id("cli"),
                contract_id=self.contract.id,
                organisation_id=self.lead.organisation_id,
                name="Reader",
                audience="api",
                scopes=["records:read"],
                secret_sha256="",
                auth_method="none",
                grant_types=["authorization_code", "refresh_token"],
                redirect_uris=["http://127.0.0.1/back"],
                created_by=self.lead.account_id,
                created_at=unit.now,
            )
            unit.session.add(self.client)

    def ask(self) -> str:
        asked = Asked(self.client.id, self.contract.id, self.lead.organisation_id, "http://127.0.0.1/back", "s", "records:read", "c" * 43)
        with self.store.write() as unit:
            return authorizations.begin(unit, asked).id

    def allow(self, authorization: str, actor: Actor | None = None) -> str:
        with self.store.write() as unit:
            return authorizations.allow(unit, actor or self.lead, authorization)[1]

    def exchange(self, code: str, client: str = "") -> str:
        """The refresh token for a code; empty where it is refused."""
        with self.store.write() as unit:
            row = authorizations.find_code(unit, code, client or self.client.id)
            family = None if row is None else authorizations.redeem(unit, row)
            return "" if family is None else families.new_refresh_token(unit, family)

    def refresh(self, token: str, client: str = "") -> str:
        """The next refresh token; empty where it is refused."""
        with self.store.write() as unit:
            family = families.find_refresh(unit, token, client or self.client.id)
            if family is None or not families.spend_refresh(unit, token, family):
                return ""
            return families.new_refresh_token(unit, family)

    def revoked(self) -> list[bool]:
        with self.store.read() as session:
            return [row.revoked_at is not None for row in session.exec(select(TokenFamily)).all()]


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


def test_a_person_allows_and_the_code_is_kept_as_its_hash(scene: Scene) -> None:
    asked = scene.ask()
    code = scene.allow(asked)
    assert is_well_formed_secret(code) and code.startswith("licet_ac_")
    with scene.store.read() as session:
        row = session.get_one(Authorization, asked)
    assert (row.decision, row.account_id, row.code_sha256) == ("allow", scene.lead.account_id, secret_hash(code))
    assert entries(scene.store)[-2:] == [("authorization.asked", asked), ("authorization.allowed", asked)]


def test_only_people_of_the_organisation_with_a_say_decide_and_once(scene: Scene) -> None:
    asked = scene.ask()
    foreign = person(scene.store, "eve@south.example", Role.LEAD, organisation="org_south")
    billing = person(scene.store, "bil@northfield.example", Role.BILLING, organisation=scene.lead.organisation_id)
    assert refused(lambda: scene.allow(asked, foreign)) == "not_found"
    assert refused(lambda: scene.allow("aut_x")) == "not_found"
    assert refused(lambda: scene.allow(asked, billing)) == "role_required"
    with scene.store.write() as unit:
        assert authorizations.deny(unit, scene.lead, asked).decision == "deny"
    assert refused(lambda: scene.allow(asked)) == "link_unusable"
    assert entries(scene.store)[-1] == ("authorization.denied", asked)


def test_a_request_waits_ten_minutes_and_a_code_one(scene: Scene, clock: FixedClock) -> None:
    asked, kept = scene.ask(), scene.ask()
    code = scene.allow(kept)
    clock.advance(seconds=60)
    assert scene.exchange(code) == ""
    clock.advance(minutes=9)
    assert refused(lambda: scene.allow(asked)) == "link_unusable"
    assert authorizations.sweep_authorizations(scene.store) == 2


def test_a_code_that_comes_back_ends_all_that_came_of_it(scene: Scene) -> None:
    code = scene.allow(scene.ask())
    assert scene.exchange(code, "cli_" + "0" * 26) == ""
    token = scene.exchange(code)
    assert token.startswith("licet_rt_") and scene.revoked() == [False]
    assert scene.exchange(code) == ""
    assert scene.revoked() == [True]
    assert scene.refresh(token) == ""
    with scene.store.read() as session:
        family = session.exec(select(TokenFamily)).one()
        assert denied_of(session, scene.contract.id) == {family.id}
    assert entries(scene.store)[-1] == ("token.family_revoked", family.id)


def test_refresh_tokens_rotate_and_one_that_comes_back_ends_the_family(scene: Scene) -> None:
    first = scene.exchange(scene.allow(scene.ask()))
    second = scene.refresh(first)
    assert scene.refresh(second, "cli_" + "0" * 26) == "" and scene.refresh("licet_rt_unknown") == ""
    third = scene.refresh(second)
    assert len({first, second, third, ""}) == 4 and scene.revoked() == [False]
    assert scene.refresh(first) == ""
    assert scene.revoked() == [True] and scene.refresh(third) == ""
    with scene.store.read() as session:
        assert {row.id for row in session.exec(select(RefreshToken)).all()} == {secret_hash(each) for each in (first, second, third)}


def test_a_family_ends_after_thirty_days_however_often_it_was_refreshed(scene: Scene, clock: FixedClock) -> None:
    token = scene.exchange(scene.allow(scene.ask()))
    clock.advance(days=29)
    token = scene.refresh(token)
    assert token
    clock.advance(days=1)
    assert scene.refresh(token) == ""
    assert families.sweep_families(scene.store) == 0
    clock.advance(days=7)
    assert families.sweep_families(scene.store) == 1


def test_a_person_who_leaves_takes_their_tokens_along(scene: Scene) -> None:
    token = scene.exchange(scene.allow(scene.ask()))
    with scene.store.write() as unit:
        assert families.revoke_families_of(unit, scene.lead.account_id, scene.lead.organisation_id) == 1
        assert families.revoke_families_of(unit, scene.lead.account_id, scene.lead.organisation_id) == 0
    assert scene.refresh(token) == ""
    with scene.store.read() as session:
        assert families.families_of(session, scene.contract.id) == []


def test_of_a_hundred_exchanges_of_one_code_exactly_one_wins(scene: Scene) -> None:
    code = scene.allow(scene.ask())
    results = race(lambda _: scene.exchange(code), 100)
    assert (len(results), len([each for each in results if each]), scene.revoked()) == (100, 1, [True])


def test_of_a_hundred_refreshes_of_one_token_exactly_one_wins(scene: Scene) -> None:
    token = scene.exchange(scene.allow(scene.ask()))
    results = race(lambda _: scene.refresh(token), 100)
    assert (len(results), len([each for each in results if each]), scene.revoked()) == (100, 1, [True])


def test_two_people_deciding_at_once_give_one_answer(scene: Scene) -> None:
    asked = scene.ask()
    results = race(lambda _: scene.allow(asked), 8)
    assert sorted(str(each)[:9] for each in results) == ["licet_ac_"] + ["link_unus"] * 7


def test_what_nobody_redeems_is_forgotten(scene: Scene, clock: FixedClock) -> None:
    scene.ask()
    redeemed = scene.allow(scene.ask())
    scene.exchange(redeemed)
    clock.advance(minutes=10)
    assert authorizations.sweep_authorizations(scene.store) == 1
    clock.advance(days=1)
    assert authorizations.sweep_authorizations(scene.store) == 1
