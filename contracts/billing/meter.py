"""What an answered request costs, as values for the table `usage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from contracts.billing.tables import UsageRow
from contracts.ids import new_id
from contracts.store.many import Insertion
from contracts.terms.model import Terms

_COLUMNS = tuple(UsageRow.model_fields)
_KEEP = Insertion(UsageRow, *_COLUMNS)


class Billed(Protocol):
    """What the meter needs to know of a grant."""

    @property
    def contract_id(self) -> str: ...

    @property
    def organisation_id(self) -> str: ...

    @property
    def terms(self) -> Terms: ...


def usage(grant: Billed, entry_id: str, dataset: str, rows: int, now: datetime, day: date | None = None) -> dict[str, Any] | None:
    """Values of every column of `usage` for the records that leave with one entry.

    None where the contract has no price or nothing left: neither costs anything. `day` is the day that the records' quota is
    counted on; without it the day of `now` in UTC. Insert them in the transaction that stages the entry, so that a bill and
    the ledger stand or fall together.
    """
    price = grant.terms.price
    if price is None or rows <= 0:
        return None
    return {
        "id": new_id("use"),
        "entry_id": entry_id,
        "contract_id": grant.contract_id,
        "organisation_id": grant.organisation_id,
        "dataset": dataset,
        "day": day or now.date(),
        "rows": rows,
        "price_per_1000": price.per_1000,
        "currency": price.currency,
        "at": now,
        "effect_id": "",
        "sent_at": None,
        "sent_to": "",
    }


def keep_all(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert what `usage` gave, in the transaction of the entries."""
    _KEEP.execute(connection, [tuple([row[name] for name in _COLUMNS]) for row in rows])
