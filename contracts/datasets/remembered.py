"""Whom records were about that are served no more: by keyed hashes, so that a name leads to them and they lead to no name.

A mark is HMAC-SHA256 under a key that the store does not hold (`Purpose.INDEX`, derived from the master key), over
"licet/person/v1", the dataset and the name, NUL between. Marks are written before the records go, because afterwards nothing knows
the name; a mark of a record that then stays is no harm.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import ColumnElement, select
from sqlmodel import Session, col

from contracts.datasets.catalogue import Version
from contracts.datasets.persons import names_in
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.tables import PersonMark
from contracts.keys import KeyRing, Purpose
from contracts.settings import Settings
from contracts.store.many import Insertion
from contracts.store.unit import Store

_A_UNIT = 500
_MARKS = Insertion(PersonMark, "dataset", "mark", "ordinal", "person", conflict="ON CONFLICT (dataset, mark, ordinal) DO NOTHING")


def mark(keys: KeyRing, dataset: str, name: str) -> bytes:
    """The mark of a name in a dataset."""
    return hmac.digest(keys.derived(Purpose.INDEX), b"\0".join((b"licet/person/v1", dataset.encode(), name.encode())), "sha256")


def remember(store: Store, keys: KeyRing, settings: Settings, version: Version, ordinals: Ordinals) -> int:
    """Keep marks of whom the records are about, as far as the version still says it; returns how many. Not to be called in a unit of work."""
    dataset, kept = version.dataset, 0
    rows = (
        (dataset, mark(keys, dataset, name), ordinal, mark(keys, dataset, person))
        for ordinal, person, names in names_in(settings, version, ordinals)
        for name in names
    )
    while some := list(islice(rows, _A_UNIT)):
        with store.write("person marks") as unit:
            _MARKS.execute(unit.connection, some)
        kept += len(some)
    return kept


def remembered(session: Session, keys: KeyRing, dataset: str, names: Iterable[str]) -> dict[bytes, Ordinals]:
    """The records of whoever had one of the names, by the mark of the person's own id."""
    marks = [mark(keys, dataset, each) for each in names]
    people = session.execute(select(col(PersonMark.person)).distinct().where(*_of(dataset, marks))).scalars().all()
    found = dict[bytes, Ordinals]()
    for person, ordinal in session.execute(select(col(PersonMark.person), col(PersonMark.ordinal)).where(*_of(dataset, people))):
        found.setdefault(bytes(person), Ordinals()).add(ordinal)
    return found


def _of(dataset: str, marks: Sequence[bytes]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(PersonMark.dataset) == dataset, col(PersonMark.mark).in_(marks)
