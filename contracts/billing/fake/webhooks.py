"""Stripe's events and the signature that they travel with."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.clock import rfc3339


def snapshot_event(kind: str, about: Mapping[str, Any], created: int) -> dict[str, Any]:
    """An event that carries its object as it was (Stripe: snapshot payload)."""
    return {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": None,
        "created": created,
        "data": {"object": dict(about)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def thin_event(kind: str, meter: Mapping[str, Any] | None, created: datetime) -> dict[str, Any]:
    """An event that only names its object (Stripe: thin payload)."""
    related = {"id": meter["id"], "type": "billing.meter", "url": f"/v1/billing/meters/{meter['id']}"} if meter else None
    return {
        "id": f"evt_test_{secrets.token_hex(12)}",
        "object": "v2.core.event",
        "context": None,
        "created": rfc3339(created),
        "livemode": False,
        "reason": None,
        "related_object": related,
        "type": kind,
    }


def signature(payload: bytes, secret: str, at: int) -> str:
    """The value of `Stripe-Signature`: HMAC-SHA-256 over the time and the raw body, keyed with the endpoint's secret."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"
