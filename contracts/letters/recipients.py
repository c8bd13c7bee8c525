"""The answer to somebody who asks who received their records, or one record: each recipient, and the proofs of what the letter names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlmodel import Session, col, select

from contracts.clock import day_in, long_day
from contracts.deliveries.holdings import Holding
from contracts.ledger import verify_licet
from contracts.ledger.proofs import Proof, proof_of
from contracts.ledger.stage import Entry, record
from contracts.letters.text import LetterText, fill, text_of
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.settings import Settings
from contracts.signing.pdf import compile_pdf
from contracts.store.unit import Unit
from contracts.terms.grant import version_row
from contracts.terms.model import readable
from contracts.terms.purposes import PURPOSES

_TEMPLATE = Path(__file__).parent / "letter.typ"
_READ_ME = "texts/READ-ME.txt"


@dataclass(frozen=True, slots=True)
class OneRecord:
    """The one record that a letter is about: its dataset and its own id there."""

    dataset: str
    key: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient as the letter lists it: who, and rows of what and its value."""

    name: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter whole. `proofs` are files by name; `waiting` counts entries that had no proof yet."""

    text: LetterText
    sender: str
    contact: str
    to: tuple[str, ...]
    dated: str
    reference: str
    recipients: tuple[Recipient, ...]
    proofs: Mapping[str, str]
    waiting: int


def write(
    session: Session,
    settings: Settings,
    held: Sequence[Holding],
    *,
    to: str,
    asked_on: date,
    now: datetime,
    reference: str,
    countries: Mapping[str, str],
    key: str,
    record: OneRecord | None = None,
) -> Letter:
    """The letter about what contracts hold of one person, or of one record. `to` is name and address, a line each; `key` the ledger's.

    `Misconfigured` where the operator's own text cannot be used.
    """
    today = long_day(day_in(now, settings.platform.time_zone))
    facts = {
        "platform": settings.platform.name,
        "legal_name": settings.platform.legal_name,
        "contact": settings.platform.contact,
        "asked_on": long_day(asked_on),
        "today": today,
        "records": f"{sum(each.records for each in held):,}",
        "contracts": f"{len({each.contract_id for each in held}):,}",
        "reference": reference,
    }
    if record is not None:
        facts |= {"record": record.key, "dataset": _title(settings, record.dataset)}
    kind = f"{'' if held else 'no-'}{'record-' if record else ''}recipients"
    named = dict.fromkeys(entry for each in held for entry in (each.first_entry, each.last_entry))
    proofs = {entry: proof.text() for entry in named if isinstance(proof := proof_of(session, entry), Proof)}
    return Letter(
        text=fill(text_of(settings.home, kind), facts),
        sender=settings.platform.legal_name,
        contact=settings.platform.contact,
        to=tuple(line.strip() for line in to.splitlines() if line.strip()),
        dated=today,
        reference=reference,
        recipients=tuple(_recipient(session, settings, each, countries, of_person=record is None) for each in held),
        proofs=_files(proofs, settings, key) if proofs else {},
        waiting=len(named) - len(proofs),
    )


def as_pdf(letter: Letter) -> bytes:
    """The letter as PDF/A-3 that carries its proofs along. Takes about 0.1 s; never call it inside a unit of work."""
    return compile_pdf(
        {
            "title": letter.text.subject,
            "author": letter.sender,
            "language": "en",
            "contact": letter.contact,
            "to": list(letter.to),
            "dated": letter.dated,
            "reference": letter.reference,
            "parts": [{"kind": each.kind, "text": each.text} for each in letter.text.parts],
            "recipients": [{"name": each.name, "rows": [list(row) for row in each.rows]} for each in letter.recipients],
            "attachments": [
                {"name": name, "content": content, "relationship": "supplement", "type": "text/plain", "description": name}
                for name, content in letter.proofs.items()
            ],
        },
        _TEMPLATE,
    )


def note_letter(unit: Unit, actor: Actor, about: str | OneRecord, held: Sequence[Holding], form: str, reference: str = "") -> str:
    """Record that a letter about a person or a record was written, before it is shown; returns the entry's id, which is its reference.

    Only for compliance.
    """
    actor.require(Role.COMPLIANCE)
    dataset, asked = (about.dataset, about.key) if isinstance(about, OneRecord) else ("", about)
    facts = {
        "by": "record" if dataset else "person",
        "form": form,
        "contracts": sorted({each.contract_id for each in held}),
        "records": sum(each.records for each in held),
    }
    personal = {"account": actor.account_id, "network": actor.network, "search": asked}
    return record(unit, Entry(event="letter.written", subject=reference, dataset=dataset, facts=facts, personal=personal))


def _recipient(session: Session, settings: Settings, held: Holding, countries: Mapping[str, str], *, of_person: bool) -> Recipient:
    found = select(Contract, Organisation).join(Organisation, col(Organisation.id) == col(Contract.organisation_id))
    row = session.exec(found.where(Contract.id == held.contract_id)).first()
    rows = [("Data", _title(settings, held.dataset))]
    rows += [("Records about you", f"{held.records:,}")] if of_person else []
    rows += [
        (
            "Delivered on",
            f"{held.days:,} days from {long_day(held.first_at)} to {long_day(held.last_at)}" if held.days > 1 else long_day(held.first_at),
        )
    ]
    rows += [("First entry", held.first_entry), *([("Last entry", held.last_entry)] if held.last_entry != held.first_entry else [])]
    if row is None:
        return Recipient(held.contract_id, tuple(rows))
    contract, organisation = row
    return Recipient(
        organisation.name, (("Country", countries.get(organisation.country, "Not said")), *_agreed(session, contract, held.dataset), *rows)
    )


def _title(settings: Settings, dataset: str) -> str:
    described = settings.datasets.get(dataset)
    return described.title if described else dataset


def _agreed(session: Session, contract: Contract, dataset: str) -> list[tuple[str, str]]:
    """What the contract says now of purpose, fields and keeping."""
    version = version_row(session, contract)
    terms = readable(version.terms_json) if version else None
    said = [("Contract", f"{contract.title} ({contract.id})")]
    if terms is None:
        return said
    fields = next((each.fields for each in terms.datasets if each.dataset == dataset), ())
    said.append(("Purpose", "; ".join(PURPOSES[each].title for each in terms.purposes if each in PURPOSES)))
    said.append(("Fields", ", ".join(fields)))
    if terms.retention_days:
        said.append(("Kept for", f"{terms.retention_days:,} days at most"))
    return said


def _files(proofs: Mapping[str, str], settings: Settings, key: str) -> dict[str, str]:
    read_me = (Path(__file__).parent / _READ_ME).read_text(encoding="utf-8")
    told = read_me.replace("$key", key).replace("$file", f"{next(iter(proofs))}.tlog-proof").replace("$ledger", settings.ledger_origin)
    script = Path(verify_licet.__file__).read_text(encoding="utf-8")
    return {"READ-ME.txt": told, "verify_licet.py": script, **{f"{entry}.tlog-proof": text for entry, text in proofs.items()}}
