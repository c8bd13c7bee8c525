"""The order of terms: what two agreements both allow, and in which terms one allows more than the other. Pure.

Each term has a meet of its own; terms meet term by term, so `narrow` is the meet of a lattice whose lowest element is None, "nothing
is allowed". Terms that allow the same have one normal form, `narrow(terms, terms)`, in which lists are sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from contracts.datasets.coarse import coarser
from contracts.terms.conditions import combined
from contracts.terms.model import Aggregates, Audit, CrawlTerms, DatasetTerms, Price, Terms

Network = IPv4Network | IPv6Network


class _Nothing:
    """What two values of a term have in common where they have nothing in common."""


_NOTHING = _Nothing()


def narrow(one: Terms, other: Terms) -> Terms | None:
    """The most that both allow, in normal form; None where nothing is left.

    Idempotent on normal forms, commutative, associative, and never wider than either.
    """
    met = _met(one, other)
    return Terms.model_validate(met) if _is_something(met) else None


def wider(one: Terms, other: Terms) -> tuple[str, ...]:
    """The terms in which `one` allows more than `other`, in the model's order.

    Empty exactly where `narrow` of both is the normal form of `one`, save that terms without a purpose that is not prohibited have
    none and are compared all the same.
    """
    alone, met = _met(one, one), _met(one, other)
    return tuple(name for name in alone if alone[name] != met[name])


def _met(one: Terms, other: Terms) -> dict[str, Any]:
    met = {name: meet(getattr(one, name), getattr(other, name)) for name, meet in MEETS.items()}
    met["purposes"] = tuple(each for each in met["purposes"] if each not in met["prohibited"])
    if met["named_users"]:
        met["crawl"] = None  # the website is fetched by a program for itself
    if isinstance(met["aggregates"], Aggregates) and met["aggregates"].alone:
        met["crawl"], met["exports"] = None, False  # both hand out records
    return met


def _is_something(met: dict[str, Any]) -> bool:
    named = bool(met["datasets"]) and bool(met["purposes"])
    return named and met["starts"] <= met["ends"] and not any(value is _NOTHING for value in met.values())


def _datasets(one: Iterable[DatasetTerms], other: Iterable[DatasetTerms]) -> tuple[DatasetTerms, ...]:
    others = {each.dataset: each for each in other}
    found = [_dataset(each, others[each.dataset]) for each in one if each.dataset in others]
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.dataset))


def _dataset(one: DatasetTerms, other: DatasetTerms) -> DatasetTerms | None:
    """None where no field is left."""
    fields = set(one.fields) & set(other.fields)
    if not fields:
        return None
    rows = combined((*one.rows, *other.rows))
    replaced = (set(one.pseudonymised) | set(other.pseudonymised)) & fields
    grains = {name: coarser(one.generalised.get(name), other.generalised.get(name)) for name in sorted(fields)}
    return DatasetTerms(
        dataset=one.dataset,
        fields=tuple(sorted(fields)),
        rows=rows,
        pseudonymised=tuple(sorted(replaced)),
        generalised={name: grain for name, grain in grains.items() if grain is not None},
    )


def _both(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(one) & set(other)))


def _either(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(one) | set(other)))


def _crawl(one: CrawlTerms | None, other: CrawlTerms | None) -> CrawlTerms | None:
    if one is None or other is None:
        return None
    hosts, paths = _both(one.hosts, other.hosts), _paths(one.paths, other.paths)
    if not hosts or not paths:
        return None
    pace = min(one.requests_per_second, other.requests_per_second)
    return CrawlTerms(hosts=hosts, paths=paths, requests_per_second=pace)


def _paths(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    """The paths under a path of both, each named once by the highest."""
    others = tuple(other)
    common = {path for path in one for above in others if under(path, above)} | {
        path for path in others for above in one if under(path, above)
    }
    return tuple(sorted(path for path in common if not any(path != above and under(path, above) for above in common)))


def under(path: str, above: str) -> bool:
    """Whether a path prefix covers another, at the border of a segment, as `gate.facts.covers` does for pages."""
    return path == above or path.startswith(above if above.endswith("/") else f"{above}/")


def _networks(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...] | _Nothing:
    """None named is every network."""
    mine, theirs = _parsed(tuple(one)), _parsed(tuple(other))
    if not mine or not theirs:
        return _told(mine or theirs)
    common = [a if a.prefixlen >= b.prefixlen else b for a in mine for b in theirs if a.version == b.version and a.overlaps(b)]
    return _told(common) or _NOTHING


@cache
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(each, strict=False) for each in networks)


def _told(networks: Iterable[Network]) -> tuple[str, ...]:
    fours = collapse_addresses(each for each in networks if isinstance(each, IPv4Network))
    sixes = collapse_addresses(each for each in networks if isinstance(each, IPv6Network))
    return (*map(str, fours), *map(str, sixes))


def _territory(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...] | _Nothing:
    """None named is every country."""
    mine, theirs = tuple(one), tuple(other)
    if not mine or not theirs:
        return _either(mine, theirs)
    return _both(mine, theirs) or _NOTHING


def _price(one: Price | None, other: Price | None) -> Price | _Nothing | None:
    """The higher price; free is the widest. Prices in two currencies have nothing in common."""
    named = [each for each in (one, other) if each is not None]
    if not named:
        return None
    if len({each.currency for each in named}) > 1:
        return _NOTHING
    dearest = max(named, key=lambda each: each.amount)
    return Price(per_1000=_spelt(dearest.amount), currency=dearest.currency)


def _spelt(amount: Decimal) -> str:
    whole, _, part = f"{amount:f}".partition(".")
    return f"{int(whole)}.{part.rstrip('0').ljust(2, '0')}"


def _audit(one: Audit | None, other: Audit | None) -> Audit | None:
    if one is None or other is None:
        return one or other
    return Audit(per_year=max(one.per_year, other.per_year), notice_days=min(one.notice_days, other.notice_days))


def _aggregates(one: Aggregates | None, other: Aggregates | None) -> Aggregates | _Nothing | None:
    """None is records and no counting; with terms that allow counting alone it has nothing in common."""
    if one is None or other is None:
        named = one or other
        return _NOTHING if named is not None and named.alone else None
    people = max((each.people for each in (one, other) if each.people is not None), default=None)
    return Aggregates(queries=min(one.queries, other.queries), people=people, alone=one.alone or other.alone)


def _least(one: int | None, other: int | None) -> int | None:
    """The lower cap or the shorter time; None caps nothing and asks for nothing."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _and(one: bool, other: bool) -> bool:
    return one and other


def _or(one: bool, other: bool) -> bool:
    return one or other


# By term, in the model's order: the widest value that is within both.
MEETS: dict[str, Callable[[Any, Any], Any]] = {
    "datasets": _datasets,
    "purposes": _both,
    "prohibited": _either,
    "requests_per_second": min,
    "records_per_day": min,
    "crawl": _crawl,
    "networks": _networks,
    "starts": max,
    "ends": min,
    "retention_days": _least,
    "erasure_hours": _least,
    "territory": _territory,
    "price": _price,
    "named_users": _or,
    "bound_tokens": _or,
    "oauth_only": _or,
    "records_in_period": _least,
    "distinct_records": _least,
    "bytes_per_day": _least,
    "bytes_in_period": _least,
    "concurrent_requests": _least,
    "exports": _and,
    "refresh_days": _least,
    "certificate_days": _least,
    "audit": _audit,
    "publish_free": _or,
    "aggregates": _aggregates,
}
