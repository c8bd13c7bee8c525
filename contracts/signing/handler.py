"""The outbox's handler that makes the PDF with both signatures after countersignature."""

from __future__ import annotations

import hashlib

from sqlmodel import Session

from contracts.lifecycle.seal import signatures_under
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.tables import Organisation
from contracts.settings import Settings
from contracts.signing.document import signed_pdf
from contracts.signing.tables import SignedDocument
from contracts.store.outbox import Effect, Handler
from contracts.store.unit import Store
from contracts.terms.grant import version_row

DOCUMENT = "contract.document"


def document_handler(settings: Settings, store: Store) -> Handler:
    """The handler of outbox kind "contract.document" {contract_id}; done twice it leaves one document."""

    def handle(effect: Effect) -> None:
        with store.read() as session:
            contract = session.get_one(Contract, str(effect.payload["contract_id"]))
            version = version_row(session, contract)
            organisation = session.get_one(Organisation, contract.organisation_id).name
            signatures = signatures_under(session, contract.id, contract.version)
        if version is None or not version.seal:
            raise LookupError(f"{contract.id} has no sealed version")
        pdf = signed_pdf(settings, contract, version, organisation, signatures)
        document = SignedDocument(
            contract_id=contract.id, version=version.number, pdf=pdf, pdf_sha256=_sha256(pdf), made_at=store.clock.now()
        )
        with store.write("document") as unit:
            unit.session.merge(document)

    return handle


def document_of(session: Session, version: ContractVersion) -> bytes:
    """The PDF to hand out: with its signature page where that was made, else as it was rendered."""
    signed = session.get(SignedDocument, (version.contract_id, version.number))
    return signed.pdf if signed is not None else version.pdf


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
