"""Granting less than was asked, between the browser and the domain: what is offered, what was typed."""

from __future__ import annotations

from contracts.applications.decide import row_complaints
from contracts.applications.narrowing import Narrowed, as_asked
from contracts.applications.tables import Application
from contracts.settings import DatasetSettings
from portal.forms import Form

_ROW = "rows."
_IDENTIFYING = ("key", "subject", "personal", "special")


def grantable(application: Application, dataset: DatasetSettings | None) -> list[tuple[str, str]]:
    """Fields by whose values fewer rows can be granted, with what was asked for: those of the application first, then the dataset's."""
    asked = [(name, ", ".join(values)) for name, values in application.rows.items()]
    if dataset is None:
        return asked
    plain = [name for name, field in dataset.fields.items() if field.filterable and field.field_class not in _IDENTIFYING]
    return asked + [(name, "") for name in plain if name not in application.rows and dataset.fields[name].type == "string"]


def fill_grant(form: Form, application: Application, dataset: DatasetSettings | None) -> None:
    """Fill the form with all of what was asked for, unless it came back with something else."""
    if "fields" in form.values or application.starts is None or application.ends is None:
        return
    form.values["fields"] = list(application.fields)
    form.values["crawl"] = ["yes"] if application.crawl else []
    form.values["starts"], form.values["ends"] = [application.starts.isoformat()], [application.ends.isoformat()]
    form.values.update({f"{_ROW}{name}": [values] for name, values in grantable(application, dataset)})


def narrowed_in(form: Form, application: Application, dataset: DatasetSettings | None) -> Narrowed | None:
    """What the form grants; None where it says nothing of it, which grants all. Raises `invalid_input` for what cannot be read."""
    if "starts" not in form.values:
        return None
    asked = as_asked(application)
    typed = {name.removeprefix(_ROW): form.text(name) for name in form.values if name.startswith(_ROW)}
    rows = {name: tuple(part.strip() for part in text.split(",") if part.strip()) for name, text in typed.items() if text}
    if dataset is not None:
        form.errors.update(row_complaints({name: list(values) for name, values in rows.items()}, dataset))
    starts, ends = form.day("starts"), form.day("ends")
    form.check()
    return Narrowed(
        fields=tuple(form.all("fields")),
        rows=rows,
        crawl=form.checked("crawl"),
        starts=starts or asked.starts,
        ends=ends or asked.ends,
    )
