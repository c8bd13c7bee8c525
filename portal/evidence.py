"""What pages of both sides show of a contract's evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from sqlmodel import Session, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused, refuse
from contracts.house import House
from contracts.ledger.stage import Entry, record
from contracts.lifecycle import queries
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.lifecycle.ways import Method
from contracts.people.actor import Actor
from contracts.people.tables import Organisation
from contracts.signing.evidence import SEAL_OF_BEFORE, Worth, as_json, evidence_of, worth_of, worth_of_seal
from contracts.signing.tables import SignedDocument, SigningCertificate
from portal.deps import house_of
from portal.uploads import Upload


@dataclass(frozen=True, slots=True)
class Evidence:
    """Each signature with the party that it binds and what it is worth; the seal, and the file's hash where it was made."""

    signatures: tuple[tuple[Signature, str, Worth], ...]
    seal: Worth
    document: SignedDocument | None


def shown(house: House, session: Session, contract: Contract, version: ContractVersion) -> Evidence:
    """The evidence of the version in force or under signature."""
    parties = parties_of(house, session, contract)
    document = session.get(SignedDocument, (contract.id, version.number))
    made_here = document is not None and _is_own(session, document)
    signatures = queries.signatures_of(session, contract)
    before = any(each.method == Method.BEFORE for each in signatures)
    return Evidence(
        # Who confirmed what was signed before did so for the platform.
        tuple((each, parties["partner" if each.side == "partner" else "platform"], worth_of(each.method)) for each in signatures),
        SEAL_OF_BEFORE if before else worth_of_seal(document, made_here, house.settings.platform.legal_name),
        document,
    )


def parties_of(house: House, session: Session, contract: Contract) -> dict[str, str]:
    """The names of both sides."""
    partner = session.get_one(Organisation, contract.organisation_id).name
    return {"partner": partner, "platform": house.settings.platform.legal_name}


def evidence_response(request: Request, actor: Actor, contract_id: str) -> Response:
    """The evidence as a file of JSON."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        version = queries.version_of(session, contract)
        made = evidence_of(contract, version, parties_of(house, session, contract), queries.signatures_of(session, contract))
    name = f"{contract.id}-version-{version.number}-evidence.json"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(as_json(made), media_type="application/json", headers=headers)


def content_of(sent: Upload) -> bytes:
    """The file that a form brought, whole; raises `invalid_input` where none came, or a larger one than is taken."""
    if sent.refusal is not None:
        raise Refused(sent.refusal)
    if sent.incoming is None:
        raise refuse("invalid_input", "Choose a file.", fields={"file": "Choose a file."})
    return sent.incoming.path.read_bytes()


def refuse_file(request: Request, actor: Actor, contract: Contract, code: str, problem: str) -> NoReturn:
    """Record that a signature made elsewhere was refused, and raise the refusal with the sentence beside the field."""
    entry = Entry(
        event="signature.refused",
        decision="refuse",
        rule=code,
        subject=contract.id,
        organisation=contract.organisation_id,
        contract=contract.id,
        facts={"why": problem},
        personal=actor.personal(),
    )
    with house_of(request).store.write("signature") as unit:
        record(unit, entry)
    raise refuse(code, problem, fields={"short_hash" if code == "hash_differs" else "file": problem})


def _is_own(session: Session, document: SignedDocument) -> bool:
    return session.exec(select(SigningCertificate).where(SigningCertificate.sha256 == document.certificate_sha256)).first() is not None
