"""Terms: the machine-readable part of a contract. Strict: an unknown key, operator or value is refused, never skipped."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from contracts.datasets.coarse import Grain
from contracts.ledger.stage import canonical
from contracts.terms.purposes import PROHIBITED, PURPOSES

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Value = str | int | bool


def _later(default: Any, **bounds: Any) -> Any:
    """A term that is younger than contracts in force: where it is not agreed it has no place in the JSON, so that what those sealed

    keeps its hash.
    """
    return Field(default=default, exclude_if=lambda agreed: agreed == default, **bounds)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Condition(_Strict):
    """One condition of a row filter; values are in the JSON form of the field's type."""

    field: Name
    op: Literal["eq", "in", "gte", "gt", "lte", "lt"]
    value: Value | tuple[Value, ...]

    @model_validator(mode="after")
    def _shape_fits(self) -> Condition:
        if (self.op == "in") != isinstance(self.value, tuple):
            raise ValueError("`in` takes a list, every other operator one value")
        return self


class DatasetTerms(_Strict):
    """What of one dataset may be read: fields, and rows that meet every condition. `generalised` fields are told by a grain alone."""

    dataset: Name
    fields: tuple[Name, ...] = Field(min_length=1)
    rows: tuple[Condition, ...] = ()
    pseudonymised: tuple[Name, ...] = ()
    generalised: dict[Name, Grain] = _later({})


class CrawlTerms(_Strict):
    """What of the main site may be fetched: path prefixes and pace."""

    hosts: tuple[str, ...] = Field(min_length=1)
    paths: tuple[str, ...] = Field(min_length=1)
    requests_per_second: int = Field(ge=1, le=1000)


class Price(_Strict):
    """Price of 1,000 records, as a decimal string in ISO 4217 currency."""

    per_1000: Annotated[str, StringConstraints(pattern=r"^\d{1,7}(\.\d{1,6})?$")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

    @property
    def amount(self) -> Decimal:
        """The price as a number."""
        return Decimal(self.per_1000)


class Audit(_Strict):
    """How often in a year the platform may audit the partner, and how many days before it says so."""

    per_year: int = Field(ge=1, le=12)
    notice_days: int = Field(ge=0, le=365)


class Aggregates(_Strict):
    """Counting and summing over people: how many queries from the first day to the last, in cells of how many people at least.

    None for `people` leaves it to the dataset's policy, which the terms can only raise. `alone` means that no record may be read.
    """

    queries: int = Field(ge=1)
    people: int | None = Field(default=None, ge=2)
    alone: bool = False


class Terms(_Strict):
    """Everything that a contract allows. What is not named is not allowed.

    Caps that are None hold nobody: `records_in_period` counts what leaves from `starts` to `ends`, `distinct_records` each record of
    a dataset once in that time, `bytes_per_day` and `bytes_in_period` the bytes of the records as they leave, `concurrent_requests` those that are answered at the same moment; all over every credential.
    Duties that are None are not owed: `retention_days` after the end (None under Art. 40(4) of the EU DSA alone, see
    `terms.narrow`), `erasure_hours` from the report of an erasure, `refresh_days` between comparisons with the source,
    `certificate_days` after deletion was due. Nothing is counted or summed without `aggregates`.
    """

    version: Literal[1] = 1
    datasets: tuple[DatasetTerms, ...] = Field(min_length=1)
    purposes: tuple[str, ...] = Field(min_length=1)
    prohibited: tuple[str, ...] = ()
    requests_per_second: int = Field(ge=1, le=10_000)
    records_per_day: int = Field(ge=1)
    crawl: CrawlTerms | None = None
    networks: tuple[str, ...] = ()
    starts: date
    ends: date
    retention_days: int | None = Field(ge=1)
    erasure_hours: int | None = Field(default=24, ge=1)
    territory: tuple[str, ...] = ()
    price: Price | None = None
    named_users: bool = _later(False)
    bound_tokens: bool = _later(False)
    oauth_only: bool = _later(False)
    records_in_period: int | None = _later(None, ge=1)
    distinct_records: int | None = _later(None, ge=1)
    bytes_per_day: int | None = _later(None, ge=1)
    bytes_in_period: int | None = _later(None, ge=1)
    concurrent_requests: int | None = _later(None, ge=1, le=1000)
    exports: bool = _later(False)
    refresh_days: int | None = _later(None, ge=1, le=366)
    certificate_days: int | None = _later(None, ge=1, le=366)
    audit: Audit | None = _later(None)
    publish_free: bool = _later(False)
    aggregates: Aggregates | None = _later(None)

    # JSON has no dates: they are read from ISO 8601 strings, everything else strictly.
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="after")
    def _known_and_ordered(self) -> Terms:
        if unknown := [p for p in self.purposes if p not in PURPOSES]:
            raise ValueError(f"unknown purpose {unknown[0]!r}")
        if unknown := [p for p in self.prohibited if p not in PROHIBITED]:
            raise ValueError(f"unknown prohibited use {unknown[0]!r}")
        if self.ends < self.starts:
            raise ValueError("the contract ends before it starts")
        if self.named_users and self.crawl is not None:
            raise ValueError("the website is fetched by a program for itself, which named users rule out")
        if self.aggregates is not None and self.aggregates.alone and (self.crawl is not None or self.exports):
            raise ValueError("who may count alone gets no records, neither as files nor from the website")
        for network in self.networks:
            ip_network(network, strict=False)
        names = [each.dataset for each in self.datasets]
        if len(set(names)) != len(names):
            raise ValueError("a dataset is named twice")
        return self

    def for_dataset(self, dataset: str) -> DatasetTerms | None:
        """The part on one dataset, or None where the contract does not name it."""
        return next((each for each in self.datasets if each.dataset == dataset), None)


def to_json(terms: Terms) -> str:
    """The canonical JSON that is hashed, sealed and stored."""
    return canonical(terms.model_dump(mode="json")).decode()


def from_json(text: str) -> Terms:
    """Terms from stored JSON; raises pydantic's ValidationError for anything unknown."""
    return Terms.model_validate_json(text)


def readable(text: str) -> Terms | None:
    """Terms for pages and notices; None where the stored text was edited into something that is none. Lets no data out."""
    try:
        return from_json(text)
    except ValidationError:
        return None


def terms_hash(text: str) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
