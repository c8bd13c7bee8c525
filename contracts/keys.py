"""Keys that the house must be able to use again: random, and wrapped by one master key from outside the database.

A wrapped key is AES-256-GCM over the private bytes with the key's id and purpose as associated data, so a row copied onto
another row does not open (NIST SP 800-38D; design rule 8).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import cryptography.hazmat.backends.openssl.backend  # noqa: F401 - else the first signature loads it inside the unit that seals
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from sqlmodel import Field, Session, SQLModel, col, select

from contracts.errors import Misconfigured
from contracts.ids import new_id
from contracts.settings import Settings
from contracts.store.columns import Octets
from contracts.store.unit import Unit


class Purpose(StrEnum):
    """What a key is for; no key serves two purposes."""

    TOKEN = "token"  # ES256, signs access tokens for the API and for the site
    SEAL = "seal"  # ES256, seals contracts
    DOCUMENT = "document"  # ECDSA P-256, seals the PDFs of contracts under the certificate made for it
    AGENT = "agent"  # Ed25519, signs the requests that the house sends to others
    LEDGER = "ledger"  # Ed25519, signs checkpoints
    PSEUDONYM = "pseudonym"  # 32 bytes a contract
    CURSOR = "cursor"  # 32 bytes, seals cursors
    SESSION = "session"  # 32 bytes, binds CSRF tokens to sessions
    INDEX = "index"  # 32 bytes, keyed look-ups of personal values
    TOTP = "totp"  # 32 bytes an account
    WEBHOOK = "webhook"  # 32 bytes a webhook
    NONCE = "nonce"  # 32 bytes, derived; tells our own DPoP nonces
    DECISION = "decision"  # 32 bytes, derived; seals the ids of the gate's decisions
    REPLAY = "replay"  # 32 bytes, derived; tells our own decisions of the gate
    ACCOUNT = "account"  # 32 bytes, derived; hashes accounts of the main site


class KeyRow(SQLModel, table=True):
    """A wrapped key. `owner` is the contract, account or webhook that it belongs to, or empty."""

    __tablename__ = "key"

    id: str = Field(primary_key=True)
    purpose: str = Field(index=True)
    owner: str = Field(default="", index=True)
    wrapped: bytes = Field(sa_type=Octets)
    created_at: datetime
    retired_at: datetime | None = None


class KeyRing:
    """Opens and makes keys. Holds the master key in memory and nothing else of its own."""

    def __init__(self, master: bytes) -> None:
        if len(master) != 32:
            raise Misconfigured("master key", "is not 32 bytes.", "Use the file that `licet init` wrote, or 32 bytes in base64.")
        self._aead = AESGCM(master)
        self._root = hmac.digest(b"licet/derived/v1", master, "sha256")

    def make(self, unit: Unit, purpose: Purpose, owner: str = "") -> KeyRow:
        """A fresh key in this unit of work."""
        return self._put(unit, new_id("key"), purpose, owner, _MAKERS.get(purpose, _random)())

    def ensure(self, unit: Unit, purpose: Purpose, owner: str = "") -> KeyRow:
        """The newest key of a purpose and owner, made where there is none."""
        return newest(unit.session, purpose, owner) or self.make(unit, purpose, owner)

    def open(self, row: KeyRow) -> bytes:
        """The key's private bytes: raw for symmetric and Ed25519 keys, PKCS #8 DER for EC keys."""
        nonce, sealed = row.wrapped[:12], row.wrapped[12:]
        try:
            return self._aead.decrypt(nonce, sealed, _bound(row.id, row.purpose, row.owner))
        except (InvalidTag, ValueError) as error:  # ValueError: an edited row is too short to be a wrapped key
            raise Misconfigured(
                "master key", f"does not open the stored key {row.id}.", "Use the master key that this database was made with."
            ) from error

    def derived(self, purpose: Purpose) -> bytes:
        """32 bytes that every process with the master key knows without a look at the store (as HKDF, RFC 5869)."""
        return hmac.digest(self._root, purpose.value.encode() + b"\x01", "sha256")

    def wrap(self, plain: bytes, context: str) -> bytes:
        """Seal any secret that must be used again (a webhook's secret, a TOTP seed) under the master key."""
        nonce = secrets.token_bytes(12)
        return nonce + self._aead.encrypt(nonce, plain, context.encode())

    def unwrap(self, sealed: bytes, context: str) -> bytes:
        """Open what `wrap` sealed in the same context; `Misconfigured` under another master key or context."""
        try:
            return self._aead.decrypt(sealed[:12], sealed[12:], context.encode())
        except InvalidTag as error:
            raise Misconfigured(
                "master key", f"does not open what was sealed for {context}.", "Use the master key that this database was made with."
            ) from error

    def _put(self, unit: Unit, key_id: str, purpose: Purpose, owner: str, plain: bytes) -> KeyRow:
        nonce = secrets.token_bytes(12)
        wrapped = nonce + self._aead.encrypt(nonce, plain, _bound(key_id, purpose, owner))
        row = KeyRow(id=key_id, purpose=purpose, owner=owner, wrapped=wrapped, created_at=unit.now)
        unit.session.add(row)
        unit.session.flush()
        return row


def master_key(settings: Settings) -> bytes:
    """The master key from the setting or from `master.key` under home; `Misconfigured` where neither is."""
    if settings.master_key is not None:
        try:
            return base64.b64decode(settings.master_key.get_secret_value(), validate=True)
        except binascii.Error as error:
            raise Misconfigured("master key", "is not base64.", "Set LICET_MASTER_KEY to 32 bytes in base64.") from error
    file: Path = settings.home / "master.key"
    if not file.exists():
        mend = "Put its copy back; a new installation gets one from `licet init`."
        raise Misconfigured("master key", f"is neither in LICET_MASTER_KEY nor in {file}.", mend)
    return file.read_bytes()


def newest(session: Session, purpose: Purpose, owner: str = "") -> KeyRow | None:
    """The newest key in use of a purpose and owner."""
    query = select(KeyRow).where(KeyRow.purpose == purpose, KeyRow.owner == owner, col(KeyRow.retired_at).is_(None))
    return session.exec(query.order_by(col(KeyRow.id).desc())).first()


def all_of(session: Session, purpose: Purpose, owner: str = "") -> list[KeyRow]:
    """Every key in use of a purpose and owner, oldest first."""
    query = select(KeyRow).where(KeyRow.purpose == purpose, KeyRow.owner == owner, col(KeyRow.retired_at).is_(None))
    return list(session.exec(query.order_by(col(KeyRow.id))).all())


def ec_key(private: bytes) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in PKCS #8 bytes that `KeyRing.open` returned."""
    key = load_der_private_key(private, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Misconfigured("stored key", "is not an EC key.", "Restore the database from a backup.")
    return key


def ed25519_key(private: bytes) -> ed25519.Ed25519PrivateKey:
    """The Ed25519 key in 32 raw bytes that `KeyRing.open` returned."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(private)


def _bound(key_id: str, purpose: str, owner: str) -> bytes:
    return f"{key_id}|{purpose}|{owner}".encode()


def _random() -> bytes:
    return secrets.token_bytes(32)


def _p256() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


_MAKERS: dict[Purpose, Callable[[], bytes]] = {Purpose.TOKEN: _p256, Purpose.SEAL: _p256, Purpose.DOCUMENT: _p256}
