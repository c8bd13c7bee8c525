"""The outbox's handler that makes the sealed PDF with both signatures after countersignature."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlmodel import Session

from contracts.keys import KeyRing
from contracts.lifecycle.seal import signatures_under
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.lifecycle.ways import Method
from contracts.people.tables import Organisation
from contracts.settings import Settings
from contracts.signing.certificates import Sealer, sealer_of
from contracts.signing.document import signed_pdf
from contracts.signing.files import read
from contracts.signing.tables import SignedDocument
from contracts.store.outbox import Effect, Handler
from contracts.store.unit import Store
from contracts.terms.grant import version_row

DOCUMENT = "contract.document"


def document_handler(settings: Settings, store: Store, keys: KeyRing) -> Handler:
    """The handler of outbox kind "contract.document" {contract_id}; done twice it leaves the first document."""

    def handle(effect: Effect) -> None:
        with store.read() as session:
            contract = session.get_one(Contract, str(effect.payload["contract_id"]))
            version = version_row(session, contract)
            organisation = session.get_one(Organisation, contract.organisation_id).name
            signatures = signatures_under(session, contract.id, contract.version)
            made = session.get(SignedDocument, (contract.id, contract.version))
        if version is None or not version.seal:
            raise LookupError(f"{contract.id} has no sealed version")
        if made is None:
            sealer = sealer_of(settings, store, keys)
            _keep(store, _sealed(settings, contract, version, organisation, signatures, sealer, store.clock.now()))

    return handle


def document_of(session: Session, version: ContractVersion) -> bytes:
    """The PDF to hand out: sealed and with its signatures where that was made, else as it was rendered."""
    signed = session.get(SignedDocument, (version.contract_id, version.number))
    return signed.pdf if signed is not None else version.pdf


def _sealed(
    settings: Settings,
    contract: Contract,
    version: ContractVersion,
    organisation: str,
    signatures: list[Signature],
    sealer: Sealer,
    now: datetime,
) -> SignedDocument:
    from contracts.signing.pades import seal_pdf  # noqa: PLC0415 - pyHanko takes most of a second to import, and a start is quick

    elsewhere = next((each.file_sha256 for each in signatures if each.method == Method.PDF), "")
    # A file that was signed elsewhere stays the document: the seal is put on top, and the signatures in it go on holding.
    pdf = seal_pdf(
        read(settings.home, elsewhere) if elsewhere else signed_pdf(settings, contract, version, organisation, signatures),
        sealer,
        now,
        name=settings.platform.legal_name,
        reason=f"Contract {contract.id}, version {version.number}, as both sides signed it",
        final=not elsewhere,
        timestamp_url=settings.signing.timestamp_url,
    )
    return SignedDocument(
        contract_id=contract.id,
        version=version.number,
        pdf=pdf,
        pdf_sha256=hashlib.sha256(pdf).hexdigest(),
        made_at=now,
        profile="PAdES-B-T" if settings.signing.timestamp_url else "PAdES-B-B",
        certificate_sha256=sealer.sha256,
    )


def _keep(store: Store, document: SignedDocument) -> None:
    """Keep the document unless another process kept one meanwhile, which was perhaps handed out already."""
    with store.write("document") as unit:
        unit.lock(Contract, document.contract_id)
        if unit.session.get(SignedDocument, (document.contract_id, document.version)) is None:
            unit.session.add(document)
