"""Invitations and the first administrator, on both stores."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.people import service as people
from contracts.people.roles import STAFF, Role
from contracts.people.service import InvitationRow, StaffRow
from contracts.people.tables import Account, Membership
from contracts.settings import Mail, Settings
from contracts.store.unit import Store
from tests.contracts.people.people import BASE, accept, entries, invite, link_in, mails, person, race, refused

SETTINGS = Settings(profile="test", base_url=BASE)


def _first(store: Store, settings: Settings = SETTINGS, email: str = "") -> str:
    with store.write() as unit:
        return people.first_administrator_link(unit, settings, email).rpartition("/")[2]


def test_an_invited_colleague_gets_the_role_and_who_gave_it(store: Store, clock: FixedClock) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    token = invite(store, root, " Sam@Agora.example", Role.STEWARD)
    account = accept(store, token, " Sam  Reed ", "sam's")
    with store.read() as session:
        assert people.staff(session) == [
            StaffRow(root.account_id, "Root", "root@agora.example", (Role.ADMINISTRATOR,), clock.now(), None),
            StaffRow(account.id, "Sam Reed", "sam@agora.example", (Role.STEWARD,), clock.now(), None),
        ]
        member = session.exec(select(Membership).where(Membership.account_id == account.id)).one()
        assert people.invitations_of(session, "org_platform", clock.now()) == [
            InvitationRow("sam@agora.example", Role.STEWARD, "accepted", "Root", clock.now(), clock.now() + timedelta(days=7))
        ]
    assert (member.given_by, account.confirmed_at, account.password_hash) == (root.account_id, clock.now(), "sam's")
    assert [event for event, _ in entries(store)] == ["person.invited", "role.given"]
    assert link_in(mails(store)[0], "join") == token


def test_one_invitation_used_by_eight_at_once_works_once(store: Store) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    token = invite(store, root, "sam@agora.example", Role.STEWARD)
    results = race(lambda number: accept(store, token, f"Sam {number}").email)
    assert sorted(results) == ["link_unusable"] * 7 + ["sam@agora.example"]
    with store.read() as session:
        assert len(session.exec(select(Membership).where(Membership.role == "steward")).all()) == 1


def test_invitations_to_different_roles_taken_at_once_make_one_account(store: Store) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    roles = [Role.STEWARD, Role.COMPLIANCE, Role.OPERATOR]
    tokens = [invite(store, root, "sam@agora.example", role) for role in roles]
    race(lambda number: accept(store, tokens[number]).email, racers=3)
    with store.read() as session:
        assert [row.roles for row in people.staff(session)] == [(Role.STEWARD, Role.COMPLIANCE, Role.OPERATOR), (Role.ADMINISTRATOR,)]


@pytest.mark.parametrize(
    ("inviter", "role", "expected"),
    [(Role.ADMINISTRATOR, role, "" if role in STAFF else "role_required") for role in Role]
    + [(Role.LEAD, role, "role_required" if role in STAFF or role is Role.AUDITOR else "") for role in Role]
    + [
        (other, role, "role_required")
        for other in Role
        if other not in (Role.ADMINISTRATOR, Role.LEAD)
        for role in (Role.LEAD, Role.STEWARD)
    ],
)
def test_only_administrators_invite_staff_and_leads_members(sqlite_store: Store, inviter: Role, role: Role, expected: str) -> None:
    actor = person(sqlite_store, "inviter@b.example", inviter)
    if expected:
        assert refused(lambda: invite(sqlite_store, actor, "x@b.example", role)) == expected
        assert (mails(sqlite_store), entries(sqlite_store)) == ([], [])
    else:
        invite(sqlite_store, actor, "x@b.example", role)
        assert [event for event, _ in entries(sqlite_store)] == ["person.invited"]


def test_nobody_gives_a_role_to_themselves(store: Store) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    assert refused(lambda: invite(store, root, "ROOT@agora.example", Role.STEWARD)) == "second_person_required"


def test_an_invitation_to_no_address_or_to_a_role_held_says_what_is_wrong(store: Store) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    person(store, "sam@agora.example", Role.STEWARD)
    with pytest.raises(Refused) as nowhere:
        invite(store, root, "sam", Role.STEWARD)
    with pytest.raises(Refused) as held:
        invite(store, root, "sam@agora.example", Role.STEWARD)
    assert dict(nowhere.value.refusal.facts) == {"fields": {"email": "Write a mail address like name@example.org."}}
    assert dict(held.value.refusal.facts) == {"fields": {"email": "This person has the role already."}}


def test_a_newer_invitation_to_the_same_role_ends_the_older(store: Store, clock: FixedClock) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    older = invite(store, root, "sam@agora.example", Role.STEWARD)
    other = invite(store, root, "sam@agora.example", Role.OPERATOR)
    clock.advance(minutes=1)
    newer = invite(store, root, "sam@agora.example", Role.STEWARD)
    with store.read() as session:
        states = {(row.role, row.state) for row in people.invitations_of(session, "org_platform", clock.now())}
    assert states == {(Role.STEWARD, "waiting"), (Role.STEWARD, "ended"), (Role.OPERATOR, "waiting")}
    assert refused(lambda: accept(store, older)) == "link_unusable"
    assert accept(store, newer).id == accept(store, other).id


def test_an_invitation_lasts_a_week(store: Store, clock: FixedClock) -> None:
    token = invite(store, person(store, "root@agora.example", Role.ADMINISTRATOR), "sam@agora.example", Role.STEWARD)
    clock.advance(days=6, hours=23)
    with store.read() as session:
        assert people.invitation(session, token, clock.now()).email == "sam@agora.example"
    clock.advance(hours=1)
    with store.read() as session:
        assert refused(lambda: people.invitation(session, token, clock.now())) == "link_unusable"
    assert refused(lambda: accept(store, token)) == "link_unusable"


def test_an_invitation_cannot_take_a_confirmed_account_over(store: Store) -> None:
    lead = person(store, "lead@b.example", Role.LEAD)
    token = invite(store, lead, "dev@b.example", Role.DEVELOPER)
    dev = person(store, "dev@b.example", Role.READER)
    accept(store, token, "Mallory", "mallory's")
    with store.read() as session:
        account = session.get_one(Account, dev.account_id)
        roles = {row.email: row.roles for row in people.members(session, "org_partner")}
    assert (account.name, account.password_hash) == ("Dev", "x")
    assert roles == {"dev@b.example": (Role.DEVELOPER, Role.READER), "lead@b.example": (Role.LEAD,)}


def test_a_person_of_another_organisation_cannot_join_and_the_link_stays(store: Store) -> None:
    lead = person(store, "lead@b.example", Role.LEAD)
    person(store, "sam@agora.example", Role.STEWARD)
    token = invite(store, lead, "sam@agora.example", Role.READER)
    with pytest.raises(Refused) as error:
        accept(store, token)
    assert (
        error.value.refusal.reason == "This address already works for another organisation here. Ask for an invitation to another address."
    )
    with store.read() as session:
        assert people.invitation(session, token, store.clock.now()).used_at is None


def test_an_invitation_by_someone_who_may_no_longer_invite_is_void(store: Store) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    token = invite(store, root, "sam@agora.example", Role.STEWARD)
    with store.write() as unit:
        unit.lock(Account, root.account_id).disabled_at = unit.now
    assert refused(lambda: accept(store, token)) == "link_unusable"


def test_someone_new_needs_a_name(store: Store) -> None:
    token = invite(store, person(store, "root@agora.example", Role.ADMINISTRATOR), "sam@agora.example", Role.STEWARD)
    assert refused(lambda: accept(store, token, "  ")) == "invalid_input"
    assert accept(store, token, "Sam").name == "Sam"


def test_a_confirm_link_is_no_invitation(store: Store) -> None:
    token = invite(store, person(store, "root@agora.example", Role.ADMINISTRATOR), "sam@agora.example", Role.STEWARD)

    def confirm() -> None:
        with store.write() as unit:
            people.confirm(unit, token)

    assert refused(confirm) == "link_unusable"


def test_the_first_administrator_comes_by_a_link(store: Store) -> None:
    account = accept(store, _first(store), "Root")
    with store.read() as session:
        platform = people.platform_organisation(session)
        assert platform is not None
        assert (platform.name, platform.side) == ("Agora Networks Ltd", "platform")
        assert [(row.account_id, row.roles) for row in people.staff(session)] == [(account.id, (Role.ADMINISTRATOR,))]
    assert account.email == "data-access@agora.example"
    assert mails(store) == []
    assert refused(lambda: _first(store)) == "command_not_possible"


def test_a_first_administrator_with_an_address_of_their_own_is_told_by_mail_where_mail_leaves(store: Store) -> None:
    token = _first(store, Settings(profile="test", base_url=BASE, mail=Mail(transport="mailbox")), "Root@Agora.example")
    (mail,) = mails(store)
    assert (mail["to"], link_in(mail, "join")) == ("root@agora.example", token)
    assert accept(store, token, "Root").email == "root@agora.example"


def test_there_is_one_first_administrator_whatever_links_there_are(store: Store) -> None:
    older, newer = _first(store, email="one@agora.example"), _first(store, email="two@agora.example")
    assert refused(lambda: accept(store, older)) == "link_unusable"
    results = race(lambda number: accept(store, newer, f"Root {number}").email)
    assert sorted(results) == ["link_unusable"] * 7 + ["two@agora.example"]
