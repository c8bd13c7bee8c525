"""One-time codes: the published vectors, the window, and codes that were used before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from contracts.people import totp

SEED = b"12345678901234567890"
NOW = datetime(2026, 11, 2, 9, 0, 10, tzinfo=UTC)
HERE = totp.step_at(NOW)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    step = totp.step_at(datetime.fromtimestamp(seconds, UTC))
    assert (totp.code_at(SEED, step, digits=8), totp.code_at(SEED, step)) == (code, code[2:])


def test_the_vectors_of_rfc_4226_appendix_d() -> None:
    expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
    assert [totp.code_at(SEED, count) for count in range(10)] == expected


@pytest.mark.parametrize(("away", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(away: int, accepted: bool) -> None:
    found = totp.matching_step(SEED, totp.code_at(SEED, HERE + away), NOW, after=0)
    assert found == (HERE + away if accepted else None)


@pytest.mark.parametrize(("last", "accepted"), [(HERE - 1, True), (HERE, False), (HERE + 1, False)])
def test_a_code_of_a_step_that_was_used_or_passed_over_is_none(last: int, accepted: bool) -> None:
    assert (totp.matching_step(SEED, totp.code_at(SEED, HERE), NOW, last) is not None) == accepted


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "１２３４５６", "7552241"])
def test_what_is_no_code_fits_nothing(typed: str) -> None:
    assert totp.matching_step(SEED, typed, NOW, after=0) is None


def test_apps_read_what_we_write() -> None:
    seed = totp.new_seed()
    address = totp.address_for_apps(seed, "Agora: data", "ada@northfield.example")
    read = pyotp.parse_uri(address)
    assert isinstance(read, pyotp.TOTP)
    assert (read.at(NOW), read.name, read.issuer) == (totp.code_at(seed, HERE), "ada@northfield.example", "Agora data")
    assert parse_qs(urlsplit(address).query)["secret"] == [totp.as_text(seed)]
    assert totp.from_text(totp.as_text(seed).lower()) == seed
    assert len(seed) == 20


def test_a_step_is_thirty_seconds() -> None:
    start = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert [totp.step_at(start + timedelta(seconds=each)) - totp.step_at(start) for each in (0, 29, 30, 59, 60)] == [0, 0, 1, 1, 2]
