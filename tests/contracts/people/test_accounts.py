"""Signing up and confirming, on both stores."""

from __future__ import annotations

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.people import service as people
from contracts.people.roles import Role
from contracts.people.tables import Account, Organisation
from contracts.store.unit import Store
from tests.contracts.people.people import BASE, accept, entries, invite, link_in, mails, person, race, refused, sign_up


def _confirm(store: Store, token: str) -> tuple[Account, str]:
    with store.write() as unit:
        return people.confirm(unit, token)


def _account(store: Store, email: str = "ada@northfield.example") -> Account:
    with store.read() as session:
        found = people.find_account(session, email)
    assert found is not None
    return found


def test_signing_up_makes_an_organisation_its_lead_and_one_mail(store: Store) -> None:
    sign_up(store)
    account = _account(store)
    with store.read() as session:
        home = session.exec(select(Organisation)).one()
        (row,) = people.members(session, home.id)
    assert (account.email, account.name, account.password_hash, account.confirmed_at) == (
        "ada@northfield.example",
        "Ada Moss",
        "hash-1",
        None,
    )
    assert (home.name, home.side, home.kind, home.country) == ("Northfield University", "partner", "university", "IE")
    assert row.roles == (Role.LEAD, Role.SIGNATORY)
    (mail,) = mails(store)
    assert (mail["to"], mail["subject"]) == ("ada@northfield.example", "Confirm your address at data.agora.example within a day")
    assert "at data.agora.example." in mail["body"]
    assert entries(store) == [("account.created", account.id)]


def test_confirming_leads_on_to_where_the_person_wanted_to_go(store: Store) -> None:
    sign_up(store)
    account, path = _confirm(store, link_in(mails(store)[0], "confirm"))
    assert (account.email, path) == ("ada@northfield.example", "/apply?dataset=posts")
    assert account.confirmed_at == store.clock.now()
    assert entries(store) == [("account.created", account.id), ("account.confirmed", account.id)]


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "partner", "/a\r\nX: y", "javascript:x"]
)
def test_a_link_never_leads_off_the_portal(sqlite_store: Store, path: str) -> None:
    sign_up(sqlite_store, next_path=path)
    assert _confirm(sqlite_store, link_in(mails(sqlite_store)[0], "confirm"))[1] == "/"


def test_one_confirm_link_used_by_eight_at_once_works_once(store: Store) -> None:
    sign_up(store)
    token = link_in(mails(store)[0], "confirm")
    results = race(lambda _: _confirm(store, token)[0].email)
    assert sorted(results) == ["ada@northfield.example"] + ["link_unusable"] * 7
    assert [event for event, _ in entries(store)] == ["account.created", "account.confirmed"]


def test_a_link_ends_after_a_day(store: Store, clock: FixedClock) -> None:
    sign_up(store)
    token = link_in(mails(store)[0], "confirm")
    clock.advance(days=1)
    assert refused(lambda: _confirm(store, token)) == "link_unusable"


@pytest.mark.parametrize("token", ["", "x", "licet_ln_unknown", "ä" * 9, "a\x00b"])
def test_what_is_no_link_is_refused(store: Store, token: str) -> None:
    assert refused(lambda: _confirm(store, token)) == "link_unusable"


def test_a_known_address_gets_a_mail_that_says_so_and_nothing_changes(store: Store) -> None:
    sign_up(store)
    _confirm(store, link_in(mails(store)[0], "confirm"))
    before = (_account(store).model_dump(), entries(store))
    sign_up(store, name="Mallory", password_hash="hash-2", organisation_name="Elsewhere")
    assert (_account(store).model_dump(), entries(store)) == before
    mail = mails(store)[1]
    assert mail["subject"] == "You already have an account at data.agora.example: sign in"
    assert f"{BASE}/sign-in" in mail["body"]
    assert "Hello Ada Moss" in mail["body"]
    assert "Mallory" not in mail["body"]


def test_signing_up_again_before_confirming_replaces_what_someone_else_may_have_prepared(store: Store) -> None:
    sign_up(store, name="Mallory", password_hash="mallory's", organisation_name="Elsewhere")
    sign_up(store)
    first, second = (link_in(mail, "confirm") for mail in mails(store))
    assert refused(lambda: _confirm(store, first)) == "link_unusable"
    account, _ = _confirm(store, second)
    with store.read() as session:
        homes = [(home.name, home.kind) for home in session.exec(select(Organisation)).all()]
    assert (account.name, account.password_hash) == ("Ada Moss", "hash-1")
    assert homes == [("Northfield University", "university")]


def test_eight_sign_ups_at_once_make_one_account_and_one_link_that_works(store: Store) -> None:
    race(lambda number: sign_up(store, password_hash=f"hash-{number}"))
    tokens = [link_in(mail, "confirm") for mail in mails(store)]
    results: list[object] = []
    for token in tokens:
        try:
            results.append(_confirm(store, token)[0].email)
        except Refused as error:
            results.append(error.refusal.code)
    with store.read() as session:
        assert len(session.exec(select(Account)).all()) == len(session.exec(select(Organisation)).all()) == 1
    assert sorted(map(str, results)) == ["ada@northfield.example"] + ["link_unusable"] * 7


def test_a_sign_up_names_every_wrong_field_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(Refused) as error:
        sign_up(store, "no address", name=" ", organisation_name="x" * 121, organisation_kind="club", country="Ireland")
    assert (error.value.refusal.code, dict(error.value.refusal.facts)) == (
        "invalid_input",
        {
            "fields": {
                "name": "Tell us your name.",
                "email": "Write a mail address like name@example.org.",
                "organisation_name": "Use at most 120 letters, on one line.",
                "organisation_kind": "Choose what kind of organisation it is.",
                "country": "Choose the country where the organisation is based.",
            }
        },
    )
    with store.read() as session:
        assert session.exec(select(Account)).all() == []
    assert (mails(store), entries(store)) == ([], [])


def test_a_disabled_person_cannot_confirm(store: Store) -> None:
    sign_up(store)
    with store.write() as unit:
        unit.lock(Account, _account(store).id).disabled_at = unit.now
    token = link_in(mails(store)[0], "confirm")
    assert refused(lambda: _confirm(store, token)) == "link_unusable"


def test_mails_bear_the_platforms_name_once_it_is_known(store: Store) -> None:
    person(store, "root@agora.example", Role.ADMINISTRATOR)
    sign_up(store)
    assert "at The platform." in mails(store)[0]["body"]


def test_an_account_prepared_by_someone_else_does_not_keep_an_invited_person_out(store: Store) -> None:
    root = person(store, "root@agora.example", Role.ADMINISTRATOR)
    sign_up(store, "sam@agora.example", name="Mallory", password_hash="mallory's")
    token = invite(store, root, "sam@agora.example", Role.STEWARD)
    accept(store, token, "Sam", "sam's")
    account = _account(store, "sam@agora.example")
    with store.read() as session:
        assert [(row.email, row.roles) for row in people.staff(session)] == [
            ("root@agora.example", (Role.ADMINISTRATOR,)),
            ("sam@agora.example", (Role.STEWARD,)),
        ]
    assert (account.name, account.password_hash) == ("Sam", "sam's")
    assert refused(lambda: _confirm(store, link_in(mails(store)[0], "confirm"))) == "link_unusable"


@pytest.mark.parametrize("email", ["", "x", "a\x00@b.example", "nobody@b.example", "a" * 300 + "@b.example"])
def test_what_is_no_address_finds_nobody(store: Store, email: str) -> None:
    with store.read() as session:
        assert people.find_account(session, email) is None
