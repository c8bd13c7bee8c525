"""The one form of JSON that hashes and seals are taken over: the same bytes as ever, whoever writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ledger.stage import canonical

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(_VALUES)
def test_it_is_what_the_standard_library_writes_with_sorted_keys(value: object) -> None:
    assert canonical(value) == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_read_only_mappings_and_tuples_are_objects_and_lists() -> None:
    assert canonical(MappingProxyType({"b": (1, 2), "a": "ü"})) == '{"a":"ü","b":[1,2]}'.encode()


@dataclass
class _Thing:
    name: str


@pytest.mark.parametrize("value", [datetime(2026, 11, 2, tzinfo=UTC), _Thing("x"), {"a": {1}}, b"x", {1: "a"}])
def test_what_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)
