"""Narrowing: whether terms allow no more than what was asked for and than the dataset's policy. Every step only narrows."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from contracts.applications.tables import Application
from contracts.datasets.coarse import coarser
from contracts.errors import Refusal
from contracts.settings import DatasetSettings, Settings
from contracts.terms.conditions import implied
from contracts.terms.defaults import FREE_OF_DUTIES, PRICED, asked_conditions, asked_paths, least_grains, replaced_fields
from contracts.terms.lattice import under, wider
from contracts.terms.model import Aggregates, CrawlTerms, DatasetTerms, Terms

MOST_CRAWL_PACE = 1000


def within(terms: Terms, application: Application, settings: Settings) -> Refusal | None:
    """`wider_than_asked` naming every term that allows more than the application asked for or the dataset's policy allows.

    What the policy does not know is refused as well: another dataset, field, purpose or host, a filter by such a field; and so is
    what this release cannot keep, such as files of records.
    """
    dataset = settings.datasets.get(application.dataset)
    if dataset is None:
        return Refusal("wider_than_asked", "The platform offers this dataset no longer.", {"fields": {"datasets": application.dataset}})
    found = dict(_widenings(terms, application, dataset, settings))
    most = ceiling(application, settings)
    if not found and (most is None or wider(terms, most)):
        # Whatever a term's own sentence above does not know is still no wider than the most that may be agreed.
        found = dict.fromkeys(
            wider(terms, most) if most else ("datasets",), "This allows more than was asked for, or than the dataset allows."
        )
    if not found:
        return None
    return Refusal("wider_than_asked", "Some terms allow more than may be agreed; see the terms marked.", {"fields": found})


def ceiling(application: Application, settings: Settings) -> Terms | None:
    """The most that may be agreed on an application: all that was asked for and that the dataset's policy allows.

    None where nothing may be: the dataset, every field or the purpose is no longer offered, or the application has no dates.
    """
    dataset = settings.datasets.get(application.dataset)
    if dataset is None or application.starts is None or application.ends is None or application.purpose not in dataset.purposes:
        return None
    fields = tuple(name for name in application.fields if name in dataset.fields)
    if not fields:
        return None
    part = DatasetTerms(
        dataset=application.dataset,
        fields=fields,
        rows=asked_conditions(application, dataset),
        pseudonymised=replaced_fields(fields, dataset),
        generalised=least_grains(fields, dataset),
    )
    paths = asked_paths(application) or ("/",)
    site = CrawlTerms(hosts=(urlsplit(settings.platform.site).netloc,), paths=paths, requests_per_second=MOST_CRAWL_PACE)
    return Terms(
        datasets=(part,),
        purposes=(application.purpose,),
        requests_per_second=dataset.max_requests_per_second,
        records_per_day=dataset.max_records_per_day,
        crawl=site if application.crawl else None,
        starts=application.starts,
        ends=application.ends,
        retention_days=None,
        erasure_hours=None,
        aggregates=None if dataset.aggregates is None else Aggregates(queries=dataset.aggregates.max_queries),
    )


def _widenings(terms: Terms, application: Application, dataset: DatasetSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    if [each.dataset for each in terms.datasets] != [application.dataset]:
        yield "datasets", f"Only the dataset {application.dataset} was asked for."
        return
    yield from _in_dataset(terms.datasets[0], application, dataset)
    if set(terms.purposes) - ({application.purpose} & set(dataset.purposes)):
        yield "purposes", "Only the purpose that was asked for, and that the dataset allows, may be agreed."
    if set(terms.purposes) & set(terms.prohibited):
        yield "prohibited", "The same use is both a purpose and prohibited."
    if terms.requests_per_second > dataset.max_requests_per_second:
        yield "requests_per_second", f"The dataset allows at most {dataset.max_requests_per_second:,} requests a second."
    if terms.records_per_day > dataset.max_records_per_day:
        yield "records_per_day", f"The dataset allows at most {dataset.max_records_per_day:,} records a day."
    if application.starts is None or terms.starts < application.starts:
        yield "starts", "The contract would begin before the day that was asked for."
    if application.ends is None or terms.ends > application.ends:
        yield "ends", "The contract would end after the day that was asked for."
    yield from _in_crawl(terms, application, settings)
    if terms.exports:
        yield "exports", "This release makes no files of records, so none can be agreed. Records are read by pages."
    if terms.aggregates is not None:
        yield from _in_aggregates(terms.aggregates, dataset)
    if terms.certificate_days is not None and terms.retention_days is None:
        yield "certificate_days", "A certificate is due after deletion, so say when records are deleted."
    if application.kind not in FREE_OF_DUTIES:
        yield from _duties(terms)
    if application.kind in PRICED and terms.price is None:
        yield "price", "A contract of this kind names its price."


def _duties(terms: Terms) -> Iterator[tuple[str, str]]:
    if terms.erasure_hours is None:
        yield "erasure_hours", "Say within how many hours an erased record is deleted. Only a Coordinator's request goes without."
    if terms.retention_days is None:
        yield "retention_days", "Say for how many days after the end records may be kept. Only a Coordinator's request goes without."


def _in_dataset(part: DatasetTerms, application: Application, dataset: DatasetSettings) -> Iterator[tuple[str, str]]:
    if extra := [name for name in part.fields if name not in application.fields or name not in dataset.fields]:
        yield "fields", f"The field {extra[0]} was not asked for or is not in the dataset."
    if missing := set(replaced_fields(part.fields, dataset)) - set(part.pseudonymised):
        yield "pseudonymised", f"Pseudonyms must replace {min(missing)}."
    if set(part.pseudonymised) - set(part.fields):
        yield "pseudonymised", "Only fields that may be read can be replaced by pseudonyms."
    yield from _in_grains(part, dataset)
    if unknown := [each.field for each in part.rows if each.field not in dataset.fields]:
        yield "rows", f"The dataset has no field {unknown[0]}."
    open_conditions = [asked for asked in asked_conditions(application, dataset) if not implied(asked, part.rows)]
    if open_conditions:
        yield "rows", f"Records were asked for only by certain values of {open_conditions[0].field}."


def _in_grains(part: DatasetTerms, dataset: DatasetSettings) -> Iterator[tuple[str, str]]:
    for name, least in least_grains(part.fields, dataset).items():
        if coarser(least, part.generalised.get(name)) != part.generalised.get(name):
            yield "generalised", f"The field {name} is given by {least} at least."
    for name, grain in part.generalised.items():
        if name not in part.fields or name in part.pseudonymised:
            yield "generalised", "Only fields that may be read, and that no pseudonym replaces, can be generalised."
        elif name in dataset.fields and grain not in dataset.fields[name].grains:
            yield "generalised", f"The field {name} cannot be given by {grain}."


def _in_aggregates(agreed: Aggregates, dataset: DatasetSettings) -> Iterator[tuple[str, str]]:
    if dataset.aggregates is None:
        yield "aggregates", "Nothing is counted or summed of this dataset."
    elif agreed.queries > dataset.aggregates.max_queries:
        yield "aggregates", f"The dataset allows at most {dataset.aggregates.max_queries:,} questions for counts and sums."


def _in_crawl(terms: Terms, application: Application, settings: Settings) -> Iterator[tuple[str, str]]:
    if terms.crawl is None:
        return
    if not application.crawl:
        yield "crawl", "Fetching the website was not asked for."
    elif set(terms.crawl.hosts) != {urlsplit(settings.platform.site).netloc}:
        yield "crawl", "Only the platform's own website may be fetched."
    elif not all(path.startswith("/") for path in terms.crawl.paths):
        yield "crawl", "Paths begin with a slash."
    elif beyond := _not_asked(terms.crawl.paths, asked_paths(application)):
        yield "crawl", f"The path {beyond[0]} was not asked for."


def _not_asked(paths: tuple[str, ...], asked: tuple[str, ...]) -> list[str]:
    """The paths that lie below none of those asked for; none where the application named none."""
    return [path for path in paths if asked and not any(under(path, above) for above in asked)]
