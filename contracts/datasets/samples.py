"""Random samples that can be repeated: which ordinals belong to one, by a keyed hash of the ordinal alone. Pure.

A sample is the same in every request, process and version, because ordinals are; its key is the contract's, so that two contracts do
not get the same records for the same seed. The hash is plain arithmetic below 2^63, so that every engine computes the same.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

MILLION = 1_000_000
_PRIME = 4_294_967_311  # the first above 2^32: every ordinal is less
_HALF = 65_536
_MOST = 2**30


@dataclass(frozen=True, slots=True)
class Sample:
    """So many millionths of all records. `numbers` are what the key and the seed make of the hash."""

    millionths: int
    numbers: tuple[int, ...]

    def takes(self, ordinal: int) -> bool:
        """Whether a record belongs to the sample."""
        return bool(self.condition(ordinal))

    def condition(self, ordinal: Any) -> Any:
        """The rule for an ordinal, or for whatever calculates like one, such as a 64-bit column of SQLAlchemy's."""
        return mixed(ordinal, self.numbers) % MILLION < self.millionths

    def in_sql(self, ordinal: str) -> str:
        """The same of a 64-bit column, with `//` for division without rest. Holds numbers alone, which an HMAC made."""
        return f"({mixed_in_sql(ordinal, self.numbers)}) % {MILLION} < {self.millionths}"


def mixed(ordinal: Any, numbers: tuple[int, ...]) -> Any:
    """A number below 2^33 that looks drawn, of an ordinal or of whatever calculates like one."""
    a, b, c, d, e, f = numbers
    x = (ordinal * a + b) % _PRIME
    x = (x + (x % _HALF) * (x // _HALF + c)) % _PRIME
    x = (x * d + e) % _PRIME
    return (x + (x % _HALF) * (x // _HALF + f)) % _PRIME


def sample_of(millionths: int, seed: int, key: bytes) -> Sample:
    """The sample of a seed under a contract's key."""
    return Sample(millionths, drawn(key, f"licet/sample/{seed}"))


def drawn(key: bytes, label: str) -> tuple[int, ...]:
    """The six numbers that a key makes of a label, for `mixed`."""
    digest = hmac.new(key, label.encode(), "sha256").digest()
    parts = [int.from_bytes(digest[place : place + 4], "big") for place in range(0, 24, 4)]
    # Factors are at least 1 and less than 2^30, so that a product with a number of 33 bits stays below 2^63.
    return tuple(1 + each % (_MOST - 1) for each in parts)


def mixed_in_sql(ordinal: str, numbers: tuple[int, ...]) -> str:
    """The same of a 64-bit column."""
    a, b, c, d, e, f = numbers
    first = f"(({ordinal} * {a} + {b}) % {_PRIME})"
    second = f"((({first} + ({first} % {_HALF}) * ({first} // {_HALF} + {c})) % {_PRIME}) * {d} + {e}) % {_PRIME}"
    return f"(({second}) + (({second}) % {_HALF}) * (({second}) // {_HALF} + {f})) % {_PRIME}"
