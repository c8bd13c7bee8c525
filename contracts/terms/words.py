"""Each term in plain words: the same sentence stands on pages, in the contract's text and in its PDF, so they cannot differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from contracts.clock import long_day
from contracts.datasets.coarse import Grain
from contracts.settings import Settings
from contracts.terms.model import Condition, DatasetTerms, Terms
from contracts.terms.purposes import PROHIBITED, PURPOSES

_OPERATORS = {
    "eq": "{field} is {value}",
    "in": "{field} is one of {value}",
    "gte": "{field} is {value} or more",
    "gt": "{field} is more than {value}",
    "lte": "{field} is {value} or less",
    "lt": "{field} is less than {value}",
}


@dataclass(frozen=True, slots=True)
class TermLine:
    """One term: a short title, one or more whole sentences, and the anchor of the clause that holds it.

    `enforced` tells terms that the service holds to by itself from those that only bind the partner.
    """

    title: str
    sentence: str
    anchor: str
    enforced: bool


def plain(terms: Terms, settings: Settings) -> list[TermLine]:
    """The terms in plain words, in the order of the contract's clauses; a term that is not agreed has no line."""
    lines = [TermLine(title, say(terms, settings), anchor, anchor in ENFORCED) for anchor, (title, say) in LINES.items()]
    return [line for line in lines if line.sentence]


def condition_in_words(condition: Condition) -> str:
    """One row condition, such as "lang is one of de, sv"."""
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    return _OPERATORS[condition.op].format(field=condition.field, value=", ".join(_value(each) for each in values))


def _value(value: str | int | bool) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _datasets(terms: Terms, settings: Settings) -> str:
    if terms.aggregates is not None and terms.aggregates.alone:
        return " ".join(_counted(each, settings) for each in terms.datasets)
    return " ".join(_dataset(each, settings) for each in terms.datasets)


def _counted(part: DatasetTerms, settings: Settings) -> str:
    known = settings.datasets.get(part.dataset)
    title = known.title if known else part.dataset
    return f"No record may be read. Of the dataset “{title}” records may be counted and summed by these fields: {', '.join(part.fields)}."


def _dataset(part: DatasetTerms, settings: Settings) -> str:
    known = settings.datasets.get(part.dataset)
    title, names = (known.title if known else part.dataset), ", ".join(part.fields)
    if not part.pseudonymised:
        return f"Of the dataset “{title}” these fields may be read: {names}."
    hidden = ", ".join(part.pseudonymised)
    return f"Of the dataset “{title}” these fields may be read: {names}. Pseudonyms that exist for this contract alone stand in place of: {hidden}."


def _rows(terms: Terms, settings: Settings) -> str:
    return " ".join(_rows_of(each, settings) for each in terms.datasets)


def _rows_of(part: DatasetTerms, settings: Settings) -> str:
    known = settings.datasets.get(part.dataset)
    title = known.title if known else part.dataset
    if not part.rows:
        return f"Every record of “{title}” may be read, save those erased at the source or of people who object to sharing."
    conditions = "; ".join(condition_in_words(each) for each in part.rows)
    return f"Only records of “{title}” may be read that meet every one of these conditions: {conditions}."


_GRAINS: dict[Grain, str] = {
    "day": "Of these fields of “{title}” the day alone is given: {fields}.",
    "month": "Of these fields of “{title}” the month alone is given: {fields}.",
    "region": "Of these fields of “{title}” the region alone is given, as the platform’s catalogue maps it: {fields}.",
    "masked": "In these fields of “{title}” names of accounts, mail addresses and links are masked: {fields}.",
}


def _generalised(terms: Terms, settings: Settings) -> str:
    return " ".join(said for each in terms.datasets for said in _generalised_of(each, settings))


def _generalised_of(part: DatasetTerms, settings: Settings) -> Iterator[str]:
    known = settings.datasets.get(part.dataset)
    title = known.title if known else part.dataset
    for grain, sentence in _GRAINS.items():
        named = sorted(name for name, agreed in part.generalised.items() if agreed == grain)
        if named:
            yield sentence.format(title=title, fields=", ".join(named))


