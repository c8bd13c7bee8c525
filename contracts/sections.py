"""Sections of the settings that stand by themselves; `contracts.settings` puts them together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator, model_validator

from contracts.datasets.coarse import Grain, takes
from contracts.errors import Misconfigured


class Section(BaseModel):
    """A table of `licet.toml`: an unknown name in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Signing(Section):
    """How the platform seals the PDF of a contract (PAdES). Without a certificate it makes one of its own."""

    certificate: Path | None = Field(
        default=None,
        description="PEM file with the certificate of the platform's seal, then those of its issuers; one of our own is made if empty.",
    )
    key_file: Path | None = Field(default=None, description="PEM file with the certificate's private key, ECDSA on P-256.")
    key: SecretStr | None = Field(
        default=None, description="The private key itself in PEM, where no file holds it; best given as a variable."
    )
    timestamp_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s#]+$")] | None = Field(
        default=None, description="Address of an authority for time-stamps (RFC 3161); seals carry none if empty."
    )


class SignIn(Section):
    """An institution's OpenID provider through which people may sign in."""

    name: str = Field(description="The institution's name on the sign-in page.")
    issuer: Annotated[str, StringConstraints(pattern=r"^https://[^\s?#]+$")] = Field(
        description="The provider's issuer identifier, exactly as it names itself; its document is read from there."
    )
    client_id: str = Field(description="Our client id at the provider.")
    client_secret: SecretStr | None = Field(default=None, description="Our secret there; better given as a file or variable.")
    client_secret_file: Path | None = Field(default=None, description="File that holds nothing but our secret there.")
    domains: list[str] = Field(
        default_factory=list, description="Domains of mail addresses that the provider is trusted with; it opens accounts with them."
    )
    organisation: str = Field(
        default="",
        description="Id of the partner that people with such an address join as readers, where they have no account; none joins if empty.",
    )
    second_factor: list[str] = Field(
        default_factory=list, description="Values of `amr` or `acr` that count as a second factor, such as mfa; else ours is asked for."
    )
    private: bool = Field(default=False, description="Whether the provider may be at a private address, as in an operator's own network.")
    trust: Path | None = Field(
        default=None, description="File with certificates of authorities trusted for the provider; the system's by default."
    )

    def secret(self) -> str:
        """Our secret at the provider; empty for a client that has none. Raises `Misconfigured` where the file cannot be read."""
        if self.client_secret is not None or self.client_secret_file is None:
            return self.client_secret.get_secret_value() if self.client_secret else ""
        try:
            return self.client_secret_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Misconfigured(f"file {self.client_secret_file}", "cannot be read.", "Name a file that Licet may read.") from error


class DatasetSource(Section):
    """Where a dataset's records come from, and what reads them."""

    engine: Literal["duckdb", "postgresql", "sqlalchemy"] = Field(
        default="duckdb",
        description="What reads it: duckdb loads versions of its own; postgresql and sqlalchemy (experimental) read a table where it lies.",
    )
    location: str = Field(default="", description="A CSV, Parquet or NDJSON file, or a pattern of files, relative to licet.toml.")
    source: SecretStr | None = Field(
        default=None,
        description="In place of location: SQLAlchemy address of the database that holds the table, such as postgresql+psycopg://USER:PASSWORD@HOST/NAME; best given as a variable.",
    )
    table: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$")] = Field(
        default="records", description="Table or view in that database, with its schema where it has one: public.posts."
    )
    beside: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,40}$")] | None = Field(
        default=None,
        description="Schema in that database for our own tables of numbers and pseudonyms, where engine reads in place; `licet` on PostgreSQL.",
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> DatasetSource:
        if bool(self.location) == (self.source is not None):
            raise ValueError("needs either location (a file) or source (a database), and not both")
        if self.engine != "duckdb" and self.source is None:
            raise ValueError(f"engine {self.engine} reads a table where it lies, so it needs source and not location")
        return self


