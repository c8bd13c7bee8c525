"""Rules of visits, pure: what must be said of one, and how long it may last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from contracts.addresses import address_problem
from contracts.errors import Refusal
from contracts.people.decide import name_problem, tidy

LONGEST = timedelta(days=90)


class Slice(StrEnum):
    """What part of the ledger a visit shows."""

    PARTNER = "partner"
    PERIOD = "period"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A visit as it was asked for. Days include their ends; `last_day` is the last on which the auditor reads."""

    authority: str
    email: str
    slice: str
    partner: str = ""
    person: str = ""
    since: date | None = None
    until: date | None = None
    last_day: date | None = None


def check(wanted: Wanted, today: date) -> Refusal | None:
    """`invalid_input` with a sentence for each field that is missing or wrong."""
    wrong = {
        "authority": name_problem(tidy(wanted.authority), "Write the name of the authority or auditor."),
        "email": address_problem(wanted.email),
        "slice": "" if wanted.slice in {*Slice} else "Choose what the visit is about.",
        "partner": "Choose the partner." if wanted.slice == Slice.PARTNER and not wanted.partner else "",
        "person": "Write the person’s handle, profile address or id." if wanted.slice == Slice.PERSON and not wanted.person else "",
        "since": "Write the first day." if wanted.slice == Slice.PERIOD and wanted.since is None else "",
        "until": _until_problem(wanted),
        "last_day": _end_problem(wanted.last_day, today),
    }
    fields = {name: problem for name, problem in wrong.items() if problem}
    return Refusal("invalid_input", "Mend the fields that are named and send the form again.", {"fields": fields}) if fields else None


def _until_problem(wanted: Wanted) -> str:
    if wanted.since and wanted.until and wanted.until < wanted.since:
        return "The last day lies before the first."
    return "Write the last day." if wanted.slice == Slice.PERIOD and wanted.until is None else ""


def _end_problem(last_day: date | None, today: date) -> str:
    if last_day is None or last_day < today:
        return "Write the last day of access, today or later."
    return "" if last_day - today <= LONGEST else "A visit lasts 90 days at most. Open another one afterwards."
