"""The evidence of a contract: who signed for whom, when and how, what the platform sealed, and what each of it is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.clock import rfc3339
from contracts.lifecycle.tables import Contract, ContractVersion, Signature


def named(contract: str, version: int, title: str, parties: Mapping[str, str], text_sha256: str, terms_sha256: str) -> dict[str, Any]:
    """What an unsigned document is about: contract, version, parties and the hashes of its text and terms."""
    return {
        "contract": contract,
        "version": version,
        "title": title,
        "parties": dict(parties),
        "text_sha256": text_sha256,
        "terms_sha256": terms_sha256,
    }


def evidence_of(
    contract: Contract, version: ContractVersion, parties: Mapping[str, str], signatures: Sequence[Signature]
) -> dict[str, Any]:
    """The evidence for machines. It names people as they signed, and neither addresses nor networks."""
    return {
        **named(contract.id, version.number, contract.title, parties, version.text_sha256, version.terms_sha256),
        "document_sha256": version.pdf_sha256,
        "signatures": [_signature(each) for each in signatures],
        "seal": version.seal,
    }


def as_json(evidence: Mapping[str, Any]) -> str:
    """The evidence as a file."""
    return json.dumps(evidence, indent=2, ensure_ascii=False) + "\n"


def how_signed(signature: Signature) -> str:
    """One line under a name: when the person signed, and how."""
    return f"Signed {rfc3339(signature.signed_at)} by account {signature.account_id}, with a password and a second factor"


def _signature(signature: Signature) -> dict[str, str]:
    return {
        "side": signature.side,
        "name": signature.name,
        "capacity": signature.capacity,
        "account": signature.account_id,
        "signed_at": rfc3339(signature.signed_at),
        "how": how_signed(signature),
    }
