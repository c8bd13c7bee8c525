"""What of a leaf pages show and search sorts by, and how it is read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson


class Projection(NamedTuple):
    """What pages show of a leaf; each value is a copy, the leaf is the record."""

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


def columns_of(entry_id: str, leaf: bytes) -> Projection:
    """The columns of a leaf; of one that was tampered with only the id that its row has, so that pages can say which it is."""
    try:
        return project(read_leaf(leaf))
    except UNREADABLE:
        return Projection(entry_id, _NO_TIME, "", "", "", "", "", "", "", "")


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
