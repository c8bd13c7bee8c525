"""The form in which a steward narrows proposed terms: from terms to what the form shows, and back with an error by field."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from pydantic import ValidationError

from contracts.applications.tables import Application
from contracts.errors import refuse
from contracts.settings import DatasetSettings
from contracts.terms.defaults import FREE_OF_DUTIES, PRICED, replaced_fields
from contracts.terms.model import Aggregates, Audit, Condition, CrawlTerms, DatasetTerms, Price, Terms
from contracts.terms.purposes import PROHIBITED
from contracts.terms.values import read_value
from portal.forms import Form, of
from portal.pages.desk import grains_form

_PRICE = re.compile(r"^\d{1,7}(\.\d{1,6})?$")
_CURRENCY = re.compile(r"^[A-Z]{3}$")
# Numbers that may be left empty, each with the most that the model takes; empty means that the term is not agreed.
OPTIONAL = {
    "retention_days": 99_999,
    "erasure_hours": 99_999,
    "records_in_period": 10**12,
    "distinct_records": 10**12,
    "bytes_per_day": 10**15,
    "bytes_in_period": 10**15,
    "concurrent_requests": 1_000,
    "refresh_days": 366,
    "certificate_days": 366,
}


def asked(application: Application, dataset: DatasetSettings) -> dict[str, Any]:
    """What every page with this form shows beside it: what was asked for, and what this kind of contract has to name."""
    known = dataset.fields
    return {
        "application": application,
        "dataset": dataset,
        "fields": [(name, name, known[name].description if name in known else "") for name in application.fields],
        "asked_rows": list(application.rows.items()),
        "grains": [(name, grains_form.choices(known[name])) for name in application.fields if name in known and known[name].grains],
        "prohibited": list(PROHIBITED.items()),
        "free_of_duties": application.kind in FREE_OF_DUTIES,
        "priced": application.kind in PRICED,
    }


def shown(terms: Terms) -> Form:
    """The terms as the form's values, each as a person types it."""
    part = terms.datasets[0]
    rows = {f"row.{each.field}": ", ".join(str(value) for value in _values(each)) for each in part.rows if each.op in ("eq", "in")}
    since = next((str(each.value) for each in part.rows if each.op == "gte"), "")
    crawl = terms.crawl
    return of(
        {
            "fields": list(part.fields),
            **rows,
            "since": since[:10],
            **{f"grain.{name}": grain for name, grain in part.generalised.items()},
            "prohibited": list(terms.prohibited),
            "requests_per_second": str(terms.requests_per_second),
            "records_per_day": f"{terms.records_per_day:,}",
            "crawl": "yes" if crawl else None,
            "crawl_paths": "\n".join(crawl.paths) if crawl else None,
            "crawl_pace": str(crawl.requests_per_second) if crawl else None,
            "networks": "\n".join(terms.networks),
            "oauth_only": "yes" if terms.oauth_only else None,
            "starts": terms.starts.isoformat(),
            "ends": terms.ends.isoformat(),
            **{name: f"{value:,}" if (value := getattr(terms, name)) else "" for name in OPTIONAL},
            "audits_per_year": str(terms.audit.per_year) if terms.audit else "",
            "audit_notice_days": str(terms.audit.notice_days) if terms.audit else "",
            "publish_free": "yes" if terms.publish_free else None,
            "aggregates": f"{terms.aggregates.queries:,}" if terms.aggregates else "",
            "aggregate_people": str(terms.aggregates.people or "") if terms.aggregates else "",
            "aggregates_alone": "yes" if terms.aggregates and terms.aggregates.alone else None,
            "territory": ", ".join(terms.territory),
            "price": terms.price.per_1000 if terms.price else "",
            "currency": terms.price.currency if terms.price else "",
            "named_users": "yes" if terms.named_users else None,
            "bound_tokens": "yes" if terms.bound_tokens else None,
        }
    )


def read(form: Form, proposed: Terms, dataset: DatasetSettings, application: Application) -> Terms:
    """The terms that the form describes. What it does not offer stays as proposed. Raises `invalid_input` with errors by field."""
    part = DatasetTerms.model_construct(
        dataset=application.dataset,
        fields=tuple(name for name in dataset.fields if name in form.all("fields")),
        rows=_rows(form, dataset, application),
        pseudonymised=replaced_fields(form.all("fields"), dataset),
        generalised=grains_form.read(form, proposed, dataset),
    )
    if not part.fields:
        form.errors["fields"] = "Leave at least one field."
    values = {
        "datasets": (part,),
        "purposes": proposed.purposes,
        "prohibited": tuple(form.all("prohibited")),
        "requests_per_second": _count(form, "requests_per_second"),
        "records_per_day": _count(form, "records_per_day"),
        "crawl": _crawl(form, proposed),
        "networks": tuple(_lines(form, "networks", _network)),
        "oauth_only": form.checked("oauth_only"),
        "starts": form.day("starts") or proposed.starts,
        "ends": form.day("ends") or proposed.ends,
        **{name: _optional(form, name) for name in OPTIONAL},
        "audit": _audit(form),
        "publish_free": form.checked("publish_free"),
        "exports": proposed.exports,
        "aggregates": _aggregates(form),
        "territory": tuple(each.strip().upper() for each in form.text("territory").split(",") if each.strip()),
        "price": _price(form),
        "named_users": form.checked("named_users"),
        "bound_tokens": form.checked("bound_tokens"),
    }
    if values["named_users"] and values["crawl"] is not None:
        form.errors["named_users"] = "The main site is fetched by a program for itself. Untick that, or this."
    if values["ends"] < values["starts"]:  # type: ignore[operator]  # both are dates; the mapping's type is wider
        form.errors["ends"] = "The last day lies before the first."
    form.check()
    try:
        return Terms.model_validate(values)
    except ValidationError as error:
        raise refuse("invalid_input", f"These terms do not fit together: {error.errors()[0]['msg']}.") from error


