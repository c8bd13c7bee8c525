"""Passwords: Argon2id by RFC 9106, and the few rules that NIST SP 800-63B asks for (length and a list; no composition rules)."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARACTERS = 12
MAX_CHARACTERS = 256
MAX_AT_ONCE = 4

# RFC 9106 section 4, second recommended option: 64 MiB, three passes, four lanes.
STRONG = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16, type=Type.ID)
# The least that Argon2 can do: for the profile `test` alone, whose people are invented and sign in thousands of times.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)
_CHOSEN = [STRONG]
# Each hash takes 64 MiB; without a bound a rush of sign-ins would take the machine's memory.
_SLOTS = threading.BoundedSemaphore(MAX_AT_ONCE)
_SEQUENCES = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm")


def hash_with(hasher: PasswordHasher) -> None:
    """Let this process hash at another cost from now on; it begins with `STRONG`."""
    _CHOSEN[0] = hasher
    _nobody.cache_clear()


def hash_password(password: str) -> str:
    """The password as an Argon2id string. Takes about 0.1 s and 64 MiB: never inside a unit of work."""
    with _SLOTS:
        return _CHOSEN[0].hash(_normal(password))


def verify_password(stored_hash: str, password: str) -> bool:
    """Whether the password belongs to the hash. An empty or broken hash costs the same time and belongs to none.

    Pass "" where there is no account, so that the time of an answer does not tell whether an address is known.
    """
    if len(password) > MAX_CHARACTERS:
        password = ""
    with _SLOTS:
        try:
            return _CHOSEN[0].verify(stored_hash or _nobody(), _normal(password)) and bool(stored_hash)
        except (VerificationError, InvalidHashError):
            return False


def weakness(password: str) -> str | None:
    """Why the password may not be chosen, as a sentence for its owner; None where it may."""
    plain = _normal(password)
    if len(plain) < MIN_CHARACTERS:
        return "Use at least 12 characters; a few words in a row are easy to remember."
    if len(password) > MAX_CHARACTERS:
        return "Use at most 256 characters."
    if plain.casefold().strip() in _common():
        return "This password is on lists that attackers try first; choose another."
    if _is_pattern(plain.casefold()):
        return "This password is one pattern over and over; choose another."
    return None


def _normal(password: str) -> str:
    # The same password typed on two keyboards may differ in bytes (NIST SP 800-63B section 5.1.1.2).
    return unicodedata.normalize("NFKC", password)


def _is_pattern(password: str) -> bool:
    repeated = any(password == (password[:size] * len(password))[: len(password)] for size in range(1, 5))
    return repeated or any(password in line or password in line[::-1] for line in _SEQUENCES)


@cache
def _nobody() -> str:
    return _CHOSEN[0].hash("the password of nobody")


@cache
def _common() -> frozenset[str]:
    lines = (Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
