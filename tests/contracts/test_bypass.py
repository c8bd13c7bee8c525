"""Approval cannot be gone around: by asking again, by another version, by two at once, by one who is two, or by the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from contracts.applications import service as applications
from contracts.applications.form import read_form
from contracts.applications.tables import Application
from contracts.errors import Refusal, Refused
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.signing import facts_of, render
from contracts.store.unit import Store, Unit
from contracts.terms.defaults import propose
from contracts.terms.grant import compile_grant
from tests.contracts.people.people import race
from tests.harness.cast import FORM, POSTS, SETTINGS, Cast, active, approved, drafted, person, signed

KEYS = KeyRing(b"m" * 32)


def do(store: Store, act: Callable[[Unit], Any]) -> Any:
    with store.write() as unit:
        return act(unit)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught:
        do(store, act)
    return caught.value.refusal.code


def asked(store: Store, cast: Cast) -> Application:
    def act(unit: Unit) -> Application:
        begun = applications.begin(unit, cast.tove, "posts")
        applications.save(unit, cast.tove, begun.id, begun.revision, read_form(FORM))
        return applications.submit(unit, cast.tove, begun.id, begun.revision, SETTINGS)

    made: Application = do(store, act)
    return made


def draft_from(store: Store, cast: Cast, application: Application) -> Callable[[Unit], Contract]:
    terms, contract_id = propose(application, POSTS, SETTINGS.platform.site), new_id("ctr")
    with store.read() as session:
        rendered = render(SETTINGS, facts_of(session, application), terms, contract_id)
    return lambda unit: lifecycle.draft(unit, cast.mara, contract_id, application.id, rendered, terms, SETTINGS)


def test_asking_again_inherits_no_approval(store: Store) -> None:
    cast = Cast(store)
    first = approved(store, cast)
    do(store, draft_from(store, cast, first))
    again = asked(store, cast)
    assert refused(store, draft_from(store, cast, again)) == "command_not_possible"
    do(store, lambda unit: applications.withdraw(unit, cast.tove, again.id, again.revision))
    third = asked(store, cast)
    assert (third.decided_by, third.decided_at) == (None, None)
    for each in (again, third, first):
        assert refused(store, draft_from(store, cast, each)) == "command_not_possible"


def test_what_was_handed_in_is_not_written_over(store: Store) -> None:
    cast = Cast(store)
    wider = read_form({**FORM, "fields": [*FORM["fields"], "author_handle"]})
    for application in (asked(store, cast), approved(store, cast)):
        assert refused(store, lambda unit, a=application: applications.save(unit, cast.tove, a.id, a.revision, wider)) == (
            "command_not_possible"
        )


def test_of_two_drafts_and_two_countersignatures_at_once_one_stands(store: Store) -> None:
    cast = Cast(store)
    application = approved(store, cast)
    acts = [draft_from(store, cast, application) for _ in range(4)]
    results = race(lambda number: do(store, acts[number]).state, len(acts))
    assert sorted(map(str, results)) == ["command_not_possible"] * 3 + ["draft"]
    contract = signed(store, cast, project="Another project")

    def countersign(unit: Unit) -> Contract:
        return lifecycle.countersign(unit, cast.jon, KEYS, contract.id, contract.revision, name="Jon", capacity="Head")

    results = race(lambda _: do(store, countersign).state, 4)
    assert sorted(map(str, results)) == ["active"] + ["command_not_possible"] * 3


def test_neither_one_person_nor_that_persons_own_people_are_two(store: Store) -> None:
    cast = Cast(store)
    contract = signed(store, cast)
    puppet = do(store, lambda unit: person(unit, cast.platform, "Puppet One", Role.STEWARD, given_by=cast.mara))
    for who in (cast.mara, puppet):
        assert refused(
            store,
            lambda unit, w=who: lifecycle.countersign(unit, w, KEYS, contract.id, contract.revision, name="X", capacity="Y"),
        ) == ("second_person_required")


@pytest.mark.parametrize("stage", ["before the signature", "before the countersignature", "in force"])
def test_terms_that_were_edited_in_the_database_open_nothing(store: Store, stage: str) -> None:
    cast = Cast(store)
    make = {"before the signature": drafted, "before the countersignature": signed}.get(stage)
    contract = make(store, cast) if make else active(store, cast, KEYS)
    if stage == "before the signature":
        do(store, lambda unit: lifecycle.offer(unit, cast.mara, contract.id, contract.revision))
    wider = text("UPDATE contract_version SET terms_json = replace(terms_json, :named, :more)")
    do(store, lambda unit: unit.connection.execute(wider, {"named": '"records_per_day":', "more": '"records_per_day":9'}))
    if stage == "in force":
        with store.read() as session:
            found = compile_grant(KEYS, session, contract.id)
        assert isinstance(found, Refusal) and found.code == "seal_broken"
    elif stage == "before the countersignature":
        act = lambda unit: lifecycle.countersign(unit, cast.jon, KEYS, contract.id, 3, name="Jon", capacity="Head")  # noqa: E731 - said once
        assert refused(store, act) == "seal_broken"
    else:
        assert refused(store, lambda unit: lifecycle.sign(unit, cast.tove, contract.id, 2, name="Tove", capacity="Head")) == "seal_broken"
