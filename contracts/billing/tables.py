"""Tables of billing: what was used, and whom the payment service knows a partner as."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class UsageRow(SQLModel, table=True):
    """The records of one answered request under a priced contract, at the price that held then.

    Written by `contracts.access` in the transaction of the entry that it names, never changed but for the last three columns.
    The payment service counts it once, with the other rows of its effect. It has no foreign keys: the hot path's batch writes it
    from a sealed grant, and a bill must outlive whatever happens to the other rows.
    """

    __tablename__ = "usage"
    __table_args__ = (Index("ix_usage_contract_day", "contract_id", "day"),)

    id: str = Field(primary_key=True)
    entry_id: str = Field(unique=True)
    contract_id: str
    organisation_id: str = Field(index=True)
    dataset: str
    day: date
    rows: int
    price_per_1000: str = Field(description="Decimal, as the contract's terms write it")
    currency: str = Field(description="ISO 4217")
    at: datetime
    effect_id: str = Field(default="", index=True, description="The outbox effect that reports it; empty until one is asked for")
    sent_at: datetime | None = None
    sent_to: str = Field(default="", description="The provider that counted it: stripe-live, stripe-test or stand-in")


class Customer(SQLModel, table=True):
    """A partner as one provider knows it.

    `generation` rises when the provider has lost its customer and another is made; it is part of that call's idempotency key.
    """

    __tablename__ = "customer"

    organisation_id: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    external_id: str = Field(index=True)
    generation: int = 1
    created_at: datetime
    gone_at: datetime | None = None
