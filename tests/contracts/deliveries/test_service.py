"""Erasures and who is told, on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.datasets.load import ordinal_of, refresh
from contracts.datasets.pseudonyms import key_of, pseudonym
from contracts.deliveries import queries, service
from contracts.deliveries.notify import notice_handler
from contracts.deliveries.ordinals import Ordinals, pack, unpack
from contracts.deliveries.tables import ErasedRecord, ErasureNotice
from contracts.errors import Refused
from contracts.store import epochs, outbox
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from tests.harness.data import World, served, world, write_posts


@pytest.fixture
def data(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    with world(store, clock, tmp_path, posts=60) as made:
        yield made


def ordinal(data: World, key: str) -> int:
    version = data.catalogue.version_of("posts")
    assert version is not None
    found = ordinal_of(data.settings, version, key)
    assert found is not None
    return found


def held(data: World, *keys: str) -> service.Held:
    with data.store.read() as session:
        return service.held(session, "posts", Ordinals(ordinal(data, key) for key in keys))


def notices(data: World) -> list[ErasureNotice]:
    with data.store.read() as session:
        return list(session.exec(select(ErasureNotice).order_by(ErasureNotice.contract_id)).all())  # type: ignore[arg-type]  # a column


def test_ordinals_survive_packing() -> None:
    wanted = Ordinals([0, 1, 2, 70_000, 2**32 - 1])
    assert unpack(pack(wanted)) == wanted


def test_recipients_are_those_who_received_the_record(data: World) -> None:
    one, two = data.contract(), data.contract(data.cast.rival)
    first = data.get(data.caller(*one), limit="3")
    data.clock.advance(minutes=5)
    second = data.get(data.caller(*one), limit="1")
    data.get(data.caller(*two), limit="1", likes="2")
    with data.store.read() as session:
        (found,) = queries.recipients(session, "posts", ordinal(data, "0001"))
        assert [each.contract_id for each in queries.recipients(session, "posts", ordinal(data, "0002"))] == [one[0], two[0]]
        assert queries.recipients(session, "posts", ordinal(data, "0059")) == []
    assert (found.contract_id, found.deliveries, found.entries) == (one[0], 2, (first.entry, second.entry))
    assert found.last_at - found.first_at == timedelta(minutes=5)


def test_an_erasure_tells_every_holder_once_with_a_deadline(data: World) -> None:
    one, two = data.contract(), data.contract(data.cast.rival, erasure_hours=None)
    data.get(data.caller(*one), limit="3")
    data.get(data.caller(*two), limit="1")
    with data.store.write() as unit:
        erasure = service.erase(unit, data.cast.cora, held(data, "0001", "0002"), "Asked for.")
    found = {each.contract_id: each for each in notices(data)}
    assert {contract: (each.count, each.due_at) for contract, each in found.items()} == {
        one[0]: (2, data.clock.now() + timedelta(hours=24)),
        two[0]: (1, None),
    }
    (leaf,) = data.leaves("erasure.made")
    assert (leaf["subject"], leaf["rows"], leaf["facts"]) == (erasure, 2, {"contracts": sorted([one[0], two[0]])})
    assert data.personal(leaf["id"])["reason"] == "Asked for."
    with data.store.engine.connect() as connection:
        assert epochs.current(connection).erasures == 1
    with pytest.raises(Refused) as refused, data.store.write() as unit:
        service.erase(unit, data.cast.cora, held(data, "0001"), "Again.")
    assert refused.value.refusal.code == "command_not_possible"
    refresh(data.store, data.settings, "posts")
    assert len(notices(data)) == 2


def test_a_delivery_between_reading_holders_and_erasing_is_not_missed(data: World) -> None:
    contract, client = data.contract()
    found = held(data, "0001")
    data.get(data.caller(contract, client), limit="1")
    with data.store.write() as unit:
        service.erase(unit, data.cast.cora, found, "Asked for.")
    assert [(each.contract_id, each.count) for each in notices(data)] == [(contract, 1)]


@pytest.mark.parametrize(("person", "reason", "code"), [("mara", "Why not", "role_required"), ("cora", "  ", "reason_required")])
def test_an_erasure_needs_compliance_and_a_reason(data: World, person: str, reason: str, code: str) -> None:
    with pytest.raises(Refused) as refused, data.store.write() as unit:
        service.erase(unit, getattr(data.cast, person), held(data, "0001"), reason)
    assert refused.value.refusal.code == code
    with data.store.read() as session:
        assert session.exec(select(ErasedRecord)).all() == []


def test_holders_learn_the_records_by_their_own_pseudonyms_once(data: World) -> None:
    contract, client = data.contract()
    data.get(data.caller(contract, client), limit="3")
    with data.store.write() as unit:
        service.erase(unit, data.cast.cora, held(data, "0001"), "A private reason.")
    handlers = {service.NOTICE: notice_handler(data.store, data.settings, data.keys)}
    assert outbox.run_due(data.store, handlers) == 1
    with data.store.write() as unit:
        outbox.rerun(unit, unit.session.exec(select(OutboxRow.id).where(OutboxRow.kind == service.NOTICE)).one())
    assert outbox.run_due(data.store, handlers) == 1
    with data.store.read() as session:
        mails = session.exec(select(OutboxRow).where(OutboxRow.kind == "mail")).all()
    assert sorted(row.payload["to"] for row in mails) == sorted([data.cast.tove.email, data.cast.dev.email])
    assert all(pseudonym(key_of(data.store, data.keys, contract), "posts", "id", "0001") in row.payload["body"] for row in mails)
    assert not any("0001\n" in row.payload["body"] or "private" in row.payload["body"] for row in mails)


def test_records_that_a_refresh_drops_are_told_to_their_holders(data: World, tmp_path: Path) -> None:
    contract, client = data.contract()
    data.get(data.caller(contract, client), limit="2")
    gone, kept = served(data.posts)[:2]
    changed = [{**post, "is_deleted": post["is_deleted"] or post is gone} for post in data.posts if post["id"] != "0059"]
    write_posts(tmp_path / "posts.csv", changed)
    refresh(data.store, data.settings, "posts")
    (notice,) = notices(data)
    assert (notice.contract_id, list(unpack(notice.ordinals))) == (contract, [ordinal(data, gone["id"])])
    with data.store.read() as session:
        assert queries.notices_of(session, contract) == [notice]
        assert ordinal(data, kept["id"]) not in queries.erased_of(session, "posts")
