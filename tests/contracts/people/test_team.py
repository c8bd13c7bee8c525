"""Changing an organisation's people in the store: what ends with them, what stays, and two leads who remove each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from contracts.credentials.tables import TokenFamily
from contracts.ids import new_id
from contracts.people import service as people
from contracts.people import team
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.contracts.people.people import entries, mails, person, race, refused
from tests.contracts.people.tokens import family


def _actor(store: Store, email: str, *roles: Role) -> Actor:
    return replace(person(store, email, *roles), reauthenticated_at=store.clock.now(), second_factor_at=store.clock.now())


@pytest.fixture
def ada(store: Store) -> Actor:
    return _actor(store, "ada@lab.example", Role.LEAD, Role.SIGNATORY)


@pytest.fixture
def cid(store: Store, ada: Actor) -> Actor:
    return _actor(store, "cid@lab.example", Role.READER)


def _roles(store: Store, actor: Actor) -> set[Role]:
    with store.read() as session:
        return set(team.team_of(session, actor.organisation_id).roles.get(actor.account_id, ()))


def _session(store: Store, actor: Actor) -> str:
    with store.write() as unit:
        return people.open_session(unit, actor.account_id, "")


def _is_open(store: Store, token: str) -> bool:
    with store.read() as session:
        return people.actor_of(session, token, store.clock.now(), "") is not None


def _live_families(store: Store) -> list[str]:
    with store.read() as session:
        return [each.account_id for each in session.exec(select(TokenFamily)).all() if each.revoked_at is None]


def test_a_lead_gives_and_takes_roles_each_an_entry(store: Store, ada: Actor, cid: Actor) -> None:
    with store.write() as unit:
        team.set_roles(unit, ada, cid.account_id, frozenset({Role.DEVELOPER, Role.BILLING}))
    assert _roles(store, cid) == {Role.DEVELOPER, Role.BILLING}
    assert entries(store) == [("role.given", cid.account_id)] * 2 + [("role.taken", cid.account_id)]
    assert [(mail["to"], "developer, billing" in mail["body"]) for mail in mails(store)] == [("cid@lab.example", True)]
    with store.write() as unit:
        team.set_roles(unit, ada, cid.account_id, frozenset({Role.DEVELOPER, Role.BILLING}))
    assert (len(entries(store)), len(mails(store))) == (3, 1)


def test_whoever_may_let_no_program_in_any_more_loses_those_let_in(store: Store, ada: Actor, cid: Actor) -> None:
    family(store, cid)
    with store.write() as unit:
        team.set_roles(unit, ada, cid.account_id, frozenset({Role.READER, Role.BILLING}))
    assert _live_families(store) == [cid.account_id]
    with store.write() as unit:
        team.set_roles(unit, ada, cid.account_id, frozenset({Role.BILLING}))
    assert _live_families(store) == []


def test_a_removed_person_is_out_at_once_and_everyone_else_stays(store: Store, ada: Actor, cid: Actor) -> None:
    dora = _actor(store, "dora@lab.example", Role.READER)
    for each in (cid, dora):
        family(store, each)
    theirs, others = _session(store, cid), _session(store, dora)
    with store.write() as unit:
        team.remove(unit, ada, cid.account_id)
    assert (_roles(store, cid), _is_open(store, theirs), _is_open(store, others)) == (set(), False, True)
    assert _live_families(store) == [dora.account_id]
    assert sorted(mail["to"] for mail in mails(store)) == ["ada@lab.example", "cid@lab.example"]
    assert entries(store)[-1] == ("person.removed", cid.account_id)


def test_a_person_leaves_alone_but_the_last_lead_does_not(store: Store, ada: Actor, cid: Actor) -> None:
    token = _session(store, cid)
    with store.write() as unit:
        team.leave(unit, cid)
    assert (_roles(store, cid), _is_open(store, token)) == (set(), False)
    assert [mail["to"] for mail in mails(store)] == ["ada@lab.example"]

    def last() -> None:
        with store.write() as unit:
            team.leave(unit, ada)

    assert (refused(last), _roles(store, ada)) == ("last_lead", {Role.LEAD, Role.SIGNATORY})


def test_two_leads_who_remove_each_other_leave_one(store: Store, ada: Actor) -> None:
    bea = _actor(store, "bea@lab.example", Role.LEAD)
    pair = [(ada, bea), (bea, ada)]

    def remove(number: int) -> str:
        by, other = pair[number % 2]
        with store.write() as unit:
            team.remove(unit, by, other.account_id)
        return "removed"

    results = race(remove, 4)
    assert sorted(results).count("removed") == 1
    with store.read() as session:
        assert len(team.team_of(session, ada.organisation_id).leads) == 1


def test_people_of_another_organisation_are_nobody_here(store: Store, ada: Actor) -> None:
    eve = person(store, "eve@rival.example", Role.READER, organisation="org_rival")
    for account_id in (eve.account_id, new_id("acc")):

        def remove(who: str = account_id) -> None:
            with store.write() as unit:
                team.remove(unit, ada, who)

        assert refused(remove) == "not_found"
    assert _roles(store, eve) == {Role.READER}
