"""The platform's seal: other programs find it valid, no byte can be changed, and time-stamps come from the authority that is set."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pypdf
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pydantic import SecretStr
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.errors import Misconfigured, Refused
from contracts.keys import KeyRing
from contracts.lifecycle import queries
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.sections import Signing
from contracts.settings import Settings
from contracts.signing import render
from contracts.signing.certificates import Sealer, as_pem, configured, from_pem, known_certificates, sealer_of
from contracts.signing.check import check
from contracts.signing.document import grouped
from contracts.signing.handler import DOCUMENT, document_handler
from contracts.signing.pades import seal_pdf
from contracts.signing.tables import SignedDocument, SigningCertificate
from contracts.store.outbox import Effect
from contracts.store.unit import Store
from contracts.terms.model import from_json
from tests.contracts.signing.test_document import FACTS
from tests.contracts.terms.test_grant import TERMS
from tests.harness.authority import time_authority
from tests.harness.cast import SETTINGS, Cast, active
from tests.harness.signing import NOW, issued


def own(name: str) -> tuple[bytes, bytes]:
    """A certificate (DER) and its key (PEM), as an operator has them."""
    key = ec.generate_private_key(ec.SECP256R1())
    return issued(name, key, []), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def rendered() -> bytes:
    """A contract's PDF before anybody signed it."""
    return render(SETTINGS, FACTS, TERMS, "ctr_1").pdf


def sealed(timestamp_url: str | None = None) -> tuple[bytes, Sealer]:
    """It, sealed with a key of its own."""
    certificate, key = own("Agora Networks Ltd")
    sealer = Sealer((certificate,), der_key(key), own=True)
    return seal_pdf(rendered(), sealer, NOW, name="Agora", reason="Test", final=True, timestamp_url=timestamp_url), sealer


def der_key(pem: bytes) -> bytes:
    """The key as the sealer holds it."""
    return load_pem_private_key(pem, None).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def authority() -> Iterator[str]:
    """An authority for time-stamps on this machine; it answers at its root alone."""
    with time_authority(NOW + timedelta(minutes=1)) as found:
        yield found.url


def made(store: Store, keys: KeyRing, contract: Contract, settings: Settings = SETTINGS) -> tuple[ContractVersion, SignedDocument]:
    document_handler(settings, store, keys)(Effect("out_1", DOCUMENT, {"contract_id": contract.id}, 1, 1))
    with store.read() as session:
        return queries.version_of(session, contract), session.get_one(SignedDocument, (contract.id, 1))


def trusted(store: Store) -> list[bytes]:
    with store.read() as session:
        return known_certificates(session, SETTINGS)


