"""Changing and resetting a password: other sessions end, links work once, and nobody learns who has an account."""

from __future__ import annotations

import pytest

from contracts.clock import FixedClock
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.store.unit import Store
from tests.contracts.people.people import BASE, entries, link_in, mails, person, race, refused, sign_up

NETWORK = "203.0.113.0/24"


@pytest.fixture
def lead(store: Store) -> Actor:
    return person(store, "ada@northfield.example", Role.LEAD)


def _open(store: Store, actor: Actor) -> str:
    with store.write() as unit:
        return people.open_session(unit, actor.account_id, NETWORK)


def _is_open(store: Store, token: str) -> bool:
    with store.read() as session:
        return people.actor_of(session, token, store.clock.now(), NETWORK) is not None


def _hash(store: Store, actor: Actor) -> str:
    with store.read() as session:
        return session.get_one(Account, actor.account_id).password_hash


def _ask(store: Store, email: str) -> None:
    with store.write() as unit:
        people.ask_reset(unit, email, network=NETWORK, base_url=BASE)


def _reset(store: Store, token: str, password_hash: str = "new") -> None:
    with store.write() as unit:
        people.reset_password(unit, token, password_hash, network=NETWORK, base_url=BASE)


def test_a_changed_password_renews_this_session_and_ends_the_others(store: Store, lead: Actor) -> None:
    here, there = _open(store, lead), _open(store, lead)
    with store.write() as unit:
        fresh = people.change_password(unit, lead, here, "new", BASE)
    assert (_hash(store, lead), [_is_open(store, each) for each in (fresh, here, there)]) == ("new", [True, False, False])
    assert [mail["subject"] for mail in mails(store)] == ["Your password at data.agora.example was changed"]
    assert entries(store)[-1] == ("account.password_changed", lead.account_id)


def test_a_session_that_has_ended_changes_no_password(store: Store, lead: Actor) -> None:
    token = _open(store, lead)
    with store.write() as unit:
        people.close_session(unit, token)

    def change() -> None:
        with store.write() as unit:
            people.change_password(unit, lead, token, "new", BASE)

    assert (refused(change), _hash(store, lead)) == ("sign_in_required", "x")


def test_a_link_sets_a_new_password_once_and_ends_every_session(store: Store, lead: Actor) -> None:
    session = _open(store, lead)
    _ask(store, " Ada@Northfield.example")
    token = link_in(mails(store)[0], "reset")
    results = race(lambda number: _reset(store, token, f"new-{number}"))
    assert sorted(map(str, results)) == ["None", *["link_unusable"] * 7]
    assert (_hash(store, lead).startswith("new-"), _is_open(store, session)) == (True, False)
    assert [mail["subject"] for mail in mails(store)] == [
        "data.agora.example: choose a new password within an hour",
        "Your password at data.agora.example was changed",
    ]


def test_a_link_ends_after_an_hour_and_with_a_newer_one(store: Store, lead: Actor, clock: FixedClock) -> None:
    _ask(store, lead.email)
    clock.advance(minutes=59)
    _ask(store, lead.email)
    older, newer = (link_in(mail, "reset") for mail in mails(store))
    assert refused(lambda: _reset(store, older)) == "link_unusable"
    clock.advance(minutes=60)
    assert refused(lambda: _reset(store, newer)) == "link_unusable"
    assert _hash(store, lead) == "x"


def test_a_link_that_was_sent_before_a_change_ends_with_it(store: Store, lead: Actor) -> None:
    _ask(store, lead.email)
    with store.write() as unit:
        people.change_password(unit, lead, people.open_session(unit, lead.account_id, NETWORK), "new", BASE)
    assert refused(lambda: _reset(store, link_in(mails(store)[0], "reset"))) == "link_unusable"


def test_one_address_gets_three_links_an_hour(store: Store, lead: Actor, clock: FixedClock) -> None:
    for _ in range(5):
        _ask(store, lead.email)
    assert len(mails(store)) == 3
    clock.advance(hours=1)
    _ask(store, lead.email)
    assert len(mails(store)) == 4


def test_nothing_is_sent_to_others_and_each_asking_is_an_entry(store: Store, lead: Actor) -> None:
    sign_up(store, "new@person.example")
    before = len(mails(store))
    with store.write() as unit:
        unit.lock(Account, lead.account_id).disabled_at = unit.now
    for address in ("new@person.example", "nobody@person.example", "no address", "", lead.email):
        _ask(store, address)
    assert len(mails(store)) == before
    assert entries(store)[-5:] == [("account.reset_asked", "")] * 5
