"""A PDF program of a partner's own: signs files with a certificate that nobody here issued, and can add more than it should."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def issued(name: str, key: Key, uses: list[x509.ObjectIdentifier], now: datetime = NOW) -> bytes:
    """A certificate (DER) that its own key signed."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = (
        made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
    )
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    made = made.add_extension(usage, critical=True)
    if uses:
        made = made.add_extension(x509.ExtendedKeyUsage(uses), critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def signed_elsewhere(
    pdf: bytes,
    *,
    now: datetime = NOW,
    field: str = "Partner",
    page: int = 0,
    box: tuple[int, int, int, int] | None = None,
    locked: bool = False,
    before: Callable[[Any], None] | None = None,
) -> bytes:
    """The file with a signature by Bea Bound; `before` changes it in the same revision, `box` shows the signature on a page."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(issued("Bea Bound", key, [], now)),
        signing_key=asn1_keys.PrivateKeyInfo.load(private),
        cert_registry=SimpleCertificateStore(),
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    if before is not None:
        before(writer)
    allowed = fields.MDPPerm.NO_CHANGES if locked else fields.MDPPerm.FILL_FORMS
    wanted = signers.PdfSignatureMetadata(field_name=field, certify=locked, docmdp_permissions=allowed, md_algorithm="sha256")
    place = fields.SigFieldSpec(field, on_page=page, box=box)
    signed: io.BytesIO = signers.PdfSigner(wanted, signer, new_field_spec=place).sign_pdf(writer)
    return signed.getvalue()


def extra_page(writer: Any) -> None:
    """Add a page with words of one's own."""
    words = generic.StreamObject(stream_data=b"BT ET")
    page = PageObject(contents=writer.add_object(words), media_box=(0, 0, 200, 200), resources=generic.DictionaryObject())
    writer.insert_page(page)


def with_extra_page(pdf: bytes) -> bytes:
    """The file with a page added after whatever it holds."""
    writer, out = IncrementalPdfFileWriter(io.BytesIO(pdf)), io.BytesIO()
    extra_page(writer)
    writer.write(out)
    return out.getvalue()
