"""Tables of documents: the sealed PDF of a version, the certificates of its seal, and what staff confirmed of own clauses."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets


class SignedDocument(SQLModel, table=True):
    """The PDF of one version with its signatures, sealed by the platform. Made once; a seal made again would be another one."""

    __tablename__ = "signed_document"

    contract_id: str = Field(primary_key=True, foreign_key="contract.id")
    version: int = Field(primary_key=True)
    pdf: bytes
    pdf_sha256: str
    made_at: datetime
    profile: str = Field(
        default="", description="PAdES-B-B, or PAdES-B-T with a time-stamp; empty where it was made before there were seals"
    )
    certificate_sha256: str = Field(default="", description="SHA-256 of the certificate of the seal")


class SigningCertificate(SQLModel, table=True):
    """A certificate of the platform's own over one of its document keys. Kept for good, so that old seals can be checked."""

    __tablename__ = "signing_certificate"

    key_id: str = Field(primary_key=True, foreign_key="key.id")
    certificate: bytes = Field(sa_type=Octets, description="DER")
    sha256: str = Field(unique=True)
    created_at: datetime


class ClauseConfirmation(SQLModel, table=True):
    """A member of staff confirmed that an own clause still states the term that it binds. `sha256` is that of all it says."""

    __tablename__ = "clause_confirmation"

    sha256: str = Field(primary_key=True)
    clause: str
    term: str
    confirmed_by: str = Field(foreign_key="account.id")
    confirmed_at: datetime
