"""Granting less than was asked: fields, rows and dates that an approval may only make narrower. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from contracts.applications.tables import Application
from contracts.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What is granted of an application. `rows` maps a field to the values that rows may have, as in the application."""

    fields: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    crawl: bool = False
    starts: date
    ends: date


def as_asked(application: Application) -> Narrowed:
    """All of what was asked for; raises ValueError for an application without dates, which none is that was handed in."""
    if application.starts is None or application.ends is None:
        raise ValueError(f"{application.id} has no dates")
    return Narrowed(
        fields=tuple(application.fields),
        rows={name: tuple(values) for name, values in application.rows.items()},
        crawl=application.crawl,
        starts=application.starts,
        ends=application.ends,
    )


def widening(application: Application, wanted: Narrowed) -> Refusal | None:
    """`wider_than_asked` with what would be granted beyond the request, by field of the form; None where nothing is."""
    found = dict(_widenings(as_asked(application), wanted))
    return Refusal("wider_than_asked", "An approval may only grant less than was asked for.", {"fields": found}) if found else None


def narrow_to(application: Application, wanted: Narrowed) -> None:
    """Write what is granted into the application, so that everything made from it later begins from there."""
    application.fields = [name for name in application.fields if name in wanted.fields]
    application.rows = {name: list(values) for name, values in wanted.rows.items()}
    application.crawl = wanted.crawl
    application.starts, application.ends = wanted.starts, wanted.ends


def _widenings(asked: Narrowed, wanted: Narrowed) -> Iterator[tuple[str, str]]:
    if not wanted.fields:
        yield "fields", "Grant at least one field, or decline."
    if extra := [name for name in wanted.fields if name not in asked.fields]:
        yield "fields", f"The field {extra[0]} was not asked for."
    for name, values in asked.rows.items():
        granted = wanted.rows.get(name, ())
        if not granted or not set(granted) <= set(values):
            yield f"rows.{name}", "Rows were asked for only by some of these values; grant some of them."
    if empty := [name for name, values in wanted.rows.items() if name not in asked.rows and not values]:
        yield f"rows.{empty[0]}", "Name at least one value."
    if wanted.crawl and not asked.crawl:
        yield "crawl", "Fetching the site was not asked for."
    if wanted.starts < asked.starts:
        yield "starts", "This lies before the first day that was asked for."
    if wanted.ends > asked.ends:
        yield "ends", "This lies after the last day that was asked for."
    elif wanted.ends < wanted.starts:
        yield "ends", "The last day lies before the first."
