"""People, a dataset and a filled-in form for tests of what people do: rows put straight into the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlmodel import select

from contracts.applications import service as applications
from contracts.applications.form import read_form
from contracts.applications.tables import Application
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle import offers, service
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Account, Membership, Organisation
from contracts.settings import DatasetSettings, Mail, Settings
from contracts.signing import facts_of, render
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store, Unit
from contracts.terms.defaults import propose
from portal.demo.answers import usual

POSTS = DatasetSettings.model_validate(
    {
        "title": "Public posts",
        "location": "posts.parquet",
        "key": "id",
        "time": "created_at",
        "subject": "author_id",
        "purposes": ["research", "market-analysis"],
        "price_per_1000": "0.40",
        "max_records_per_day": 200_000,
        "max_requests_per_second": 10,
        "fields": {
            "id": {"type": "string", "class": "key"},
            "author_id": {"type": "string", "class": "subject"},
            "author_handle": {"type": "string", "class": "personal"},
            "created_at": {"type": "timestamp"},
            "lang": {"type": "string"},
            "country": {"type": "string"},
            "text": {"type": "string", "filterable": False},
            "likes": {"type": "integer"},
        },
    }
)
SETTINGS = Settings(profile="test", mail=Mail(transport="mailbox"), datasets={"posts": POSTS})
FORM: dict[str, Any] = {
    "project": "Political ads and regional reach",
    "kind": "research",
    "purpose": "research",
    "purpose_text": "How far do political posts reach beyond their region?",
    "fields": ["id", "author_id", "created_at", "lang", "text"],
    "rows": {"lang": ["de", "sv"]},
    "answers": usual(["text"]),
    "crawl": False,
    "starts": "2026-11-02",
    "ends": "2027-10-31",
}
STARTS, ENDS = date(2026, 11, 2), date(2027, 10, 31)


class Cast:
    """Two organisations of partners and the platform, with one person for each part they play.

    `mara` and `jon` are stewards, `cora` is compliance officer; `tove` leads and signs for the laboratory, `dev` is its
    developer; `eve` leads another organisation. An administrator gave the staff their roles.
    """

    def __init__(self, store: Store) -> None:
        with store.write() as unit:
            platform = _organisation(unit, "Agora Networks Ltd", "platform", "")
            self.platform = platform
            self.lab = _organisation(unit, "Northfield University, Media Lab", "partner", "university")
            self.rival = _organisation(unit, "Quotient Analytics", "partner", "company")
            self.admin = person(unit, platform, "Ada Admin", Role.ADMINISTRATOR)
            self.mara = person(unit, platform, "Mara Lindqvist", Role.STEWARD, given_by=self.admin)
            self.jon = person(unit, platform, "Jon Steward", Role.STEWARD, given_by=self.admin)
            self.cora = person(unit, platform, "Cora Compliance", Role.COMPLIANCE, given_by=self.admin)
            self.tove = person(unit, self.lab, "Tove Okafor", Role.LEAD, Role.SIGNATORY)
            self.dev = person(unit, self.lab, "Dev Eloper", Role.DEVELOPER)
            self.eve = person(unit, self.rival, "Eve Rival", Role.LEAD, Role.SIGNATORY)


def person(unit: Unit, organisation_id: str, name: str, *roles: Role, given_by: Actor | None = None) -> Actor:
    """An account with memberships, as the actor that signs in; password and second factor were given just now."""
    email = f"{name.split(maxsplit=1)[0].lower()}@{organisation_id[-6:].lower()}.example"
    account = Account(id=new_id("acc"), email=email, name=name, password_hash="-", created_at=unit.now, confirmed_at=unit.now)
    unit.session.add(account)
    unit.session.flush()
    giver = given_by.account_id if given_by else None
    for role in roles:
        row = Membership(id=new_id("mem"), account_id=account.id, organisation_id=organisation_id, role=role.value, created_at=unit.now)
        row.given_by = giver
        unit.session.add(row)
    return Actor(
        account_id=account.id,
        organisation_id=organisation_id,
        name=name,
        email=email,
        roles=frozenset(roles),
        roles_given_by=frozenset({giver} if giver else ()),
        reauthenticated_at=unit.now,
        second_factor_at=unit.now,
        network="192.0.2.0/24",
    )


def mails(store: Store) -> list[tuple[str, str]]:
    """Every mail asked for so far, as (first name of the reader, subject), sorted."""
    with store.read() as session:
        rows = session.exec(select(OutboxRow).where(OutboxRow.kind == "mail")).all()
        return sorted((row.payload["to"].split("@")[0], row.payload["subject"]) for row in rows)


def events(store: Store) -> list[str]:
    """The events staged so far, in order."""
    with store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(LedgerEntry.index)).all()  # type: ignore[arg-type]  # a column
        return [json.loads(row.leaf)["event"] for row in rows]


def _organisation(unit: Unit, name: str, side: str, kind: str) -> str:
    row = Organisation(id=new_id("org"), name=name, side=side, kind=kind, country="SE", created_at=unit.now)
    unit.session.add(row)
    unit.session.flush()
    return row.id


def approved(store: Store, cast: Cast, **changed: Any) -> Application:
    """An application of `tove`'s that `mara` approved."""
    with store.write() as unit:
        application = applications.begin(unit, cast.tove, "posts")
        applications.save(unit, cast.tove, application.id, 1, read_form({**FORM, **changed}))
        return vetted(unit, cast, applications.submit(unit, cast.tove, application.id, 2, SETTINGS))


