"""Agreements signed before Licet: nothing of them is in force before two independent people of staff confirmed it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from contracts.agreements import service
from contracts.agreements.reading import read
from contracts.agreements.states import MEANING, ROLES, TABLE, Command, State, next_state
from contracts.agreements.tables import Agreement
from contracts.clock import FixedClock
from contracts.errors import Refusal, Refused
from contracts.keys import KeyRing
from contracts.lifecycle.register import public_register
from contracts.lifecycle.tables import Contract, Signature
from contracts.people.invitations import accept_invitation
from contracts.people.queries import find_account, members
from contracts.people.roles import Role
from contracts.signing.evidence import how_signed, worth_of
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store, Unit
from contracts.terms.grant import Grant, compile_grant
from tests.harness.agreements import written
from tests.harness.cast import SETTINGS, Cast, events, mails, person


def staged(store: Store, folder: Path) -> Agreement:
    found = read(written(folder), SETTINGS, store.clock.now().date())
    with store.write() as unit:
        return service.stage(unit, found)[0]


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code


def brought_in(store: Store, cast: Cast, keys: KeyRing, folder: Path) -> Contract:
    made = staged(store, folder)
    with store.write() as unit:
        service.confirm(unit, cast.mara, made.id, 1)
    with store.write() as unit:
        return service.bring_in(unit, cast.jon, keys, made.id, 2, SETTINGS)


def claim_token(store: Store) -> str:
    with store.read() as session:
        (body,) = [row.payload["body"] for row in session.exec(select(OutboxRow)).all() if "30 days" in row.payload.get("subject", "")]
    return str(body).split("/join/")[1].split()[0]


def test_the_table_is_total() -> None:
    assert (set(TABLE), set(MEANING), set(ROLES)) == (set(State), set(State), set(Command))
    staff = {Role.STEWARD, Role.COMPLIANCE}
    found = {
        (state, command, role)
        for state, command, role in product(State, Command, Role)
        if role in ROLES[command] and not isinstance(next_state(state, command), Refusal)
    }
    possible = {(State.STAGED, Command.CONFIRM), (State.CONFIRMED, Command.BRING_IN)}
    possible |= {(State.STAGED, Command.REJECT), (State.CONFIRMED, Command.REJECT)}
    assert found == {(*each, role) for each in possible for role in staff}


def test_two_people_bring_it_in_and_the_contact_claims_it(store: Store, keys: KeyRing, tmp_path: Path) -> None:
    cast = Cast(store)
    contract = brought_in(store, cast, keys, tmp_path)
    with store.read() as session:
        grant = compile_grant(keys, session, contract.id)
        signatures = session.exec(select(Signature).where(Signature.contract_id == contract.id)).all()
        (row,) = public_register(session)
    assert isinstance(grant, Grant), grant
    assert (grant.terms.records_per_day, grant.terms.ends.isoformat()) == (1000, "2027-06-30")
    assert {(each.side, each.account_id) for each in signatures} == {
        ("confirmed", cast.mara.account_id),
        ("confirmed_again", cast.jon.account_id),
    }
    assert [(each.method, worth_of(each.method).title) for each in signatures] == [("before", "Signed before Licet")] * 2
    assert "both sides had signed the PDF before Licet" in how_signed(signatures[0])
    assert (row.organisation, row.title, row.state) == ("Harbour Institute", "Tides of talk", "active")
    assert events(store) == ["agreement.staged", "agreement.confirmed", "person.invited", "contract.activated", "agreement.brought_in"]
    token = claim_token(store)
    with store.write() as unit:
        account = accept_invitation(unit, token, name="Ingrid Hav", password_hash="-")
    with store.read() as session:
        assert [(each.account_id, each.roles) for each in members(session, contract.organisation_id)] == [(account.id, (Role.LEAD,))]
    assert refused(store, lambda unit: accept_invitation(unit, token, name="Someone else", password_hash="-")) == "link_unusable"
    with store.read() as session:
        made = session.exec(select(Agreement)).one()
    assert refused(store, lambda unit: service.remind(unit, cast.mara, made.id, SETTINGS)) == "command_not_possible"


def test_staff_hear_of_an_import_once(sqlite_store: Store, tmp_path: Path) -> None:
    Cast(sqlite_store)
    staged(sqlite_store, tmp_path)
    what = "1 agreement signed before: compare each with its PDF and confirm"
    assert mails(sqlite_store) == [(who, what) for who in ("cora", "jon", "mara")]


def test_nobody_brings_it_in_alone(sqlite_store: Store, keys: KeyRing, tmp_path: Path, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    made = staged(sqlite_store, tmp_path)
    assert refused(sqlite_store, lambda unit: service.bring_in(unit, cast.jon, keys, made.id, 1, SETTINGS)) == "command_not_possible"
    with sqlite_store.write() as unit:
        service.confirm(unit, cast.mara, made.id, 1)
        protege = replace(person(unit, cast.platform, "Pia Protege", Role.STEWARD, given_by=cast.mara), roles_given_by=frozenset())
    for actor, code in (
        (cast.mara, "second_person_required"),
        (protege, "second_person_required"),
        (cast.admin, "role_required"),
        (cast.tove, "role_required"),
        (replace(cast.jon, reauthenticated_at=None, second_factor_at=clock.now() - timedelta(hours=1)), "reauthentication_required"),
    ):
        act = lambda unit, actor=actor: service.bring_in(unit, actor, keys, made.id, 2, SETTINGS)  # noqa: E731 - one line each
        assert refused(sqlite_store, act) == code
    with sqlite_store.read() as session:
        assert session.exec(select(Contract)).all() == []
        assert find_account(session, "ingrid@harbour.example") is None


def test_two_second_confirmations_at_once_make_one_contract(store: Store, keys: KeyRing, tmp_path: Path) -> None:
    cast = Cast(store)
    made = staged(store, tmp_path)
    with store.write() as unit:
        service.confirm(unit, cast.mara, made.id, 1)

    def attempt(actor: Any) -> str:
        try:
            with store.write() as unit:
                service.bring_in(unit, actor, keys, made.id, 2, SETTINGS)
        except Refused as error:
            return error.refusal.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, (cast.jon, cast.cora))) == ["command_not_possible", "done"]
    with store.read() as session:
        assert len(session.exec(select(Contract)).all()) == 1


def test_what_was_edited_in_the_database_or_grew_too_wide_is_not_brought_in(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    cast = Cast(sqlite_store)
    made = staged(sqlite_store, tmp_path)
    with sqlite_store.write() as unit:
        service.confirm(unit, cast.mara, made.id, 1)
    posts = SETTINGS.datasets["posts"].model_copy(update={"max_records_per_day": 10})
    narrower = SETTINGS.model_copy(update={"datasets": {"posts": posts}})
    assert refused(sqlite_store, lambda unit: service.bring_in(unit, cast.jon, keys, made.id, 2, narrower)) == "wider_than_asked"
    with sqlite_store.write() as unit:
        row = unit.lock(Agreement, made.id)
        row.terms_json = row.terms_json.replace("1000", "9000")
        unit.session.add(row)
    assert refused(sqlite_store, lambda unit: service.bring_in(unit, cast.jon, keys, made.id, 2, SETTINGS)) == "seal_broken"


def test_rejected_it_may_be_brought_anew_and_else_not_twice(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    cast = Cast(sqlite_store)
    made = staged(sqlite_store, tmp_path)
    with pytest.raises(Refused, match="is here already"):
        staged(sqlite_store, tmp_path)
    assert refused(sqlite_store, lambda unit: service.reject(unit, cast.mara, made.id, 1, " ")) == "reason_required"
    with sqlite_store.write() as unit:
        assert service.reject(unit, cast.mara, made.id, 1, "The PDF is of another year.").state == "rejected"
    again = staged(sqlite_store, tmp_path)
    with sqlite_store.read() as session:
        assert [each.id for each in service.waiting(session)] == [again.id]
