"""Alerts: a partner hears at 80 and at 100 percent of each quota, once each for a day or a period.

The books are looked at from outside, every few seconds, so that counting a record costs nothing more than it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from contracts.clock import rfc3339
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.notices import audience, send
from contracts.people.roles import Role
from contracts.quotas.service import Used, day_of, resets_at, used_since
from contracts.quotas.standing import standings
from contracts.quotas.tables import QuotaAlert, QuotaDay
from contracts.settings import Settings
from contracts.store.unit import Store, Unit
from contracts.terms.model import Terms, readable

PERCENTS = (80, 100)

# What a mail calls each quota, by its term.
TITLES = {
    "records_per_day": "Records in a day",
    "bytes_per_day": "Bytes in a day",
    "records_in_period": "Records in all",
    "distinct_records": "Different records in all",
    "bytes_in_period": "Bytes in all",
}
_DAILY = frozenset({"records_per_day", "bytes_per_day"})


@dataclass(frozen=True, slots=True)
class Reached:
    """A quota of which a part is used; `since` is its day, or the first day of its period."""

    term: str
    since: date
    limit: int
    used: int
    percent: int


def percent_reached(used: int, limit: int, least: int = 1) -> int:
    """80, 100, or 0 for less. All is used where not even `least` fits, which is how bytes end: before a whole record."""
    if used + max(1, least) > limit:
        return 100
    return 80 if used * 100 >= limit * 80 else 0


def of_contract(session: Session, settings: Settings, contract: Contract, terms: Terms, days: Sequence[QuotaDay]) -> list[Reached]:
    """Every quota of which a part is used, those of the days first."""
    whole = used_since(session.connection(), contract.id, terms.starts)
    found = [each for row in days for each in _of_day(settings, terms, row)]
    for each in standings(session, contract.id, contract.version, terms):
        least = _average(whole) if each.term == "bytes_in_period" else 1
        found.append(Reached(each.term, terms.starts, each.limit, each.used, percent_reached(each.used, each.limit, least)))
    return [each for each in found if each.percent]


def told_of(session: Session, contract_id: str, most: int = 10) -> list[QuotaAlert]:
    """What a contract's people were told, newest first."""
    query = select(QuotaAlert).where(QuotaAlert.contract_id == contract_id)
    return list(session.exec(query.order_by(col(QuotaAlert.told_at).desc(), col(QuotaAlert.percent).desc()).limit(most)).all())


class AlertWatch:
    """Looks at the books that moved since its last look. One a process; several tell once all the same."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._seen: dict[tuple[str, date], tuple[int, int, int]] = {}

    def tick(self) -> int:
        """Tell what was reached; returns how many alerts went out. Yesterday is looked at too: its end may not have been seen."""
        today = day_of(self._store.clock.now(), self._settings.platform.time_zone)
        with self._store.read() as session:
            due = list(self._due(session, today - timedelta(days=1)))
        return sum(self._tell(contract_id, reached) for contract_id, reached in due)

    def _due(self, session: Session, since: date) -> Iterator[tuple[str, list[Reached]]]:
        on = (col(ContractVersion.contract_id) == col(Contract.id)) & (col(ContractVersion.number) == col(Contract.version))
        query = select(QuotaDay, Contract, ContractVersion).join(Contract, col(Contract.id) == col(QuotaDay.contract_id))
        moved: dict[str, tuple[Contract, ContractVersion, list[QuotaDay]]] = {}
        seen: dict[tuple[str, date], tuple[int, int, int]] = {}
        for row, contract, version in session.exec(query.join(ContractVersion, on).where(QuotaDay.day >= since)).all():
            stands = seen[row.contract_id, row.day] = (row.used, row.bytes, version.number)
            if self._seen.get((row.contract_id, row.day)) != stands:
                moved.setdefault(contract.id, (contract, version, []))[2].append(row)
        self._seen = seen
        for contract, version, days in moved.values():
            terms = readable(version.terms_json)
            reached = [] if terms is None else of_contract(session, self._settings, contract, terms, days)
            if reached:
                yield contract.id, reached

    def _tell(self, contract_id: str, reached: Sequence[Reached]) -> int:
        with self._store.write("quota alert") as unit:
            fresh = [each for each in reached if _first(unit, contract_id, each)]
            if fresh:
                contract = unit.session.get_one(Contract, contract_id)
                for each in fresh:
                    _send(unit, contract, each, self._settings.platform.time_zone)
        return len(fresh)


def _of_day(settings: Settings, terms: Terms, row: QuotaDay) -> Iterator[Reached]:
    limit = _most_of_day(settings, terms)
    yield Reached("records_per_day", row.day, limit, row.used, percent_reached(row.used, limit))
    if terms.bytes_per_day is not None:
        percent = percent_reached(row.bytes, terms.bytes_per_day, _average(Used(row.used, row.bytes)))
        yield Reached("bytes_per_day", row.day, terms.bytes_per_day, row.bytes, percent)


def _most_of_day(settings: Settings, terms: Terms) -> int:
    """The records at which nothing leaves any more: each dataset may set a limit below that of the terms."""
    known = [settings.datasets[each.dataset].max_records_per_day for each in terms.datasets if each.dataset in settings.datasets]
    return min(terms.records_per_day, max(known, default=terms.records_per_day))


def _average(used: Used) -> int:
    return used.bytes // used.records if used.records else 1


def _first(unit: Unit, contract_id: str, each: Reached) -> bool:
    """Whether this was not told before; a part that is passed on the way to the whole counts as told."""
    dialect = postgresql if unit.connection.dialect.name == "postgresql" else sqlite
    is_first = False
    for percent in PERCENTS:
        if percent > each.percent:
            break
        values = {"contract_id": contract_id, "term": each.term, "since": each.since, "limit": each.limit, "percent": percent}
        made = dialect.insert(QuotaAlert).values(**values, used=each.used, told_at=unit.now).on_conflict_do_nothing()
        is_first = unit.connection.execute(made.returning(col(QuotaAlert.percent))).first() is not None
    return is_first


def _send(unit: Unit, contract: Contract, each: Reached, zone: str) -> None:
    frees = rfc3339(resets_at(each.since, zone)) if each.term in _DAILY else "with an amendment of the contract"
    facts = {"title": contract.title, "quota": TITLES[each.term], "used": f"{each.used:,}", "limit": f"{each.limit:,}", "frees": frees}
    for reader in audience.partners(unit.session, contract.organisation_id, Role.LEAD, Role.DEVELOPER):
        path = f"/partner/contracts/{contract.id}/usage"
        send(unit, to=reader.email, template=_TEMPLATES[each.percent], facts={"name": reader.name, **facts}, path=path)
    record(
        unit,
        Entry(
            event="quota.reached",
            subject=contract.id,
            organisation=contract.organisation_id,
            contract=contract.id,
            contract_version=contract.version,
            facts={
                "term": each.term,
                "percent": each.percent,
                "used": each.used,
                "limit": each.limit,
                "since": each.since.isoformat(),
            },
        ),
    )


_TEMPLATES = {80: "quota-near", 100: "quota-used-up"}