def vetted(unit: Unit, cast: Cast, application: Application) -> Application:
    """What was handed in, found complete by `mara`, its lawful basis confirmed by `cora`, approved by `mara`."""
    applications.check(unit, cast.mara, application.id, application.revision)
    applications.confirm_basis(unit, cast.cora, application.id, application.revision, "public-task", "University law names research.")
    return applications.approve(unit, cast.mara, application.id, application.revision, "Sound method.")


def drafted(store: Store, cast: Cast, settings: Settings = SETTINGS, **changed: Any) -> Contract:
    """A contract that `mara` drafted from it, on the proposed terms; `terms` replaces some of those."""
    altered = changed.pop("terms", {})
    application = approved(store, cast, **changed)
    terms = propose(application, POSTS, settings.platform.site).model_copy(update=altered)
    with store.read() as session:
        facts = facts_of(session, application)
    contract_id = new_id("ctr")
    rendered = render(settings, facts, terms, contract_id)
    with store.write() as unit:
        return service.draft(unit, cast.mara, contract_id, application.id, rendered, terms, settings)


def revised(
    store: Store,
    cast: Cast,
    contract: Contract,
    note: str,
    *,
    passages: Mapping[str, str] | None = None,
    by: Actor | None = None,
    **terms: Any,
) -> Contract:
    """Another version that `mara` (or another steward) makes of it: the proposed terms with some replaced, and passages in other words."""
    with store.read() as session:
        application = session.get_one(Application, contract.application_id)
        facts = replace(facts_of(session, application), version=offers.next_number(session, contract.id))
    agreed = propose(application, POSTS, SETTINGS.platform.site).model_copy(update=terms)
    rendered = render(SETTINGS, facts, agreed, contract.id, passages)
    with store.write() as unit:
        revision = unit.lock(Contract, contract.id).revision
        return offers.revise(
            unit, by or cast.mara, contract.id, revision, rendered, agreed, SETTINGS, note_to_partner=note, passages=passages
        )


def signed(store: Store, cast: Cast, **changed: Any) -> Contract:
    """It, offered by `mara` and signed by `tove`."""
    contract = drafted(store, cast, **changed)
    with store.write() as unit:
        service.offer(unit, cast.mara, contract.id, 1)
        return service.sign(unit, cast.tove, contract.id, 2, name="Tove Okafor", capacity="Head of laboratory")


def active(store: Store, cast: Cast, keys: KeyRing, **changed: Any) -> Contract:
    """It, countersigned by `jon`: in force."""
    contract = signed(store, cast, **changed)
    with store.write() as unit:
        return service.countersign(unit, cast.jon, keys, contract.id, 3, name="Jon Steward", capacity="Head of data access")
