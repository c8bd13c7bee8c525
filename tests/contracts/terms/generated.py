"""Random terms for property tests, and what they mean by a slow and simple model that shares no code with the house."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

from hypothesis import strategies as st

from contracts.datasets.coarse import GRAINS, Grain
from contracts.terms.model import Aggregates, Audit, Condition, CrawlTerms, DatasetTerms, Price, Terms

T = TypeVar("T")
DATASETS = ("posts", "votes")
FIELDS: dict[str, list[Any]] = {
    "lang": ["de", "sv", "fr"],
    "likes": [-1, 0, 1, 2, 3],
    "day": ["2026-01-01", "2026-02-01", "2026-12-31"],
    "seen": ["2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-01T00:00:00.5Z"],
    "edited": [True, False],
}
PURPOSES = ("research", "journalism", "market-analysis", "archiving", "ai-training", "systemic-risk")
USES = ("identify-people", "resale", "ai-training", "political-targeting")
NETWORKS = ("192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/25", "198.51.100.7/32", "2001:db8::/48", "2001:db8::/32")
PATHS = ("/", "/posts", "/posts/", "/posts/1", "/postscript", "/people/")
COUNTRIES = ("DE", "FR", "SE")
FIRST = date(2026, 11, 1)


@dataclass(frozen=True)
class Probe:
    """One act, in every respect that terms bound."""

    dataset: str
    field: str
    clear: bool
    grain: Grain | None
    row: dict[str, Any]
    purpose: str
    use: str
    network: str
    path: str
    day: date
    country: str
    amount: int
    alone: bool
    bound: bool
    token: bool
    duty: int


def permits(terms: Terms | None, probe: Probe) -> dict[str, bool]:
    """Whether terms permit each respect of the act; what none permits is not permitted. A duty of n days is kept by doing it in n."""
    if terms is None:
        return dict.fromkeys(RESPECTS, False)
    part = next((each for each in terms.datasets if each.dataset == probe.dataset), None)
    crawl, audit, price, counts = terms.crawl, terms.audit, terms.price, terms.aggregates
    return {
        "records": part is not None
        and not (counts is not None and counts.alone)
        and probe.field in part.fields
        and not (probe.clear and probe.field in part.pseudonymised)
        and _coarseness(probe.grain) >= _coarseness(part.generalised.get(probe.field))
        and all(_meets(probe.row[each.field], each) for each in part.rows)
        and probe.purpose in terms.purposes
        and probe.purpose not in terms.prohibited
        and (not terms.networks or any(ip_address(probe.network) in ip_network(each) for each in terms.networks))
        and terms.starts <= probe.day <= terms.ends
        and (not terms.territory or probe.country in terms.territory)
        and not (probe.alone and terms.named_users)
        and not (not probe.bound and terms.bound_tokens)
        and not (not probe.token and terms.oauth_only),
        "use": probe.use not in terms.prohibited,
        "pace": probe.amount <= terms.requests_per_second,
        "day": probe.amount <= terms.records_per_day,
        "period": terms.records_in_period is None or probe.amount <= terms.records_in_period,
        "distinct": terms.distinct_records is None or probe.amount <= terms.distinct_records,
        "bytes": terms.bytes_per_day is None or probe.amount <= terms.bytes_per_day,
        "all_bytes": terms.bytes_in_period is None or probe.amount <= terms.bytes_in_period,
        "together": terms.concurrent_requests is None or probe.amount <= terms.concurrent_requests,
        "counted": counts is not None and probe.amount <= counts.queries and (counts.people is None or probe.duty >= counts.people),
        "exports": terms.exports,
        "crawl": crawl is not None and probe.amount <= crawl.requests_per_second and any(_covers(path, probe.path) for path in crawl.paths),
        "kept": terms.retention_days is None or probe.duty <= terms.retention_days,
        "erased": terms.erasure_hours is None or probe.duty <= terms.erasure_hours,
        "refreshed": terms.refresh_days is None or probe.duty <= terms.refresh_days,
        "certified": terms.certificate_days is None or probe.duty <= terms.certificate_days,
        "unaudited": audit is None or probe.duty > audit.per_year,
        "unannounced": audit is None or probe.duty <= audit.notice_days,
        "unpublished": not terms.publish_free,
        "cheap": price is None or (probe.duty >= price.amount and price.currency == "EUR"),
    }


RESPECTS = (
    *("records", "use", "pace", "day", "period", "distinct", "together", "counted", "exports", "crawl", "kept", "erased", "refreshed"),
    *("bytes", "all_bytes"),
    *("certified", "unaudited", "unannounced", "unpublished", "cheap"),
)


def _coarseness(grain: Grain | None) -> int:
    return (None, "day", "month", "masked", "region").index(grain)


def _meets(value: Any, condition: Condition) -> bool:
    bound: Any = condition.value
    if condition.op in ("eq", "in"):
        values = bound if isinstance(bound, tuple) else (bound,)
        return any(type(value) is type(each) and value == each for each in values)
    if isinstance(value, str):
        value, bound = (f"{each.rstrip('Z').partition('.')[0]}.{each.rstrip('Z').partition('.')[2]:0<6}" for each in (value, bound))
    return bool({"gte": value >= bound, "gt": value > bound, "lte": value <= bound, "lt": value < bound}[condition.op])


def _covers(above: str, path: str) -> bool:
    return [part for part in path.split("/") if part][: len(parts := [part for part in above.split("/") if part])] == parts and (
        not above.endswith("/") or path.startswith(above)
    )


class Chance:
    """Terms and acts drawn from one seed: a thousand of them in the time in which whole strategies draw twenty."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        # Of its own, so that what is drawn of everything else stays what it was.
        self._grains = random.Random(f"grains {seed}")

    def terms(self, **changed: Any) -> Terms:
        """Any terms at all, of values so few that two of them often meet."""
        starts, is_named, counts = FIRST + timedelta(days=self.number(0, 5)), self.maybe(), self.counts()
        alone = counts is not None and counts.alone
        values: dict[str, Any] = {
            "datasets": tuple(self.part(each) for each in self.some(DATASETS, 1)),
            "purposes": self.some(PURPOSES, 1),
            "prohibited": self.some(USES),
            "requests_per_second": self.number(),
            "records_per_day": self.number(),
            "crawl": None if is_named or alone or self.maybe() else self.crawl(),
            "networks": self.some(NETWORKS),
            "starts": starts,
            "ends": starts + timedelta(days=self.number(0, 5)),
            "territory": self.some(COUNTRIES),
            "price": self.optional(Price(per_1000=self.one(("0.4", "0.40", "1", "3.125")), currency=self.one(("EUR", "EUR", "USD")))),
            "audit": self.optional(Audit(per_year=self.number(), notice_days=self.number())),
            "named_users": is_named,
            **{name: self.optional(self.number()) for name in ("retention_days", "erasure_hours", "records_in_period", "distinct_records")},
            **{name: self.optional(self.number()) for name in ("concurrent_requests", "refresh_days", "certificate_days")},
            **{name: self.optional(self.number()) for name in ("bytes_per_day", "bytes_in_period")},
            **{name: self.maybe() for name in ("bound_tokens", "oauth_only", "publish_free")},
            "exports": not alone and self.maybe(),
            "aggregates": counts,
        }
        return Terms.model_validate({**values, **changed})

    def probe(self) -> Probe:
        """Any act at all."""
        return Probe(
            dataset=self.one(DATASETS),
            field=self.one(tuple(FIELDS)),
            clear=self.maybe(),
            grain=self._grains.choice((None, *GRAINS)),
            row={name: self.one(values) for name, values in FIELDS.items()},
            purpose=self.one(PURPOSES),
            use=self.one(USES),
            network=self.one(("192.0.2.7", "192.0.2.200", "198.51.100.7", "2001:db8::1", "2001:db8:1::1", "203.0.113.9")),
            path=self.one((*PATHS, "/posts/1/2", "/elsewhere")),
            day=FIRST + timedelta(days=self.number(0, 10)),
            country=self.one(COUNTRIES),
            amount=self.number(0, 7),
            alone=self.maybe(),
            bound=self.maybe(),
            token=self.maybe(),
            duty=self.number(0, 7),
        )

    def part(self, dataset: str) -> DatasetTerms:
        """What of one dataset may be read."""
        fields = self.some(tuple(FIELDS), 1)
        rows = tuple(self.condition() for _ in range(self.number(0, 3)))
        grains = {name: self._grains.choice(GRAINS) for name in fields if self._grains.random() < 0.5}
        return DatasetTerms(dataset=dataset, fields=fields, rows=rows, pseudonymised=self.some(fields), generalised=grains)

    def condition(self) -> Condition:
        """One condition that the field's type knows."""
        name = self.one(tuple(FIELDS))
        values = FIELDS[name]
        op: Any = self.one(("eq", "in") if name in ("lang", "edited") else ("eq", "in", "gte", "gt", "lte", "lt"))
        return Condition(field=name, op=op, value=self.some(values, 1) if op == "in" else self.one(values))

    def counts(self) -> Aggregates | None:
        """What may be counted."""
        made = Aggregates(queries=self.number(), people=self.optional(self.number(2)), alone=self.one((True, *(False,) * 9)))
        return self.optional(made)

    def crawl(self) -> CrawlTerms:
        """What of the website may be fetched."""
        return CrawlTerms(
            hosts=self.some(("agora.example", "news.example"), 1), paths=self.some(PATHS, 1), requests_per_second=self.number()
        )

    def one(self, values: Sequence[T]) -> T:
        """One of several."""
        return self._random.choice(values)

    def some(self, values: Sequence[T], least: int = 0) -> tuple[T, ...]:
        """Some of several, in any order."""
        return tuple(self._random.sample(values, self._random.randint(least, len(values))))

    def number(self, least: int = 1, most: int = 6) -> int:
        """A small number."""
        return self._random.randint(least, most)

    def maybe(self) -> bool:
        """Yes or no."""
        return self._random.random() < 0.5

    def optional(self, value: T) -> T | None:
        """The value or none."""
        return value if self.maybe() else None


chances = st.integers(0, 2**48).map(Chance)
