"""What a token is narrowed to by its request (RFC 9396): `dataset-access` with dataset, fields, actions and purpose. Pure.

Nothing unknown is skipped and nothing is cut down unasked: a request beyond the contract, or beyond what a person allowed, is
refused. What a request leaves out is filled in, so that the answer, the token and introspection say what was granted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from contracts.settings import Settings
from contracts.terms.model import Terms
from contracts.terms.purposes import PURPOSES

TYPE = "dataset-access"
ACTIONS = ["read"]
MAX_CHARACTERS = 3_000
# In the form that stands in the token, which must stay small enough for a header.
MAX_STORED_BYTES = 1_500
MAX_DETAILS = 20
_MEMBERS = frozenset({"type", "locations", "dataset", "fields", "actions", "purpose"})


@dataclass(frozen=True, slots=True)
class Detail:
    """Reading one dataset. Without fields, all that the contract names; without purpose, any of its purposes."""

    dataset: str
    fields: tuple[str, ...] = ()
    purpose: str = ""

    def stored(self) -> dict[str, Any]:
        """The object of RFC 9396 section 2, as it stands in answers, tokens and rows."""
        purpose = {"purpose": self.purpose} if self.purpose else {}
        return {"type": TYPE, "dataset": self.dataset, "fields": list(self.fields), "actions": list(ACTIONS), **purpose}


Details = tuple[Detail, ...]


def granted(text: str | None, allowed: Iterable[Mapping[str, Any]], terms: Terms, location: str) -> Details | str:
    """What a token is narrowed to, or what is wrong with the request. Empty where nothing was asked: the contract alone holds.

    `text` is the parameter `authorization_details`; `allowed` what a person allowed before, which a request may only narrow;
    `location` the API's address.
    """
    allowed = list(allowed)
    if text is None and not allowed:
        return ()
    before = stored_details(allowed)
    if before is None:
        return "What was allowed cannot be read any more. Start again."
    if text is None:
        return _still(before, terms)
    asked = _read(text, location)
    if isinstance(asked, str):
        return asked
    found = [_in_terms(each, terms) for each in asked]
    for each in found:
        if isinstance(each, str):
            return each
    inside = tuple(each for each in found if isinstance(each, Detail))
    if before:
        found = [_in_allowed(each, wanted, before) for each, wanted in zip(inside, asked, strict=True)]
        for each in found:
            if isinstance(each, str):
                return each
        inside = tuple(each for each in found if isinstance(each, Detail))
    if len(orjson.dumps([each.stored() for each in inside])) > MAX_STORED_BYTES:
        return "These details do not fit into a token. Name fewer datasets or fields."
    return inside


def stored_details(value: object) -> Details | None:
    """Details as a token or row holds them; None for anything that this module did not write. No value means no details."""
    if value is None or value == []:
        return ()
    found = _all(value, location="")
    return None if isinstance(found, str) else found


def in_words(details: Sequence[Mapping[str, Any]], settings: Settings) -> list[str]:
    """Each detail in whole sentences, for the person who decides."""
    return [_said(each, settings) for each in stored_details(list(details)) or ()]


def _said(detail: Detail, settings: Settings) -> str:
    known = settings.datasets.get(detail.dataset)
    title, names = (known.title if known else detail.dataset), ", ".join(detail.fields)
    if not detail.purpose:
        return f"Of the dataset “{title}” only these fields: {names}."
    purpose = PURPOSES[detail.purpose].title if detail.purpose in PURPOSES else detail.purpose
    return f"Of the dataset “{title}” only these fields: {names}. For this purpose alone: {purpose}."


def _read(text: str, location: str) -> Details | str:
    if len(text) > MAX_CHARACTERS:
        return f"authorization_details has at most {MAX_CHARACTERS} characters."
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "authorization_details is no JSON."
    return _all(value, location)


def _all(value: object, location: str) -> Details | str:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_DETAILS:
        return f"authorization_details is a JSON array of 1 to {MAX_DETAILS} objects."
    found: list[Detail] = []
    for each in value:
        detail = _one(each, location)
        if isinstance(detail, str):
            return detail
        if any(detail.dataset == other.dataset for other in found):
            return "Each dataset is named once; put its fields together."
        found.append(detail)
    return tuple(found)


def _one(value: object, location: str) -> Detail | str:
    if not isinstance(value, dict) or value.get("type") != TYPE:
        return f"Each of authorization_details is an object of the type {TYPE}."
    if not value.keys() <= _MEMBERS:
        return f"Beside type there are dataset, fields, actions, purpose and locations in {TYPE}."
    dataset, fields, purpose = value.get("dataset"), value.get("fields", []), value.get("purpose", "")
    if not isinstance(dataset, str) or not dataset:
        return "dataset is the id of a dataset."
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields) or len(set(fields)) != len(fields):
        return "fields is an array of names of fields, each once."
    if "fields" in value and not fields:
        return "fields names at least one field; leave it out for all of the contract's."
    if not isinstance(purpose, str) or ("purpose" in value and not purpose):
        return "purpose is one of the contract's purposes."
    if value.get("actions", ACTIONS) != ACTIONS:
        return 'The one action is "read".'
    if "locations" in value and value["locations"] != [location]:
        return f"The one location is {location}."
    return Detail(dataset, tuple(fields), purpose)


def _in_terms(detail: Detail, terms: Terms) -> Detail | str:
    part = terms.for_dataset(detail.dataset)
    if part is None:
        return f"The contract does not name the dataset {detail.dataset[:80]}."
    if foreign := [name for name in detail.fields if name not in part.fields]:
        return f"The contract does not name the field {foreign[0][:80]} of {detail.dataset}."
    if detail.purpose and detail.purpose not in terms.purposes:
        return f"The contract does not name the purpose {detail.purpose[:80]}."
    return replace(detail, fields=detail.fields or part.fields)


def _in_allowed(detail: Detail, asked: Detail, allowed: Details) -> Detail | str:
    """The detail narrowed to what was allowed before; what `asked` leaves out is taken from there."""
    before = next((each for each in allowed if each.dataset == detail.dataset), None)
    if before is None:
        return f"The person did not allow the dataset {detail.dataset}."
    if foreign := [name for name in asked.fields if name not in before.fields]:
        return f"The person did not allow the field {foreign[0]} of {detail.dataset}."
    if before.purpose and asked.purpose not in ("", before.purpose):
        return f"The person did not allow the purpose {asked.purpose}."
    fields = detail.fields if asked.fields else tuple(name for name in before.fields if name in detail.fields)
    return replace(detail, fields=fields, purpose=asked.purpose or before.purpose)


def _still(before: Details, terms: Terms) -> Details | str:
    """What was allowed and the contract still names; a contract may have become narrower since."""
    parts = [(each, terms.for_dataset(each.dataset)) for each in before if each.purpose in ("", *terms.purposes)]
    kept = [replace(each, fields=tuple(name for name in each.fields if name in part.fields)) for each, part in parts if part]
    left = tuple(each for each in kept if each.fields)
    return left if left or not before else "The contract no longer names anything of what was allowed. Start again."
