"""Ids of decisions that stop: sealed, so that each can be explained for 30 days although no row is written for it.

An id holds the moment, the reason, the effect and the mark of whom it met, encrypted and authenticated by a key that every process
derives from the master key (a synthetic IV of 80 bits as in RFC 5297, made with HMAC-SHA-256). Whoever is stopped learns nothing
from it but its name, nobody can make one up, and a flood of stops fills no table. Decisions that let pass have ordinary ids.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

from contracts.gate.reasons import REASONS

KEEP = timedelta(days=30)
"""How long a decision is explained, and how long sums of stops are kept beside it."""

# Numbers, not places: ids that are out there must keep their meaning.
EFFECTS: dict[str, int] = {"stopped": 1, "would_stop": 2, "masked": 3, "challenged": 4}

_PREFIX = "dec_"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {digit: value for value, digit in enumerate(_CROCKFORD)}
_TAG, _MARK, _PLAIN = 10, 10, 19
# Two digits for each ten bits, written at once: a flood of stops is named as well.
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_SHIFTS = tuple(range(-(-8 * (_TAG + _PLAIN) // 10) * 10 - 10, -1, -10))
_DIGITS = 2 * len(_SHIFTS)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Named:
    """What an id says. `mark` finds the sums of the same identity (`GateStop.mark`) and names nobody by itself."""

    id: str
    at: datetime
    reason: str
    effect: str
    mark: str


class Names:
    """Makes and reads ids with one key. Safe from any thread."""

    def __init__(self, key: bytes) -> None:
        self._tag, self._stream = (hmac.digest(key, label, "sha256") for label in (b"decision tag", b"decision stream"))

    def name(self, at: datetime, reason: str, effect: str, identity: str) -> str:
        """The id of a decision that stops, or would. KeyError for an effect that `EFFECTS` does not list."""
        moment = (at - _EPOCH) // _MILLISECOND
        plain = moment.to_bytes(6) + _short(reason) + EFFECTS[effect].to_bytes(1) + _digest(identity)
        tag = hmac.digest(self._tag, plain, "sha256")[:_TAG]
        return _PREFIX + _written(tag + self._mixed(plain, tag))

    def read(self, decision_id: str) -> Named | None:
        """What an id of ours says; None for any other text."""
        sealed = _read(decision_id.removeprefix(_PREFIX)) if decision_id.startswith(_PREFIX) else None
        if sealed is None:
            return None
        tag, plain = sealed[:_TAG], self._mixed(sealed[_TAG:], sealed[:_TAG])
        if not hmac.compare_digest(hmac.digest(self._tag, plain, "sha256")[:_TAG], tag):
            return None
        reason, effect = _REASONS.get(plain[6:8]), _EFFECTS.get(plain[8])
        if reason is None or effect is None:
            return None  # of a release that knew others
        return Named(decision_id, _EPOCH + int.from_bytes(plain[:6]) * _MILLISECOND, reason, effect, plain[9:].hex())

    def _mixed(self, plain: bytes, tag: bytes) -> bytes:
        stream = hmac.digest(self._stream, tag, "sha256")[:_PLAIN]
        return (int.from_bytes(plain) ^ int.from_bytes(stream)).to_bytes(_PLAIN)


def mark_of(identity: str) -> str:
    """The mark of an identity, in hex: the same for every stop of the same visitor, network or contract."""
    return _digest(identity).hex()


@lru_cache(maxsize=16_384)
def _digest(identity: str) -> bytes:
    return hashlib.blake2b(identity.encode(errors="replace"), digest_size=_MARK).digest()


@cache
def _short(reason: str) -> bytes:
    """Two bytes of a reason: its place in the table may change, its name does not."""
    return hashlib.blake2b(reason.encode(), digest_size=2).digest()


_REASONS = {_short(reason): reason for reason in REASONS}
_EFFECTS = {number: effect for effect, number in EFFECTS.items()}


def _written(sealed: bytes) -> str:
    number = int.from_bytes(sealed)
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])


def _read(digits: str) -> bytes | None:
    if len(digits) != _DIGITS or any(each not in _VALUE for each in digits):
        return None
    number = 0
    for each in digits:
        number = number << 5 | _VALUE[each]
    return number.to_bytes(_TAG + _PLAIN) if number < 1 << 8 * (_TAG + _PLAIN) else None
