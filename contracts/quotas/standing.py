"""Where a contract stands in its quotas, for pages and for the partner's own resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from contracts.quotas.distinct import used_of
from contracts.quotas.service import used_since
from contracts.terms.model import Terms

Term = Literal["records_in_period", "distinct_records", "bytes_in_period"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One quota of the period, by the term that agrees it."""

    term: Term
    used: int
    limit: int


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
