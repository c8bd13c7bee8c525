"""Usage on its way to the payment service: by the outbox, at least once from us, counted once there.

A usage row's id is the identifier that the payment service counts once (Stripe: for at least 24 hours), and our own mark
`sent_at` keeps it from being sent again after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlmodel import col, select, update

from contracts.billing.port import Payments, PaymentsRefused, PaymentsUnavailable
from contracts.billing.tables import Customer, UsageRow
from contracts.errors import LicetError
from contracts.ledger.stage import Entry, record
from contracts.people.tables import Organisation
from contracts.store import outbox
from contracts.store.outbox import Effect, Handler
from contracts.store.unit import Store

REPORT = "usage.report"
CHECK_CUSTOMER = "customer.check"
MOST_ROWS = 100


def ask_to_report(store: Store) -> int:
    """Put effects for usage rows that none was asked for, one a contract; returns the number of rows.

    A job of the worker: the hot path writes usage rows and nothing else.
    """
    waiting = (
        select(col(UsageRow.id), col(UsageRow.contract_id)).where(UsageRow.effect_id == "").order_by(col(UsageRow.id)).limit(MOST_ROWS)
    )
    with store.read() as session:
        if session.exec(waiting.limit(1)).first() is None:
            return 0
    with store.write("billing") as unit:
        rows = sorted(unit.session.exec(waiting.with_for_update(skip_locked=True)).all(), key=lambda row: row[1])
        for contract_id, group in groupby(rows, key=lambda row: row[1]):
            effect_id = outbox.put(unit, REPORT, {"contract": contract_id})
            ids = [row_id for row_id, _ in group]
            unit.connection.execute(update(UsageRow).where(col(UsageRow.id).in_(ids)).values(effect_id=effect_id))
    return len(rows)


def report_handler(store: Store, payments: Payments) -> Handler:
    """The outbox handler of `usage.report`: sends the effect's rows that are not marked, then marks them with a ledger entry.

    A refused row keeps none of the others back; when the service is not there, the rest waits. Either failure is raised after
    the marks, so that the outbox tries again. A worker that is killed in between sends again what it had not marked.
    """

    def handle(effect: Effect) -> None:
        rows = _unsent(store, effect.id)
        if not rows:
            return
        payments.ensure_meter()
        customer = customer_of(store, payments, rows[0].organisation_id)
        sent, failure = _send(payments, rows, customer, effect.generation)
        if sent:
            _mark(store, payments.provider, effect.id, customer, sent)
        if failure is not None:
            raise failure

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


def _send(payments: Payments, rows: Sequence[UsageRow], customer: str, generation: int) -> tuple[list[UsageRow], LicetError | None]:
    sent: list[UsageRow] = []
    failure: LicetError | None = None
    for row in rows:
        try:
            payments.report_usage(identifier=row.id, customer=customer, value=row.rows, at=row.at, key=f"{row.id}-{generation}")
        except PaymentsRefused as error:
            failure = failure or error
        except PaymentsUnavailable as error:
            return sent, error
        else:
            sent.append(row)
    return sent, failure


def _unsent(store: Store, effect_id: str) -> Sequence[UsageRow]:
    with store.read() as session:
        query = select(UsageRow).where(UsageRow.effect_id == effect_id, col(UsageRow.sent_at).is_(None))
        return session.exec(query.order_by(col(UsageRow.id))).all()


def _mark(store: Store, provider: str, effect_id: str, customer: str, rows: Sequence[UsageRow]) -> None:
    ids = [row.id for row in rows]
    with store.write("billing") as unit:
        mine = col(UsageRow.id).in_(ids) & col(UsageRow.sent_at).is_(None)
        unit.connection.execute(update(UsageRow).where(mine).values(sent_at=unit.now, sent_to=provider))
        record(
            unit,
            Entry(
                event="usage.reported",
                subject=effect_id,
                organisation=rows[0].organisation_id,
                contract=rows[0].contract_id,
                rows=sum(row.rows for row in rows),
                facts={"provider": provider, "customer": customer, "usage": ids},
            ),
        )
