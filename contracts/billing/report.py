"""Usage on its way to the payment service: by the outbox, at least once from us, counted once there.

One effect is one report: rows of one contract and one minute, for ever the same ones, because each row is given to an effect once. Its
sum goes out under the effect's id, which the payment service counts once (Stripe: for at least 24 hours), and our own mark `sent_at`
keeps it from being sent again after that. What is used while a report is under way stands in the next one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlmodel import col

from contracts.billing.port import Payments
from contracts.billing.tables import Customer, UsageRow
from contracts.ledger.stage import Entry, record
from contracts.people.tables import Organisation
from contracts.store import outbox
from contracts.store.outbox import Effect, Handler
from contracts.store.unit import Store, Unit

REPORT = "usage.report"
CHECK_CUSTOMER = "customer.check"
REPORT_SECONDS = 60.0
"""How long usage waits to be reported: whatever comes in between goes in one call for each contract."""
MOST_ROWS = 10_000
ROWS_A_TRANSACTION, REPORTS_A_TRANSACTION = 500, 40
"""Keeps SQLite's write lock below 20 ms, and a report's entry in the ledger far below the most that a leaf may hold."""

PAUSE_SECONDS = 0.005
"""Between two of these transactions, for whoever else waits for the write lock or the interpreter."""


Shared = tuple[str, str, datetime]
"""Contract, organisation and minute, which are the same in all rows of a report: a bill, and a question for what was counted, may begin
at any minute."""

Waiting = tuple[Shared, str]
"""A row that no effect was asked for, by what it shares with others and its id."""


class _Report(NamedTuple):
    """What an effect's rows say together."""

    contract_id: str
    organisation_id: str
    rows: int
    at: datetime


# Built once: building a statement costs more than running it.
_WHOSE = (col(UsageRow.contract_id), col(UsageRow.organisation_id))
_WAITING = select(col(UsageRow.id), *_WHOSE, col(UsageRow.at)).where(col(UsageRow.effect_id) == "").limit(MOST_ROWS)
_MINE = (col(UsageRow.effect_id) == bindparam("effect"), col(UsageRow.sent_at).is_(None))
_UNSENT = select(*_WHOSE, func.sum(col(UsageRow.rows)), func.min(col(UsageRow.at))).where(*_MINE).group_by(*_WHOSE)
_IDS = select(col(UsageRow.id)).where(*_MINE).order_by(col(UsageRow.id))
_SENT = update(UsageRow).where(*_MINE).values(sent_at=bindparam("now"), sent_to=bindparam("provider"))
_KNOWN = select(col(Customer.external_id)).where(
    col(Customer.organisation_id) == bindparam("organisation"), col(Customer.provider) == bindparam("of"), col(Customer.gone_at).is_(None)
)
_GIVEN = update(UsageRow).where(col(UsageRow.id) == bindparam("row"), col(UsageRow.effect_id) == "").values(effect_id=bindparam("effect"))


def ask_to_report(store: Store) -> int:
    """Put an effect for each contract's usage rows of a minute that none was asked for; returns how many where more may wait, else 0.

    A job of the worker: the hot path writes usage rows and nothing else.
    """
    with store.read() as session:
        found = session.connection().execute(_WAITING).all()
    waiting = sorted([((contract, whose, at.replace(second=0, microsecond=0)), row_id) for row_id, contract, whose, at in found])
    for rows in _parts(waiting):
        with store.write("billing") as unit:
            _ask(unit, rows)
        time.sleep(PAUSE_SECONDS)
    return len(waiting) if len(waiting) == MOST_ROWS else 0


def report_handler(store: Store, payments: Payments) -> Handler:
    """The outbox handler of `usage.report`: sends the sum of the effect's rows, then marks them with a ledger entry.

    A worker that is killed in between sends the same sum again under the same identifier, where it was counted.
    """

    def handle(effect: Effect) -> None:
        with store.read() as session:
            found = session.connection().execute(_UNSENT, {"effect": effect.id}).first()
        if found is None:
            return
        report = _Report(*found)
        payments.ensure_meter()
        customer = customer_of(store, payments, report.organisation_id)
        payments.report_usage(identifier=effect.id, customer=customer, value=int(report.rows), at=report.at, key=effect.idempotency_key)
        _mark(store, payments.provider, effect.id, customer, report)

    return handle


def check_customer_handler(store: Store, payments: Payments) -> Handler:
    """The outbox handler of `customer.check`: asks whether a customer is still there, and forgets one that is not."""

    def handle(effect: Effect) -> None:
        customer = str(effect.payload["customer"])
        if payments.customer_exists(customer):
            return
        with store.write("billing") as unit:
            ours = (col(Customer.external_id) == customer) & (col(Customer.provider) == payments.provider) & col(Customer.gone_at).is_(None)
            unit.connection.execute(update(Customer).where(ours).values(gone_at=unit.now))

    return handle


def customer_of(store: Store, payments: Payments, organisation_id: str) -> str:
    """The provider's id for the organisation, made there on first use; call it outside any transaction."""
    key = (organisation_id, payments.provider)
    with store.read() as session:
        there = session.connection().execute(_KNOWN, {"organisation": organisation_id, "of": payments.provider}).first()
        if there is not None:
            return str(there[0])
        known = session.get(Customer, key)
        organisation = session.get(Organisation, organisation_id)
    generation = known.generation + 1 if known else 1
    made = payments.ensure_customer(organisation_id, organisation.name if organisation else organisation_id, generation)
    with store.write("billing") as unit:
        row = unit.session.get(Customer, key) or Customer(
            organisation_id=organisation_id, provider=payments.provider, external_id=made, created_at=unit.now
        )
        row.external_id, row.generation, row.gone_at = made, generation, None
        unit.session.add(row)
    return made


def _parts(rows: Sequence[Waiting]) -> Iterator[Sequence[Waiting]]:
    """The rows in order, as many together as one transaction may give to effects."""
    start, reports = 0, set[Shared]()
    for end, (shared, _) in enumerate(rows):
        reports.add(shared)
        if end - start == ROWS_A_TRANSACTION or len(reports) > REPORTS_A_TRANSACTION:
            yield rows[start:end]
            start, reports = end, {shared}
    if start < len(rows):
        yield rows[start:]


def _ask(unit: Unit, rows: Sequence[Waiting]) -> None:
    """Give rows to new effects, but for those that another process has given to one since they were read."""
    given: list[dict[str, str]] = []
    for (contract, *_), group in groupby(rows, key=itemgetter(0)):
        effect_id = outbox.put(unit, REPORT, {"contract": contract})
        given += [{"row": row_id, "effect": effect_id} for _, row_id in group]
    unit.connection.execute(_GIVEN, given)


def _mark(store: Store, provider: str, effect_id: str, customer: str, report: _Report) -> None:
    with store.write("billing") as unit:
        usage = [row.id for row in unit.connection.execute(_IDS, {"effect": effect_id})]
        if not unit.connection.execute(_SENT, {"effect": effect_id, "now": unit.now, "provider": provider}).rowcount:
            return  # another process took the effect over and was faster
        record(
            unit,
            Entry(
                event="usage.reported",
                subject=effect_id,
                organisation=report.organisation_id,
                contract=report.contract_id,
                rows=int(report.rows),
                facts={"provider": provider, "customer": customer, "usage": usage},
            ),
        )
