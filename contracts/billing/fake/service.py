"""What Stripe would answer, without any network: authentication, idempotency, customers, meters and meter events."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from contracts.billing.fake.shapes import Params, Shape, StripeRefusal, flatten, integer, nest, page
from contracts.billing.fake.shelf import Shelf
from contracts.billing.fake.webhooks import snapshot_event, thin_event
from contracts.clock import Clock

_DAY = 86_400
_LIST = ("limit", "starting_after")

SHAPES: dict[str, Shape] = {
    "POST /v1/customers": Shape(optional=("name", "email", "description", "metadata[*]")),
    "GET /v1/customers/{id}": Shape(),
    "DELETE /v1/customers/{id}": Shape(),
    "POST /v1/billing/meters": Shape(
        required=("display_name", "event_name", "default_aggregation[formula]"),
        optional=("customer_mapping[event_payload_key]", "customer_mapping[type]", "value_settings[event_payload_key]"),
    ),
    "GET /v1/billing/meters": Shape(optional=("status", *_LIST)),
    "POST /v1/billing/meter_events": Shape(required=("event_name", "payload[*]"), optional=("identifier", "timestamp")),
    "GET /v1/billing/meters/{id}/event_summaries": Shape(required=("customer", "start_time", "end_time"), optional=_LIST),
}


class FakeStripe:
    """One Stripe account in test mode. `emit` is given each webhook event; calls from several threads take turns."""

    def __init__(self, key: str, shelf: Shelf, clock: Clock, emit: Callable[[dict[str, Any]], None]) -> None:
        self._key, self._shelf, self._clock, self._emit = key, shelf, clock, emit
        self._turn = threading.Lock()
        self._endpoints: dict[str, Callable[[str, Params], dict[str, Any]]] = {
            "POST /v1/customers": self._create_customer,
            "GET /v1/customers/{id}": self._get_customer,
            "DELETE /v1/customers/{id}": self._delete_customer,
            "POST /v1/billing/meters": self._create_meter,
            "GET /v1/billing/meters": self._list_meters,
            "POST /v1/billing/meter_events": self._create_meter_event,
            "GET /v1/billing/meters/{id}/event_summaries": self._summaries,
        }

    def answer(self, method: str, path: str, encoded: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and JSON body for a request; `encoded` is the form body of a POST, else the query; header names in lower case."""
        try:
            self._authenticate(headers.get("authorization", ""))
            name, object_id = _endpoint(method, path)
            flat = flatten(encoded)
            SHAPES[name].check(flat)
            params = nest(flat)
            with self._turn, self._shelf.together():
                return self._once(name, object_id, params, f"{method} {path} {sorted(flat.items())}", headers.get("idempotency-key", ""))
        except StripeRefusal as refusal:
            return refusal.status, refusal.body

    def close(self) -> None:
        """Close what it remembers in."""
        with self._turn:
            self._shelf.close()

    def _once(self, name: str, object_id: str, params: Params, request: str, key: str) -> tuple[int, dict[str, Any]]:
        before = self._shelf.reply(key) if key else None
        if before is not None:
            if before[0] != request:
                reason = f"Keys for idempotent requests can only be used with the same parameters they were first used with ('{key}')."
                raise StripeRefusal(400, reason, kind="idempotency_error")
            return before[1], before[2]
        body = self._endpoints[name](object_id, params)
        # A refused request is not kept: it changed nothing, and may be mended and sent again under its key.
        if key:
            self._shelf.keep_reply(key, request, 200, body)
        return 200, body

    def _authenticate(self, header: str) -> None:
        if not secrets.compare_digest(header.encode(), f"Bearer {self._key}".encode()):
            raise StripeRefusal(401, "Invalid API Key provided.")

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _create_customer(self, _id: str, params: Params) -> dict[str, Any]:
        customer = {
            "id": f"cus_{secrets.token_hex(7)}",
            "object": "customer",
            "created": self._now(),
            "description": params.get("description"),
            "email": params.get("email"),
            "livemode": False,
            "metadata": params.get("metadata", {}),
            "name": params.get("name"),
        }
        self._shelf.put("customer", customer)
        return customer

    def _get_customer(self, customer_id: str, _params: Params) -> dict[str, Any]:
        customer = self._shelf.get("customer", customer_id)
        if customer is None:
            raise StripeRefusal(404, f"No such customer: '{customer_id}'", code="resource_missing", param="id")
        return customer

    def _delete_customer(self, customer_id: str, params: Params) -> dict[str, Any]:
        customer = self._get_customer(customer_id, params)
        gone = {"id": customer_id, "object": "customer", "deleted": True}
        self._shelf.put("customer", gone)
        self._emit(snapshot_event("customer.deleted", customer, self._now()))
        return gone

    def _create_meter(self, _id: str, params: Params) -> dict[str, Any]:
        if self._meter(params["event_name"]) is not None:
            raise StripeRefusal(400, f"There is an active meter with event name {params['event_name']}.", code="resource_already_exists")
        meter = {
            "id": f"mtr_test_{secrets.token_hex(12)}",
            "object": "billing.meter",
            "created": self._now(),
            "customer_mapping": {"event_payload_key": "stripe_customer_id", "type": "by_id", **params.get("customer_mapping", {})},
            "default_aggregation": params["default_aggregation"],
            "display_name": params["display_name"],
            "event_name": params["event_name"],
            "event_time_window": None,
            "livemode": False,
            "status": "active",
            "status_transitions": {"deactivated_at": None},
            "updated": self._now(),
            "value_settings": {"event_payload_key": "value", **params.get("value_settings", {})},
        }
        self._shelf.put("meter", meter)
        return meter

    def _list_meters(self, _id: str, params: Params) -> dict[str, Any]:
        wanted = params.get("status")
        return page([each for each in self._shelf.all("meter") if wanted in (None, each["status"])], "/v1/billing/meters", params)

    def _create_meter_event(self, _id: str, params: Params) -> dict[str, Any]:
        now, payload = self._now(), params["payload"]
        at = integer(params, "timestamp", now)
        if not now - 35 * _DAY <= at <= now + 300:
            raise StripeRefusal(400, "The timestamp must be within the past 35 days or up to 5 minutes in the future.", param="timestamp")
        identifier = params.get("identifier") or secrets.token_hex(16)
        if len(identifier) > 100:
            raise StripeRefusal(400, "Invalid string: identifier must be at most 100 characters", param="identifier")
        if not self._count(identifier, params["event_name"], payload, at):
            raise StripeRefusal(400, f"An event already exists with identifier {identifier}.")
        return {
            "object": "billing.meter_event",
            "created": now,
            "event_name": params["event_name"],
            "identifier": identifier,
            "livemode": False,
            "payload": payload,
            "timestamp": at,
        }

    def _count(self, identifier: str, event_name: str, payload: Params, at: int) -> bool:
        # Stripe takes an event first and looks for its meter and customer afterwards; what it cannot place it tells by webhook.
        created = datetime.fromtimestamp(self._now(), UTC)
        meter = self._meter(event_name)
        if meter is None:
            self._emit(thin_event("v1.billing.meter.no_meter_found", None, created))
            return True
        customer = self._shelf.get("customer", str(payload.get(meter["customer_mapping"]["event_payload_key"])))
        value = str(payload.get(meter["value_settings"]["event_payload_key"]))
        if customer is None or customer.get("deleted") or not re.fullmatch(r"\d{1,15}", value):
            self._emit(thin_event("v1.billing.meter.error_report_triggered", meter, created))
            return True
        return self._shelf.count(identifier, meter["id"], customer["id"], int(value), at)

    def _summaries(self, meter_id: str, params: Params) -> dict[str, Any]:
        if self._shelf.get("meter", meter_id) is None:
            raise StripeRefusal(404, f"No such billing meter: '{meter_id}'", code="resource_missing", param="id")
        start, end = integer(params, "start_time", 0), integer(params, "end_time", 0)
        for name, moment in (("start_time", start), ("end_time", end)):
            if moment % 60:
                raise StripeRefusal(400, f"{name} must be aligned with minute boundaries.", param=name)
        summary = {
            "id": f"mtrsum_test_{secrets.token_hex(12)}",
            "object": "billing.meter_event_summary",
            "aggregated_value": float(self._shelf.total(meter_id, params["customer"], start, end)),
            "end_time": end,
            "livemode": False,
            "meter": meter_id,
            "start_time": start,
        }
        return page([summary], f"/v1/billing/meters/{meter_id}/event_summaries", params)

    def _meter(self, event_name: str) -> dict[str, Any] | None:
        return next((each for each in self._shelf.all("meter") if each["event_name"] == event_name and each["status"] == "active"), None)


def _endpoint(method: str, path: str) -> tuple[str, str]:
    for name in SHAPES:
        known, pattern = name.split(" ", 1)
        match = re.fullmatch(pattern.replace("{id}", "([A-Za-z0-9_]+)"), path)
        if known == method and match:
            return name, match[1] if match.groups() else ""
    reason = f"Unrecognized request URL ({method}: {path}). The built-in stand-in knows only the endpoints that Licet uses."
    raise StripeRefusal(404, reason)
