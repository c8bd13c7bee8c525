"""What an applicant wrote: as one value, and its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from contracts.applications.tables import Application
from contracts.ledger.stage import canonical


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
