"""Tables of contracts: the contract, its versions and their signatures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets, json_type


class Contract(SQLModel, table=True):
    """The agreement with one organisation. `state` is written by `lifecycle.service` alone, by its table."""

    __tablename__ = "contract"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    application_id: str = Field(foreign_key="application.id", index=True)
    title: str
    kind: str = Field(description="research or commercial")
    state: str = Field(index=True)
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    version: int = Field(default=1, description="The version in force or under signature")
    drafted_by: str = Field(foreign_key="account.id", description="Who wrote the version in force or under signature")
    approved_by: str = Field(foreign_key="account.id", description="Who approved the application")
    compared_by: str | None = Field(default=None, foreign_key="account.id", description="Who recorded the partner's signature on paper")
    created_at: datetime
    offered_at: datetime | None = None
    countered_at: datetime | None = Field(default=None, description="When the partner asked for the changes that wait for an answer")
    activated_at: datetime | None = None
    suspended_at: datetime | None = None
    suspended_by: str | None = Field(default=None, foreign_key="account.id")
    suspension_reason: str = ""
    lift_asked_by: str | None = Field(default=None, foreign_key="account.id")
    ended_at: datetime | None = None
    withheld: list[str] = Field(
        default_factory=list, sa_type=json_type, description="Parts that the public register counts and does not name"
    )  # type: ignore[call-overload]  # a factory of the type is accepted


class ContractVersion(SQLModel, table=True):
    """One version: signed text, machine-readable terms, their hashes and the platform's seal over them.

    `terms_json` and `text` are the exact bytes that were hashed. `seal` is a compact JWS (ES256) over contract, version,
    hashes and signatures by the seal key, which is wrapped by the master key: an edit of the row breaks it.
    """

    __tablename__ = "contract_version"
    __table_args__ = (UniqueConstraint("contract_id", "number"),)

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    number: int
    terms_json: str
    terms_sha256: str
    text: str = Field(description="Markdown of the contract")
    text_sha256: str
    pdf: bytes = Field(default=b"", sa_type=Octets)
    pdf_sha256: str = ""
    seal: str = ""
    passages: dict[str, str] = Field(default_factory=dict, sa_type=json_type, description="General clauses worded for this contract alone")  # type: ignore[call-overload]  # a factory of the type is accepted
    made_by: str = Field(default="", description="The account of who wrote it; empty for versions of before")
    note: str = Field(default="", description="What staff tell the partner about this version")
    created_at: datetime
    offered_at: datetime | None = Field(default=None, description="When the partner first saw it; never where it was replaced as a draft")
    sealed_at: datetime | None = None


class CounterOffer(SQLModel, table=True):
    """The changes that a partner asked for of one offered version, and what became of them.

    `wishes` are those of `lifecycle.wishes.Wish`. `outcome` is empty while it waits, then answered, declined or recalled.
    """

    __tablename__ = "counter_offer"

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    version: int
    wishes: list[dict[str, str]] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    made_by: str = Field(foreign_key="account.id")
    made_at: datetime
    outcome: str = ""
    answer: str = ""
    answered_by: str | None = Field(default=None, foreign_key="account.id")
    answered_at: datetime | None = None


class Signature(SQLModel, table=True):
    """One signature under one version: who, for whom, in what capacity, over which text."""

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("contract_id", "version", "side"),)

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    version: int
    side: str
    account_id: str = Field(foreign_key="account.id")
    name: str
    capacity: str = Field(description="The role in which the person binds the organisation")
    text_sha256: str
    terms_sha256: str
    signed_at: datetime
    method: str = Field(default="account", description="account, pdf (in the file itself), paper or before (agreed before Licet)")
    authority: str = Field(default="", description="What lets the person bind the organisation, as they stated it")
    file_sha256: str = Field(default="", description="Of the PDF signed elsewhere, or of the scan")
    file_type: str = Field(default="", description="Media type of that file")
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted


class Closing(SQLModel, table=True):
    """What a partner owes after the end: the certificate that every record was destroyed, and the one that was given."""

    __tablename__ = "closing"

    contract_id: str = Field(primary_key=True, foreign_key="contract.id")
    due: date = Field(description="Last day for the certificate; once it has passed, nothing is renewed")
    begun_at: datetime
    statement: str = Field(default="", description="What was destroyed and how, as the partner certified it last")
    name: str = ""
    capacity: str = ""
    given_by: str | None = Field(default=None, foreign_key="account.id")
    given_at: datetime | None = None
    sent_back_reason: str = Field(default="", description="Why staff did not take the certificate; empty once another was given")