def _purposes(terms: Terms, _settings: Settings) -> str:
    named = " ".join(f"{PURPOSES[each].title}: {PURPOSES[each].meaning}" for each in terms.purposes)
    return f"Records may be used for these purposes and no other. {named}"


def _prohibited(terms: Terms, _settings: Settings) -> str:
    return f"Never allowed, whatever the purpose: {' '.join(PROHIBITED[each] for each in terms.prohibited)}" if terms.prohibited else ""


def _pace(terms: Terms, _settings: Settings) -> str:
    return f"The pace is at most {terms.requests_per_second:,} requests in a second, counted over all credentials."


def _quota(terms: Terms, settings: Settings) -> str:
    zone = settings.platform.time_zone
    return (
        f"The volume is at most {terms.records_per_day:,} records in a day, counted over all credentials; a day begins at 00:00 ({zone})."
    )


def _total(terms: Terms, _settings: Settings) -> str:
    if terms.records_in_period is None:
        return ""
    return f"From the first day to the last at most {terms.records_in_period:,} records are delivered, counted over all credentials."


def _distinct(terms: Terms, _settings: Settings) -> str:
    if terms.distinct_records is None:
        return ""
    most = f"{terms.distinct_records:,}"
    return (
        f"From the first day to the last at most {most} different records are delivered; one that was delivered before may be read again."
    )


def _bytes(terms: Terms, _settings: Settings) -> str:
    said = []
    if terms.bytes_per_day is not None:
        said.append(f"The records of a day have at most {terms.bytes_per_day:,} bytes together, counted over all credentials.")
    if terms.bytes_in_period is not None:
        most = f"{terms.bytes_in_period:,}"
        said.append(f"The records from the first day to the last have at most {most} bytes together, counted over all credentials.")
    return " ".join(said)


def _concurrency(terms: Terms, _settings: Settings) -> str:
    if terms.concurrent_requests is None:
        return ""
    if terms.concurrent_requests == 1:
        return "One request for records is answered at a time, over all credentials."
    return f"At most {terms.concurrent_requests:,} requests for records are answered at the same time, counted over all credentials."


def _exports(terms: Terms, _settings: Settings) -> str:
    return (
        "Records may also be taken as files of many records, each file counted and logged like the records in it." if terms.exports else ""
    )


def _aggregates(terms: Terms, _settings: Settings) -> str:
    if terms.aggregates is None:
        return ""
    most = f"From the first day to the last at most {terms.aggregates.queries:,} questions for counts and sums are answered."
    if terms.aggregates.people is None:
        return f"{most} Numbers of few people are not told, and every number is moved a little, as the dataset’s description says."
    fewest = f"Numbers of fewer than {terms.aggregates.people:,} people are not told"
    return f"{most} {fewest}, and every number is moved a little, as the dataset’s description says."


def _crawl(terms: Terms, _settings: Settings) -> str:
    if terms.crawl is None:
        return ""
    hosts, paths = ", ".join(terms.crawl.hosts), ", ".join(terms.crawl.paths)
    pace = f"{terms.crawl.requests_per_second:,}"
    return (
        f"The website {hosts} may be fetched with a token for it, below these paths: {paths}, at no more than {pace} requests in a second."
        " Each page that is fetched counts as one record."
    )


def _networks(terms: Terms, _settings: Settings) -> str:
    if not terms.networks:
        return "Requests may come from any network."
    return f"Requests must come from these networks: {', '.join(terms.networks)}."


def _users(terms: Terms, _settings: Settings) -> str:
    if not terms.named_users:
        return ""
    return "Records are read for people who sign in by name, and each read is noted with the person; a program alone is refused."


def _tokens(terms: Terms, _settings: Settings) -> str:
    if not terms.bound_tokens:
        return ""
    return "Each access token for records is bound to a key of its program (DPoP, RFC 9449), and is good for nothing without that key."


