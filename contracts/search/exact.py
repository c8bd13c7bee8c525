"""Entries by a personal value that is known exactly, found through the keyed index that is erased with the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from contracts.addresses import address
from contracts.errors import refuse
from contracts.ledger.queries import TimelineRow, at_places, entry
from contracts.ledger.service import VALUE
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import entries_with
from contracts.networks import prefix
from contracts.people.tables import Account

MOST = 1_000
SHOWN = 200
_IDS_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class Met:
    """What was found: the newest entries, and how many there are, up to 1,000 and 1,001 where there are more."""

    rows: list[TimelineRow]
    count: int


def meant(session: Session, text: str) -> list[str]:
    """The values to look for: the text itself, the account that has it as mail address, the network that is kept of an address."""
    account = session.exec(select(Account.id).where(Account.email == address(text))).first() if "@" in text else None
    return list(dict.fromkeys(each for each in (text, account, prefix(text)) if each))


def with_value(session: Session, text: str) -> Met:
    """The entries that hold the value, newest first; those that still wait for the tree as well."""
    ids = dict.fromkeys(found for each in meant(session, text) for found in entries_with(session, each, MOST + 1))
    places = _places(session, list(ids))
    return Met(at_places(session, places[:SHOWN]), min(len(places), MOST + 1))


def searched_for(session: Session, entry_id: str) -> str | None:
    """The value that a search was for, by the search's own entry; None where it was erased since. `not_found` where it is no such search."""
    view = entry(session, entry_id)
    if view.row.event != "ledger.searched" or view.facts.get("facts", {}).get("fields") != [VALUE]:
        raise refuse("not_found", "There is no such search.")
    return next((each.value for each in view.values if each.name == "search"), None)


def _places(session: Session, ids: Sequence[str]) -> list[int]:
    found = list[int]()
    for start in range(0, len(ids), _IDS_A_QUERY):
        here = col(LedgerEntry.id).in_(ids[start : start + _IDS_A_QUERY])
        found += session.exec(select(LedgerEntry.index).where(here)).all()
    return sorted(found, reverse=True)
