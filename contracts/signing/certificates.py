"""The certificate and key of the platform's seal: the operator's own from files, else one that the platform made for itself.

A certificate of our own proves that nothing was changed since the platform sealed it. Who the platform is, no authority vouches for:
whoever wants to know compares its fingerprint with the one that the platform publishes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from sqlmodel import Session, col, select

from contracts.errors import Misconfigured
from contracts.keys import KeyRing, KeyRow, Purpose, ec_key
from contracts.sections import Signing
from contracts.settings import Settings
from contracts.signing.tables import SigningCertificate
from contracts.store.unit import Store, Unit

LIFETIME = timedelta(days=3650)
# A name in a certificate is at most so long (RFC 5280 appendix A.1, ub-organization-name and ub-common-name).
LONGEST_NAME = 64
# id-kp-documentSigning (RFC 9336).
_DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")


@dataclass(frozen=True, slots=True)
class Sealer:
    """What the platform seals with: the certificate's chain (DER, its own first) and its key (PKCS #8 DER). `own` where the platform made it."""

    chain: tuple[bytes, ...]
    key: bytes
    own: bool

    @property
    def sha256(self) -> str:
        """The certificate's fingerprint."""
        return fingerprint(self.chain[0])


def sealer_of(settings: Settings, store: Store, keys: KeyRing) -> Sealer:
    """The certificate and key in use; makes them where there are none, or where they name another platform or end soon.

    Raises `Misconfigured` where the operator's files do not hold a P-256 key and its certificate. Not to be called in a unit of work.
    """
    if settings.signing.certificate is not None:
        return configured(settings.signing)
    with store.read() as session:
        found = _newest(session)
    if found is None or not _is_usable(found[1], settings.platform.legal_name, store.clock.now()):
        with store.write("certificate") as unit:
            found = _make(unit, keys, settings.platform.legal_name)
    row, certificate = found
    return Sealer((certificate.certificate,), keys.open(row), own=True)


def configured(signing: Signing) -> Sealer:
    """The operator's own certificate and key. Raises `Misconfigured` with what is wrong with them."""
    chain = [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(_certificates(signing))]
    try:
        key = load_pem_private_key(_key(signing), None)
    except (ValueError, TypeError) as error:
        raise _wrong("key_file", "holds no private key in PEM without a password.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _wrong("key_file", "holds a key that is not ECDSA on P-256.")
    if x509.load_der_x509_certificate(chain[0]).public_key() != key.public_key():
        raise _wrong("certificate", "belongs to another key; its own comes first in the file.")
    return Sealer(tuple(chain), key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), own=False)


def known_certificates(session: Session, settings: Settings) -> list[bytes]:
    """Every certificate (DER) that the platform's seals may carry: the operator's present one, and all that it made for itself."""
    own = session.exec(select(SigningCertificate).order_by(col(SigningCertificate.key_id).desc())).all()
    given = [configured(settings.signing).chain[0]] if settings.signing.certificate is not None else []
    return [*given, *(each.certificate for each in own)]


def as_pem(certificates: list[bytes]) -> str:
    """The certificates in PEM, as `licet contract verify --certificate` reads them."""
    return "".join(x509.load_der_x509_certificate(each).public_bytes(Encoding.PEM).decode() for each in certificates)


def from_pem(text: bytes) -> list[bytes]:
    """The certificates (DER) of a PEM file; `Misconfigured` where it holds none."""
    try:
        return [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(text)]
    except ValueError as error:
        raise Misconfigured("certificate", "is no file of certificates in PEM.", "Get it from the platform's public pages.") from error


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of the certificate, in hex."""
    return hashlib.sha256(certificate).hexdigest()


def subject_of(certificate: bytes) -> str:
    """Whom the certificate names (RFC 4514)."""
    return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()


def _newest(session: Session) -> tuple[KeyRow, SigningCertificate] | None:
    query = select(KeyRow, SigningCertificate).join(SigningCertificate, col(SigningCertificate.key_id) == col(KeyRow.id))
    return session.exec(query.where(col(KeyRow.retired_at).is_(None)).order_by(col(KeyRow.id).desc())).first()


def _is_usable(row: SigningCertificate, legal_name: str, now: datetime) -> bool:
    found = x509.load_der_x509_certificate(row.certificate)
    return found.subject == _name(legal_name) and found.not_valid_before_utc <= now < found.not_valid_after_utc - timedelta(days=30)


def _make(unit: Unit, keys: KeyRing, legal_name: str) -> tuple[KeyRow, SigningCertificate]:
    row = keys.make(unit, Purpose.DOCUMENT)
    made = _self_signed(ec_key(keys.open(row)), legal_name, unit.now)
    certificate = SigningCertificate(key_id=row.id, certificate=made, sha256=fingerprint(made), created_at=unit.now)
    unit.session.add(certificate)
    return row, certificate


def _self_signed(key: ec.EllipticCurvePrivateKey, legal_name: str, now: datetime) -> bytes:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    name, public = _name(legal_name), key.public_key()
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(public).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + LIFETIME)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True).add_extension(usage, critical=True)
    made = made.add_extension(x509.ExtendedKeyUsage([_DOCUMENT_SIGNING]), critical=False)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _name(legal_name: str) -> x509.Name:
    name = legal_name[:LONGEST_NAME]
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name), x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificates(signing: Signing) -> bytes:
    try:
        held = signing.certificate.read_bytes() if signing.certificate is not None else b""
        x509.load_pem_x509_certificates(held)
    except (OSError, ValueError) as error:
        raise _wrong("certificate", f"cannot be read as certificates in PEM: {error}.") from error
    return held


def _key(signing: Signing) -> bytes:
    if signing.key is not None:
        return signing.key.get_secret_value().encode()
    if signing.key_file is None:
        raise _wrong("key_file", "is not set, and a certificate without its key seals nothing.")
    try:
        return signing.key_file.read_bytes()
    except OSError as error:
        raise _wrong("key_file", f"cannot be read: {error}.") from error


def _wrong(name: str, problem: str) -> Misconfigured:
    return Misconfigured(f"setting signing.{name}", problem, "Name PEM files of a certificate and its P-256 key, or leave both out.")
