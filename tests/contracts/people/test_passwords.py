"""Passwords: what may be chosen and what verifies."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from contracts.people.passwords import QUICK, STRONG, hash_password, hash_with, verify_password, weakness


@pytest.fixture
def strong() -> Iterator[None]:
    """The cost that every profile but the tests' has."""
    hash_with(STRONG)
    yield
    hash_with(QUICK)


def test_a_hash_is_argon2id_and_salted(strong: None) -> None:
    first, second = hash_password("seven green boats"), hash_password("seven green boats")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second


def test_a_process_that_chooses_nothing_hashes_at_full_cost() -> None:
    script = "from contracts.people.passwords import hash_password; print(hash_password('seven green boats'))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_only_the_same_password_verifies() -> None:
    stored = hash_password("seven green boats")
    tried = ["seven green boats", "Seven green boats", "", "seven green boats ", "x" * 10_000]
    assert [verify_password(stored, each) for each in tried] == [True, False, False, False, False]


def test_a_password_typed_on_another_keyboard_verifies() -> None:
    assert verify_password(hash_password("cafe\u0301 au lait, s'il"), "caf\u00e9 au lait, s'il")


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$v=19$m=65536", "$2b$12$abcdefghijklmnopqrstuv"])
def test_nothing_verifies_against_what_is_no_hash(stored: str) -> None:
    assert not verify_password(stored, "the password of nobody")


def test_an_unknown_address_takes_as_long_as_a_known_one(strong: None) -> None:
    stored = hash_password("seven green boats")
    verify_password("", "warm up")

    def seconds(hashed: str) -> float:
        start = time.process_time()
        verify_password(hashed, "a wrong password")
        return time.process_time() - start

    known, unknown = min(seconds(stored) for _ in range(2)), min(seconds("") for _ in range(2))
    assert known / 3 < unknown < known * 3


LENGTH = "Use at least 12 characters; a few words in a row are easy to remember."
COMMON = "This password is on lists that attackers try first; choose another."
PATTERN = "This password is one pattern over and over; choose another."


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("seven green boats", None),
        ("elevenchars", LENGTH),
        ("", LENGTH),
        ("twelve chars", None),
        ("Password1234", COMMON),
        ("CorrectHorseBatteryStaple", COMMON),
        ("aaaaaaaaaaaaaa", PATTERN),
        ("abcabcabcabcab", PATTERN),
        ("abcdefghijklmn", PATTERN),
        ("mlkjihgfedcba", PATTERN),
        ("x" * 257, "Use at most 256 characters."),
        ("x" * 256, PATTERN),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(password: str, expected: str | None) -> None:
    assert weakness(password) == expected
