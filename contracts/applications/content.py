"""What an applicant wrote: as one value, its hash, and what became different between two times."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.applications.tables import Application
from contracts.ledger.stage import canonical

TITLES = {
    "project": "Title",
    "kind": "Kind",
    "purpose": "Purpose",
    "purpose_text": "In the applicant’s words",
    "fields": "Fields",
    "rows": "Rows",
    "crawl": "Fetching the main site",
    "evidence": "Documents",
    "form": "Form",
    "starts": "First day",
    "ends": "Last day",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that became different: its name, its title, and both sides in words; an empty side means that nothing stood there."""

    name: str
    title: str
    before: str
    after: str


def content_of(application: Application) -> dict[str, Any]:
    """What the applicant wrote, as JSON. Form and answers are in it where there is a form, as in the hash of older applications."""
    content: dict[str, Any] = {
        "dataset": application.dataset,
        "project": application.project,
        "kind": application.kind,
        "purpose": application.purpose,
        "purpose_text": application.purpose_text,
        "fields": list(application.fields),
        "rows": {name: list(values) for name, values in application.rows.items()},
        "crawl": application.crawl,
        "starts": application.starts and application.starts.isoformat(),
        "ends": application.ends and application.ends.isoformat(),
        # Younger than applications that were decided: without documents the hash is what it was.
        **({"evidence": list(application.evidence)} if application.evidence else {}),
    }
    if application.form is not None:
        content |= {"form": application.form, "answers": dict(application.answers)}
    return content


def content_hash(application: Application) -> str:
    """SHA-256 of what the applicant wrote, in canonical JSON; the ledger's entries and the contract name it."""
    return hashlib.sha256(canonical(content_of(application))).hexdigest()


def as_handed_in(application: Application, content: Mapping[str, Any]) -> Application:
    """The application with what was handed in, in place of what its applicant may be changing now; of no session."""
    days = {name: content[name] and date.fromisoformat(content[name]) for name in ("starts", "ends")}
    return Application(**{**application.model_dump(), "evidence": [], **content, **days})


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What became different between two contents, in the form's order; answers of one part are told apart."""
    found = []
    for name in [*before, *(each for each in after if each not in before)]:
        one, other = before.get(name), after.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping) and name not in TITLES:
            found += [Change(f"{name}.{each.name}", each.title, each.before, each.after) for each in difference(one, other)]
        elif one != other:
            found.append(Change(name, TITLES.get(name, name), _words(one), _words(other)))
    return found


def _words(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_words(each)}" for name, each in value.items())
    return ", ".join(_words(each) for each in value) if isinstance(value, (list, tuple)) else str(value)
