"""Time-based one-time codes (RFC 6238 over RFC 4226), pure: HMAC-SHA-1, six digits, thirty seconds, as every authenticator app has them.

SHA-1 is what apps take without being told; HMAC does not lean on its resistance to collisions (RFC 6238 section 1.2, RFC 2104).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

DIGITS = 6
PERIOD = 30
WINDOW = 1
SEED_BYTES = 20  # RFC 4226 section 4, R6: 160 bits


def new_seed() -> bytes:
    """A fresh shared secret."""
    return secrets.token_bytes(SEED_BYTES)


def step_at(now: datetime) -> int:
    """The number of the time step of a moment (RFC 6238 section 4.2)."""
    return int(now.timestamp()) // PERIOD


def code_at(seed: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a time step (RFC 4226 section 5.3)."""
    mac = hmac.new(seed, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def matching_step(seed: bytes, code: str, now: datetime, after: int) -> int | None:
    """The step that the code belongs to, within one of now and later than `after`, the last one used; None where there is none.

    Every step is compared, each in constant time, so that the time of an answer tells nothing.
    """
    here = step_at(now)
    steps = range(here - WINDOW, here + WINDOW + 1)
    fitting = [step for step in steps if hmac.compare_digest(code_at(seed, step).encode(), code.encode()) and step > after]
    return fitting[0] if fitting else None


def looks_like_code(typed: str) -> bool:
    """Whether it is six digits, however spaced."""
    digits = "".join(typed.split())
    return digits.isdecimal() and len(digits) == DIGITS


def as_text(seed: bytes) -> str:
    """The seed in base 32 without padding, as people type it into an app."""
    return base64.b32encode(seed).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """The seed that `as_text` wrote, however it was spaced."""
    plain = text.replace(" ", "").upper()
    return base64.b32decode(plain + "=" * (-len(plain) % 8))


def address_for_apps(seed: bytes, issuer: str, account: str) -> str:
    """The `otpauth:` address that a QR code holds (Key Uri Format of the authenticator apps)."""
    name = " ".join(issuer.replace(":", " ").split())
    return f"otpauth://totp/{quote(name)}:{quote(account)}?{urlencode({'secret': as_text(seed), 'issuer': name}, quote_via=quote)}"
