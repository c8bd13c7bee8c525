"""Tables of people and organisations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


class Organisation(SQLModel, table=True):
    """A partner, or the platform itself."""

    __tablename__ = "organisation"

    id: str = Field(primary_key=True)
    name: str
    side: str = Field(index=True, description="contracts.people.roles.Side")
    kind: str = Field(default="", description="university, company, public body, other")
    country: str = Field(default="", description="ISO 3166-1 alpha-2")
    created_at: datetime


class Account(SQLModel, table=True):
    """A person who signs in. The address is kept in lower case; the password as Argon2id."""

    __tablename__ = "account"

    id: str = Field(primary_key=True)
    email: str = Field(unique=True, index=True)
    name: str
    password_hash: str
    created_at: datetime
    confirmed_at: datetime | None = None
    disabled_at: datetime | None = None
    last_seen_at: datetime | None = None


class Membership(SQLModel, table=True):
    """A person's role in an organisation; ended rows stay, because decisions name them."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("account_id", "organisation_id", "role", "ended_at"),)

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    role: str
    given_by: str | None = Field(default=None, foreign_key="account.id")
    created_at: datetime
    ended_at: datetime | None = None


class SignInSession(SQLModel, table=True):
    """A signed-in browser. The key is SHA-256 of the cookie's token, so the table opens no session."""

    __tablename__ = "sign_in_session"

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    created_at: datetime
    expires_at: datetime
    reauthenticated_at: datetime | None = None
    ended_at: datetime | None = None


class OneTimeLink(SQLModel, table=True):
    """A link sent by mail: confirm an address, accept an invitation, become the first administrator."""

    __tablename__ = "one_time_link"

    id: str = Field(primary_key=True, description="SHA-256 of the token")
    kind: str
    email: str
    account_id: str | None = Field(default=None, foreign_key="account.id")
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")
    role: str = ""
    given_by: str | None = Field(default=None, foreign_key="account.id")
    next_path: str = Field(default="", description="Where to go afterwards, a path on this portal")
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
