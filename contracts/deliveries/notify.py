"""Tells a contract's people which records to delete, by the pseudonyms under which they were delivered."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.clock import long_day
from contracts.datasets.catalogue import current_versions
from contracts.datasets.load import keys_of
from contracts.datasets.pseudonyms import key_of, pseudonym
from contracts.deliveries.ordinals import Ordinals, unpack
from contracts.deliveries.tables import ErasureNotice
from contracts.keys import KeyRing
from contracts.lifecycle.tables import Contract
from contracts.notices import audience, send
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.store.outbox import Effect, Handler
from contracts.store.unit import Store

# A mail names this many records; the full list is at /v1/erasures.
NAMED = 100


def notice_handler(store: Store, settings: Settings, keys: KeyRing) -> Handler:
    """The handler of outbox kind "erasure.notice".

    Pseudonyms are computed outside the transaction; that one asks for the mails and marks the notice, so that a handler killed
    in between tells nobody twice.
    """

    def handle(effect: Effect) -> None:
        notice_id = str(effect.payload["notice"])
        with store.read() as session:
            found = session.get_one(ErasureNotice, notice_id)
        records = pseudonyms_of(store, settings, keys, found)
        with store.write("erasure notice") as unit:
            notice = unit.lock(ErasureNotice, notice_id)
            if notice.told_at is not None:
                return
            contract = unit.lock(Contract, notice.contract_id)
            described = settings.datasets.get(notice.dataset)
            facts = {
                "title": contract.title,
                "dataset": described.title if described else notice.dataset,
                "count": str(notice.count),
                "due": _by(notice.due_at) if notice.due_at else "as the contract says",
                "records": "\n".join(records) or "-",
            }
            for reader in audience.partners(unit.session, contract.organisation_id, Role.LEAD, Role.DEVELOPER):
                path = f"/partner/contracts/{contract.id}"
                send(unit, to=reader.email, template="erasure-notice", facts={"name": reader.name, **facts}, path=path)
            notice.told_at = unit.now

    return handle


def _by(moment: datetime) -> str:
    day = moment.astimezone(UTC)
    return f"by {long_day(day.date())}, {day:%H:%M} UTC"


def pseudonyms_of(store: Store, settings: Settings, keys: KeyRing, notice: ErasureNotice, most: int = NAMED) -> list[str]:
    """The records' identifiers under the notice's contract, at most so many; empty where the dataset is no longer there."""
    described = settings.datasets.get(notice.dataset)
    with store.engine.connect() as connection:
        version = current_versions(connection, [notice.dataset]).get(notice.dataset)
    if described is None or version is None:
        return []
    key = key_of(store, keys, notice.contract_id)
    some = Ordinals(list(unpack(notice.ordinals))[:most])
    return [pseudonym(key, notice.dataset, described.key, own) for own in keys_of(settings, version, some)]
