"""The payments port: what billing needs of a payment service, in the service's terms but without its library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.errors import LicetError


class PaymentsUnavailable(LicetError):
    """The payment service did not answer or asked to come back later; the same call may be made again."""


class PaymentsRefused(LicetError):
    """The payment service understood and said no; the same call will be refused again."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified event, reduced to a hint: what happened to which object. Whoever acts on it fetches the object first.

    Nothing else of the payload is kept, because it may name people whom billing has no need to know.
    """

    id: str
    kind: str
    object_id: str
    created: datetime


class Payments(Protocol):
    """One payment service. Calls go over the network, so none is made inside a database transaction.

    Each call may raise `PaymentsUnavailable` or `PaymentsRefused`; `verify_webhook` raises `Refused`.
    """

    @property
    def provider(self) -> str:
        """stripe-live, stripe-test or stand-in; what one provider has counted says nothing about another."""
        ...

    @property
    def stand_in(self) -> bool:
        """Whether the built-in fake stands in for the payment service; pages say so."""
        ...

    def ensure_meter(self) -> str:
        """The id of the active meter that sums records, made where there is none."""
        ...

    def ensure_customer(self, organisation_id: str, name: str, generation: int) -> str:
        """The customer's id. Repeating a call returns the same customer; a higher generation makes another one."""
        ...

    def customer_exists(self, customer: str) -> bool:
        """Whether the service still has the customer."""
        ...

    def report_usage(self, *, identifier: str, customer: str, value: int, at: datetime, key: str) -> None:
        """Count `value` records for the customer at that time; an identifier that was counted before is no error.

        `key` makes a retry of the same request return the first one's answer.
        """
        ...

    def counted(self, customer: str, since: datetime, until: datetime) -> int:
        """The records that the service has counted for the customer from `since` until before `until` (whole minutes)."""
        ...

    def verify_webhook(self, payload: bytes, signature: str) -> WebhookEvent:
        """The event in a webhook's raw body.

        Raises `Refused`: `signature_invalid` (missing, wrong or older than five minutes), `bad_request` (signed, but no event),
        `not_found` where no webhook secret is configured, because an empty secret is one that anyone can sign with.
        """
        ...

    def close(self) -> None:
        """Let go of connections, and of the fake's server where it stands in."""
        ...