def _credentials(terms: Terms, _settings: Settings) -> str:
    return "Programs ask for tokens by OAuth, which end by themselves; an API key is refused." if terms.oauth_only else ""


def _period(terms: Terms, _settings: Settings) -> str:
    return f"The first day is {long_day(terms.starts)}, the last is {long_day(terms.ends)}."


def _retention(terms: Terms, _settings: Settings) -> str:
    if terms.retention_days is None:
        return ""
    return f"Records may be kept until {terms.retention_days:,} days after the contract has ended, and are deleted then."


def _erasure(terms: Terms, _settings: Settings) -> str:
    if terms.erasure_hours is None:
        return ""
    return f"A record that the platform reports as erased is deleted everywhere within {terms.erasure_hours:,} hours of the report."


def _refresh(terms: Terms, _settings: Settings) -> str:
    if terms.refresh_days is None:
        return ""
    if terms.refresh_days == 1:
        return "Records that are kept are compared with the source every day, and replaced where they changed."
    return (
        f"Records that are kept are compared with the source every {terms.refresh_days:,} days at least, and replaced where they changed."
    )


def _certificate(terms: Terms, _settings: Settings) -> str:
    if terms.certificate_days is None:
        return ""
    return f"Within {terms.certificate_days:,} days after deletion was due, a signed certificate of destruction is handed in."


def _audit(terms: Terms, _settings: Settings) -> str:
    if terms.audit is None:
        return ""
    times = "once" if terms.audit.per_year == 1 else f"{terms.audit.per_year:,} times"
    if not terms.audit.notice_days:
        return f"The Platform may audit how records are kept and used {times} in a year, without notice."
    return f"The Platform may audit how records are kept and used {times} in a year, with a notice of {terms.audit.notice_days:,} days."


def _publication(terms: Terms, _settings: Settings) -> str:
    return "Results are published, and reading them is free of charge for everyone." if terms.publish_free else ""


def _territory(terms: Terms, _settings: Settings) -> str:
    return f"Records may be stored and used only in: {', '.join(terms.territory)}." if terms.territory else ""


def _price(terms: Terms, _settings: Settings) -> str:
    if terms.price is None:
        return "Access is free of charge."
    return f"1,000 delivered records cost {terms.price.per_1000} {terms.price.currency}."


# By anchor: the title of a term and what says it. The order is that of the contract's clauses.
LINES: dict[str, tuple[str, Callable[[Terms, Settings], str]]] = {
    "datasets": ("Fields", _datasets),
    "rows": ("Records", _rows),
    "generalised": ("Precision", _generalised),
    "purposes": ("Purposes", _purposes),
    "prohibited": ("Prohibited", _prohibited),
    "pace": ("Pace", _pace),
    "quota": ("Volume", _quota),
    "total": ("Volume in all", _total),
    "distinct": ("Different records", _distinct),
    "bytes": ("Bytes", _bytes),
    "concurrency": ("At the same time", _concurrency),
    "exports": ("Files", _exports),
    "aggregates": ("Counts and sums", _aggregates),
    "crawl": ("Website", _crawl),
    "networks": ("Networks", _networks),
    "users": ("Users", _users),
    "tokens": ("Tokens", _tokens),
    "credentials": ("Credentials", _credentials),
    "period": ("Period", _period),
    "retention": ("Retention", _retention),
    "erasure": ("Erasure", _erasure),
    "refresh": ("Refresh", _refresh),
    "certificate": ("Certificate", _certificate),
    "audit": ("Audit", _audit),
    "publication": ("Publication", _publication),
    "territory": ("Territory", _territory),
    "price": ("Price", _price),
}

ENFORCED = frozenset(
    {
        *("datasets", "rows", "generalised", "pace", "quota", "total", "distinct", "bytes", "concurrency", "exports", "crawl", "networks"),
        "aggregates",
        *("users", "tokens", "credentials", "period", "price"),
    }
)
