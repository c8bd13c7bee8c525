"""Messages: made from entries of the ledger, once each, and asked to leave in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from contracts.clock import rfc3339
from contracts.ids import new_id
from contracts.ledger.stage import canonical
from contracts.store.outbox import put
from contracts.store.unit import Unit
from contracts.webhooks.tables import WebhookEndpoint, WebhookMessage

WEBHOOK = "webhook"


def make(
    unit: Unit, endpoint: WebhookEndpoint, event: str, entry_id: str, data: Mapping[str, object], at: datetime | None = None
) -> WebhookMessage:
    """A message that leaves once this unit is committed. `at` is when what it tells of happened, `data` holds ids and nothing personal."""
    message_id = new_id("msg")
    body = canonical({"type": event, "timestamp": rfc3339(at or unit.now), "data": data}).decode()
    message = WebhookMessage(
        id=message_id, endpoint_id=endpoint.id, event=event, entry_id=entry_id or message_id, body=body, created_at=unit.now
    )
    unit.session.add(message)
    unit.session.flush()
    ask(unit, message, 1)
    return message


def ask(unit: Unit, message: WebhookMessage, number: int, delay: timedelta = timedelta(0)) -> None:
    """Ask for try `number` of the message's present round."""
    put(unit, WEBHOOK, {"message_id": message.id, "round": message.round, "number": number}, delay=delay)
