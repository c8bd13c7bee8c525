"""Reading the ledger leaves its own trace: who searched for what, who opened which entry, who looked a record up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from contracts.incidents.service import open_incident
from contracts.keys import KeyRing
from contracts.ledger.queries import Search
from contracts.ledger.reached import Resume
from contracts.ledger.stage import Entry, canonical, record
from contracts.ledger.verify import Progress, Report, verify
from contracts.people.actor import Actor
from contracts.people.roles import STAFF, Role
from contracts.store.unit import Store, Unit

VALUE = "value"
"""What the entry of a search for a personal value says that was asked by."""
BROKEN = "The ledger does not verify"


def note_search(unit: Unit, actor: Actor, wanted: Search, found: int) -> str:
    """Record a search before its results are shown; for compliance, and for an auditor of their own slice. Returns the entry's id.

    Which fields were used stands in the leaf, what was put into them is a personal value.
    """
    actor.require(Role.COMPLIANCE, Role.AUDITOR)
    asked = asked_words(wanted)
    facts = {"fields": sorted(asked), "found": found}
    return record(unit, Entry(event="ledger.searched", facts=facts, personal=_by(actor) | {"search": canonical(asked).decode()}))


def note_export(unit: Unit, actor: Actor, asked: Mapping[str, str], found: int, form: str, manifest_key: str) -> str:
    """Record an export before anything of it leaves; for compliance, and for an auditor of their own slice. Returns the entry's id.

    The key, made for this export alone, signs its manifest: whoever has the entry's proof needs no other key.
    """
    actor.require(Role.COMPLIANCE, Role.AUDITOR)
    facts = {"fields": sorted(asked), "found": found, "format": form, "manifest_key": manifest_key}
    return record(unit, Entry(event="ledger.exported", facts=facts, personal=_by(actor) | {"search": canonical(asked).decode()}))


def note_lookup(unit: Unit, actor: Actor, dataset: str, key: str, found: int, asked: str = "record") -> str:
    """Record that someone asked who holds a record or what is of a person, or what a contract received; only for compliance.

    `asked` says by what (record, person, deliveries); `found` counts contracts, or datasets of one contract.
    """
    actor.require(Role.COMPLIANCE)
    facts = {"fields": [asked], "found": found}
    return record(unit, Entry(event="ledger.searched", dataset=dataset, facts=facts, personal=_by(actor) | {"search": key}))


def note_value(unit: Unit, actor: Actor, value: str, found: int) -> str:
    """Record that compliance searched for a personal value, before anything is shown. Returns the entry's id, by which the search is shared.

    The value is its own subject, so that erasing it takes this search along.
    """
    actor.require(Role.COMPLIANCE)
    return record(unit, Entry(event="ledger.searched", facts={"fields": [VALUE], "found": found}, personal=_by(actor) | {"search": value}))


def note_life(unit: Unit, actor: Actor, contract: str, found: int) -> str:
    """Record that staff looked at the whole life of a contract, before it is shown. It is no entry of the contract's own."""
    actor.require(Role.STEWARD, Role.COMPLIANCE)
    return record(
        unit, Entry(event="ledger.searched", facts={"fields": ["life"], "found": found}, personal=_by(actor) | {"search": contract})
    )


def note_view(unit: Unit, actor: Actor, entry_id: str) -> str:
    """Record that a member of staff or an auditor opened an entry, before it is shown."""
    actor.require(*STAFF, Role.AUDITOR)
    return record(unit, Entry(event="ledger.viewed", subject=entry_id, personal=_by(actor)))


def inspect(store: Store, keys: KeyRing, progress: Progress | None = None, held: str | None = None, resume: Resume | None = None) -> Report:
    """Verify everything; where it fails, open the incident that staff see. Takes seconds to minutes and no write lock meanwhile."""
    report = verify(store, keys, progress, held, resume)
    if report.problems:
        first = report.problems[0]
        with store.write("incident") as unit:
            open_incident(unit, "ledger_broken", BROKEN, {"first_problem": first.what, "problems": len(report.problems)})
    return report


def asked_words(wanted: Search) -> dict[str, str]:
    """What a search asks, by the name of the field; what was left empty is left out."""
    return {name: value for name, value in _asked(wanted).items() if value}


def _by(actor: Actor) -> dict[str, str]:
    return {"account": actor.account_id, "network": actor.network}


def _asked(wanted: Search) -> dict[str, str]:
    moments: dict[str, datetime | None] = {"since": wanted.since, "until": wanted.until}
    words = {name: getattr(wanted, name) for name in ("organisation", "contract", "dataset", "decision", "event", "rule", "purpose", "q")}
    return words | {name: moment.isoformat() if moment else "" for name, moment in moments.items()}
