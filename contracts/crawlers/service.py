"""Crawler keys: registered for one contract, proved by a signature over a nonce of ours, revoked. A key belongs to one contract."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from contracts.crawlers.decide import PROOF_LASTS, PublicPart, challenge, check_crawler, opened, signature_in
from contracts.crawlers.tables import CrawlerKey
from contracts.credentials.decide import check_change
from contracts.errors import Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.tables import Contract
from contracts.message_signatures import verifies
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.decide import name_problem, tidy
from contracts.store import epochs
from contracts.store.unit import Unit
from contracts.terms.grant import version_row
from contracts.terms.model import Terms, from_json

KIND = "crawler_key"


def register(
    unit: Unit, actor: Actor, contract_id: str, name: str, keys: Sequence[PublicPart], directory_url: str = ""
) -> list[CrawlerKey]:
    """Note keys that a crawler of the contract signs with. None of them counts before it is proved, within a day.

    Raises `not_found`, `role_required`, `contract_not_active`, `invalid_input` (the name), `command_not_possible` above ten keys or
    without crawling in the contract, and what the assurance of an act upon credentials asks for.
    """
    contract = unit.lock(Contract, contract_id)
    noted = [each for each in crawlers_of(unit.session, contract.id) if each.revoked_at is None]
    new = [each for each in keys if each.thumbprint not in {row.thumbprint for row in noted}]
    if refusal := check_crawler(actor, contract, _terms(unit.session, contract), more=len(new), live=len(noted), now=unit.now):
        raise Refused(refusal)
    if problem := name_problem(tidy(name), "Give the crawler a name, for example its user agent."):
        raise refuse("invalid_input", "Some fields need your attention.", fields={"name": problem})
    made = [_row(unit, actor, contract, tidy(name), each, directory_url) for each in new]
    unit.session.add_all(made)
    unit.session.flush()
    for row in made:
        record(unit, _entry("crawler.registered", actor, row, contract.version, {"directory": bool(directory_url)}))
    return made


def prove(unit: Unit, actor: Actor, crawler_id: str, signature: str, base_url: str) -> CrawlerKey:
    """Take a signature over the key's challenge; from then on the key stands for its contract. Moves the epoch `grants`.

    Raises `not_found`, `role_required`, `invalid_input` for a signature that is not the key's, `command_not_possible` where the key
    was proved or revoked, where the day is over, or where the key stands for another contract.
    """
    row = unit.lock(CrawlerKey, crawler_id)
    if refusal := check_change(actor, row.organisation_id, unit.now, Act.CREDENTIAL):
        raise Refused(refusal)
    if row.proved_at is not None or row.revoked_at is not None or row.nonce_until <= unit.now:
        raise refuse("command_not_possible", "This key waits for no proof any more. Register it again.")
    if not verifies(opened(row.x), challenge(row, base_url), signature_in(signature)):
        raise refuse("invalid_input", "The signature needs your attention.", fields={"signature": "This key did not sign that text."})
    try:
        with unit.session.begin_nested():
            row.live_thumbprint, row.proved_at = row.thumbprint, unit.now
            unit.session.flush()
    except IntegrityError as error:
        raise refuse("command_not_possible", "This key stands for another contract already. Use a key of its own for each.") from error
    epochs.bump(unit, "grants")
    record(unit, _entry("crawler.proved", actor, row, unit.session.get_one(Contract, row.contract_id).version, {}))
    return row


def revoke(unit: Unit, actor: Actor, crawler_id: str) -> None:
    """End a key; one that was revoked before stays as it is. For leads and developers of its organisation, and for staff."""
    row = unit.lock(CrawlerKey, crawler_id)
    if refusal := check_change(actor, row.organisation_id, unit.now, Act.STOP_CREDENTIAL):
        raise Refused(refusal)
    if row.revoked_at is not None:
        return
    row.revoked_at, row.live_thumbprint = unit.now, None
    unit.session.flush()
    epochs.bump(unit, "grants")
    record(unit, _entry("crawler.revoked", actor, row, unit.session.get_one(Contract, row.contract_id).version, {}))


def crawlers_of(session: Session, contract_id: str) -> list[CrawlerKey]:
    """A contract's crawler keys, the live ones first, newest first."""
    query = select(CrawlerKey).where(CrawlerKey.contract_id == contract_id)
    return list(session.exec(query.order_by(col(CrawlerKey.revoked_at).isnot(None), col(CrawlerKey.id).desc())).all())


def _terms(session: Session, contract: Contract) -> Terms | None:
    version = version_row(session, contract)
    try:
        return from_json(version.terms_json) if version else None
    except ValidationError:
        return None  # edited rows: the seal's check opens the incident, here nothing is made under them


def _row(unit: Unit, actor: Actor, contract: Contract, name: str, key: PublicPart, directory_url: str) -> CrawlerKey:
    return CrawlerKey(
        id=new_id("bot"),
        contract_id=contract.id,
        organisation_id=contract.organisation_id,
        name=name,
        thumbprint=key.thumbprint,
        x=key.x,
        directory_url=directory_url,
        nonce=secrets.token_urlsafe(32),
        nonce_until=unit.now + PROOF_LASTS,
        created_by=actor.account_id,
        created_at=unit.now,
    )


def _entry(event: str, actor: Actor, row: CrawlerKey, version: int, more: Mapping[str, Any]) -> Entry:
    return Entry(
        event=event,
        subject=row.id,
        organisation=row.organisation_id,
        contract=row.contract_id,
        contract_version=version,
        credential=row.id,
        credential_kind=KIND,
        facts={"thumbprint": row.thumbprint, **more},
        personal=actor.personal(),
    )
