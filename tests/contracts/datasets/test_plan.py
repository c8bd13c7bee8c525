"""Conditions of a plan: what a row meets, and walking a tree of them."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.datasets.plan import All, AnyOf, Column, Not, Op, Test, Tree, leaves, replaced


@pytest.mark.parametrize(
    ("op", "bound", "met", "missed"),
    [
        ("eq", "de", "de", "en"),
        ("in", ("de", "sv"), "sv", "en"),
        ("gte", 3, 3, 2),
        ("gt", 3, 4, 3),
        ("lte", 3, 3, 4),
        ("lt", 3, 2, 3),
        ("prefix", "d%", "d%x", "dex"),
        ("contains", "_", "a_b", "a-b"),
    ],
)
def test_a_condition_is_met_by_its_values_and_never_by_a_missing_one(op: Op, bound: Any, met: Any, missed: Any) -> None:
    test = Test(Column("field", "string"), op, bound)
    assert [test.met_by(value) for value in (met, missed, None)] == [True, False, False]


def test_leaves_are_told_from_left_to_right_and_a_tree_keeps_its_form() -> None:
    trees: list[Tree[int]] = [1, All((2, AnyOf((3, Not(4))))), Not(All((5,)))]
    assert list(leaves(trees)) == [1, 2, 3, 4, 5]
    assert [replaced(each, str) for each in trees] == ["1", All(("2", AnyOf(("3", Not("4"))))), Not(All(("5",)))]