def test_a_contracts_pdf_is_valid_to_others_and_prints_what_is_stored(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    contract = active(sqlite_store, Cast(sqlite_store), keys)
    version, document = made(sqlite_store, keys, contract)
    (certificate,) = trusted(sqlite_store)

    embedded = PdfFileReader(io.BytesIO(document.pdf)).embedded_signatures
    context = ValidationContext(trust_roots=[asn1_x509.Certificate.load(certificate)], allow_fetching=False, moment=NOW)
    status = validate_pdf_signature(embedded[0], context)
    assert (len(embedded), status.bottom_line, status.coverage.name, status.modification_level.name) == (1, True, "ENTIRE_FILE", "NONE")
    assert (str(embedded[0].sig_object["/SubFilter"]), status.pkcs7_signature_mechanism) == ("/ETSI.CAdES.detached", "sha256_ecdsa")

    file = tmp_path / "contract.pdf"
    file.write_bytes(document.pdf)
    told = pdfsig(file)
    assert "Signature Type: ETSI.CAdES.detached" in told and "Total document signed" in told
    assert "Signature Validation: Signature is Valid." in told

    printed = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(document.pdf)).pages)
    assert {grouped(version.text_sha256), version.text_sha256, version.terms_sha256, version.pdf_sha256} <= set(
        re.findall(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{4}(?: [0-9a-f]{4}){3}\b", printed)
    )
    found = check(document.pdf, [certificate], NOW)
    assert (found.problems, found.contract, found.version, found.terms) == ((), contract.id, "1", from_json(version.terms_json))
    assert (found.text_sha256, found.terms_sha256, found.short_hash) == (
        version.text_sha256,
        version.terms_sha256,
        grouped(version.text_sha256),
    )
    assert [(each["side"], each["name"]) for each in found.signatures] == [("partner", "Tove Okafor"), ("platform", "Jon Steward")]
    assert (document.profile, document.certificate_sha256) == ("PAdES-B-B", found.seal.sha256 if found.seal else "")


def test_one_changed_byte_fails_wherever_it_is(tmp_path: Path) -> None:
    pdf, sealer = sealed()
    assert check(pdf, sealer.chain, NOW).problems == ()
    contents = re.search(rb"/Contents <([0-9A-Fa-f]+)>", pdf)
    assert contents is not None
    inside = [contents.start(1) + at for at in (53, 57, 61, 105, 1001, 1063, 1065, 1261, 2500)]
    for at in [*range(0, len(pdf), len(pdf) // 24), *inside, len(pdf) - 1]:
        changed = pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]
        assert not check(changed, sealer.chain, NOW).ok, at
    assert not check(pdf + b" ", sealer.chain, NOW).ok
    assert check(pdf[: len(pdf) // 2], sealer.chain, NOW).problems
    file = tmp_path / "changed.pdf"
    file.write_bytes(pdf.replace(b"ctr_1", b"ctr_2", 1) if b"ctr_1" in pdf else pdf[:3000] + bytes([pdf[3000] ^ 1]) + pdf[3001:])
    assert "Signature is Valid" not in pdfsig(file)


def test_a_seal_by_an_unknown_certificate_and_files_of_other_terms_are_told() -> None:
    pdf, _ = sealed()
    _, stranger = sealed()
    (told,) = check(pdf, stranger.chain, NOW).problems
    assert told.startswith("Its seal is by a certificate that is not known here: ")
    found = check(pdf, sealed()[1].chain, NOW)
    assert found.against(b"{}").problems[-1] == "The file of terms holds others than the contract."
    assert check(b"%PDF-1.7 nothing", (), NOW).problems[0].startswith("This is no PDF that can be read")


def test_a_document_is_sealed_once_and_keeps_its_certificate(store: Store, keys: KeyRing, clock: FixedClock) -> None:
    contract = active(store, Cast(store), keys)
    _, first = made(store, keys, contract)
    _, again = made(store, keys, contract)
    assert (again.pdf, len(trusted(store))) == (first.pdf, 1)
    clock.advance(days=3650 - 20)
    later = sealer_of(SETTINGS, store, keys)
    assert [later.chain[0], check(first.pdf, trusted(store), NOW).ok] == [trusted(store)[0], True]
    renamed = Settings.model_validate({**SETTINGS.model_dump(by_alias=True), "platform": {"legal_name": "Forum Ltd" * 20}})
    assert sealer_of(renamed, store, keys).chain[0] == trusted(store)[0]
    with store.read() as session:
        assert len(session.exec(select(SigningCertificate)).all()) == 3
    assert from_pem(as_pem(trusted(store)).encode()) == trusted(store)


def test_the_operators_own_certificate_is_used_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    (mine, key), (other, _) = own("Agora Networks Ltd"), own("Agora Networks Ltd")
    both, wrong, secret = tmp_path / "chain.pem", tmp_path / "other.pem", tmp_path / "key.pem"
    both.write_text(as_pem([mine, other]))
    wrong.write_text(as_pem([other]))
    secret.write_bytes(key)
    assert configured(Signing(certificate=both, key_file=secret)).chain == (mine, other)
    assert configured(Signing(certificate=both, key=SecretStr(key.decode()))).own is False
    weak = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for told, signing in {
        "belongs to another key": Signing(certificate=wrong, key_file=secret),
        "is not ECDSA on P-256": Signing(certificate=both, key=SecretStr(weak.decode())),
        "is not set": Signing(certificate=both),
        "holds no private key": Signing(certificate=both, key_file=both),
        "cannot be read as certificates": Signing(certificate=secret, key_file=secret),
        "cannot be read": Signing(certificate=both, key_file=tmp_path / "nothing"),
    }.items():
        with pytest.raises(Misconfigured, match=told):
            configured(signing)


def test_a_time_stamp_comes_from_the_authority_and_none_means_no_document(authority: str) -> None:
    pdf, sealer = sealed(authority)
    found = check(pdf, sealer.chain, NOW)
    assert found.seal is not None and found.problems == ()
    assert found.seal.stamped_at == NOW + timedelta(minutes=1)
    for gone in (f"{authority}no", "http://127.0.0.1:1/"):
        with pytest.raises(Refused) as refused:
            sealed(gone)
        assert refused.value.refusal.code == "fetch_failed"


def pdfsig(file: Path) -> str:
    program = shutil.which("pdfsig")
    assert program, "deploy/test-tools installs pdfsig (poppler-utils)"
    return subprocess.run([program, file], capture_output=True, text=True, check=False, env={"HOME": str(file.parent)}).stdout
