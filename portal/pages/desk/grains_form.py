"""The part of the terms form that says how fields are given: as they are, or generalised."""

from __future__ import annotations

from contracts.datasets.coarse import GRAINS, Grain, coarser
from contracts.sections import FieldSettings
from contracts.settings import DatasetSettings
from contracts.terms.model import Terms
from portal.forms import Form

TITLES: dict[Grain, str] = {
    "day": "The day alone",
    "month": "The month alone",
    "masked": "With accounts, mail addresses and links masked",
    "region": "The region alone",
}


def choices(field: FieldSettings) -> list[tuple[str, str]]:
    """The choices for one field, from fine to coarse; the value itself is none where the dataset asks for more."""
    exact = [] if field.at_least else [("", "As it is")]
    return exact + [(grain, TITLES[grain]) for grain in GRAINS if grain in field.grains and coarser(grain, field.at_least) == grain]


def read(form: Form, proposed: Terms, dataset: DatasetSettings) -> dict[str, Grain]:
    """What the form says of fields that it offers grains of; another field's stays as proposed."""
    chosen: dict[str, Grain] = {}
    for name in (name for name in dataset.fields if name in form.all("fields")):
        typed, kept = form.text(f"grain.{name}"), proposed.datasets[0].generalised.get(name)
        grain = next((each for each in dataset.fields[name].grains if each == typed), None) if dataset.fields[name].grains else kept
        if typed and grain is None:
            form.errors[f"grain.{name}"] = "Choose one of these."
        if grain is not None:
            chosen[name] = grain
    return chosen
