"""Amendments: the old version rules until the last signature, then the new one does, everywhere and at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from contracts.amendments import queries, service
from contracts.amendments.decide import Kind
from contracts.amendments.tables import Amendment
from contracts.clock import FixedClock
from contracts.errors import Refusal, Refused
from contracts.keys import KeyRing
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.expiry import expire_due
from contracts.lifecycle.queries import signatures_of
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.roles import Role
from contracts.store import epochs
from contracts.store.unit import Store, Unit
from contracts.terms.grant import Grant, compile_grant
from tests.harness.amending import JON, TOVE, in_force, offered, prepared, signed
from tests.harness.cast import ENDS, SETTINGS, STARTS, Cast, active, approved, events, mails, person

FEWER = 50_000


@pytest.fixture
def cast(sqlite_store: Store) -> Cast:
    return Cast(sqlite_store)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code


def granted(store: Store, keys: KeyRing, contract_id: str) -> Grant:
    with store.read() as session:
        found = compile_grant(keys, session, contract_id)
    assert isinstance(found, Grant), found
    return found


def epoch(store: Store) -> int:
    with store.read() as session:
        return epochs.current(session.connection()).grants


def test_the_old_version_rules_until_the_last_signature(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    before = granted(store, keys, contract.id)
    made = signed(store, cast, contract.id, records_per_day=FEWER)
    assert granted(store, keys, contract.id) == before
    moved = epoch(store)
    with store.write() as unit:
        service.countersign(unit, cast.jon, keys, made.id, made.revision, SETTINGS, **JON)
    after = granted(store, keys, contract.id)
    assert (after.version, after.terms) == (2, before.terms.model_copy(update={"records_per_day": FEWER}))
    assert epoch(store) == moved + 1
    with store.read() as session:
        row = session.get_one(Contract, contract.id)
        assert (row.state, row.version, row.revision) == ("active", 2, contract.revision + 1)
        assert [each.side for each in signatures_of(session, row)] == ["partner", "platform"]
        assert [each.state for each in queries.of_contract(session, contract.id)] == ["in_force"]
    assert events(store)[-3:] == ["amendment.offered", "amendment.signed", "amendment.in_force"]
    title = '"Political ads and regional reach"'
    assert [mail for mail in mails(store) if "version" in mail[1]] == [
        ("dev", f"A new version of {title} is in force until 31 October 2027: programs ask for new tokens"),
        ("jon", f"A new version of {title} waits for countersignature"),
        ("mara", f"A new version of {title} waits for countersignature"),
        ("tove", f"A new version of {title} is in force until 31 October 2027: programs ask for new tokens"),
        ("tove", f"A new version of {title} is offered: read it, then sign or decline"),
    ]


def test_a_new_version_is_never_wider_than_what_was_approved(sqlite_store: Store, cast: Cast, keys: KeyRing) -> None:
    contract = active(sqlite_store, cast, keys)
    for wider in ({"records_per_day": 200_001}, {"ends": ENDS + timedelta(days=1)}, {"purposes": ("market-analysis",)}):
        wanted = prepared(sqlite_store, contract.id, **wider)
        assert refused(sqlite_store, lambda unit, wanted=wanted: service.offer(unit, cast.mara, wanted, SETTINGS)) == "wider_than_asked"


def test_a_renewal_rests_on_an_approved_application_and_keeps_the_first_day(sqlite_store: Store, cast: Cast, keys: KeyRing) -> None:
    contract, longer = active(sqlite_store, cast, keys), ENDS + timedelta(days=200)
    asked = approved(sqlite_store, cast, starts=(ENDS + timedelta(days=1)).isoformat(), ends=longer.isoformat())
    renewed = in_force(sqlite_store, cast, keys, contract.id, kind=Kind.RENEWAL, application_id=asked.id, ends=longer)
    found = granted(sqlite_store, keys, contract.id)
    assert (renewed.kind, found.terms.starts, found.terms.ends) == ("renewal", STARTS, longer)
    with sqlite_store.read() as session:
        theirs = session.get_one(Contract, contract.id)
    foreign = replace(prepared(sqlite_store, contract.id), application_id="app_nothing", revision=theirs.revision)
    assert refused(sqlite_store, lambda unit: service.offer(unit, cast.mara, foreign, SETTINGS)) == "not_found"


def test_one_new_version_waits_at_a_time_and_a_stale_page_offers_none(sqlite_store: Store, cast: Cast, keys: KeyRing) -> None:
    contract = active(sqlite_store, cast, keys)
    offered(sqlite_store, cast.mara, contract.id, records_per_day=FEWER)
    second = prepared(sqlite_store, contract.id, records_per_day=1)
    assert refused(sqlite_store, lambda unit: service.offer(unit, cast.mara, second, SETTINGS)) == "command_not_possible"
    stale = replace(second, revision=second.revision - 1)
    assert refused(sqlite_store, lambda unit: service.offer(unit, cast.mara, stale, SETTINGS)) == "changed_meanwhile"
    silent = replace(second, reason=" ")
    assert refused(sqlite_store, lambda unit: service.offer(unit, cast.mara, silent, SETTINGS)) == "reason_required"


def test_nobody_brings_a_new_version_into_force_alone(sqlite_store: Store, cast: Cast, keys: KeyRing) -> None:
    made = signed(sqlite_store, cast, active(sqlite_store, cast, keys).id, records_per_day=FEWER)
    with sqlite_store.write() as unit:
        protege = replace(person(unit, cast.platform, "Pia Protege", Role.STEWARD, given_by=cast.mara), roles_given_by=frozenset())
    for actor, code in ((cast.mara, "second_person_required"), (protege, "second_person_required"), (cast.tove, "role_required")):
        act = lambda unit, actor=actor: service.countersign(unit, actor, keys, made.id, 2, SETTINGS, **JON)  # noqa: E731 - one line each
        assert refused(sqlite_store, act) == code


def test_each_command_needs_its_role_and_its_organisation(sqlite_store: Store, cast: Cast, keys: KeyRing) -> None:
    made = offered(sqlite_store, cast.mara, active(sqlite_store, cast, keys).id, records_per_day=FEWER)
    wanted = prepared(sqlite_store, made.contract_id)
    acts: list[tuple[str, Callable[[Unit], Any]]] = [
        ("role_required", lambda unit: service.offer(unit, cast.cora, wanted, SETTINGS)),
        ("role_required", lambda unit: service.sign(unit, cast.dev, made.id, 1, SETTINGS, **TOVE)),
        ("role_required", lambda unit: service.sign(unit, cast.jon, made.id, 1, SETTINGS, **JON)),
        ("not_found", lambda unit: service.sign(unit, cast.eve, made.id, 1, SETTINGS, **TOVE)),
        ("not_found", lambda unit: service.decline(unit, cast.eve, made.id, 1, SETTINGS, "No.")),
        ("role_required", lambda unit: service.withdraw(unit, cast.tove, made.id, 1, SETTINGS, "No.")),
        ("reason_required", lambda unit: service.decline(unit, cast.tove, made.id, 1, SETTINGS, " ")),
        ("changed_meanwhile", lambda unit: service.sign(unit, cast.tove, made.id, 2, SETTINGS, **TOVE)),
        ("invalid_input", lambda unit: service.sign(unit, cast.tove, made.id, 1, SETTINGS, name="", capacity="Head")),
    ]
    assert [refused(sqlite_store, act) for _, act in acts] == [code for code, _ in acts]


def test_declined_and_withdrawn_the_present_version_goes_on(sqlite_store: Store, cast: Cast, keys: KeyRing) -> None:
    contract = active(sqlite_store, cast, keys)
    before = granted(sqlite_store, keys, contract.id)
    first = offered(sqlite_store, cast.mara, contract.id, records_per_day=FEWER)
    with sqlite_store.write() as unit:
        assert service.decline(unit, cast.tove, first.id, 1, SETTINGS, " Too few. ").answer == "Too few."
    second = signed(sqlite_store, cast, contract.id, records_per_day=FEWER)
    with sqlite_store.write() as unit:
        assert service.withdraw(unit, cast.jon, second.id, 2, SETTINGS, "A mistake.").state == "withdrawn"
    assert granted(sqlite_store, keys, contract.id) == before
    third = in_force(sqlite_store, cast, keys, contract.id, records_per_day=FEWER)
    assert (first.number, second.number, third.number, third.replaces) == (2, 3, 4, 1)


def test_a_suspended_contract_stays_suspended_under_its_new_version(sqlite_store: Store, cast: Cast, keys: KeyRing) -> None:
    contract = active(sqlite_store, cast, keys)
    with sqlite_store.write() as unit:
        lifecycle.suspend(unit, cast.jon, contract.id, contract.revision, "Pace.")
    in_force(sqlite_store, cast, keys, contract.id, records_per_day=FEWER)
    with sqlite_store.read() as session:
        found = compile_grant(keys, session, contract.id)
    assert isinstance(found, Refusal)
    assert (found.code, found.facts["state"]) == ("contract_not_active", "suspended")


def test_nothing_brings_an_ended_contract_back(sqlite_store: Store, cast: Cast, keys: KeyRing, clock: FixedClock) -> None:
    contract = active(sqlite_store, cast, keys)
    asked = approved(sqlite_store, cast, ends="2028-03-01")
    made = signed(sqlite_store, cast, contract.id, application_id=asked.id, kind=Kind.RENEWAL, ends=ENDS + timedelta(days=90))
    clock.advance(days=(ENDS - STARTS).days + 1)
    fresh = replace(cast.jon, reauthenticated_at=clock.now())
    act: Callable[[Unit], Any] = lambda unit: service.countersign(unit, fresh, keys, made.id, 2, SETTINGS, **JON)  # noqa: E731 - used twice
    assert refused(sqlite_store, act) == "command_not_possible"
    assert (expire_due(sqlite_store, "UTC"), service.lapse_ended(sqlite_store, SETTINGS), service.lapse_ended(sqlite_store, SETTINGS)) == (
        1,
        1,
        0,
    )
    assert refused(sqlite_store, act) == "command_not_possible"
    with sqlite_store.read() as session:
        assert session.get_one(Amendment, made.id).state == "lapsed"


@pytest.mark.parametrize("edited", [{"version": 1}, {"version": 3}])
def test_an_older_version_cannot_be_brought_back_by_editing_the_row(store: Store, keys: KeyRing, edited: dict[str, int]) -> None:
    """Its seal is as good as ever: the ledger tells which version rules."""
    cast = Cast(store)
    contract = active(store, cast, keys)
    in_force(store, cast, keys, contract.id, records_per_day=FEWER)
    offered(store, cast.mara, contract.id, records_per_day=1)
    with store.write() as unit:
        unit.connection.execute(update(Contract).where(col(Contract.id) == contract.id).values(**edited))
    with store.read() as session:
        found = compile_grant(keys, session, contract.id)
    assert isinstance(found, Refusal)
    assert (found.code, found.facts["differs"]) == ("seal_broken", "version")


def test_nobody_signs_a_version_that_was_changed_after_the_offer(sqlite_store: Store, cast: Cast, keys: KeyRing) -> None:
    made = offered(sqlite_store, cast.mara, active(sqlite_store, cast, keys).id, records_per_day=FEWER)
    with sqlite_store.write() as unit:
        version = queries.version_brought(unit.session, made)
        wider = json.dumps(json.loads(version.terms_json) | {"records_per_day": 900_000})
        unit.connection.execute(update(ContractVersion).where(col(ContractVersion.id) == version.id).values(terms_json=wider))
    assert refused(sqlite_store, lambda unit: service.sign(unit, cast.tove, made.id, 1, SETTINGS, **TOVE)) == "seal_broken"


def test_two_countersignatures_and_an_end_at_once_leave_one_outcome(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    made = signed(store, cast, contract.id, records_per_day=FEWER)
    with store.write() as unit:
        kim = person(unit, cast.platform, "Kim Steward", Role.STEWARD, given_by=cast.admin)

    def attempt(act: Callable[[Unit], Any]) -> str:
        try:
            with store.write() as unit:
                act(unit)
        except Refused as error:
            return error.refusal.code
        return "done"

    acts: list[Callable[[Unit], Any]] = [
        lambda unit: service.countersign(unit, cast.jon, keys, made.id, 2, SETTINGS, **JON),
        lambda unit: service.countersign(unit, kim, keys, made.id, 2, SETTINGS, **JON),
        lambda unit: lifecycle.expire(unit, contract.id),
    ]
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(attempt, acts))
    assert outcomes[2] == "done"
    assert sorted(outcomes[:2]) in (["command_not_possible", "done"], ["command_not_possible"] * 2)
    with store.read() as session:
        row = session.get_one(Contract, contract.id)
        assert (row.state, row.version) == ("expired", 2 if "done" in outcomes[:2] else 1)
        assert len(signatures_of(session, row)) == 2
