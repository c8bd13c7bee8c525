"""What the house does about events of the payment service, after the inbox has stored them."""

from __future__ import annotations

from collections.abc import Callable

from contracts.billing.port import WebhookEvent
from contracts.billing.report import CHECK_CUSTOMER
from contracts.clock import rfc3339
from contracts.incidents.service import open_incident
from contracts.store import inbox, outbox
from contracts.store.inbox import InboxRow
from contracts.store.unit import Unit

SOURCE = "stripe"


def accept_event(unit: Unit, event: WebhookEvent) -> bool:
    """Store a verified event once; false where it came before. Kinds that `REACTIONS` does not have are stored too, and rest."""
    return inbox.accept(unit, SOURCE, event.id, event.kind, {"object": event.object_id, "created": rfc3339(event.created)})


def stripe_handler(unit: Unit, row: InboxRow) -> None:
    """The inbox handler of source `stripe`: asks for the effect that looks at the object, or opens an incident."""
    reaction = REACTIONS.get(row.kind)
    if reaction is not None:
        reaction(unit, row)


def _look_at_customer(unit: Unit, row: InboxRow) -> None:
    # The event is a hint that may be late or out of order: the effect asks the service how the customer is now.
    outbox.put(unit, CHECK_CUSTOMER, {"customer": row.payload["object"]})


def _usage_refused(unit: Unit, row: InboxRow) -> None:
    # Usage that the service takes and then drops would make its bill differ from the ledger.
    facts = {"event": row.external_id, "kind": row.kind, "meter": row.payload["object"]}
    open_incident(unit, "usage_refused", f"Usage was reported that the payment service could not place ({row.kind}).", facts)


REACTIONS: dict[str, Callable[[Unit, InboxRow], None]] = {
    "customer.deleted": _look_at_customer,
    "v1.billing.meter.error_report_triggered": _usage_refused,
    "v1.billing.meter.no_meter_found": _usage_refused,
}
