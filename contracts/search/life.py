"""A contract's whole life, from its application to the last access: each act by itself, requests summed up by day.

Acts are few and each is an entry with its proof; requests are many, and their days are counted already. Days are of UTC.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from sqlmodel import Session

from contracts.ledger.events import EVENTS
from contracts.ledger.queries import TimelineRow, about, at_places
from contracts.search.find import Question, count, grouped, places

ROUTINE = ("access.", "gate.", "token.", "usage.")
"""Subjects of which a contract in use has many entries a day."""
ACTS = tuple(name for name in EVENTS if not name.startswith(ROUTINE))
MOST = 500
"""So many acts of the contract are shown, the newest; and as many of each application."""


@dataclass(frozen=True, slots=True)
class Used:
    """What programs did in some days: requests answered and the records that left, requests refused, batches of fetches, tokens."""

    answered: int = 0
    records: int = 0
    refused: int = 0
    fetched: int = 0
    tokens: int = 0

    @property
    def any(self) -> bool:
        """Whether there was anything."""
        return bool(self.answered or self.refused or self.fetched or self.tokens)


@dataclass(frozen=True, slots=True)
class Span:
    """A day with acts, oldest first, and what was used on it; or days in a row with entries and without acts."""

    since: date
    until: date
    acts: tuple[TimelineRow, ...]
    used: Used


@dataclass(frozen=True, slots=True)
class Life:
    """Spans from the oldest on, the first and last answer with records, records delivered by day, and whether older acts were left out.

    An end is None where there was none, or where its entry was pruned.
    """

    spans: list[Span]
    first: TimelineRow | None
    last: TimelineRow | None
    delivered: Mapping[date, int]
    cut: bool

    @property
    def entries(self) -> int:
        """How many entries it is made of."""
        return sum(len(each.acts) + each.used.answered + each.used.refused + each.used.fetched + each.used.tokens for each in self.spans)


def life_of(session: Session, contract: str, applications: Iterable[str]) -> Life:
    """The life of a contract that goes back to these applications. The caller has checked that the reader may see both."""
    acts, cut = _acts(session, contract, applications)
    used, delivered = _used(session, contract)
    first, last = _ends(session, contract)
    return Life(_spans(acts, used), first, last, delivered, cut)


def _acts(session: Session, contract: str, applications: Iterable[str]) -> tuple[list[TimelineRow], bool]:
    asked = Question(contract=contract, events=ACTS)
    found = places(session, asked, count(session, asked).days, MOST + 1)
    rows = [each for key in applications for each in about(session, key, MOST)] + at_places(session, found[:MOST])
    once = {each.entry_id: each for each in rows}.values()
    return sorted(once, key=lambda row: (row.index is None, row.index or 0)), len(found) > MOST


def _used(session: Session, contract: str) -> tuple[dict[date, Used], dict[date, int]]:
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    for day, event, decision, entries, records in grouped(session, Question(contract=contract), "day", "event", "decision"):
        if name := _sum_of(event, decision):
            by_day[day][name] += entries
            by_day[day]["records"] += records
    used = {day: Used(**sums) for day, sums in by_day.items()}
    return used, {day: each.records for day, each in used.items()}


def _sum_of(event: str, decision: str) -> str:
    """Which sum an entry goes into; empty for what is an act, or a report about requests that are counted already."""
    subject = event.partition(".")[0]
    if f"{subject}." not in ROUTINE or subject == "usage":
        return ""
    return "refused" if decision == "refuse" else {"access": "answered", "gate": "fetched", "token": "tokens"}[subject]


def _ends(session: Session, contract: str) -> tuple[TimelineRow | None, TimelineRow | None]:
    days = count(session, Question(contract=contract, events=("access.records",), decision="allow")).days
    if not days:
        return None, None
    low, high = min(each.first for each in days), max(each.last for each in days)
    met = {row.index: row for row in at_places(session, [low, high])}
    return met.get(low), met.get(high)


def _spans(acts: Sequence[TimelineRow], used: Mapping[date, Used]) -> list[Span]:
    on: dict[date, list[TimelineRow]] = defaultdict(list)
    for each in acts:
        on[each.at.astimezone(UTC).date()].append(each)
    spans = list[Span]()
    for day in sorted(on.keys() | used.keys()):
        here = Span(day, day, tuple(on.get(day, ())), used.get(day, Used()))
        if spans and not here.acts and not spans[-1].acts:
            here = _joined(spans.pop(), here)
        spans.append(here)
    return spans


def _joined(before: Span, after: Span) -> Span:
    """Two spans without acts as one."""
    sums = {name: getattr(before.used, name) + getattr(after.used, name) for name in Used.__slots__}
    return Span(before.since, after.until, (), Used(**sums))