class DatasetPeople(Section):
    """Whom a dataset's records are about, and by what else compliance finds them."""

    subject: str | None = Field(default=None, description="Field that identifies the person whom a record is about.")
    found_by: list[str] = Field(
        default_factory=list,
        description="Further fields by which compliance finds a person, such as a handle or an address; `subject` is always one. They lead to the person's id there, so they need it.",
    )
    profile: str | None = Field(
        default=None,
        description="Path on the main site of one person's page, with one field of subject or found_by, such as /authors/{author_handle}; lets compliance find a person by the page's address.",
    )

    def check_people(self, fields: Mapping[str, object]) -> None:
        """Raise ValueError where a name leads to no person of the dataset."""
        if self.found_by and self.subject is None:
            raise ValueError("found_by leads to a person's id, so `subject` names the field that holds it")
        if unknown := next((each for each in self.found_by if each not in fields), None):
            raise ValueError(f"found_by names the field {unknown!r}, which the dataset does not have")
        if self.profile is not None and re.findall(r"\{([^{}]*)\}", self.profile) not in [
            [each] for each in (self.subject, *self.found_by)
        ]:
            raise ValueError("profile names one field of subject or found_by, in braces")


class FieldSettings(Section):
    """One field of a dataset."""

    type: Literal["string", "integer", "number", "boolean", "timestamp", "date"] = Field(description="The field's type.")
    field_class: Literal["plain", "key", "subject", "personal", "special"] = Field(
        default="plain",
        alias="class",
        description="plain; key (record id); subject (person id); personal; special (special category). Key and subject are replaced by pseudonyms.",
    )
    description: str = Field(default="", description="One line for the catalogue.")
    column: str | None = Field(default=None, description="Column of the source, where it has another name than the field.")
    filterable: bool = Field(default=True, description="Whether partners who may read the field may filter by it.")
    examples: list[str] = Field(default_factory=list, description="Invented values for the catalogue's sample rows.")
    grains: list[Grain] = Field(
        default_factory=list,
        description="What a contract may agree on in place of the value itself: day or month of a time; masked (accounts and links in a text) or region of a text.",
    )
    at_least: Grain | None = Field(
        default=None, description="One of `grains` that every contract has at least; a contract may agree on a coarser one."
    )
    regions: dict[str, str] = Field(
        default_factory=dict, max_length=5_000, description="The region of each value; every other value has none."
    )
    region_letters: int | None = Field(
        default=None, ge=1, le=100, description="In place of regions: of how many first letters the region is, as in a postcode."
    )

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _grains_fit(self) -> FieldSettings:
        if wrong := next((each for each in self.grains if not takes(self.type, each)), None):
            raise ValueError(f"a field of type {self.type} cannot be told by {wrong}")
        if {"masked", "region"} <= set(self.grains):
            raise ValueError("a field is masked or told by region, not one or the other by contract")
        if self.at_least is not None and self.at_least not in self.grains:
            raise ValueError("at_least is one of grains")
        if bool(self.regions) + (self.region_letters is not None) != ("region" in self.grains):
            raise ValueError("the grain region needs either regions or region_letters, which nothing else takes")
        if self.grains and self.field_class in ("key", "subject"):
            raise ValueError("a key or subject leaves as a pseudonym and has no grains")
        return self


FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
OTHER = "other"


class FieldChange(Section):
    """A change of a field that is announced before it happens."""

    field: str = Field(description="The field that changes.")
    day: date = Field(alias="date", description="The day from which the field is another, such as 2027-03-01.")
    what: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)] = Field(
        description="What changes, in a sentence for partners; it stands on pages and in mails."
    )

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Buckets(Section):
    """The fixed buckets that aggregates group and filter one field by. A boolean needs none; every other field names one kind."""

    values: list[str] = Field(
        default_factory=list, description="Values of a text field that are buckets of their own; every other value is in `other`."
    )
    edges: list[int | float] = Field(
        default_factory=list, description="Where buckets of a number begin, rising; each holds the numbers from its edge to the next."
    )
    every: Literal["", "year", "month", "day"] = Field(default="", description="How long the buckets of a date or timestamp are.")

    @model_validator(mode="after")
    def _sound(self) -> Buckets:
        if sum(map(bool, (self.values, self.edges, self.every))) > 1:
            raise ValueError("a field has one kind of buckets: values, edges or every")
        if OTHER in self.values or len(set(self.values)) != len(self.values):
            raise ValueError(f"values are different from each other, and none is {OTHER!r}")
        if self.edges != sorted(set(self.edges)):
            raise ValueError("edges rise")
        return self

    def fit(self, kind: str) -> bool:
        """Whether these are the buckets that a field of this type takes."""
        if kind == "boolean":
            return not (self.values or self.edges or self.every)
        return bool({"string": self.values, "integer": self.edges, "number": self.edges}.get(kind, self.every))


