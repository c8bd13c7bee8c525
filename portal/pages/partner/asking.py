"""The application form between browser and domain: what is offered to choose from, what was typed, what is kept."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from contracts.applications.tables import Application
from contracts.datasets.catalogue import Dataset
from contracts.terms.purposes import PURPOSES
from portal.forms import Form, of

KINDS = (
    ("research", "Research", "Free of charge; results are published so that nobody is identified."),
    ("commercial", "Commercial", "At the dataset’s price, billed by what is read."),
)
_YEAR = timedelta(days=364)
_CLASSES = {
    "key": "Given as a pseudonym that differs under each contract.",
    "subject": "Given as a pseudonym that differs under each contract.",
    "personal": "Personal: ask for it only if the project needs it.",
    "special": "Special category: ask for it only if the project cannot do without, and say why.",
}


def filled(application: Application, dataset: Dataset, today: date) -> Form:
    """The form as the draft stands. What it does not say yet begins with the likely answer: the one purpose, a year from today."""
    starts = application.starts or today
    ends = application.ends or starts + _YEAR
    only = dataset.settings.purposes[0] if len(dataset.settings.purposes) == 1 else ""
    rows = {f"rows.{name}": ", ".join(str(value) for value in values) for name, values in application.rows.items()}
    return of(
        {
            "project": application.project,
            "kind": application.kind,
            "purpose": application.purpose or only,
            "purpose_text": application.purpose_text,
            "fields": list(application.fields),
            "crawl": "yes" if application.crawl else None,
            "starts": starts.isoformat(),
            "ends": ends.isoformat(),
            **rows,
        }
    )


def typed(form: Form, dataset: Dataset) -> dict[str, Any]:
    """What was typed, in the shape that `applications.form.read_form` takes. Names that the form does not offer are not looked at."""
    return {
        "project": form.text("project"),
        "kind": form.text("kind", "research"),
        "purpose": form.text("purpose"),
        "purpose_text": form.text("purpose_text"),
        "fields": form.all("fields"),
        "rows": {name: form.text(f"rows.{name}") for name, _, _ in row_choices(dataset)},
        "crawl": form.checked("crawl"),
        "starts": form.text("starts"),
        "ends": form.text("ends"),
    }


def field_choices(dataset: Dataset) -> list[tuple[str, str, str]]:
    """Every field: name, name, and what it is with what its class means."""
    return [(name, name, f"{told.description} {_CLASSES.get(told.field_class, '')}".strip()) for name, told in dataset.fields.items()]


def row_choices(dataset: Dataset) -> list[tuple[str, str, str]]:
    """Fields by whose values rows can be chosen: name, description, examples."""
    chosen = {name: dataset.fields[name] for name in dataset.row_fields()}
    return [(name, told.description, ", ".join(dict.fromkeys(told.examples))) for name, told in chosen.items()]


def purpose_choices(dataset: Dataset) -> list[tuple[str, str, str]]:
    """The purposes that the dataset allows."""
    return [(code, PURPOSES[code].title, PURPOSES[code].meaning) for code in dataset.settings.purposes if code in PURPOSES]
