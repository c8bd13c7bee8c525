"""What each of a partner's own resources holds. Read from the sealed grant, never from a row without its seal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session, col, select

from contracts.access.cursor import LIFETIME_SECONDS
from contracts.access.decide import record_cap
from contracts.access.grants import Held
from contracts.access.query import DEFAULT_LIMIT, MAX_LIMIT
from contracts.billing.tables import UsageRow
from contracts.changes.decide import concerning, to_come
from contracts.clock import rfc3339
from contracts.datasets.catalogue import Dataset, Version
from contracts.deliveries.notify import pseudonyms_of
from contracts.deliveries.queries import notices_of
from contracts.deliveries.tables import ErasureNotice
from contracts.errors import refuse
from contracts.health import service as health
from contracts.health.service import Ends
from contracts.house import House
from contracts.ledger.projection import read_leaf
from contracts.ledger.proofs import Pending, proof_of
from contracts.ledger.queries import leaves
from contracts.ledger.tables import LedgerEntry
from contracts.quotas.service import Used, day_of, resets_at, used_on
from contracts.quotas.standing import standings
from contracts.quotas.tables import QuotaDay
from contracts.search.find import Question, kinds_of, newest
from contracts.terms.grant import Grant
from contracts.terms.model import DatasetTerms

View = dict[str, Any] | str

LOG_PAGE = 100
USAGE_DAYS = 366
# What of the ledger a partner sees of itself; decisions of staff about it come by mail and on its pages.
OWN_EVENTS = (
    "access.records",
    "access.aggregate",
    "access.estimate",
    "access.catalogue",
    "sandbox.records",
    "sandbox.catalogue",
    "gate.fetched",
    "token.issued",
    "token.refused",
)


def contract(session: Session, house: House, held: Held, grant: Grant, asked: Mapping[str, str]) -> View:
    """The contract in force: version, hash of the sealed terms, and the terms themselves."""
    return {
        "contract": grant.contract_id,
        "version": grant.version,
        "state": grant.state,
        "terms_sha256": grant.terms_sha256,
        "terms": grant.terms.model_dump(mode="json"),
    }


def datasets(session: Session, house: House, held: Held, grant: Grant, asked: Mapping[str, str]) -> View:
    """The contract's datasets that the platform still has."""
    known = [(house.catalogue.get(terms.dataset), terms) for terms in grant.terms.datasets]
    return {"data": [_described(house, found, terms, held.versions.get(found.id)) for found, terms in known if found is not None]}


def dataset(session: Session, house: House, held: Held, grant: Grant, asked: Mapping[str, str]) -> View:
    """One of the contract's datasets, with what may be asked of it."""
    found, terms = house.catalogue.get(asked["dataset_id"]), grant.terms.for_dataset(asked["dataset_id"])
    if found is None or terms is None:
        raise refuse("dataset_not_in_contract", "The contract does not name this dataset. Apply for it in the portal.")
    return {
        **_described(house, found, terms, held.versions.get(found.id)),
        "purposes": [purpose for purpose in grant.terms.purposes if purpose in found.settings.purposes],
        "rows": [condition.model_dump(mode="json") for condition in terms.rows],
        "limits": {
            "default_limit": DEFAULT_LIMIT,
            "max_limit": MAX_LIMIT,
            "cursor_lifetime_seconds": LIFETIME_SECONDS,
            "records_per_day": record_cap(grant, found),
        },
    }


def usage(session: Session, house: House, held: Held, grant: Grant, asked: Mapping[str, str]) -> View:
    """Records by day (quota days), what they cost where the contract has a price, and how requests ended on each day and in all."""
    days = session.exec(
        select(QuotaDay).where(QuotaDay.contract_id == grant.contract_id).order_by(col(QuotaDay.day).desc()).limit(USAGE_DAYS)
    )
    priced = session.exec(select(UsageRow).where(UsageRow.contract_id == grant.contract_id)).all() if grant.terms.price else []
    billed: dict[str, int] = {}
    for row in priced:
        billed[row.day.isoformat()] = billed.get(row.day.isoformat(), 0) + row.rows
    price = None if grant.terms.price is None else grant.terms.price.model_dump(mode="json")
    read = {row.day: Used(row.used, row.bytes) for row in days}
    today = day_of(house.clock.now(), house.settings.platform.time_zone)
    ends = health.by_day(session, grant.contract_id, today - timedelta(days=USAGE_DAYS))
    data = [
        _day(day, read.get(day, Used()), billed.get(day.isoformat(), 0), ends.get(day, Ends()))
        for day in sorted({*read, *ends}, reverse=True)
    ]
    return {"data": data, "price": price, "requests": health.in_all(ends).told()}


