"""Who signs: named by the lead, invited by mail, and nobody else meanwhile; on both stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.lifecycle import queries, service
from contracts.lifecycle.seal import check_seal
from contracts.lifecycle.tables import Contract
from contracts.lifecycle.ways import Method, Way
from contracts.people.queries import members
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.signatories import service as signatories
from contracts.signatories.queries import asked_by, open_request
from contracts.signatories.tables import SigningRequest
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store, Unit
from tests.harness.cast import Cast, drafted, events, mails, person, revised

BASE = "https://data.agora.example"
BEA = {"name": "Bea Bound", "email": "bea@lab.example"}
TITLE = "Political ads and regional reach"


@pytest.fixture
def keys() -> KeyRing:
    """A ring under a master key of this test."""
    return KeyRing(b"m" * 32)


def refused(store: Store, act: Callable[[Unit], Any]) -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code


def offered(store: Store, cast: Cast) -> Contract:
    contract = drafted(store, cast)
    with store.write() as unit:
        return service.offer(unit, cast.mara, contract.id, 1)


def _since_the_offer(store: Store) -> list[str]:
    found = events(store)
    return found[found.index("contract.offered") :]


def named(store: Store, cast: Cast, contract: Contract, **person: str) -> str:
    with store.write() as unit:
        link = signatories.name_signatory(unit, cast.tove, contract.id, **{**BEA, **person}, base_url=BASE)
    return link.rsplit("/", 1)[1]


def test_a_person_new_to_us_reads_comes_and_signs(store: Store) -> None:
    cast = Cast(store)
    contract = offered(store, cast)
    token = named(store, cast, contract)
    with store.read() as session:
        asked = asked_by(session, token, store.clock.now())
    assert (asked.contract.id, asked.version.number, asked.request.email) == (contract.id, 1, "bea@lab.example")
    others = lambda unit: service.sign(unit, cast.tove, contract.id, 2, name="Tove Okafor", capacity="Head")  # noqa: E731 - one line
    assert refused(store, others) == "command_not_possible"

    with store.write() as unit:
        account, path = signatories.accept(unit, token, name="Bea Bound", password_hash="-")
    assert path == f"/partner/contracts/{contract.id}#sign"
    with store.write() as unit:
        bea = replace(cast.tove, account_id=account.id, email=account.email, roles=frozenset({Role.SIGNATORY}))
        signed = service.sign(unit, bea, contract.id, 2, name="Bea Bound", capacity="Chancellor", authority="power")
    with store.read() as session:
        (signature,) = queries.signatures_of(session, signed)
        row = session.exec(select(SigningRequest)).one()
        held = {each.email: each.roles for each in members(session, cast.lab)}
    assert (signed.state, signature.name, signature.authority, signature.method) == ("signed", "Bea Bound", "power", "account")
    assert (row.accepted_by, row.signed_at, held["bea@lab.example"]) == (account.id, store.clock.now(), (Role.SIGNATORY,))
    assert _since_the_offer(store) == ["contract.offered", "signatory.named", "role.given", "contract.signed"]
    told = [mail for mail in mails(store) if "countersign" in mail[1] or "read and sign" in mail[1]]
    until = "16 November 2026"
    assert told == [
        ("bea", f'Please read and sign by {until}: contract "{TITLE}" for Northfield University, Media Lab'),
        ("jon", f'Contract "{TITLE}" waits for countersignature'),
        ("mara", f'Contract "{TITLE}" waits for countersignature'),
        ("tove", f'Signed for Northfield University, Media Lab, countersignature is next: contract "{TITLE}"'),
    ]


def test_who_may_ask_whom_and_how_often(sqlite_store: Store, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    contract = offered(sqlite_store, cast)
    naming = lambda actor, **more: lambda unit: signatories.name_signatory(unit, actor, contract.id, **{**BEA, **more}, base_url=BASE)  # noqa: E731
    assert [refused(sqlite_store, naming(each)) for each in (cast.dev, cast.eve, cast.mara)] == ["role_required", "not_found", "not_found"]
    assert [refused(sqlite_store, naming(cast.tove, **each)) for each in ({"email": cast.tove.email}, {"email": "x"}, {"name": " "})] == [
        "invalid_input"
    ] * 3
    first = named(sqlite_store, cast, contract)
    assert refused(sqlite_store, naming(cast.tove, email="other@lab.example")) == "command_not_possible"
    reminding = lambda unit: signatories.remind(unit, cast.tove, contract.id, BASE)  # noqa: E731 - one line
    clock.advance(hours=23, minutes=59)
    assert refused(sqlite_store, reminding) == "command_not_possible"
    clock.advance(minutes=1)
    with sqlite_store.write() as unit:
        second = reminding(unit).rsplit("/", 1)[1]
    with sqlite_store.read() as session:
        row = open_request(session, contract.id)
        assert row is not None and (row.reminders, asked_by(session, second, clock.now()).request.id) == (1, row.id)
    for token in (first, second[:-1] + "x"):
        assert refused(sqlite_store, lambda unit, token=token: signatories.accept(unit, token, name="Bea", password_hash="-")) == (
            "link_unusable"
        )
    with sqlite_store.write() as unit:
        signatories.withdraw(unit, cast.tove, contract.id)
    assert refused(sqlite_store, lambda unit: signatories.accept(unit, second, name="Bea", password_hash="-")) == "link_unusable"
    with sqlite_store.write() as unit:
        tove = replace(cast.tove, reauthenticated_at=unit.now)
        assert service.sign(unit, tove, contract.id, 2, name="Tove", capacity="Head").state == "signed"
    assert refused(sqlite_store, naming(cast.tove)) == "command_not_possible"
    assert _since_the_offer(sqlite_store)[1:] == ["signatory.named", "signatory.reminded", "signatory.withdrawn", "contract.signed"]


def test_another_version_reaches_who_has_not_come_by_a_fresh_link(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    contract = offered(sqlite_store, cast)
    first = named(sqlite_store, cast, contract)
    revised(sqlite_store, cast, contract, "The pace is slower.", requests_per_second=1)
    assert refused(sqlite_store, lambda unit: asked_by(unit.session, first, unit.now)) == "link_unusable"
    subject, body = _letters(sqlite_store, "bea@lab.example")[-1]
    assert subject == (
        f'Version 2 is there, please read and sign by 16 November 2026: contract "{TITLE}" for Northfield University, Media Lab'
    )
    assert "The platform says of what changed:\n\nThe pace is slower." in body
    second = body.partition("/sign/")[2].split()[0]
    with sqlite_store.read() as session:
        asked = asked_by(session, second, sqlite_store.clock.now())
    assert (asked.version.number, asked.link.given_by) == (2, cast.tove.account_id)
    # Who has come hears of it as everyone does who may sign.
    with sqlite_store.write() as unit:
        signatories.accept(unit, second, name="Bea Bound", password_hash="-")
    revised(sqlite_store, cast, contract, "The pace is as before.")
    told = [subject for subject, _ in _letters(sqlite_store, "bea@lab.example")]
    assert told[2:] == [f'Version 3 of your contract "{TITLE}" is ready to sign']


def test_without_mail_the_link_that_was_handed_over_goes_on(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    contract = offered(sqlite_store, cast)
    token = named(sqlite_store, cast, contract)
    with sqlite_store.write() as unit:
        signatories.reoffered(unit, unit.lock(Contract, contract.id), "The pace is slower.", Settings(profile="test"))
    with sqlite_store.read() as session:
        assert asked_by(session, token, sqlite_store.clock.now()).contract.id == contract.id


def _letters(store: Store, to: str) -> list[tuple[str, str]]:
    with store.read() as session:
        rows = session.exec(select(OutboxRow).where(OutboxRow.kind == "mail").order_by(col(OutboxRow.id))).all()
    return [(row.payload["subject"], row.payload["body"]) for row in rows if row.payload["to"] == to]


def test_a_link_ends_with_the_offer(sqlite_store: Store, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    contract = offered(sqlite_store, cast)
    token = named(sqlite_store, cast, contract)
    with sqlite_store.write() as unit:
        service.terminate(unit, cast.mara, contract.id, 2, "It was offered by mistake.")
    assert refused(sqlite_store, lambda unit: asked_by(unit.session, token, unit.now)) == "link_unusable"
    other = offered(sqlite_store, cast)
    late = named(sqlite_store, cast, other)
    clock.advance(days=14)
    assert refused(sqlite_store, lambda unit: asked_by(unit.session, late, unit.now)) == "link_unusable"


SCAN = Way(Method.PAPER, "ab" * 32, "application/pdf")


def test_a_paper_is_recorded_by_its_short_hash_and_countersigned_by_somebody_else(store: Store, keys: KeyRing) -> None:
    cast = Cast(store)
    contract = offered(store, cast)
    with store.read() as session:
        version = queries.version_of(session, contract)
    short = version.text_sha256[:16]
    names = {"name": "Bea Bound", "capacity": "Chancellor"}

    def recording(typed: str) -> Callable[[Unit], Contract]:
        return lambda unit: service.record_paper(unit, cast.jon, contract.id, 2, **names, short_hash=typed, way=SCAN)

    for wrong in ("", short[:15], short + "0", short[::-1], version.terms_sha256[:16]):
        assert refused(store, recording(wrong)) == "hash_differs"
    with store.write() as unit:
        signed = recording(f" {short[:4].upper()}-{short[4:8]} {short[8:]} ")(unit)
    assert (signed.state, signed.compared_by) == ("signed", cast.jon.account_id)
    both = {"name": "J", "capacity": "C"}
    for actor in (cast.jon, cast.mara):
        act = lambda unit, actor=actor: service.countersign(unit, actor, keys, contract.id, 3, **both)  # noqa: E731 - one line
        assert refused(store, act) == "second_person_required"
    with store.write() as unit:
        third = person(unit, cast.platform, "Third Steward", Role.STEWARD, given_by=cast.admin)
        active = service.countersign(unit, third, keys, contract.id, 3, **both)
    with store.read() as session:
        version = queries.version_of(session, active)
        signature = queries.signatures_of(session, active)[0]
        assert check_seal(keys, session, active, version) is None
    assert (signature.side, signature.method, signature.account_id, signature.file_sha256) == (
        "partner",
        "paper",
        cast.jon.account_id,
        "ab" * 32,
    )
    for name, forged in (("method", "account"), ("file_sha256", "cd" * 32), ("authority", "office")):
        with store.write() as unit:
            row = unit.session.get_one(type(signature), signature.id)
            before = getattr(row, name)
            setattr(row, name, forged)
            unit.session.add(row)
            unit.session.flush()
            broken = check_seal(keys, unit.session, active, version)
            setattr(row, name, before)
        assert broken is not None and broken.code == "seal_broken"
