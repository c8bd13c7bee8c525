"""Kinds of entries: what a leaf has in common with others, and the words by which it is found."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from contracts.ledger.projection import UNREADABLE, read_leaf
from contracts.ledger.stage import canonical
from contracts.ledger.words import line
from contracts.terms.purposes import PURPOSES

LOST = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = ("rule", "organisation", "contract", "dataset", "credential", "purpose")
_EMPTY = ("",) * len(_NAMES)
_WORD = re.compile(r"\w+")


class Told(NamedTuple):
    """What makes a kind, in the order in which it is hashed."""

    event: str = ""
    decision: str = ""
    rule: str = ""
    organisation_id: str = ""
    contract_id: str = ""
    dataset: str = ""
    credential_id: str = ""
    purpose: str = ""
    fields: str = ""

    def key(self) -> bytes:
        """SHA-256 over the canonical JSON."""
        return hashlib.sha256(canonical(list(self))).digest()


class Met(NamedTuple):
    """An entry as search takes it in: kind, moment, the thing that it is about, and the records that it brought."""

    told: Told
    at: datetime
    subject: str | None
    records: int


UNREAD = Met(Told(), LOST, None, 0)
"""What is known of a leaf that was tampered with: a kind of its own, so that search goes on behind it."""


def read(leaf: bytes) -> Met:
    """What search knows of an entry, by its leaf."""
    try:
        facts = read_leaf(leaf)
        told, at, subject = told_by(facts), datetime.fromisoformat(facts["at"]), facts.get("subject")
        "".join(told)  # refuses what is no text
        if at.tzinfo is None or (subject is not None and type(subject) is not str):
            return UNREAD
        return Met(told, at, subject, records_of(facts))
    except UNREADABLE:
        return UNREAD


def told_by(facts: Mapping[str, Any]) -> Told:
    """What makes the kind of a leaf's object; KeyError or TypeError where it lacks it."""
    get = facts.get
    return Told._make((facts["event"], facts["decision"], *map(get, _NAMES, _EMPTY), " ".join(get("fields", ()))))


def words_of(told: Told, names: Iterable[str], titles: Mapping[str, str]) -> set[str]:
    """Every word by which a kind is found, in lower case; none is a personal value. `titles` are those of the datasets."""
    purpose = PURPOSES.get(told.purpose)
    texts = [line(told.event, told.decision), told.event, told.decision, told.rule, told.dataset, told.purpose, told.fields, *names]
    texts += [titles.get(told.dataset, ""), purpose.title if purpose else ""]
    return {word for each in texts for word in split(each)}


def split(text: str) -> Iterator[str]:
    """The words of a text in lower case; a name with _ is one word and its parts are words too."""
    for found in _WORD.findall(text.casefold()):
        yield found
        if "_" in found:
            yield from (part for part in found.split("_") if part)


def records_of(facts: Mapping[str, Any]) -> int:
    """How many records an entry delivered."""
    rows = facts.get("rows", 0) if facts["event"] == "access.records" and facts["decision"] == "allow" else 0
    return rows if isinstance(rows, int) else 0
