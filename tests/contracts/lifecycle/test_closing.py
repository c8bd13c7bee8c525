"""After the end: the certificate of destruction is asked for where the terms do, and what is late blocks what is next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.amendments.decide import Kind
from contracts.amendments.service import offer
from contracts.clock import FixedClock
from contracts.errors import Refusal, Refused
from contracts.keys import KeyRing
from contracts.lifecycle import closing, service
from contracts.lifecycle.ending import tell_due
from contracts.lifecycle.expiry import expire_due
from contracts.lifecycle.tables import Contract
from contracts.store.unit import Store, Unit
from contracts.terms.grant import compile_grant
from tests.harness.amending import TOVE, prepared
from tests.harness.cast import ENDS, SETTINGS, STARTS, Cast, active, approved, events, mails

STATEMENT = "All copies and backups were overwritten on 1 December; results hold no records."
OWED: dict[str, Any] = {"terms": {"certificate_days": 30, "retention_days": 10}}
DUE = ENDS + timedelta(days=40)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code


def ended(store: Store, cast: Cast, keys: KeyRing, clock: FixedClock) -> Contract:
    contract = active(store, cast, keys, **OWED)
    clock.advance(days=(ENDS - STARTS).days + 1)
    assert expire_due(store, "UTC") == 1
    cast.tove = replace(cast.tove, reauthenticated_at=clock.now())
    with store.read() as session:
        return session.get_one(Contract, contract.id)


def test_the_certificate_closes_the_contract_and_staff_may_send_it_back(store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(store)
    contract = ended(store, cast, keys, clock)
    assert contract.state == "closing"
    with store.read() as session:
        owed = closing.closing_of(session, contract.id)
        found = compile_grant(keys, session, contract.id)
    assert owed is not None
    assert (owed.due, isinstance(found, Refusal) and found.code) == (DUE, "contract_not_active")
    revision = contract.revision
    with store.write() as unit:
        given = closing.certify(unit, cast.tove, contract.id, revision, f" {STATEMENT} ", **TOVE)
        row = closing.closing_of(unit.session, contract.id)
        assert row is not None
        assert (given.state, row.statement, row.name, row.given_by) == ("closed", STATEMENT, "Tove Okafor", cast.tove.account_id)
    with store.write() as unit:
        closing.send_back(unit, cast.cora, contract.id, revision + 1, "Which backups?")
        row = closing.closing_of(unit.session, contract.id)
        assert row is not None
        assert (row.due, row.given_at, row.sent_back_reason) == (DUE, None, "Which backups?")
    with store.write() as unit:
        assert closing.certify(unit, cast.tove, contract.id, revision + 2, STATEMENT, **TOVE).state == "closed"
    told = ["expired", "closing", "closed", "certificate_sent_back", "closed"]
    assert events(store)[-5:] == [f"contract.{each}" for each in told]
    certify = [subject for reader, subject in mails(store) if reader == "tove" and subject.startswith("Certify")]
    title = '"Political ads and regional reach"'
    assert certify == [
        f"Certify again by 10 December 2027: the certificate under {title} was not taken",
        f"Certify by 10 December 2027 that the records under {title} are destroyed",
    ]


def test_a_certificate_is_signed_as_a_contract_is(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    contract = ended(sqlite_store, cast, keys, clock)
    stale = replace(cast.tove, reauthenticated_at=None, second_factor_at=clock.now() - timedelta(hours=1))
    acts: list[tuple[str, Callable[[Unit], Any]]] = [
        ("role_required", lambda unit: closing.certify(unit, cast.dev, contract.id, contract.revision, STATEMENT, **TOVE)),
        ("role_required", lambda unit: closing.certify(unit, cast.jon, contract.id, contract.revision, STATEMENT, **TOVE)),
        ("not_found", lambda unit: closing.certify(unit, cast.eve, contract.id, contract.revision, STATEMENT, **TOVE)),
        ("reason_required", lambda unit: closing.certify(unit, cast.tove, contract.id, contract.revision, "  ", **TOVE)),
        ("invalid_input", lambda unit: closing.certify(unit, cast.tove, contract.id, contract.revision, STATEMENT, name="", capacity="")),
        ("reauthentication_required", lambda unit: closing.certify(unit, stale, contract.id, contract.revision, STATEMENT, **TOVE)),
        ("role_required", lambda unit: closing.send_back(unit, cast.tove, contract.id, contract.revision, "No.")),
        ("command_not_possible", lambda unit: closing.send_back(unit, cast.cora, contract.id, contract.revision, "No.")),
    ]
    assert [refused(sqlite_store, act) for _, act in acts] == [code for code, _ in acts]


def test_who_never_had_records_or_promised_no_certificate_owes_none(sqlite_store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    plain = active(sqlite_store, cast, keys)
    early = active(sqlite_store, cast, keys, **OWED)
    with sqlite_store.write() as unit:
        assert service.terminate(unit, cast.mara, plain.id, plain.revision, "Agreed.").state == "terminated"
        assert service.terminate(unit, cast.mara, early.id, early.revision, "Agreed.").state == "closing"
        owed = closing.closing_of(unit.session, early.id)
        assert owed is not None
        assert owed.due == STARTS + timedelta(days=40)


def test_a_late_certificate_is_said_once_and_blocks_what_is_next(store: Store, keys: KeyRing, clock: FixedClock) -> None:
    cast = Cast(store)
    other = active(store, cast, keys, ends="2028-06-30")
    contract = ended(store, cast, keys, clock)
    asked = approved(store, cast, starts="2028-07-01", ends="2028-12-31")
    wanted = prepared(store, other.id, application_id=asked.id, kind=Kind.RENEWAL, ends=asked.ends)

    def told() -> list[str]:
        tell_due(store, "UTC")
        return [
            f"{reader}: {subject.split(' ')[0]}" for reader, subject in mails(store) if "10 December" in subject or "late with" in subject
        ]

    clock.advance(days=(DUE - clock.now().date()).days - 7)
    assert told() == ["tove: Certify", "tove: Certify"]
    clock.advance(days=7)
    with store.read() as session:
        assert closing.overdue_refusal(session, cast.lab, DUE) is None
    clock.advance(days=1)
    assert told() == told() == ["cora: Northfield", "tove: Certify", "tove: Certify", "tove: Late:"]
    assert refused(store, lambda unit: offer(unit, cast.mara, wanted, SETTINGS)) == "certificate_overdue"
    fresh = replace(cast.tove, reauthenticated_at=clock.now())
    with store.write() as unit:
        closing.certify(unit, fresh, contract.id, contract.revision, STATEMENT, **TOVE)
    with store.write() as unit:
        assert offer(unit, cast.mara, wanted, SETTINGS).kind == "renewal"
