"""A contract in force with an intact seal, for tests of credentials and of the token address."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from contracts.applications.tables import Application
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.lifecycle.seal import seal
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.people.actor import Actor
from contracts.store import epochs
from contracts.store.unit import Store
from contracts.terms.model import CrawlTerms, DatasetTerms, Terms, terms_hash, to_json

RING = KeyRing(b"k" * 32)
CRAWL = CrawlTerms(hosts=("www.agora.example",), paths=("/posts/",), requests_per_second=5)


def terms(**changed: Any) -> Terms:
    """Terms of a small research contract."""
    values: dict[str, Any] = {
        "datasets": (DatasetTerms(dataset="posts", fields=("id", "text")),),
        "purposes": ("research",),
        "requests_per_second": 5,
        "records_per_day": 1000,
        "starts": date(2026, 11, 1),
        "ends": date(2027, 10, 31),
        "retention_days": 365,
    }
    return Terms(**(values | changed))


def contract_in_force(store: Store, partner: Actor, steward: Actor, state: str = "active", **changed: Any) -> Contract:
    """A contract that both sides signed and the platform sealed."""
    with store.write() as unit:
        text, now = to_json(terms(**changed)), unit.now
        applied = Application(
            id=new_id("app"),
            organisation_id=partner.organisation_id,
            created_by=partner.account_id,
            state="approved",
            dataset="posts",
            created_at=now,
        )
        contract = Contract(
            id=new_id("ctr"),
            organisation_id=partner.organisation_id,
            application_id=applied.id,
            title="A study of topics",
            kind="research",
            state=state,
            drafted_by=steward.account_id,
            approved_by=steward.account_id,
            created_at=now,
        )
        version = ContractVersion(
            id=new_id("ver"),
            contract_id=contract.id,
            number=1,
            terms_json=text,
            terms_sha256=terms_hash(text),
            text="The text.",
            text_sha256=hashlib.sha256(b"The text.").hexdigest(),
            pdf=b"%PDF",
            pdf_sha256=hashlib.sha256(b"%PDF").hexdigest(),
            created_at=now,
            sealed_at=now,
        )
        signatures = [_signature(contract, version, side, person) for side, person in (("partner", partner), ("platform", steward))]
        for signature in signatures:
            signature.signed_at = now
        for rows in ([applied], [contract], [version, *signatures]):
            unit.session.add_all(rows)
            unit.session.flush()
        version.seal = seal(RING, unit, contract, version, signatures)
        epochs.bump(unit, "grants")
    return contract


def _signature(contract: Contract, version: ContractVersion, side: str, person: Actor) -> Signature:
    return Signature(
        id=new_id("sig"),
        contract_id=contract.id,
        version=1,
        side=side,
        account_id=person.account_id,
        name=person.name,
        capacity="Director",
        text_sha256=version.text_sha256,
        terms_sha256=version.terms_sha256,
    )
