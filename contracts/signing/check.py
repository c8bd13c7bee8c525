"""Checking the PDF of a contract without asking anybody: its seal, the files that it carries, their hashes and the terms.

Imports pyHanko, which takes most of a second: import this module where a file is to be checked.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from pydantic import ValidationError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from contracts.signing.certificates import fingerprint, subject_of
from contracts.signing.document import EVIDENCE, TERMS, TEXT, grouped
from contracts.terms.model import Terms, from_json

# What a foreign file holds is ours to say, in the words of a check; pyHanko would write each doubt to the terminal with its trace.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature in a PDF. `whole` where it holds and nothing was changed after it; `covers_file` where nothing follows it."""

    name: str
    certificate: bytes
    at: datetime | None
    stamped_at: datetime | None
    whole: bool
    covers_file: bool
    field: str

    @property
    def sha256(self) -> str:
        """The certificate's fingerprint."""
        return fingerprint(self.certificate)


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a check. `problems` is empty where the file is what the platform sealed; the facts are what was found."""

    problems: tuple[str, ...]
    contract: str = ""
    version: str = ""
    short_hash: str = ""
    text_sha256: str = ""
    terms_sha256: str = ""
    terms: Terms | None = None
    seal: Signed | None = None
    signatures: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    in_file: Sequence[Signed] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        """Whether the file is whole and by one of the certificates that were trusted."""
        return not self.problems

    def against(self, terms: bytes) -> Checked:
        """The same, with a problem more where a file of terms holds others than were signed."""
        if hashlib.sha256(terms).hexdigest() == self.terms_sha256:
            return self
        return replace(self, problems=(*self.problems, "The file of terms holds others than the contract."))


def check(pdf: bytes, trusted: Sequence[bytes], now: datetime) -> Checked:
    """Whether a PDF is a contract that a holder of one of the `trusted` certificates (DER) sealed, and what it says.

    Never raises for what a file holds: whatever the parser trips over is a problem of the file.
    """
    try:
        return _checked(pdf, trusted, now)
    except Exception as error:  # a foreign file: a parser may fail on it in any way, and every way means the same
        return Checked((f"This is no PDF that can be read ({type(error).__name__}).",))


def signatures_in(reader: PdfFileReader, now: datetime, trusted: Sequence[bytes] = ()) -> list[Signed]:
    """Every signature of a PDF in the order in which they were made, each checked against what follows it."""
    roots = [asn1_x509.Certificate.load(each) for each in trusted]
    return [_signed(each, ValidationContext(trust_roots=roots, allow_fetching=False, moment=now)) for each in reader.embedded_signatures]


def files_in(reader: PdfFileReader) -> dict[str, str]:
    """The files that a PDF carries along, by name (ISO 32000-2, 14.13, associated files)."""
    found = {}
    for each in reader.root.get("/AF", ()):
        described = each.get_object()
        found[str(described["/UF"])] = described["/EF"]["/F"].data.decode("utf-8")
    return found


def _checked(pdf: bytes, trusted: Sequence[bytes], now: datetime) -> Checked:
    reader = PdfFileReader(io.BytesIO(pdf))
    signed, files = signatures_in(reader, now, trusted), files_in(reader)
    seal = signed[-1] if signed else None
    text, terms_json = files.get(TEXT, ""), files.get(TERMS, "")
    evidence = json.loads(files[EVIDENCE]) if EVIDENCE in files else {}
    text_sha256, terms_sha256 = _sha256(text), _sha256(terms_json)
    problems = [*_seal_problems(signed, trusted), *_file_problems(text, terms_json, evidence)]
    if signed and not _is_as_written(reader.embedded_signatures[-1], pdf):
        problems.append("Its seal was changed where the seal itself is not covered by it.")
    return Checked(
        tuple(problems),
        contract=str(evidence.get("contract", "")),
        version=str(evidence.get("version", "")),
        short_hash=grouped(text_sha256) if text else "",
        text_sha256=text_sha256,
        terms_sha256=terms_sha256,
        terms=_terms(terms_json),
        seal=seal,
        signatures=tuple(evidence.get("signatures", ())),
        in_file=tuple(signed[:-1]),
    )


def _seal_problems(signed: Sequence[Signed], trusted: Sequence[bytes]) -> list[str]:
    if not signed:
        return ["It carries no signature: nothing tells whose it is, or whether it was changed."]
    problems = [f"The signature of {each.name} does not hold: the file was changed after it." for each in signed if not each.whole]
    if not signed[-1].covers_file:
        problems.append("Something was added after the last signature.")
    if signed[-1].certificate not in trusted:
        problems.append(
            f"Its seal is by a certificate that is not known here: {signed[-1].name}, SHA-256 {signed[-1].sha256}. "
            "Get the platform's certificates from its public pages, and name the file with --certificate."
        )
    return problems


def _file_problems(text: str, terms_json: str, evidence: Mapping[str, Any]) -> list[str]:
    if not (text and terms_json and evidence):
        return ["It does not carry the text, the terms and the evidence of a contract."]
    problems = []
    if (evidence.get("text_sha256"), evidence.get("terms_sha256")) != (_sha256(text), _sha256(terms_json)):
        problems.append("Its evidence is about another text or other terms.")
    if _sha256(terms_json) not in text or str(evidence.get("contract")) not in text:
        problems.append("Its text does not name this contract and the hash of these terms.")
    if _terms(terms_json) is None:
        problems.append("Its terms hold something that this release does not know.")
    return problems


def _signed(embedded: Any, context: ValidationContext) -> Signed:
    status = validate_pdf_signature(embedded, context)
    certificate = embedded.signer_cert.dump()
    stamp = status.timestamp_validity
    return Signed(
        name=subject_of(certificate),
        certificate=certificate,
        at=embedded.self_reported_timestamp,
        stamped_at=stamp.timestamp if stamp is not None and stamp.intact and stamp.valid else None,
        whole=bool(status.intact and status.valid and status.docmdp_ok and status.modification_level in _HARMLESS),
        covers_file=status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
        field=str(embedded.field_name),
    )


def _is_as_written(embedded: Any, pdf: bytes) -> bool:
    """Whether the parts of the seal that nothing signs (RFC 5652, 5.1 and 5.3) are as we write them, so that no byte can differ."""
    start, length, resume, _ = embedded.byte_range
    held = cms.ContentInfo.load(embedded.pkcs7_content)
    signer = held["content"]["signer_infos"][0]
    unsigned = (held["content"]["version"], held["content"]["digest_algorithms"], signer["version"], signer["digest_algorithm"])
    hollow = b"".join(each.dump() for each in unsigned)
    room = resume - start - length - 2
    written, digits = pdf[start + length : resume], held.dump().hex().encode()
    return hollow == _AS_WRITTEN and written in [b"<" + each.ljust(room, b"0") + b">" for each in (digits, digits.upper())]


_SHA256 = bytes.fromhex("300d06096086480165030402010500")
_AS_WRITTEN = b"\x02\x01\x01" + b"\x31\x0f" + _SHA256 + b"\x02\x01\x01" + _SHA256

# What may come after a signature: nothing, what proves it later, and further signatures.
_HARMLESS = (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES, ModificationLevel.FORM_FILLING)


def _terms(terms_json: str) -> Terms | None:
    try:
        return from_json(terms_json)
    except ValidationError:
        return None


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
