"""Ids and secrets."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import PREFIXES, SECRETS, is_well_formed_secret, new_id, new_ids, new_secret


@pytest.mark.parametrize("kind", sorted(PREFIXES))
def test_an_id_tells_its_kind(kind: str) -> None:
    assert re.fullmatch(rf"{kind}_[0-9A-HJKMNP-TV-Z]{{26}}", new_id(kind))


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        new_id("xyz")


def test_ids_differ() -> None:
    assert len({new_id("ent") for _ in range(1000)}) == 1000


def test_ids_sort_by_when_they_were_made_within_a_millisecond_too() -> None:
    made = [new_id("ent") for _ in range(1000)]
    assert made == sorted(made)


def test_ids_made_together_are_in_order_and_differ() -> None:
    made = new_ids("ent", 20_000)
    assert made == sorted(set(made))


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_a_secret_carries_its_kind_and_checksum(kind: str) -> None:
    secret = new_secret(kind)
    assert re.fullmatch(rf"licet_{kind}_[0-9A-Za-z]{{49}}", secret)
    assert is_well_formed_secret(secret)


def test_a_secret_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        new_secret("xy")


@given(st.integers(min_value=9, max_value=57), st.sampled_from("0aZ"))
def test_a_secret_with_a_changed_character_is_not_well_formed(place: int, other: str) -> None:
    secret = new_secret("cs")
    changed = secret[:place] + other + secret[place + 1 :]
    assert is_well_formed_secret(changed) == (changed == secret)
