"""Which entries hold values of somebody, by the handles of their keys.

The indexes begin with the stretch of the ledger, so a handle is looked for in each stretch that has values: some microseconds for
every 1,024 entries.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import CompoundSelect, Select, func, select
from sqlalchemy.sql.selectable import CTE
from sqlmodel import col

from contracts.ledger.tables import SealedValues

_STRETCH = col(SealedValues.stretch)
SUBJECT, BESIDE = col(SealedValues.subject), col(SealedValues.network)


def under(column: Any, handles: Collection[int]) -> Select[Any]:
    """Ids of the entries that have one of these handles as `SUBJECT`, or as a network `BESIDE` one; one with several rows comes several times."""
    return _among(_stretches(), column, handles)


def of_any(handles: Collection[int]) -> CompoundSelect[Any]:
    """Ids of the entries that have one of these handles as either, each once."""
    stretches = _stretches()
    return _among(stretches, SUBJECT, handles).union(_among(stretches, BESIDE, handles))


def _among(stretches: CTE, column: Any, handles: Collection[int]) -> Select[Any]:
    return select(col(SealedValues.entry_id)).join(stretches, stretches.c.number == _STRETCH).where(column.in_(handles))


def _stretches() -> CTE:
    """Every stretch in which there are values, from one to the next by the index; the last row is NULL."""
    found = select(func.min(_STRETCH).label("number")).cte("stretches", recursive=True)
    following = select(func.min(_STRETCH)).where(found.c.number < _STRETCH).scalar_subquery()
    return found.union_all(select(following).where(found.c.number.is_not(None)))
