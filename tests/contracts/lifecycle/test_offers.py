"""Negotiation through the store: versions, wishes and their answers, who is told, and what nobody can get around."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

from contracts.errors import Refused, StoreUnavailable
from contracts.keys import KeyRing
from contracts.lifecycle import offers, queries, service
from contracts.lifecycle.tables import Contract
from contracts.lifecycle.wishes import Wish, kept
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.signing.text import blocks, passages_in
from contracts.store.unit import Store, Unit
from contracts.terms.model import from_json
from tests.harness.cast import SETTINGS, Cast, drafted, events, mails, person, revised, signed

WHY = "Our archive cannot be read in time otherwise."
NOTE = "The pace is lower and the liability is as you wished."
LIABILITY = "Each side is liable as the law says."
WISHES = [
    Wish("term", "pace", "Twenty requests a second.", WHY),
    Wish("clause", "liability", LIABILITY, "Our statutes ask for it."),
]
TITLE = "Political ads and regional reach"


def offered(store: Store, cast: Cast) -> Contract:
    contract = drafted(store, cast)
    with store.write() as unit:
        return service.offer(unit, cast.mara, contract.id, 1)


def countered(store: Store, cast: Cast) -> Contract:
    contract = offered(store, cast)
    with store.write() as unit:
        offers.counter(unit, cast.tove, contract.id, 2, WISHES)
        return unit.lock(Contract, contract.id)


def refused(store: Store, act: Callable[[Unit], Any]) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code, dict(caught.value.refusal.facts)


def test_a_counter_offer_is_answered_by_another_version(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    before = countered(store, cast)
    contract = revised(store, cast, before, NOTE, passages={"liability": LIABILITY}, by=cast.jon, requests_per_second=5)
    now = store.clock.now()
    assert (contract.state, contract.version, contract.revision, contract.countered_at) == ("offered", 2, 4, None)
    assert (contract.drafted_by, contract.approved_by) == (cast.jon.account_id, cast.mara.account_id)
    with store.read() as session:
        second, first = queries.versions_of(session, contract)
        asked = offers.counter_offers(session, contract.id)
    assert (first.number, first.made_by, first.offered_at, first.note) == (1, cast.mara.account_id, now, "")
    assert (second.number, second.made_by, second.offered_at, second.note) == (2, cast.jon.account_id, now, NOTE)
    assert (from_json(first.terms_json).requests_per_second, from_json(second.terms_json).requests_per_second) == (10, 5)
    assert passages_in(blocks(second.text))["liability"] == ("Liability", LIABILITY)
    assert f"{contract.id}, version 2, between" in second.text
    assert [each.model_dump(exclude={"id"}) for each in asked] == [
        {
            "contract_id": contract.id,
            "version": 1,
            "wishes": kept(WISHES),
            "made_by": cast.tove.account_id,
            "made_at": now,
            "outcome": "answered",
            "answer": NOTE,
            "answered_by": cast.jon.account_id,
            "answered_at": now,
        }
    ]
    assert events(store)[-4:] == ["contract.drafted", "contract.offered", "contract.countered", "contract.reoffered"]
    assert [mail for mail in mails(store) if "your contract" in mail[1].lower() or "asks to change" in mail[1]] == [
        ("jon", f'Answer what Northfield University, Media Lab asks to change in "{TITLE}"'),
        ("mara", f'Answer what Northfield University, Media Lab asks to change in "{TITLE}"'),
        ("tove", f'Version 2 of your contract "{TITLE}" is ready to sign'),
        ("tove", f'Your contract "{TITLE}" is ready to sign'),
    ]
    in_force(store, cast, keys, contract)


def in_force(store: Store, cast: Cast, keys: KeyRing, contract: Contract) -> None:
    """The second version is signed and in force; neither who approved nor who made that version countersigns."""
    with store.write() as unit:
        service.sign(unit, cast.tove, contract.id, 4, name="Tove Okafor", capacity="Head of laboratory")
    names = {"name": "A Steward", "capacity": "Data access"}
    for same in (cast.jon, cast.mara):
        assert refused(store, lambda unit, by=same: service.countersign(unit, by, keys, contract.id, 5, **names))[0] == (  # type: ignore[misc]  # a default binds it
            "second_person_required"
        )
    with store.write() as unit:
        third = person(unit, cast.platform, "Third Steward", Role.STEWARD, given_by=cast.admin)
    with store.write() as unit:
        made = service.countersign(unit, third, keys, contract.id, 5, **names)
    assert (made.state, made.version) == ("active", 2)


def test_wishes_are_declined_with_a_reason_or_taken_back(sqlite_store: Store) -> None:
    store, cast = sqlite_store, Cast(sqlite_store)
    contract = countered(store, cast)
    with store.write() as unit:
        assert offers.decline(unit, cast.jon, contract.id, 3, WHY).state == "offered"
    with store.write() as unit:
        offers.counter(unit, cast.tove, contract.id, 4, WISHES[:1])
    with store.write() as unit:
        assert offers.recall(unit, cast.tove, contract.id, 5).state == "offered"
    with store.read() as session:
        found = offers.counter_offers(session, contract.id)
        assert offers.open_counter_offer(session, contract.id) is None
    assert {(each.outcome, each.answer, each.answered_by, len(each.wishes)) for each in found} == {
        ("declined", WHY, cast.jon.account_id, 2),
        ("recalled", "", cast.tove.account_id, 1),
    }
    assert ("tove", f'The changes that you asked for in "{TITLE}" were declined; the offer stands') in mails(store)
    assert events(store)[-4:] == ["contract.countered", "contract.counter_declined", "contract.countered", "contract.recalled"]


def test_nobody_signs_what_is_being_negotiated_or_was_replaced(sqlite_store: Store) -> None:
    store, cast = sqlite_store, Cast(sqlite_store)
    contract = countered(store, cast)
    names = {"name": "Tove Okafor", "capacity": "Head of laboratory"}

    def sign(revision: int) -> tuple[str, dict[str, Any]]:
        return refused(store, lambda unit: service.sign(unit, cast.tove, contract.id, revision, **names))

    assert sign(3)[0] == "command_not_possible"
    revised(store, cast, contract, NOTE, requests_per_second=5)
    assert [sign(revision)[0] for revision in (2, 3)] == ["changed_meanwhile"] * 2
    with store.write() as unit:
        service.sign(unit, cast.tove, contract.id, 4, **names)
    with store.read() as session:
        row = session.get_one(Contract, contract.id)
        version, signatures = queries.version_of(session, row), queries.signatures_of(session, row)
    assert [(each.version, each.text_sha256, each.terms_sha256) for each in signatures] == [(2, version.text_sha256, version.terms_sha256)]


def test_a_version_is_never_wider_than_asked(sqlite_store: Store) -> None:
    store, cast = sqlite_store, Cast(sqlite_store)
    contract = countered(store, cast)
    with pytest.raises(Refused) as caught:
        revised(store, cast, contract, NOTE, requests_per_second=11)
    assert caught.value.refusal.code == "wider_than_asked"
    with pytest.raises(Refused) as caught:
        revised(store, cast, contract, NOTE, passages={"liability": " "})
    assert caught.value.refusal.facts == {"fields": {"clause.liability": "Write the passage, in at most 12,000 characters."}}


def test_a_draft_has_versions_that_the_partner_never_sees(sqlite_store: Store) -> None:
    store, cast = sqlite_store, Cast(sqlite_store)
    contract = revised(store, cast, drafted(store, cast), "", requests_per_second=4)
    assert (contract.state, contract.version, contract.offered_at) == ("draft", 2, None)
    with store.write() as unit:
        service.offer(unit, cast.mara, contract.id, 2)
    with store.read() as session:
        found = queries.versions_of(session, contract)
        shown = queries.versions_for(session, cast.tove, contract)
    assert [(each.number, each.offered_at is not None) for each in found] == [(2, True), (1, False)]
    assert [each.number for each in shown] == [2]
    assert events(store)[-3:] == ["contract.drafted", "contract.redrafted", "contract.offered"]


def test_a_signature_and_another_version_never_both_happen(store: Store) -> None:
    cast = Cast(store)
    contract = offered(store, cast)
    names = {"name": "Tove Okafor", "capacity": "Head of laboratory"}
    done: list[str] = []

    def sign() -> None:
        with store.write() as unit:
            service.sign(unit, cast.tove, contract.id, 2, **names)
        done.append("signed")

    def make() -> None:
        revised(store, cast, contract, NOTE, requests_per_second=5)
        done.append("revised")

    def tried(act: Callable[[], None]) -> None:
        # PostgreSQL may refuse the later of two that began at once, without a look at the state.
        with contextlib.suppress(Refused, StoreUnavailable):
            act()

    threads = [threading.Thread(target=tried, args=(act,)) for act in (make, sign)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with store.read() as session:
        row = session.get_one(Contract, contract.id)
        signatures = queries.signatures_of(session, row)
    assert (done, row.state, row.version, len(signatures)) in [(["signed"], "signed", 1, 1), (["revised"], "offered", 2, 0)]


@pytest.mark.parametrize(
    ("who", "act", "code"),
    [
        ("dev", lambda unit, actor, key: offers.counter(unit, actor, key, 2, WISHES), "role_required"),
        ("eve", lambda unit, actor, key: offers.counter(unit, actor, key, 2, WISHES), "not_found"),
        ("eve", lambda unit, actor, key: offers.recall(unit, actor, key, 2), "not_found"),
        ("tove", lambda unit, actor, key: offers.decline(unit, actor, key, 2, WHY), "role_required"),
        ("cora", lambda unit, actor, key: offers.decline(unit, actor, key, 2, WHY), "role_required"),
        ("tove", lambda unit, actor, key: offers.counter(unit, actor, key, 1, WISHES), "changed_meanwhile"),
        ("tove", lambda unit, actor, key: offers.recall(unit, actor, key, 2), "command_not_possible"),
        ("mara", lambda unit, actor, key: offers.decline(unit, actor, key, 2, WHY), "command_not_possible"),
    ],
)
def test_each_side_has_its_own_commands(sqlite_store: Store, who: str, act: Callable[[Unit, Actor, str], Any], code: str) -> None:
    cast = Cast(sqlite_store)
    contract = offered(sqlite_store, cast)
    assert refused(sqlite_store, lambda unit: act(unit, getattr(cast, who), contract.id))[0] == code


def test_a_signed_contract_is_negotiated_no_more(sqlite_store: Store) -> None:
    store, cast = sqlite_store, Cast(sqlite_store)
    contract = signed(store, cast)
    assert refused(store, lambda unit: offers.counter(unit, cast.tove, contract.id, 3, WISHES))[0] == "command_not_possible"
    with pytest.raises(Refused) as caught:
        revised(store, cast, contract, NOTE)
    assert (caught.value.refusal.code, SETTINGS.profile) == ("command_not_possible", "test")