def _rows(form: Form, dataset: DatasetSettings, application: Application) -> tuple[Condition, ...]:
    found = [each for name in application.rows if (each := _row(form, name, dataset)) is not None]
    since = form.day("since")
    if since is not None and dataset.time is not None:
        moment = since.isoformat() + ("T00:00:00Z" if dataset.fields[dataset.time].type == "timestamp" else "")
        found.append(Condition(field=dataset.time, op="gte", value=moment))
    return tuple(found)


def _row(form: Form, name: str, dataset: DatasetSettings) -> Condition | None:
    key = f"row.{name}"
    typed = [each.strip() for each in form.text(key).split(",") if each.strip()]
    values = [read_value(dataset.fields[name].type, each) for each in typed] if name in dataset.fields else []
    kept = tuple(value for value in values if value is not None)
    if not typed or len(kept) != len(typed):
        form.errors[key] = (
            "Name at least one value, with commas between several." if not typed else "One of these is not a value of this field."
        )
        return None
    return Condition(field=name, op="eq", value=kept[0]) if len(kept) == 1 else Condition(field=name, op="in", value=kept)


def _crawl(form: Form, proposed: Terms) -> CrawlTerms | None:
    if proposed.crawl is None or not form.checked("crawl"):
        return None
    paths = tuple(_lines(form, "crawl_paths", _path))
    if not paths:
        form.errors.setdefault("crawl_paths", "Name at least one path, such as /posts/.")
    pace = _count(form, "crawl_pace")
    if pace > 1000:
        form.errors["crawl_pace"] = "At most 1,000 requests a second."
    if form.errors:
        return None
    return CrawlTerms(hosts=proposed.crawl.hosts, paths=paths, requests_per_second=pace)


def _price(form: Form) -> Price | None:
    amount, currency = form.text("price"), form.text("currency").upper()
    if not amount:
        return None
    if not _PRICE.match(amount):
        form.errors["price"] = "Write the price as 0.40."
    if not _CURRENCY.match(currency):
        form.errors["currency"] = "Write the currency as three letters, such as EUR."
    return None if form.errors else Price(per_1000=amount, currency=currency)


def _count(form: Form, name: str) -> int:
    count = form.number(name)
    if count < 1:
        form.errors.setdefault(name, "Write a whole number of at least 1.")
    return count


def _optional(form: Form, name: str) -> int | None:
    if not form.text(name):
        return None
    count = form.number(name)
    if not 1 <= count <= OPTIONAL[name]:
        form.errors.setdefault(name, f"Write a whole number from 1 to {OPTIONAL[name]:,}, or nothing.")
    return count


def _audit(form: Form) -> Audit | None:
    if not form.text("audits_per_year"):
        return None
    times, notice = form.number("audits_per_year"), form.number("audit_notice_days")
    if not 1 <= times <= 12:
        form.errors.setdefault("audits_per_year", "Write a whole number from 1 to 12, or nothing.")
    if notice > 365:
        form.errors.setdefault("audit_notice_days", "Write at most 365 days.")
    return None if form.errors else Audit(per_year=times, notice_days=notice)


def _aggregates(form: Form) -> Aggregates | None:
    alone = form.checked("aggregates_alone")
    if not form.text("aggregates"):
        if alone:
            form.errors.setdefault("aggregates", "Say how many questions for counts and sums are answered.")
        return None
    queries, people = _count(form, "aggregates"), _count(form, "aggregate_people") if form.text("aggregate_people") else None
    if people == 1:
        form.errors.setdefault("aggregate_people", "Write at least 2, or nothing.")
    if alone and form.checked("crawl"):
        form.errors.setdefault("aggregates_alone", "The main site's pages hold records. Untick that, or this.")
    return None if form.errors else Aggregates(queries=queries, people=people, alone=alone)


def _lines(form: Form, name: str, check: Callable[[str], str]) -> list[str]:
    lines = [line.strip() for line in form.text(name).splitlines() if line.strip()]
    wrong = next((message for line in lines if (message := check(line))), "")
    if wrong:
        form.errors[name] = wrong
    return lines


def _path(line: str) -> str:
    return "" if line.startswith("/") and " " not in line else "Begin each path with a slash."


def _network(line: str) -> str:
    try:
        ip_network(line)
    except ValueError:
        return "Write each network as 192.0.2.0/24 or 2001:db8::/48, one a line."
    return ""


def _values(condition: Condition) -> tuple[str | int | bool, ...]:
    return condition.value if isinstance(condition.value, tuple) else (condition.value,)
