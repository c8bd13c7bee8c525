"""The terms that the desk proposes for an approved application: exactly what was asked, at the dataset's limits."""

from __future__ import annotations

from urllib.parse import urlsplit

from contracts.applications.tables import Application
from contracts.datasets.coarse import Grain
from contracts.forms.kinds import KINDS
from contracts.forms.model import CRAWL_PATHS, RETENTION
from contracts.settings import DatasetSettings
from contracts.terms.model import Condition, CrawlTerms, DatasetTerms, Price, Terms
from contracts.terms.purposes import PROHIBITED
from contracts.terms.values import read_value

RETENTION_DAYS = {kind: facts.retention_days for kind, facts in KINDS.items()}
LONGEST_RETENTION_DAYS = 365
# Kinds whose contracts name a price.
PRICED = frozenset(kind for kind, facts in KINDS.items() if facts.priced)
# Kinds whose contracts carry no duty to delete or refresh unless it is said: Delegated Regulation (EU) 2025/2050, Art. 15(3).
FREE_OF_DUTIES = frozenset({"dsa-40-4"})
ERASURE_HOURS = 24
CRAWL_REQUESTS_PER_SECOND = 2
REPLACED = frozenset({"key", "subject"})


def propose(application: Application, dataset: DatasetSettings, site: str) -> Terms:
    """Terms that give the application what it asked for and nothing else.

    `site` is the main site's address, used where fetching it was asked for. Raises ValueError for an application without
    dates, which no approved one is.
    """
    if application.starts is None or application.ends is None:
        raise ValueError(f"{application.id} has no dates")
    is_free = application.kind in FREE_OF_DUTIES
    return Terms(
        datasets=(_dataset_terms(application, dataset),),
        purposes=(application.purpose,),
        prohibited=tuple(each for each in PROHIBITED if each != application.purpose),
        requests_per_second=dataset.max_requests_per_second,
        records_per_day=dataset.max_records_per_day,
        crawl=_crawl_terms(application, dataset, site) if application.crawl else None,
        starts=application.starts,
        ends=application.ends,
        retention_days=None if is_free else _retention(application),
        erasure_hours=None if is_free else ERASURE_HOURS,
        price=_price(application, dataset),
    )


def replaced_fields(names: list[str] | tuple[str, ...], dataset: DatasetSettings) -> tuple[str, ...]:
    """Those of the fields that pseudonyms must replace: record and person ids."""
    return tuple(name for name in names if name in dataset.fields and dataset.fields[name].field_class in REPLACED)


def least_grains(names: list[str] | tuple[str, ...], dataset: DatasetSettings) -> dict[str, Grain]:
    """Those of the fields that the dataset gives generalised, each by the grain that it asks for at least."""
    known = {name: dataset.fields[name].at_least for name in names if name in dataset.fields}
    return {name: grain for name, grain in known.items() if grain is not None}


def asked_conditions(application: Application, dataset: DatasetSettings) -> tuple[Condition, ...]:
    """The application's choice of rows as conditions; a value that does not fit its field's type is left out, so none fits then."""
    return tuple(_condition(name, values, dataset) for name, values in application.rows.items())


def asked_paths(application: Application) -> tuple[str, ...]:
    """The paths of the site that the application named; empty where its form did not ask for them, so that any may be agreed."""
    named = application.answers.get(CRAWL_PATHS, "")
    return tuple(dict.fromkeys(named.split())) if isinstance(named, str) else ()


def _condition(name: str, values: list[str], dataset: DatasetSettings) -> Condition:
    field_type = dataset.fields[name].type if name in dataset.fields else "string"
    typed = [read_value(field_type, value) for value in values]
    kept = tuple(value for value in typed if value is not None)
    return Condition(field=name, op="eq", value=kept[0]) if len(kept) == 1 else Condition(field=name, op="in", value=kept)


def _dataset_terms(application: Application, dataset: DatasetSettings) -> DatasetTerms:
    return DatasetTerms(
        dataset=application.dataset,
        fields=tuple(application.fields),
        rows=asked_conditions(application, dataset),
        pseudonymised=replaced_fields(application.fields, dataset),
        generalised=least_grains(application.fields, dataset),
    )


def _crawl_terms(application: Application, dataset: DatasetSettings, site: str) -> CrawlTerms:
    usual = dataset.page.partition("{")[0] if dataset.page else "/"
    paths = asked_paths(application) or (usual,)
    return CrawlTerms(hosts=(urlsplit(site).netloc,), paths=paths, requests_per_second=CRAWL_REQUESTS_PER_SECOND)


def _retention(application: Application) -> int:
    """The usual days of the kind, or fewer where fewer were asked for."""
    usual, asked = RETENTION_DAYS.get(application.kind, LONGEST_RETENTION_DAYS), application.answers.get(RETENTION)
    return min(usual, int(asked)) if isinstance(asked, str) and asked.isdecimal() else usual


def _price(application: Application, dataset: DatasetSettings) -> Price | None:
    if application.kind not in PRICED or dataset.price_per_1000 is None:
        return None
    return Price(per_1000=dataset.price_per_1000, currency=dataset.currency)
