"""Sessions: twelve hours, one browser, nothing in clear."""

from __future__ import annotations

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.ids import secret_hash
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Account, Membership, Organisation, SignInSession
from contracts.store.unit import Store
from tests.contracts.people.people import entries, person, refused, sign_up

NETWORK = "203.0.113.0/24"


def _open(store: Store, account_id: str) -> str:
    with store.write() as unit:
        return people.open_session(unit, account_id, NETWORK)


def _actor(store: Store, token: str) -> Actor | None:
    with store.read() as session:
        return people.actor_of(session, token, store.clock.now(), NETWORK)


def test_a_session_tells_who_acts(store: Store) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    sam = person(store, "sam@agora.example", Role.STEWARD, Role.COMPLIANCE, given_by=root.account_id)
    token = _open(store, sam.account_id)
    assert _actor(store, token) == Actor(
        sam.account_id,
        "org_platform",
        "Sam",
        "sam@agora.example",
        frozenset({Role.STEWARD, Role.COMPLIANCE}),
        frozenset({root.account_id}),
        store.clock.now(),
        NETWORK,
    )
    with store.read() as session:
        (row,) = session.exec(select(SignInSession)).all()
    assert row.id == secret_hash(token)
    assert entries(store) == [("account.signed_in", sam.account_id)]


def test_a_session_ends_after_twelve_hours_to_the_second(store: Store, clock: FixedClock) -> None:
    token = _open(store, person(store, "a@b.example", Role.LEAD).account_id)
    clock.advance(hours=11, minutes=59, seconds=59)
    assert _actor(store, token) is not None
    clock.advance(seconds=1)
    assert _actor(store, token) is None

    def again() -> None:
        with store.write() as unit:
            people.reauthenticate(unit, token)

    assert refused(again) == "sign_in_required"


def test_signing_out_ends_the_session_once(store: Store) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    token, other = _open(store, lead.account_id), _open(store, lead.account_id)
    for _ in range(2):
        with store.write() as unit:
            people.close_session(unit, token)
    assert _actor(store, token) is None
    assert _actor(store, other) is not None
    assert [event for event, _ in entries(store)] == ["account.signed_in", "account.signed_in", "account.signed_out"]
    with store.write() as unit:
        people.close_sessions_of(unit, lead.account_id)
    assert _actor(store, other) is None


def test_giving_the_password_again_is_noted_with_its_time(store: Store, clock: FixedClock) -> None:
    token = _open(store, person(store, "a@b.example", Role.SIGNATORY).account_id)
    clock.advance(minutes=30)
    with store.write() as unit:
        fresh = people.reauthenticate(unit, token)
    actor = _actor(store, fresh)
    assert actor is not None
    assert actor.reauthenticated_at == clock.now()
    assert [event for event, _ in entries(store)] == ["account.signed_in", "account.reauthenticated"]


@pytest.mark.parametrize("token", ["", "x", "licet_ss_nothing"])
def test_an_unknown_cookie_is_nobody(store: Store, token: str) -> None:
    assert _actor(store, token) is None


def test_an_unconfirmed_or_disabled_person_cannot_sign_in(store: Store) -> None:
    sign_up(store)
    with store.read() as session:
        pending = people.find_account(session, "ADA@northfield.example")
    assert pending is not None
    assert refused(lambda: _open(store, pending.id)) == "sign_in_failed"
    assert refused(lambda: _open(store, "acc_nobody")) == "sign_in_failed"


def test_disabling_a_person_bites_at_the_next_page(store: Store) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    token = _open(store, lead.account_id)
    with store.write() as unit:
        unit.lock(Account, lead.account_id).disabled_at = unit.now
    assert _actor(store, token) is None
    assert refused(lambda: _open(store, lead.account_id)) == "sign_in_failed"


def test_someone_whose_roles_have_ended_is_nobody(store: Store) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    token = _open(store, lead.account_id)
    with store.write() as unit:
        for membership in unit.session.exec(select(Membership)).all():
            membership.ended_at = unit.now
    assert _actor(store, token) is None


def test_the_platform_comes_first_and_a_role_of_the_wrong_side_counts_for_nothing(store: Store, clock: FixedClock) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    person(store, "root@agora.example", Role.ADMINISTRATOR)
    token = _open(store, lead.account_id)
    clock.advance(hours=1)
    with store.write() as unit:
        wrong = Membership(
            id="mem_1", account_id=lead.account_id, organisation_id=lead.organisation_id, role="steward", created_at=unit.now
        )
        unit.session.add(wrong)
    partner = _actor(store, token)
    assert partner is not None
    assert (partner.organisation_id, partner.roles) == ("org_partner", frozenset({Role.LEAD}))
    with store.write() as unit:
        right = Membership(id="mem_2", account_id=lead.account_id, organisation_id="org_platform", role="operator", created_at=unit.now)
        unit.session.add(right)
    staff = _actor(store, token)
    assert staff is not None
    assert (staff.organisation_id, staff.roles) == ("org_platform", frozenset({Role.OPERATOR}))


def test_being_here_is_noted_every_five_minutes(store: Store, clock: FixedClock) -> None:
    lead = person(store, "a@b.example", Role.LEAD)
    token, seen = _open(store, lead.account_id), []
    for minutes in (0, 4, 1):
        clock.advance(minutes=minutes)
        with store.write() as unit:
            people.touch(unit, token)
        with store.read() as session:
            seen.append(session.get_one(Account, lead.account_id).last_seen_at)
    first = clock.now().replace(minute=0)
    assert seen == [first, first, clock.now()]


def test_the_platform_is_the_oldest_organisation_of_its_side(store: Store) -> None:
    with store.read() as session:
        assert (people.platform_organisation(session), people.staff(session)) == (None, [])
    person(store, "a@b.example", Role.LEAD)
    person(store, "root@agora.example", Role.ADMINISTRATOR)
    with store.read() as session:
        found = people.platform_organisation(session)
        assert found == session.get(Organisation, "org_platform")
