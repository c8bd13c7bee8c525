"""The contract as a document: text from a template, terms as canonical JSON, and a PDF of both, each with its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from contracts.applications.tables import Application
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.lifecycle.ways import SHORT
from contracts.people.tables import Organisation
from contracts.settings import Settings
from contracts.signing.clauses import ClauseFile
from contracts.signing.evidence import as_json, evidence_of, how_signed, named
from contracts.signing.pdf import compile_pdf
from contracts.signing.templates import TEMPLATE_OF, template_of
from contracts.signing.text import Block, blocks, fill, language_of
from contracts.terms.model import Terms, terms_hash, to_json
from contracts.terms.words import plain

TEXT, TERMS, EVIDENCE = "contract.md", "terms.json", "evidence.json"
_FILES = {
    TEXT: ("text/markdown", "source", "The text of the contract, byte for byte as it was hashed"),
    TERMS: ("application/json", "data", "The machine-readable terms, byte for byte as they were hashed"),
    EVIDENCE: (
        "application/json",
        "supplement",
        "Contract, version and hashes; once it is signed who signed, how, and the platform's seal over all of it",
    ),
}
_HOW = (
    "Sign in the portal, in this file with a certificate of your own, or here by hand. A visible signature in the file goes on this page. "
    "Who signs by hand sends this page back, with the short hash below legible: it tells which version was signed."
)


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
    """A rendered contract. `text` and `terms_json` are the exact bytes (UTF-8) that were hashed; hashes are SHA-256 in hex.

    `to_confirm` are clauses in it that bind a term in the operator's own words: staff must have confirmed them.
    """

    text: str
    text_sha256: str
    terms_json: str
    terms_sha256: str
    pdf: bytes
    pdf_sha256: str
    to_confirm: tuple[ClauseFile, ...] = ()


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


def render(settings: Settings, facts: ContractFacts, terms: Terms, contract_id: str, passages: Mapping[str, str] | None = None) -> Rendered:
    """The contract with its PDF. Takes about 0.1 s and touches no store: call it before the unit of work that drafts."""
    text = render_text(settings, facts, terms, contract_id, passages)
    terms_json = to_json(terms)
    shared = _shared(settings, contract_id, facts.version, facts.title, text, terms_json)
    parties = {"partner": facts.organisation, "platform": settings.platform.legal_name}
    shared["lines"] = [f"For {each}" for each in parties.values()]
    text_sha256, terms_sha256 = _sha256(text.encode()), terms_hash(terms_json)
    about = named(contract_id, facts.version, facts.title, parties, text_sha256, terms_sha256)
    pdf = compile_pdf({**shared, "attachments": _attached(text, terms_json, about)})
    own = tuple(each for each in template_of(settings, TEMPLATE_OF[facts.kind]).clauses if each.needs_confirmation)
    return Rendered(text, text_sha256, terms_json, terms_sha256, pdf, _sha256(pdf), own)


def render_text(settings: Settings, facts: ContractFacts, terms: Terms, contract_id: str, passages: Mapping[str, str] | None = None) -> str:
    """The contract's Markdown alone, for a preview. `passages` words general clauses for this contract alone."""
    known = named_facts(settings, facts, terms, contract_id)
    return fill(template_of(settings, TEMPLATE_OF[facts.kind]), known, plain(terms, settings), passages)


def named_facts(settings: Settings, facts: ContractFacts, terms: Terms, contract_id: str) -> dict[str, str]:
    """What templates may name, by the names of `templates.FACTS`."""
    return {
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


def signed_pdf(
    settings: Settings, contract: Contract, version: ContractVersion, organisation: str, signatures: Sequence[Signature]
) -> bytes:
    """The PDF of a sealed version with its signature page: the same text, then who signed for whom, when and how, and every hash.

    It carries the text, the terms and the evidence along as files, so that `licet contract verify` needs nothing else.
    """
    shared = _shared(settings, contract.id, version.number, contract.title, version.text, version.terms_json)
    parties = {"partner": organisation, "platform": settings.platform.legal_name}
    shared["hashes"] += [
        {"label": "SHA-256 of the document that was signed", "value": version.pdf_sha256},
        {"label": "SHA-256 of the platform's seal over text, terms and signatures", "value": _sha256(version.seal.encode())},
    ]
    shared["signatures"] = [_signature_data(each, parties[each.side]) for each in signatures]
    evidence = evidence_of(contract, version, parties, signatures)
    return compile_pdf({**shared, "attachments": _attached(version.text, version.terms_json, evidence)})


def grouped(digest: str) -> str:
    """The short hash of a SHA-256 as it is printed, in groups that a person can type."""
    return " ".join(digest[at : at + 4] for at in range(0, SHORT, 4))


def _shared(settings: Settings, contract_id: str, version: int, title: str, text: str, terms_json: str) -> dict[str, Any]:
    text_sha256 = _sha256(text.encode())
    return {
        "title": title,
        "author": settings.platform.legal_name,
        "language": language_of(text),
        "contract": contract_id,
        "version": str(version),
        "short_hash": text_sha256[:SHORT],
        "printed_hash": grouped(text_sha256),
        "how": _HOW,
        "blocks": _block_data(blocks(text)),
        "lines": [],
        "signatures": [],
        "hashes": [
            {"label": "SHA-256 of this text", "value": text_sha256},
            {"label": "SHA-256 of the machine-readable terms", "value": terms_hash(terms_json)},
        ],
    }


def _attached(text: str, terms_json: str, evidence: Mapping[str, Any]) -> list[dict[str, str]]:
    return [_file(TEXT, text), _file(TERMS, terms_json), _file(EVIDENCE, as_json(evidence))]


def _file(name: str, content: str) -> dict[str, str]:
    media, relationship, description = _FILES[name]
    return {"name": name, "content": content, "type": media, "relationship": relationship, "description": description}


def _block_data(found: Sequence[Block]) -> list[dict[str, Any]]:
    return [{"level": each.level, "spans": [{"text": span.text, "marked": span.marked} for span in each.spans]} for each in found]


def _signature_data(signature: Signature, party: str) -> dict[str, str]:
    return {
        "party": f"For {party}",
        "name": signature.name,
        "capacity": signature.capacity,
        "signed": how_signed(signature),
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
