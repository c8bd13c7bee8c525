"""The contract as a document: text from a template, terms as canonical JSON, and a PDF of both, each with its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from contracts.applications.tables import Application
from contracts.clock import rfc3339
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.people.tables import Organisation
from contracts.settings import Settings
from contracts.signing.pdf import compile_pdf
from contracts.signing.templates import template_of
from contracts.signing.text import Block, blocks, fill
from contracts.terms.model import Terms, terms_hash, to_json
from contracts.terms.words import plain

SHORT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFacts:
    """What a contract says of its parties and project, beside its terms."""

    kind: str
    title: str
    organisation: str
    country: str
    application: str
    purpose_text: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered contract. `text` and `terms_json` are the exact bytes (UTF-8) that were hashed; hashes are SHA-256 in hex."""

    text: str
    text_sha256: str
    terms_json: str
    terms_sha256: str
    pdf: bytes
    pdf_sha256: str


def facts_of(session: Session, application: Application) -> ContractFacts:
    """The facts of an application's contract."""
    organisation = session.get_one(Organisation, application.organisation_id)
    return ContractFacts(
        kind=application.kind,
        title=application.project,
        organisation=organisation.name,
        country=organisation.country,
        application=application.id,
        purpose_text=application.purpose_text,
    )


def render(settings: Settings, facts: ContractFacts, terms: Terms, contract_id: str) -> Rendered:
    """The contract with its PDF. Takes about 0.1 s and touches no store: call it before the unit of work that drafts."""
    text = render_text(settings, facts, terms, contract_id)
    terms_json = to_json(terms)
    shared = _shared(settings, contract_id, facts.version, facts.title, _sha256(text.encode()), terms_hash(terms_json))
    pdf = compile_pdf({**shared, "blocks": _block_data(blocks(text)), "signatures": []})
    return Rendered(text, _sha256(text.encode()), terms_json, terms_hash(terms_json), pdf, _sha256(pdf))


def render_text(settings: Settings, facts: ContractFacts, terms: Terms, contract_id: str) -> str:
    """The contract's Markdown alone, for a preview."""
    named = {
        "contract": contract_id,
        "version": str(facts.version),
        "legal_name": settings.platform.legal_name,
        "organisation": facts.organisation,
        "country": facts.country,
        "title": facts.title,
        "application": facts.application,
        "purpose_text": facts.purpose_text,
        "terms_sha256": terms_hash(to_json(terms)),
    }
    return fill(template_of(settings, facts.kind).text, named, plain(terms, settings))


def signed_pdf(
    settings: Settings, contract: Contract, version: ContractVersion, organisation: str, signatures: Sequence[Signature]
) -> bytes:
    """The PDF of a sealed version with its signature page: the same text, then who signed for whom, when, and every hash."""
    shared = _shared(settings, contract.id, version.number, contract.title, version.text_sha256, version.terms_sha256)
    parties = {"partner": organisation, "platform": settings.platform.legal_name}
    shared["hashes"] += [
        {"label": "SHA-256 of the document that was signed", "value": version.pdf_sha256},
        {"label": "SHA-256 of the platform's seal", "value": _sha256(version.seal.encode())},
    ]
    signed = [_signature_data(each, parties[each.side]) for each in signatures]
    return compile_pdf({**shared, "blocks": _block_data(blocks(version.text)), "signatures": signed})


def _shared(settings: Settings, contract_id: str, version: int, title: str, text_sha256: str, terms_sha256: str) -> dict[str, Any]:
    return {
        "title": title,
        "author": settings.platform.legal_name,
        "contract": contract_id,
        "version": str(version),
        "short_hash": text_sha256[:SHORT],
        "hashes": [
            {"label": "SHA-256 of this text", "value": text_sha256},
            {"label": "SHA-256 of the machine-readable terms", "value": terms_sha256},
        ],
    }


def _block_data(found: Sequence[Block]) -> list[dict[str, Any]]:
    return [{"level": each.level, "spans": [{"text": span.text, "marked": span.marked} for span in each.spans]} for each in found]


def _signature_data(signature: Signature, party: str) -> dict[str, str]:
    return {
        "party": f"For {party}",
        "name": signature.name,
        "capacity": signature.capacity,
        "signed": f"Signed {rfc3339(signature.signed_at)} by account {signature.account_id}",
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
