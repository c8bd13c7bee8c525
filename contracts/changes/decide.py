"""Announced changes of fields: which are to come, whom each concerns, and what is due to be told. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from contracts.ledger.stage import canonical
from contracts.settings import DatasetSettings
from contracts.terms.model import DatasetTerms, Terms

NEAR_DAYS = 7
Stage = Literal["announced", "near"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one field on one day, in the platform's words."""

    dataset: str
    field: str
    day: date
    what: str

    def key(self, stage: Stage) -> str:
        """What tells this notice from others. Another text or another day is another change, and is told anew."""
        digest = hashlib.sha256(canonical([self.dataset, self.field, self.what])).hexdigest()
        return f"change-{stage}-{digest[:32]}"

    def told(self) -> dict[str, str]:
        """For programs."""
        return {"field": self.field, "date": self.day.isoformat(), "what": self.what}


def to_come(dataset: str, settings: DatasetSettings, today: date) -> list[Change]:
    """The changes of a dataset's fields from today on, the nearest first."""
    found = [Change(dataset, each.field, each.day, each.what) for each in settings.changes if each.field in settings.fields]
    return sorted((each for each in found if each.day >= today), key=lambda each: (each.day, each.field))


def concerning(terms: DatasetTerms, changes: Iterable[Change]) -> Iterator[Change]:
    """Those of fields that a contract names, to be read or as a condition on its rows."""
    named = {*terms.fields, *(condition.field for condition in terms.rows)}
    return (each for each in changes if each.field in named)


def of_contract(terms: Terms, datasets: dict[str, DatasetSettings], today: date) -> list[Change]:
    """The changes to come of every field that a contract names, the nearest first."""
    known = [(each, datasets[each.dataset]) for each in terms.datasets if each.dataset in datasets]
    found = [change for each, settings in known for change in concerning(each, to_come(each.dataset, settings, today))]
    return sorted(found, key=lambda each: (each.day, each.dataset, each.field))


def stages_due(change: Change, today: date) -> tuple[Stage, ...]:
    """What has to have been told by today; the last is what is told now. A change that is near at once is told once."""
    return ("announced", "near") if today >= change.day - timedelta(days=NEAR_DAYS) else ("announced",)