def _day(day: date, used: Used, billed: int, ends: Ends) -> dict[str, Any]:
    return {"day": day.isoformat(), "records": used.records, "bytes": used.bytes, "billed": billed, **ends.told()}


def access_log(session: Session, house: House, held: Held, grant: Grant, asked: Mapping[str, str]) -> View:
    """Own entries that are in the tree, newest first, 100 a page; `next` goes back as `before`."""
    before = asked.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise refuse("cursor_unusable", "`before` is the number that `next` gave.")
    kinds = session.execute(kinds_of(Question(contract=grant.contract_id, events=OWN_EVENTS))).scalars().all()
    found = newest(session, kinds, LOG_PAGE + 1, int(before) if before else None)
    shown = reversed(leaves(session, found[:LOG_PAGE]))
    data = [{"index": index, **{name: value for name, value in read_leaf(leaf).items() if name != "nonce"}} for index, leaf in shown]
    return {"data": data, "next": str(found[LOG_PAGE - 1]) if len(found) > LOG_PAGE else None}


def proof(session: Session, house: House, held: Held, grant: Grant, asked: Mapping[str, str]) -> View:
    """The proof of one own entry; before it is in the tree, `pending` with the time when it will be."""
    entry_id = asked["entry_id"].replace("\0", "")  # PostgreSQL takes no NUL in text
    stored = session.exec(select(LedgerEntry.leaf).where(LedgerEntry.id == entry_id)).first()
    leaf = {} if stored is None else read_leaf(stored)
    if leaf.get("contract") != grant.contract_id or leaf.get("event") not in OWN_EVENTS:
        raise refuse("not_found", "There is no such entry of this contract.")
    found = proof_of(session, entry_id)
    return {"state": "pending", "ready_at": rfc3339(found.ready_at)} if isinstance(found, Pending) else found.text()


def erasures(session: Session, house: House, held: Held, grant: Grant, asked: Mapping[str, str]) -> View:
    """Records to delete, by their pseudonyms under this contract, and until when."""
    notices = notices_of(session, grant.contract_id)
    return {"data": [_notice(house, notice) for notice in notices]}


def status(session: Session, house: House, held: Held, grant: Grant, asked: Mapping[str, str]) -> View:
    """That the contract is served, what is left of its day and of its period, and how often the service failed of late."""
    now, zone = house.clock.now(), house.settings.platform.time_zone
    today = day_of(now, zone)
    used = used_on(session, grant.contract_id, today)
    return {
        "status": "ok",
        "at": rfc3339(now),
        "records": {"limit": grant.terms.records_per_day, "used": used.records, "resets_at": rfc3339(resets_at(today, zone))},
        "bytes": {"limit": grant.terms.bytes_per_day, "used": used.bytes},
        "requests_per_second": grant.terms.requests_per_second,
        "requests_at_once": grant.terms.concurrent_requests,
        "period": {
            each.term: {"limit": each.limit, "used": each.used}
            for each in standings(session, grant.contract_id, grant.version, grant.terms)
        },
        "service": {name: ends.told() for name, ends in health.of_platform(session, now).items()},
        "contract_ends": rfc3339(resets_at(grant.terms.ends, zone) - timedelta(milliseconds=1)),
    }


def _described(house: House, found: Dataset, terms: DatasetTerms, version: Version | None) -> dict[str, Any]:
    fields = [_field(found, terms, name) for name in found.fields if name in terms.fields]
    today = day_of(house.clock.now(), house.settings.platform.time_zone)
    changes = [each.told() for each in concerning(terms, to_come(found.id, found.settings, today))]
    current = None if version is None else {"id": version.version, "loaded_at": rfc3339(version.loaded_at)}
    return {
        "id": found.id,
        "title": found.settings.title,
        "summary": found.settings.summary,
        "version": current,
        "fields": fields,
        "changes": changes,
    }


def _field(found: Dataset, terms: DatasetTerms, name: str) -> dict[str, Any]:
    """A field as the contract has it: generalised ones with their grain and the type of what is told."""
    field, pseudonym, coarse = found.fields[name], found.is_pseudonymised(name, terms), found.coarse(name, terms)
    told = {
        "name": name,
        "type": "string" if pseudonym else field.type if coarse is None else coarse.type,
        "description": field.description,
        "pseudonym": pseudonym,
        "filters": list(found.operators(name, terms)),
    }
    return told if coarse is None else {**told, "generalised": coarse.grain}


def _notice(house: House, notice: ErasureNotice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "dataset": notice.dataset,
        "records": pseudonyms_of(house.store, house.settings, house.keys, notice, most=notice.count),
        "count": notice.count,
        "made_at": rfc3339(notice.made_at),
        "due_at": None if notice.due_at is None else rfc3339(notice.due_at),
    }
