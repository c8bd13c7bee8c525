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
    ref: str = Field(unique=True, index=True, description="Names the session to its owner; stays when the token is renewed")
    account_id: str = Field(foreign_key="account.id", index=True)
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    network: str = Field(default="", description="Address prefix (/24, /48) that the person signed in from")
    browser: str = Field(default="", description="Family and system, such as Firefox, Windows")
    method: str = Field(default="password", description="contracts.people.sessions.Method")
    reauthenticated_at: datetime | None = None
    second_factor_at: datetime | None = None
    awaits_factor: bool = Field(default=False, description="The password was right and the second factor is still to come: opens no page")
    ended_at: datetime | None = None


class Identity(SQLModel, table=True):
    """A person as an institution's OpenID provider knows them (OpenID Connect Core 5.7: issuer and subject, never the address)."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"), UniqueConstraint("issuer", "account_id"))

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    issuer: str
    subject: str
    created_at: datetime
    last_used_at: datetime


class HandOver(SQLModel, table=True):
    """An organisation's leadership on its way to another member."""

    __tablename__ = "hand_over"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    state: str = Field(description="contracts.people.hand_over_states.State")
    asked_by: str = Field(foreign_key="account.id")
    named: str = Field(foreign_key="account.id", description="Who is to lead")
    reason: str = Field(default="", description="Why staff hand it over")
    decided_by: str | None = Field(default=None, foreign_key="account.id")
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None


class StaffProposal(SQLModel, table=True):
    """A role on the platform's side that one administrator proposes for a person and a second member of staff agrees to."""

    __tablename__ = "staff_proposal"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    state: str = Field(index=True, description="contracts.people.proposal_states.State")
    email: str
    role: str
    proposed_by: str = Field(foreign_key="account.id")
    decided_by: str | None = Field(default=None, foreign_key="account.id")
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None


class OneTimeLink(SQLModel, table=True):
    """A link sent by mail: confirm an address, accept an invitation, become the first administrator, set a new password."""

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
