"""Key directories, looked at again and again: a crawler may change its keys without asking us, and a key that it withdraws ends.

Only directories in which one contract alone proved keys are asked, while it is active, in the background and whatever requests name. A
failed look changes nothing that counts; a successful one replaces what was known (draft-ietf-webbotauth-httpsig-protocol, appendix C.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from contracts.crawlers.directory import current
from contracts.crawlers.lookup import followed, live
from contracts.crawlers.tables import CrawlerDirectory, CrawlerKey
from contracts.errors import Refused
from contracts.guarded import GuardedClient
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.store import epochs
from contracts.store.unit import Store, Unit

EVERY = timedelta(minutes=10)
AFTER_FAILURE = timedelta(minutes=5)


def tick(store: Store, client: GuardedClient, most: int = 20) -> int:
    """Look at the directories whose turn it is, at most `most`; returns how many were asked."""
    due = _due(store)[:most]
    for name, rows in due:
        _look(store, client, name, rows)
    return len(due)


def directories_of(session: Session, contract_id: str) -> list[CrawlerDirectory]:
    """The directories that are followed for a contract, with what the last look at each found."""
    return list(session.exec(select(CrawlerDirectory).where(CrawlerDirectory.contract_id == contract_id)).all())


def _due(store: Store) -> list[tuple[str, list[CrawlerKey]]]:
    with store.read() as session:
        known = {each.id: each for each in session.exec(select(CrawlerDirectory)).all()}
        active = set(session.exec(select(Contract.id).where(Contract.state == State.ACTIVE)).all())
        wanted = followed(live(session))
    wanted = {name: rows for name, rows in wanted.items() if rows[-1].contract_id in active}
    return [(name, rows) for name, rows in wanted.items() if _is_due(known.get(name), rows[-1], store.clock.now())]


def _is_due(known: CrawlerDirectory | None, newest: CrawlerKey, now: datetime) -> bool:
    return known is None or known.contract_id != newest.contract_id or known.next_at <= now


def _look(store: Store, client: GuardedClient, name: str, rows: list[CrawlerKey]) -> None:
    keys: Mapping[str, Any] | None = None
    problem = ""
    try:
        keys = current(client, rows[-1].directory_url)
    except Refused as refused:
        problem = str(refused.refusal.facts.get("fields", {}).get("directory_url", refused.refusal.reason))
    with store.write("crawler directory") as unit:
        known = unit.session.get(CrawlerDirectory, name, with_for_update=True) or _first(unit, name, rows[-1])
        if known is not None:
            _keep(unit, known, rows, keys, problem)


def _first(unit: Unit, name: str, row: CrawlerKey) -> CrawlerDirectory | None:
    """The directory's row; None where another process makes it at this very moment, and looks itself."""
    made = CrawlerDirectory(id=name, contract_id=row.contract_id, next_at=unit.now)
    try:
        with unit.session.begin_nested():
            unit.session.add(made)
    except IntegrityError:
        return None
    return made


def _keep(unit: Unit, known: CrawlerDirectory, rows: list[CrawlerKey], keys: Mapping[str, Any] | None, problem: str) -> None:
    if known.contract_id != rows[-1].contract_id:
        known.contract_id, known.keys, known.fetched_at = rows[-1].contract_id, {}, None
    known.problem, known.next_at = problem, unit.now + (AFTER_FAILURE if keys is None else EVERY)
    if keys is None:
        return
    first, before = known.fetched_at is None, set(known.keys) if known.fetched_at else {each.thumbprint for each in rows}
    changed = first or dict(known.keys) != dict(keys)
    known.keys, known.fetched_at = dict(keys), unit.now
    unit.session.flush()
    if changed:
        epochs.bump(unit, "grants")
    if before != set(keys):
        record(unit, _entry(unit, rows[-1], sorted(set(keys) - before), sorted(before - set(keys))))


def _entry(unit: Unit, row: CrawlerKey, come: list[str], gone: list[str]) -> Entry:
    return Entry(
        event="crawler.directory_changed",
        subject=row.id,
        organisation=row.organisation_id,
        contract=row.contract_id,
        contract_version=unit.session.get_one(Contract, row.contract_id).version,
        credential=row.id,
        credential_kind="crawler_key",
        facts={"come": come, "gone": gone},
    )
