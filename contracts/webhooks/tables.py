"""Tables of webhooks: where they go, what was sent, and every try."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets, json_type


class WebhookEndpoint(SQLModel, table=True):
    """An address of an organisation that is told of events. Its secrets are wrapped, because every message is signed with them."""

    __tablename__ = "webhook_endpoint"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    url: str
    events: list[str] = Field(default_factory=list, sa_type=json_type, description="Empty where it is told of all")  # type: ignore[call-overload]  # a factory of the type is accepted
    secret: bytes = Field(sa_type=Octets)
    earlier_secret: bytes | None = Field(default=None, sa_type=Octets)
    earlier_until: datetime | None = Field(default=None, description="Until then messages carry a signature of each secret")
    created_by: str = Field(foreign_key="account.id")
    created_at: datetime
    disabled_at: datetime | None = Field(default=None, description="It failed for days, or said that it is gone")
    ended_at: datetime | None = None


class WebhookMessage(SQLModel, table=True):
    """One event for one endpoint: the exact body, and what became of it."""

    __tablename__ = "webhook_message"
    __table_args__ = (UniqueConstraint("endpoint_id", "entry_id"),)

    id: str = Field(primary_key=True)
    endpoint_id: str = Field(foreign_key="webhook_endpoint.id", index=True)
    event: str
    entry_id: str = Field(description="The entry that it tells of; the message's own id where it tells of none")
    body: str
    created_at: datetime
    round: int = Field(default=1, description="Rises each time somebody has it sent again")
    tries: int = Field(default=0, description="Of this round")
    delivered_at: datetime | None = None
    given_up_at: datetime | None = None


class WebhookTry(SQLModel, table=True):
    """One try to deliver a message."""

    __tablename__ = "webhook_try"

    id: str = Field(primary_key=True)
    message_id: str = Field(foreign_key="webhook_message.id", index=True)
    number: int = Field(description="Of its round, from 1")
    at: datetime
    status: int | None = Field(default=None, description="The answer's status; none where there was no answer")
    problem: str = Field(default="", description="Why there was none, in words")
    milliseconds: int
