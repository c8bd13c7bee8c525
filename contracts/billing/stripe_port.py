"""The payments port over Stripe; the one file that imports its library."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NoReturn

import requests
import stripe

from contracts.billing.port import PaymentsRefused, PaymentsUnavailable, WebhookEvent
from contracts.clock import Clock
from contracts.errors import refuse

TIMEOUT_SECONDS = 20
TOLERANCE_SECONDS = 300
# Stripe gives this refusal no code of its own: only its words tell that the event was counted before.
_SIGNATURE = re.compile(r"t=([0-9]{1,12})(,v[0-9]=[0-9a-f]*)+")
_COUNTED_BEFORE = "An event already exists with identifier"


class StripePayments:
    """Stripe by `stripe.StripeClient`. `api_base` points it at the fake; `on_close` then stops that.

    `webhook_secret` may hold several secrets, separated by commas: Stripe gives each kind of event destination its own.
    """

    def __init__(
        self,
        key: str,
        clock: Clock,
        *,
        meter_event: str,
        webhook_secret: str = "",
        api_base: str | None = None,
        provider: str | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock, self._meter_event, self._on_close = clock, meter_event, on_close
        self._secrets = [each for each in re.split(r"[\s,]+", webhook_secret) if each]
        self._provider = provider or ("stripe-live" if re.match(r"[sr]k_live_", key) else "stripe-test")
        self._session = requests.Session()
        # A proxy of the environment may stand between us and Stripe, but never between us and our own stand-in.
        self._session.trust_env = api_base is None
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": api_base} if api_base else None,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS, session=self._session),
            max_network_retries=1,
        )
        self._meter = ""

    @property
    def provider(self) -> str:
        """stripe-live, stripe-test or stand-in."""
        return self._provider

    @property
    def stand_in(self) -> bool:
        """Whether the fake stands in."""
        return self._provider == "stand-in"

    def ensure_meter(self) -> str:
        """The active meter with our event name, remembered after the first look."""
        if not self._meter:
            with _translated():
                active = self._client.v1.billing.meters.list({"status": "active", "limit": 100})
                ours = (each.id for each in active.auto_paging_iter() if each.event_name == self._meter_event)
                self._meter = next(ours, "") or self._make_meter()
        return self._meter

    def _make_meter(self) -> str:
        made = self._client.v1.billing.meters.create(
            {
                "display_name": "Records delivered by Licet",
                "event_name": self._meter_event,
                "default_aggregation": {"formula": "sum"},
                "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
                "value_settings": {"event_payload_key": "value"},
            }
        )
        return made.id

    def ensure_customer(self, organisation_id: str, name: str, generation: int) -> str:
        """A customer that bears the organisation's id as metadata and its name, and nothing personal."""
        key = f"licet-customer-{organisation_id}-{generation}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        with _translated():
            made = self._client.v1.customers.create(
                {"name": name, "metadata": {"licet_organisation": organisation_id}}, {"idempotency_key": key}
            )
        return made.id

    def customer_exists(self, customer: str) -> bool:
        """Whether Stripe knows the customer and has not deleted it."""
        with _translated():
            try:
                found = self._client.v1.customers.retrieve(customer)
            except stripe.InvalidRequestError as error:
                if error.code == "resource_missing":
                    return False
                raise
        return not getattr(found, "deleted", False)

    def report_usage(self, *, identifier: str, customer: str, value: int, at: datetime, key: str) -> None:
        """One Billing Meter Event; `An event already exists…` means that an earlier attempt was counted."""
        with _translated():
            try:
                self._client.v1.billing.meter_events.create(
                    {
                        "event_name": self._meter_event,
                        "identifier": identifier,
                        "payload": {"stripe_customer_id": customer, "value": str(value)},
                        "timestamp": int(at.timestamp()),
                    },
                    {"idempotency_key": key},
                )
            except stripe.InvalidRequestError as error:
                if _COUNTED_BEFORE not in str(error):
                    raise

    def counted(self, customer: str, since: datetime, until: datetime) -> int:
        """The sum of the customer's event summaries; Stripe brings them up to date some minutes late."""
        meter = self.ensure_meter()
        with _translated():
            summaries = self._client.v1.billing.meters.event_summaries.list(
                meter, {"customer": customer, "start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
            )
            return sum(int(each.aggregated_value) for each in summaries.auto_paging_iter())

    def verify_webhook(self, payload: bytes, signature: str) -> WebhookEvent:
        """Signature first, by Stripe's library on the raw body; its age by the house's clock; then the event."""
        if not self._secrets:
            raise refuse("not_found", "This installation takes no payment events: no webhook secret is set.")
        # Read strictly: a second or oddly written `t` would let an old event pass as one of now.
        stamped = _SIGNATURE.fullmatch(signature)
        if stamped is None:
            raise refuse("signature_invalid", "The Stripe-Signature header is missing or malformed.")
        try:
            body = payload.decode()
        except UnicodeDecodeError as error:
            raise refuse("bad_request", "The body is not UTF-8.") from error
        try:
            _check_any(body, signature, self._secrets)
        except stripe.SignatureVerificationError as error:
            raise refuse("signature_invalid", "The Stripe-Signature header does not fit the body.") from error
        if abs(self._clock.now().timestamp() - int(stamped[1])) > TOLERANCE_SECONDS:
            raise refuse("signature_invalid", "The signature is more than five minutes old. Deliver the event again.")
        return _event(body)

    def close(self) -> None:
        """Close connections, then the fake where it stands in."""
        self._session.close()
        self._on_close()


def _check_any(body: str, signature: str, secrets: list[str]) -> None:
    for secret in secrets[:-1]:
        with suppress(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(body, signature, secret)
            return
    stripe.WebhookSignature.verify_header(body, signature, secrets[-1])


def _event(body: str) -> WebhookEvent:
    """The hint in a snapshot event (`event`) or a thin one (`v2.core.event`)."""
    try:
        event: dict[str, Any] = json.loads(body)
        thin = {"event": False, "v2.core.event": True}[event["object"]]
        about = (event.get("related_object") or {}) if thin else event["data"]["object"]
        created = datetime.fromisoformat(event["created"]) if thin else datetime.fromtimestamp(event["created"], UTC)
        found = WebhookEvent(event["id"], event["type"], about.get("id") or "", created)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise refuse("bad_request", "The body is signed but is no Stripe event.") from error
    if not all(isinstance(each, str) for each in (found.id, found.kind, found.object_id)) or not (found.id and found.kind):
        raise refuse("bad_request", "The body is signed but is no Stripe event.")
    return found


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise PaymentsUnavailable(_words(error)) from error
    except stripe.StripeError as error:
        _raise(error)


def _raise(error: stripe.StripeError) -> NoReturn:
    if error.http_status is not None and (error.http_status >= 500 or error.http_status in {409, 429}):
        raise PaymentsUnavailable(_words(error)) from error
    raise PaymentsRefused(_words(error)) from error


def _words(error: stripe.StripeError) -> str:
    return f"{type(error).__name__}: {error.user_message or error}"
