"""Table of signed documents: the PDF with both signatures, made after countersignature."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class SignedDocument(SQLModel, table=True):
    """The PDF of one version with its signature page. Made again it is the same, byte for byte."""

    __tablename__ = "signed_document"

    contract_id: str = Field(primary_key=True, foreign_key="contract.id")
    version: int = Field(primary_key=True)
    pdf: bytes
    pdf_sha256: str
    made_at: datetime
