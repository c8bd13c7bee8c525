"""The catalogue: datasets as the settings describe them, and which version of each is current."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlmodel import col

from contracts.datasets.coarse import Coarse, coarser, takes
from contracts.datasets.tables import DatasetVersion
from contracts.datasets.values import ORDERED, Value, read
from contracts.errors import refuse
from contracts.sections import FieldSettings
from contracts.settings import DatasetSettings, Settings
from contracts.store.unit import Store
from contracts.terms.model import DatasetTerms

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Version:
    """One loaded version of a dataset."""

    dataset: str
    version: str
    records: int
    deleted: int
    objecting: int
    ordinals: int
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset's description: what the catalogue shows and what every request is checked against."""

    id: str
    settings: DatasetSettings

    @property
    def fields(self) -> Mapping[str, FieldSettings]:
        """Fields by name, in the settings' order."""
        return self.settings.fields

    def is_pseudonymised(self, field: str, terms: DatasetTerms | None = None) -> bool:
        """Whether the field leaves only as a pseudonym: key and subject always, others where the terms say so."""
        if field in (self.settings.key, self.settings.subject) or self.fields[field].field_class in ("key", "subject"):
            return True
        return terms is not None and field in terms.pseudonymised

    def coarse(self, field: str, terms: DatasetTerms | None = None) -> Coarse | None:
        """How the field is generalised: as the settings or the terms say, whichever is coarser; None where it leaves as it is.

        Raises `dataset_unavailable` where the field cannot be told so any more, or would have to be a pseudonym as well.
        """
        facts = self.fields[field]
        grain = coarser(facts.at_least, None if terms is None else terms.generalised.get(field))
        if grain is None:
            return None
        cannot = grain == "region" and not (facts.regions or facts.region_letters)
        if cannot or not takes(facts.type, grain) or self.is_pseudonymised(field, terms):
            reason = "The dataset no longer fits what the contract says of a field's precision, so nothing is answered. Ask the platform."
            raise refuse("dataset_unavailable", reason, field=field)
        if grain != "region":
            return Coarse(grain)
        return Coarse(grain, tuple(facts.regions.items()), 0 if facts.regions else facts.region_letters or 0)

    def operators(self, field: str, terms: DatasetTerms | None = None) -> tuple[str, ...]:
        """The filter operators that the field takes; none where it is not filterable."""
        facts = self.fields[field]
        if not facts.filterable:
            return ()
        if self.is_pseudonymised(field, terms):
            return ("eq", "in")
        # The day or month of a time has an order, as the time has.
        if facts.type in ORDERED:
            return ("eq", "in", "gte", "gt", "lte", "lt")
        return ("eq", "in", "prefix", "contains") if facts.type == "string" else ("eq", "in")

    def row_fields(self) -> tuple[str, ...]:
        """Fields by whose values an applicant chooses rows: those with words that say nothing about who a person is, and leave as they are."""
        return tuple(
            name
            for name, facts in self.fields.items()
            if facts.filterable
            and facts.type in ("string", "boolean")
            and facts.field_class in ("plain", "special")
            and facts.at_least is None
        )

    def samples(self, count: int = SAMPLES) -> list[dict[str, Value | None]]:
        """Invented rows out of the fields' examples; never a record of the dataset. Empty where no field has examples."""
        most = max((len(field.examples) for field in self.fields.values()), default=0)
        return [{name: _example(field, row) for name, field in self.fields.items()} for row in range(min(count, most))]


class Catalogue:
    """Looks datasets up. Descriptions come from the settings and stand still; versions are read from the store."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._datasets = {each.id: each for each in described(settings)}

    def get(self, dataset_id: str) -> Dataset | None:
        """The dataset, or None where the settings have none of this id."""
        return self._datasets.get(dataset_id)

    def all(self) -> list[Dataset]:
        """Every dataset, in the settings' order."""
        return list(self._datasets.values())

    def version_of(self, dataset_id: str) -> Version | None:
        """The current version; None where the dataset was never loaded."""
        with self._store.engine.connect() as connection:
            return current_versions(connection, [dataset_id]).get(dataset_id)


def described(settings: Settings) -> list[Dataset]:
    """Every dataset of the settings, in their order."""
    return [Dataset(name, section) for name, section in settings.datasets.items()]


def current_versions(connection: Connection, datasets: Iterable[str]) -> dict[str, Version]:
    """The current version of each dataset that has one, as this transaction sees it."""
    names = ("dataset", "version", "records", "deleted", "objecting", "ordinals", "loaded_at")
    columns = [col(getattr(DatasetVersion, name)) for name in names]
    query = select(*columns).where(col(DatasetVersion.current), col(DatasetVersion.dataset).in_(list(datasets)))
    return {str(found[0]): Version(*found) for found in connection.execute(query).all()}


def _example(field: FieldSettings, row: int) -> Value | None:
    if not field.examples:
        return None
    text = field.examples[row % len(field.examples)]
    return text if field.type in ("timestamp", "date", "string") else read(field.type, text)
