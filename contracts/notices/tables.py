"""The local mailbox: mail of demos and tests, kept in the store and shown on a page."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class MailRow(SQLModel, table=True):
    """One delivered mail. The id is the effect's idempotency key, so a mail that is delivered twice is kept once."""

    __tablename__ = "mailbox"

    id: str = Field(primary_key=True)
    to: str = Field(index=True)
    subject: str
    body: str
    at: datetime = Field(index=True)
