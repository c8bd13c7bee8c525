"""Where a contract stands in its quotas, for pages, for the partner's own resources and for what each answer says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlmodel import Session

from contracts.quotas.distinct import used_of
from contracts.quotas.service import Used, used_on, used_since
from contracts.terms.model import Terms

Term = Literal["records_per_day", "bytes_per_day", "records_in_period", "distinct_records", "bytes_in_period"]
DAILY: frozenset[Term] = frozenset({"records_per_day", "bytes_per_day"})
"""Quotas that begin anew with each day; what is used of the others only an amendment of the contract gives back."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One quota, by the term that agrees it."""

    term: Term
    used: int
    limit: int

    @property
    def left(self) -> int:
        """What is left of it; an amendment may have lowered the limit below what was used before."""
        return max(0, self.limit - self.used)


def standings(session: Session, contract_id: str, version: int, terms: Terms) -> list[Standing]:
    """Every quota of the period that the terms agree, with what is used of it."""
    connection, found = session.connection(), list[Standing]()
    if terms.records_in_period is not None:
        used = used_since(connection, contract_id, terms.starts).records
        found.append(Standing("records_in_period", used, terms.records_in_period))
    if terms.distinct_records is not None:
        found.append(Standing("distinct_records", used_of(connection, contract_id, version), terms.distinct_records))
    if terms.bytes_in_period is not None:
        found.append(Standing("bytes_in_period", used_since(connection, contract_id, terms.starts).bytes, terms.bytes_in_period))
    return found


def all_standings(session: Session, contract_id: str, version: int, terms: Terms, today: date, cap: int) -> list[Standing]:
    """Every quota, those of the day first; `cap` is how many records a day may bring."""
    return [*of_day(used_on(session, contract_id, today), terms, cap), *standings(session, contract_id, version, terms)]


def of_day(used: Used, terms: Terms, cap: int) -> list[Standing]:
    """The quotas of the day, of which so much is used; `cap` is how many records it may bring."""
    found = [Standing("records_per_day", used.records, cap)]
    return found if terms.bytes_per_day is None else [*found, Standing("bytes_per_day", used.bytes, terms.bytes_per_day)]


def counts_period(terms: Terms) -> bool:
    """Whether the terms agree any quota beside those of the day."""
    return any(each is not None for each in (terms.records_in_period, terms.distinct_records, terms.bytes_in_period))
