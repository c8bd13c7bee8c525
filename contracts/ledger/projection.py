"""The columns that are copied out of a leaf for search, and how they are read back from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import orjson


class Projection(NamedTuple):
    """What `SearchedEntry` holds of a leaf; each value is a copy, the leaf is the record."""

    id: str
    at: datetime
    event: str
    decision: str
    rule: str
    organisation_id: str
    contract_id: str
    dataset: str
    credential_id: str
    subject: str


COLUMNS = Projection._fields
# What reading a leaf raises that was tampered with.
UNREADABLE = (ValueError, KeyError, TypeError)


def read_leaf(leaf: bytes) -> dict[str, Any]:
    """The leaf's JSON object; ValueError where it is none."""
    value = orjson.loads(leaf)
    if not isinstance(value, dict):
        raise ValueError("a leaf is a JSON object")
    return value


def project(facts: dict[str, Any]) -> Projection:
    """The columns of a leaf's object; KeyError or ValueError where the leaf lacks id, time, event or decision."""
    return Projection(
        id=facts["id"],
        at=datetime.fromisoformat(facts["at"]),
        event=facts["event"],
        decision=facts["decision"],
        rule=facts.get("rule", ""),
        organisation_id=facts.get("organisation", ""),
        contract_id=facts.get("contract", ""),
        dataset=facts.get("dataset", ""),
        credential_id=facts.get("credential", ""),
        subject=facts.get("subject", ""),
    )
