"""What an agreement signed before Licet becomes: organisation, application, contract and version, in the shape of any other's."""

from __future__ import annotations

import hashlib

from contracts.agreements.reading import as_application
from contracts.agreements.tables import Agreement
from contracts.applications.tables import Application
from contracts.ids import new_id
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.lifecycle.ways import Method
from contracts.people.actor import Actor
from contracts.people.queries import organisation_named
from contracts.people.roles import Side
from contracts.people.tables import Account, Organisation
from contracts.settings import Settings
from contracts.store.unit import Unit
from contracts.terms.model import Terms
from contracts.terms.words import plain

CAPACITY = "Confirmed for the platform that this was signed before Licet"


def organisation_of(unit: Unit, agreement: Agreement) -> Organisation:
    """The partner of that name, or a new one."""
    found = organisation_named(unit.session, agreement.organisation)
    if found is not None:
        return found
    made = Organisation(
        id=new_id("org"),
        name=agreement.organisation,
        side=Side.PARTNER.value,
        kind=agreement.organisation_kind,
        country=agreement.country,
        created_at=unit.now,
    )
    unit.session.add(made)
    unit.session.flush()
    return made


def contract_rows(
    unit: Unit, actor: Actor, agreement: Agreement, organisation: Organisation, terms: Terms, settings: Settings
) -> tuple[Contract, ContractVersion]:
    """The contract in force with its version and the two confirmations that stand in the place of signatures; all added, unsealed."""
    application = _application(unit, agreement, organisation, terms)
    contract = _contract(unit, agreement, application)
    unit.session.add(application)
    unit.session.flush()
    unit.session.add(contract)
    unit.session.flush()
    version = _version(unit, agreement, contract, terms, settings)
    unit.session.add(version)
    first = unit.session.get_one(Account, agreement.confirmed_by)
    unit.session.add(_confirmation(unit, version, "confirmed", first.id, first.name))
    unit.session.add(_confirmation(unit, version, "confirmed_again", actor.account_id, actor.name))
    unit.session.flush()
    return contract, version


def text_of(agreement: Agreement, organisation: str, terms: Terms, settings: Settings, contract_id: str) -> str:
    """What stands on pages in the place of the text: the signed text is the PDF, whose hash this names, and its terms in plain words."""
    parts = [
        f"# {_plain(agreement.title)}",
        f"Contract {contract_id} between {_plain(settings.platform.legal_name)} and {_plain(organisation)}, signed before Licet.",
        f"The signed text is the PDF with the SHA-256 {agreement.pdf_sha256}. Two members of the Platform's staff confirmed that it says "
        f"the terms below, whose machine-readable form has the SHA-256 {agreement.terms_sha256}.",
    ]
    for number, line in enumerate(plain(terms, settings), 1):
        sentence = f"**{_plain(line.sentence)}**" if line.enforced else _plain(line.sentence)
        parts += [f"<!-- term: {line.anchor} -->\n## {number}. {line.title}", sentence]
    return "\n\n".join(parts) + "\n"


def _plain(value: str) -> str:
    return " ".join(value.split()).replace("\\", "\\\\").replace("*", "\\*")


def _application(unit: Unit, agreement: Agreement, organisation: Organisation, terms: Terms) -> Application:
    made = as_application(agreement.kind, terms)
    made.id, made.organisation_id, made.project = new_id("app"), organisation.id, agreement.title
    made.purpose_text = "Agreed before Licet; the signed document says what for."
    made.created_by = made.decided_by = agreement.confirmed_by or ""
    made.created_at = made.submitted_at = made.decided_at = unit.now
    made.decision_reason = f"Signed before Licet; brought in as {agreement.id}."
    return made


def _contract(unit: Unit, agreement: Agreement, application: Application) -> Contract:
    confirmed_by = agreement.confirmed_by or ""
    return Contract(
        id=new_id("ctr"),
        organisation_id=application.organisation_id,
        application_id=application.id,
        title=agreement.title,
        kind=agreement.kind,
        state=State.ACTIVE.value,
        drafted_by=confirmed_by,
        approved_by=confirmed_by,
        created_at=unit.now,
        offered_at=unit.now,
        activated_at=unit.now,
    )


def _version(unit: Unit, agreement: Agreement, contract: Contract, terms: Terms, settings: Settings) -> ContractVersion:
    text = text_of(agreement, agreement.organisation, terms, settings, contract.id)
    return ContractVersion(
        id=new_id("ver"),
        contract_id=contract.id,
        number=1,
        terms_json=agreement.terms_json,
        terms_sha256=agreement.terms_sha256,
        text=text,
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        pdf=agreement.pdf,
        pdf_sha256=agreement.pdf_sha256,
        created_at=unit.now,
        sealed_at=unit.now,
    )


def _confirmation(unit: Unit, version: ContractVersion, side: str, account_id: str, name: str) -> Signature:
    return Signature(
        id=new_id("sig"),
        contract_id=version.contract_id,
        version=version.number,
        side=side,
        account_id=account_id,
        name=name,
        capacity=CAPACITY,
        text_sha256=version.text_sha256,
        terms_sha256=version.terms_sha256,
        signed_at=unit.now,
        method=Method.BEFORE.value,
        evidence={"method": "confirmed as signed before Licet"},
    )
