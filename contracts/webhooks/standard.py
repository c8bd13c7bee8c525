"""Standard Webhooks 1.0: how a message is signed, and how often it is tried. Pure.

A message is signed over `id.timestamp.body` by HMAC-SHA-256 with the bytes behind `whsec_`. Its id never changes, so that a receiver
who gets it twice can tell.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

PREFIX = "whsec_"
_SECRET_BYTES = 32

# When each try comes after the one before it failed; after the last the message is given up.
SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
GONE = 410


def new_secret() -> str:
    """A secret of 256 random bits, as receivers' libraries take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers(keys: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message, with one signature for each secret that is in use, the newest first."""
    seconds = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(key, f"{message_id}.{seconds}.".encode() + body) for key in keys),
    }


def next_try(number: int) -> timedelta | None:
    """How long after try `number` (from 1) has failed the next one comes; None where that was the last."""
    return SCHEDULE[number] if number < len(SCHEDULE) else None


def is_taken(status: int | None) -> bool:
    """Whether the receiver has the message: any answer of 200 to 299."""
    return status is not None and 200 <= status < 300


def _signature(key: str, signed: bytes) -> str:
    raw = base64.b64decode(key.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(raw, signed, "sha256")).decode()
