"""The evidence of a contract: who signed for whom, when and how, what the platform sealed, and what each of it is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.clock import rfc3339
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.lifecycle.ways import Method
from contracts.signing.tables import SignedDocument


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
    when = rfc3339(signature.signed_at)
    if signature.method == Method.PDF:
        return f"Signed in this file with a certificate of their own; received {when} from account {signature.account_id}"
    if signature.method == Method.PAPER:
        return f"Signed on paper; the scan (SHA-256 {signature.file_sha256}) was compared {when} by account {signature.account_id}"
    if signature.method == Method.BEFORE:
        return f"Confirmed {when} by account {signature.account_id} for the platform: both sides had signed the PDF before Licet"
    return f"Signed {when} by account {signature.account_id}, with a password and a second factor"


@dataclass(frozen=True, slots=True)
class Worth:
    """What one signature or seal is, what it is worth, and what a PDF reader shows of it."""

    title: str
    what: str
    reader: str


def worth_of(method: str) -> Worth:
    """Of a person's signature, by how it was given. The kinds are those of EU Regulation 910/2014 (eIDAS), Article 3."""
    return _WORTH[Method(method)]


def worth_of_seal(document: SignedDocument | None, own: bool, legal_name: str) -> Worth:
    """Of the platform's seal. `own` where no authority issued its certificate."""
    if document is None:
        return Worth("Not sealed yet", "The sealed file is made a few seconds after the countersignature.", "Nothing yet.")
    if not document.profile:
        return Worth(
            "Without a seal in the file",
            "The file was made before this platform sealed files. Text, terms and signatures are sealed in its records all the same.",
            "A PDF reader shows no signature.",
        )
    stamped = " An authority for time-stamps confirmed when." if document.profile == "PAdES-B-T" else ""
    what = f"An electronic seal of {legal_name} ({document.profile}): nothing in the file was changed since.{stamped} It is not a qualified seal."
    return Worth("The platform’s seal", what, _READER_OWN if own else _READER_ISSUED)


_WORTH = {
    Method.ACCOUNT: Worth(
        "In the portal",
        "Given in the person’s own account, after the password and a second factor within ten minutes, over the text whose hash stands here; "
        "the ledger has the entry. It is an electronic signature, not an advanced or a qualified one.",
        "A PDF reader shows the name on the last page as text, and no signature of this person.",
    ),
    Method.PDF: Worth(
        "In the file itself",
        "Made elsewhere, with a certificate of the person’s own. The platform checked that it holds, and that nothing but signatures was added "
        "to its file. It did not check who issued the certificate, which decides whether the signature is advanced or qualified.",
        "A PDF reader lists it as a signature of its own, and says whether it trusts who issued the certificate.",
    ),
    Method.BEFORE: Worth(
        "Signed before Licet",
        "Both sides signed the PDF before this system came. Two people of the platform’s staff, independent of each other, compared it with "
        "the terms and vouch that they belong together; this is one of them.",
        "A PDF reader shows what the file itself holds.",
    ),
    Method.PAPER: Worth(
        "On paper",
        "Given by hand. A member of staff compared the short hash printed on the signed page with that of the text, and vouches for it; "
        "the scan is kept. Another member of staff countersigned.",
        "A PDF reader shows the name on the last page as text, and no signature of this person.",
    ),
}
SEAL_OF_BEFORE = Worth(
    "Sealed in the platform’s records",
    "The PDF stays byte for byte what both sides signed. The platform sealed its SHA-256, the terms and both confirmations in its records.",
    "A PDF reader shows what it showed before.",
)
_READER_OWN = (
    "A PDF reader says that the file was not changed since it was sealed, and that it does not know who sealed it: the platform made the "
    "certificate itself. Compare the fingerprint below with the one that the platform publishes."
)
_READER_ISSUED = (
    "A PDF reader says that the file was not changed since it was sealed; it names the platform where it trusts who issued the certificate."
)


def _signature(signature: Signature) -> dict[str, str]:
    return {
        "side": signature.side,
        "name": signature.name,
        "capacity": signature.capacity,
        "account": signature.account_id,
        "signed_at": rfc3339(signature.signed_at),
        "method": signature.method,
        "authority": signature.authority,
        "file_sha256": signature.file_sha256,
        "how": how_signed(signature),
    }
