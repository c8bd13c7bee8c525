"""Tables of second factors: what a person can prove beside the password, and how a lost one is replaced."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets


class TotpFactor(SQLModel, table=True):
    """An authenticator app. The seed is wrapped by the master key, which is outside the database."""

    __tablename__ = "totp_factor"

    account_id: str = Field(primary_key=True, foreign_key="account.id")
    sealed: bytes = Field(sa_type=Octets)
    last_step: int = Field(description="The time step of the last code; only later ones are taken")
    created_at: datetime


class RecoveryCode(SQLModel, table=True):
    """A code for the day on which every factor is lost. The key is SHA-256 over the account and the code."""

    __tablename__ = "recovery_code"

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    created_at: datetime
    used_at: datetime | None = None


class Passkey(SQLModel, table=True):
    """A WebAuthn credential of a person. The key is SHA-256 of the credential id, which may be a kilobyte long."""

    __tablename__ = "passkey"

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    credential_id: bytes = Field(sa_type=Octets)
    public_key: bytes = Field(sa_type=Octets, description="COSE key, as the authenticator gave it")
    sign_count: int = Field(sa_type=BigInteger)
    name: str
    transports: str = Field(default="", description="Hints of the browser, by commas")
    backed_up: bool = Field(default=False, description="Whether the authenticator says that it is synchronised")
    created_at: datetime
    last_used_at: datetime | None = None


class PasskeyChallenge(SQLModel, table=True):
    """A challenge that was answered. The key is its SHA-256, so that nobody answers it again."""

    __tablename__ = "passkey_challenge"

    id: str = Field(primary_key=True)
    purpose: str = Field(description="register, confirm or sign-in")
    browser: str = Field(description="SHA-256 of the cookie that it was given to")
    account_id: str | None = Field(default=None, foreign_key="account.id")
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None


class LostFactor(SQLModel, table=True):
    """One person's lost second factor on its way to be replaced; `contracts.people.lost` decides."""

    __tablename__ = "lost_factor"

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    state: str = Field(index=True, description="contracts.people.lost.State")
    revision: int = 1
    asked_at: datetime
    first_by: str | None = Field(default=None, foreign_key="account.id")
    first_at: datetime | None = None
    how_known: str = Field(default="", description="How the first member of staff made sure who asks")
    second_by: str | None = Field(default=None, foreign_key="account.id")
    second_at: datetime | None = None
    due_at: datetime | None = Field(default=None, index=True)
    ended_by: str | None = Field(default=None, foreign_key="account.id", description="Who stopped or declined it, where known")
    ended_at: datetime | None = None
