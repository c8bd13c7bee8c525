"""Tables of amendments: new versions of contracts in force, applications that ask for one, and new texts for many."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel


class Amendment(SQLModel, table=True):
    """A new version of a contract in force. `state` is written by `amendments.service` alone, by its table."""

    __tablename__ = "amendment"

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    number: int = Field(description="The version that it brings")
    replaces: int = Field(description="The version in force when it was offered")
    kind: str = Field(description="contracts.amendments.decide.Kind")
    state: str = Field(index=True)
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    application_id: str = Field(foreign_key="application.id", description="The approved application that its terms may not exceed")
    round_id: str | None = Field(default=None, foreign_key="text_round.id", index=True)
    reason: str = Field(description="Why it is proposed, as the partner reads it")
    answer: str = Field(default="", description="Why it was declined or withdrawn")
    drafted_by: str = Field(foreign_key="account.id")
    approved_by: str = Field(foreign_key="account.id", description="Who approved the application")
    offered_at: datetime
    ended_at: datetime | None = Field(default=None, description="When it came into force, or to nothing")
    enforced_at: datetime | None = Field(default=None, description="When the contract was suspended because it was not accepted in time")


class Continuation(SQLModel, table=True):
    """An application that asks to go on with a contract: once approved it becomes a new version of it, and no contract of its own."""

    __tablename__ = "continuation"

    application_id: str = Field(primary_key=True, foreign_key="application.id")
    contract_id: str = Field(foreign_key="contract.id", index=True)


class TextRound(SQLModel, table=True):
    """A new text for every contract of a kind, to be accepted by a day; who has not is suspended after it."""

    __tablename__ = "text_round"

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    text_sha256: str = Field(description="SHA-256 of the template when it was opened; another file goes to nobody")
    reason: str = Field(description="What changes and why, as partners read it")
    accept_by: date
    opened_by: str = Field(foreign_key="account.id")
    opened_at: datetime
    stopped_at: datetime | None = None
