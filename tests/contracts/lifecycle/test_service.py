"""Contracts through the store: the whole way, who is told, what is recorded, and whom each command refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.keys import KeyRing, Purpose, newest
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle import queries, service
from contracts.lifecycle.expiry import expire_due
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.store import epochs
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store, Unit
from tests.harness.cast import ENDS, STARTS, Cast, active, drafted, events, mails, person, signed

TITLE = "Political ads and regional reach"
NAMES = {"name": "Jon Steward", "capacity": "Head of data access"}


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code


def grants_epoch(store: Store) -> int:
    with store.engine.connect() as connection:
        return epochs.current(connection).grants


def test_from_draft_into_force(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    with store.read() as session:
        stored = session.get_one(Contract, contract.id)
        version = queries.version_of(session, stored)
        signatures = queries.signatures_of(session, stored)
        effects = {row.kind: row.payload for row in session.exec(select(OutboxRow).where(OutboxRow.kind != "mail")).all()}
        assert newest(session, Purpose.PSEUDONYM, contract.id) is not None
    now = store.clock.now()
    assert stored.model_dump() == {
        "id": contract.id,
        "organisation_id": cast.lab,
        "application_id": contract.application_id,
        "title": TITLE,
        "kind": "research",
        "state": "active",
        "revision": 4,
        "version": 1,
        "drafted_by": cast.mara.account_id,
        "approved_by": cast.mara.account_id,
        "created_at": now,
        "offered_at": now,
        "countered_at": None,
        "activated_at": now,
        "suspended_at": None,
        "suspended_by": None,
        "suspension_reason": "",
        "lift_asked_by": None,
        "compared_by": None,
        "ended_at": None,
        "withheld": [],
    }
    assert {(each.side, each.account_id, each.name, each.capacity, each.text_sha256, each.terms_sha256) for each in signatures} == {
        ("partner", cast.tove.account_id, "Tove Okafor", "Head of laboratory", version.text_sha256, version.terms_sha256),
        ("platform", cast.jon.account_id, "Jon Steward", "Head of data access", version.text_sha256, version.terms_sha256),
    }
    assert effects == {kind: {"contract_id": contract.id} for kind in ("contract.activated", "contract.document")}
    assert grants_epoch(store) == 1
    assert events(store)[5:] == ["contract.drafted", "contract.offered", "contract.signed", "contract.activated"]
    assert [mail for mail in mails(store) if mail[1].startswith(("Your contract", "Contract"))] == [
        ("dev", f'Your contract "{TITLE}" is in force until 31 October 2027'),
        ("jon", f'Contract "{TITLE}" waits for countersignature'),
        ("mara", f'Contract "{TITLE}" waits for countersignature'),
        ("tove", f'Your contract "{TITLE}" is in force until 31 October 2027'),
        ("tove", f'Your contract "{TITLE}" is ready to sign'),
    ]


def test_the_activation_names_version_terms_and_seal_in_the_ledger(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    contract = active(sqlite_store, cast, keys)
    with sqlite_store.read() as session:
        staged = session.exec(select(LedgerEntry)).all()[-1]
        version = queries.version_of(session, contract)
    leaf = json.loads(staged.leaf)
    kept = ("event", "subject", "organisation", "contract", "contract_version", "contract_hash")
    assert {name: leaf[name] for name in kept} == {
        "event": "contract.activated",
        "subject": contract.id,
        "organisation": cast.lab,
        "contract": contract.id,
        "contract_version": 1,
        "contract_hash": version.terms_sha256,
    }
    assert set(leaf["facts"]) == {"revision", "text_sha256", "seal_sha256"}
    assert set(leaf["commitments"]) == {"account", "network", "name", "capacity"}


def test_nobody_countersigns_alone(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    contract = signed(sqlite_store, cast)
    with sqlite_store.write() as unit:
        protege = person(unit, cast.platform, "Pia Protege", Role.STEWARD, given_by=cast.mara)
        # The session was opened before the role was given, so only the stored row tells.
        protege = replace(protege, roles_given_by=frozenset())
    for actor in (cast.mara, protege):
        act = lambda unit, actor=actor: service.countersign(unit, actor, keys, contract.id, 3, **NAMES)  # noqa: E731 - one line each
        assert refused(sqlite_store, act) == "second_person_required"
    with sqlite_store.read() as session:
        assert queries.version_of(session, contract).seal == ""
    assert grants_epoch(sqlite_store) == 0


def test_a_signature_without_the_password_is_refused(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    contract = signed(sqlite_store, cast)
    clock.advance(minutes=11)
    act: Callable[[Unit], Any] = lambda unit: service.countersign(unit, cast.jon, keys, contract.id, 3, **NAMES)  # noqa: E731 - as above
    assert refused(sqlite_store, act) == "reauthentication_required"


def test_nobody_signs_what_was_changed_after_the_draft(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    contract = drafted(sqlite_store, cast)
    with sqlite_store.write() as unit:
        service.offer(unit, cast.mara, contract.id, 1)
        version = queries.version_of(unit.session, contract)
        version.text = version.text.replace("200,000", "900,000")
        unit.session.add(version)
    act: Callable[[Unit], Any] = lambda unit: service.sign(unit, cast.tove, contract.id, 2, name="T", capacity="C")  # noqa: E731 - as above
    assert refused(sqlite_store, act) == "seal_broken"


def test_suspension_lift_and_end(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    with store.write() as unit:
        suspended = service.suspend(unit, cast.cora, contract.id, 4, " Pace far above the contract. ")
        assert (suspended.state, suspended.suspension_reason, suspended.suspended_by) == (
            "suspended",
            "Pace far above the contract.",
            cast.cora.account_id,
        )
    with store.write() as unit:
        assert service.ask_lift(unit, cast.mara, contract.id, 5, "They mended it.").lift_asked_by == cast.mara.account_id
    assert refused(store, lambda unit: service.lift(unit, cast.mara, contract.id, 6)) == "second_person_required"
    with store.write() as unit:
        assert service.suspend(unit, cast.jon, contract.id, 6, "Not yet.").lift_asked_by is None
    with store.write() as unit:
        service.ask_lift(unit, cast.mara, contract.id, 7, "Now they did.")
        lifted = service.lift(unit, cast.jon, contract.id, 8)
        assert (lifted.state, lifted.suspended_at, lifted.suspended_by, lifted.suspension_reason) == ("active", None, None, "")
    with store.write() as unit:
        ended = service.terminate(unit, cast.mara, contract.id, 9, "Agreed.")
        assert (ended.state, ended.ended_at) == ("terminated", unit.now)
    assert grants_epoch(store) == 5
    assert events(store)[9:] == [
        f"contract.{each}" for each in ("suspended", "lift_asked", "suspended", "lift_asked", "lifted", "terminated")
    ]
    tove = [subject for reader, subject in mails(store) if reader == "tove" and subject.startswith("Your contract")]
    assert tove == sorted(
        f'Your contract "{TITLE}" {what}'
        for what in (
            "is ready to sign",
            "is in force until 31 October 2027",
            *2 * ("is suspended: read why",),
            "is active again",
            "was terminated: read why",
        )
    )


def test_a_draft_that_ends_tells_the_partner_nothing(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    contract = drafted(sqlite_store, cast)
    before = mails(sqlite_store)
    with sqlite_store.write() as unit:
        service.terminate(unit, cast.mara, contract.id, 1, "Wrong terms.")
    assert mails(sqlite_store) == before


def test_each_command_needs_its_role(sqlite_store: Store, keys: KeyRing) -> None:
    cast = Cast(sqlite_store)
    contract = signed(sqlite_store, cast)
    acts: list[Callable[[Unit], Any]] = [
        lambda unit: service.offer(unit, cast.cora, contract.id, 3),
        lambda unit: service.sign(unit, cast.dev, contract.id, 3, **NAMES),
        lambda unit: service.sign(unit, cast.jon, contract.id, 3, **NAMES),
        lambda unit: service.countersign(unit, cast.admin, keys, contract.id, 3, **NAMES),
        lambda unit: service.countersign(unit, cast.tove, keys, contract.id, 3, **NAMES),
        lambda unit: service.suspend(unit, cast.tove, contract.id, 3, "No."),
        lambda unit: service.ask_lift(unit, cast.tove, contract.id, 3, "Please."),
        lambda unit: service.lift(unit, cast.tove, contract.id, 3),
        lambda unit: service.terminate(unit, cast.cora, contract.id, 3, "No."),
    ]
    assert [refused(sqlite_store, act) for act in acts] == ["role_required"] * len(acts)


def test_another_organisation_finds_nothing_and_an_unoffered_draft_is_unseen(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    contract = drafted(sqlite_store, cast)
    acts: list[Callable[[Unit], Any]] = [
        lambda unit: queries.get_for(unit.session, cast.tove, contract.id),
        lambda unit: service.sign(unit, cast.tove, contract.id, 1, **NAMES),
        lambda unit: queries.get_for(unit.session, cast.eve, contract.id),
        lambda unit: service.sign(unit, cast.eve, contract.id, 1, **NAMES),
        lambda unit: service.sign(unit, cast.eve, "ctr_nothing", 1, **NAMES),
    ]
    assert [refused(sqlite_store, act) for act in acts] == ["not_found"] * len(acts)
    with sqlite_store.write() as unit:
        service.offer(unit, cast.mara, contract.id, 1)
    assert refused(sqlite_store, lambda unit: queries.get_for(unit.session, cast.eve, contract.id)) == "not_found"
    with sqlite_store.read() as session:
        assert queries.get_for(session, cast.tove, contract.id).state == State.OFFERED
        assert [each.id for each in queries.of_organisation(session, cast.lab)] == [contract.id]
        assert queries.of_organisation(session, cast.rival) == []


def test_a_contract_expires_the_day_after_its_last(store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(store)
    contract = active(store, cast, keys)
    clock.advance(days=(ENDS - STARTS).days)
    assert expire_due(store, "UTC") == 0
    clock.advance(days=1)
    assert expire_due(store, "UTC") == 1
    assert expire_due(store, "UTC") == 0
    with store.read() as session:
        assert session.get_one(Contract, contract.id).state == State.EXPIRED
    assert ("dev", f'Your contract "{TITLE}" ended on 31 October 2027') in mails(store)