class Bounds(Section):
    """Between which numbers a field's values count in sums; what lies outside counts as the nearest of both."""

    least: int | float = Field(description="What every lower value counts as.")
    most: int | float = Field(description="What every higher value counts as.")

    @model_validator(mode="after")
    def _rises(self) -> Bounds:
        if not self.least < self.most:
            raise ValueError("least lies below most")
        return self


class Aggregates(Section):
    """What may be counted and summed of a dataset without reading records. Without this section nothing may."""

    people: int = Field(
        default=10, ge=3, description="Fewest different people in a cell that is told. A contract may ask for more, never for fewer."
    )
    dominance: int = Field(
        default=20,
        ge=1,
        le=100,
        description="p of the p % rule: a cell is not told where all but its two largest contributors add less than p % of the largest.",
    )
    noise: int = Field(default=2, ge=1, le=1000, description="By how many records at most each count is moved; less than `people`.")
    max_queries: int = Field(default=10_000, ge=1, description="The most queries that a contract may allow from its first day to its last.")
    by: dict[FieldName, Buckets] = Field(
        default_factory=dict, description="Fields that aggregates group and filter by, each with its buckets."
    )
    sums: dict[FieldName, Bounds] = Field(
        default_factory=dict, description="Numbers that may be summed and averaged, each with its bounds."
    )

    @model_validator(mode="after")
    def _hides_the_fewest(self) -> Aggregates:
        if self.noise >= self.people:
            raise ValueError("noise is less than people, so that no count that is told falls to nothing")
        return self

    def check(self, fields: Mapping[str, tuple[str, str]]) -> None:
        """Raise ValueError where the dataset's fields, by name with type and class, do not fit.

        A field that says who a person or record is makes no buckets; every other one makes those of its type.
        """
        for name, buckets in self.by.items():
            kind, field_class = fields.get(name, ("", "key"))
            if field_class in ("key", "subject"):
                raise ValueError(f"aggregates cannot go by {name!r}: the dataset has no such field, or it names a record or person")
            if not buckets.fit(kind):
                raise ValueError(f"{name!r} needs values for text, edges for numbers, every for times, and nothing for a boolean")
        for name in self.sums:
            if fields.get(name, ("", ""))[0] not in ("integer", "number"):
                raise ValueError(f"only numbers of the dataset are summed, and {name!r} is none")


class Shared(Section):
    """What several processes share beside the database. Without it there is one process."""

    url: SecretStr | None = Field(
        default=None,
        description="Address of a Valkey or Redis that keeps the counters of pace for all processes, such as redis://127.0.0.1:6379/0; none keeps them in the memory of one.",
    )

    @field_validator("url")
    @classmethod
    def _scheme_known(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and urlsplit(url.get_secret_value()).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("an address begins with redis://, rediss:// (TLS) or unix://")
        return url


class Uploads(Section):
    """Documents that partners hand in with an application; they lie under home."""

    megabytes: int = Field(default=20, ge=1, le=1000, description="Size of the largest file that is taken, in MiB.")
    organisation_megabytes: int = Field(default=500, ge=1, description="Room that all documents of one partner have together, in MiB.")


class Limits(Section):
    """How many requests to the OAuth addresses are answered in a minute; those above get 429 with `Retry-After`."""

    client_tokens: int = Field(default=60, ge=1, description="Tokens that one client asks for from one network. A token lasts ten minutes.")
    network_tokens: int = Field(default=600, ge=1, description="Tokens that one network (/24, /48) asks for.")
    client_introspections: int = Field(default=30_000, ge=1, description="Questions about tokens of one client from one network.")
    network_introspections: int = Field(default=60_000, ge=1, description="Questions about tokens of one network (/24, /48).")
