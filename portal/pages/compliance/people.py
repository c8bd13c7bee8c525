"""Whom compliance means by a handle, an address or an id: each person with their records and who holds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from contracts.datasets.persons import names_of, people_of
from contracts.datasets.remembered import mark, remembered
from contracts.deliveries.holdings import Holding, holdings
from contracts.deliveries.ordinals import Ordinals
from contracts.house import House


@dataclass(frozen=True, slots=True)
class Person:
    """One person of one dataset. `own` is their id there; empty where every record of theirs is gone and only a hash is known."""

    dataset: str
    own: str
    ordinals: Ordinals
    held: list[Holding]


def found_people(session: Session, house: House, typed: str) -> list[Person]:
    """Everyone who is meant in any dataset, records that are gone included."""
    found = list[Person]()
    for dataset in house.catalogue.all():
        records, own = _records(session, house, dataset.id, typed)
        found += [Person(dataset.id, own.get(each, ""), records[each], holdings(session, dataset.id, records[each])) for each in records]
    return found


def are_several(people: Sequence[Person]) -> bool:
    """Whether one name means different people of one dataset, so that no letter may be written by it."""
    return any(count > 1 for count in Counter(each.dataset for each in people).values())


def _records(session: Session, house: House, dataset: str, typed: str) -> tuple[dict[bytes, Ordinals], dict[bytes, str]]:
    """Records by the mark of whom they are about, and the own ids that are known."""
    described, version = house.settings.datasets[dataset], house.catalogue.version_of(dataset)
    known = people_of(house.settings, version, typed) if version is not None else {}
    own = {mark(house.keys, dataset, each): each for each in known}
    records = remembered(session, house.keys, dataset, [*names_of(described, house.settings.platform.site, typed), *known])
    for each, name in own.items():
        records[each] = records.get(each, Ordinals()) | known[name]
    return records, own
