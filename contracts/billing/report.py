"""Usage on its way to the payment service: by the outbox, at least once from us, counted once there.

One effect is one report: rows of one contract and one minute, for ever the same ones, because each row is given to an effect once. Its
sum goes out under the effect's id, which the payment service counts once (Stripe: for at least 24 hours), and our own mark `sent_at`
keeps it from being sent again after that. What is used while a report is under way stands in the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update
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
REPORT_SECONDS = 30.0
"""How long usage waits to be reported: whatever comes in between goes in one call for each contract."""
MOST_ROWS = 10_000
ROWS_A_TRANSACTION, REPORTS_A_TRANSACTION = 300, 40
"""Keeps SQLite's write lock below 20 ms, and a report's entry in the ledger far below the most that a leaf may hold."""


class _Used(NamedTuple):
    """What a report has to know of a usage row."""

    id: str
    contract_id: str
    organisation_id: str
    at: datetime
    rows: int

    @property
    def shared(self) -> tuple[str, str, datetime]:
        """What is the same in all rows of a report: a bill, and a question for what was counted, may begin at any minute."""
        return self.contract_id, self.organisation_id, self.at.replace(second=0, microsecond=0)


_COLUMNS: list[Any] = [getattr(UsageRow, name) for name in _Used._fields]
_WAITING = select(*_COLUMNS).where(col(UsageRow.effect_id) == "").limit(MOST_ROWS)
_GIVEN = update(UsageRow).where(col(UsageRow.id) == bindparam("row"), col(UsageRow.effect_id) == "").values(effect_id=bindparam("effect"))
_UNSENT = (
    select(*_COLUMNS)
    .where(col(UsageRow.effect_id) == bindparam("effect"), col(UsageRow.sent_at).is_(None))
    .order_by(col(UsageRow.at), col(UsageRow.id))
)


def ask_to_report(store: Store) -> int:
    """Put an effect for each contract's usage rows of a minute that none was asked for; returns how many where more may wait, else 0.

    A job of the worker: the hot path writes usage rows and nothing else.
    """
    with store.read() as session:
        waiting = [_Used(*row) for row in session.execute(_WAITING)]
    waiting.sort(key=lambda row: (row.shared, row.id))
    for rows in _parts(waiting):
        with store.write("billing") as unit:
            _ask(unit, rows)
    return len(waiting) if len(waiting) == MOST_ROWS else 0


def report_handler(store: Store, payments: Payments) -> Handler:
    """The outbox handler of `usage.report`: sends the sum of the effect's rows, then marks them with a ledger entry.

    A worker that is killed in between sends the same sum again under the same identifier, where it was counted.
    """

    def handle(effect: Effect) -> None:
        with store.read() as session:
            rows = [_Used(*row) for row in session.execute(_UNSENT, {"effect": effect.id})]
        if not rows:
            return
        payments.ensure_meter()
        customer = customer_of(store, payments, rows[0].organisation_id)
        total = sum(row.rows for row in rows)
        payments.report_usage(identifier=effect.id, customer=customer, value=total, at=rows[0].at, key=effect.idempotency_key)
        _mark(store, payments.provider, effect.id, customer, rows)

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
        known = session.get(Customer, key)
        organisation = session.get(Organisation, organisation_id)
    if known is not None and known.gone_at is None:
        return known.external_id
    generation = known.generation + 1 if known else 1
    made = payments.ensure_customer(organisation_id, organisation.name if organisation else organisation_id, generation)
    with store.write("billing") as unit:
        row = unit.session.get(Customer, key) or Customer(
            organisation_id=organisation_id, provider=payments.provider, external_id=made, created_at=unit.now
        )
        row.external_id, row.generation, row.gone_at = made, generation, None
        unit.session.add(row)
    return made


def _parts(rows: Sequence[_Used]) -> Iterator[Sequence[_Used]]:
    """The rows in order, as many together as one transaction may give to effects."""
    start, reports = 0, set[tuple[str, str, datetime]]()
    for end, row in enumerate(rows):
        reports.add(row.shared)
        if end - start == ROWS_A_TRANSACTION or len(reports) > REPORTS_A_TRANSACTION:
            yield rows[start:end]
            start, reports = end, {row.shared}
    if start < len(rows):
        yield rows[start:]


def _ask(unit: Unit, rows: Sequence[_Used]) -> None:
    """Give rows to new effects, but for those that another process has given to one since they were read."""
    given: list[dict[str, str]] = []
    for (contract, *_), group in groupby(rows, key=lambda row: row.shared):
        effect_id = outbox.put(unit, REPORT, {"contract": contract})
        given += [{"row": row.id, "effect": effect_id} for row in group]
    unit.connection.execute(_GIVEN, given)


def _mark(store: Store, provider: str, effect_id: str, customer: str, rows: Sequence[_Used]) -> None:
    mine = (col(UsageRow.effect_id) == effect_id) & col(UsageRow.sent_at).is_(None)
    with store.write("billing") as unit:
        if not unit.connection.execute(update(UsageRow).where(mine).values(sent_at=unit.now, sent_to=provider)).rowcount:
            return  # another process took the effect over and was faster
        record(
            unit,
            Entry(
                event="usage.reported",
                subject=effect_id,
                organisation=rows[0].organisation_id,
                contract=rows[0].contract_id,
                rows=sum(row.rows for row in rows),
                facts={"provider": provider, "customer": customer, "usage": [row.id for row in rows]},
            ),
        )
