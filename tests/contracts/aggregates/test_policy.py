"""What the settings may say of counts and sums."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.contracts.aggregates.policy import POLICY
from tests.harness.data import settings_for


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    policy = copy.deepcopy(POLICY)
    change(policy)
    return policy


def test_the_policy_of_these_tests_stands(tmp_path: Path) -> None:
    assert settings_for(tmp_path, aggregates=POLICY).datasets["posts"].aggregates is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda policy: policy.update(noise=5), "noise is less than people"),
        (lambda policy: policy.update(people=2), "greater than or equal to 3"),
        (lambda policy: policy["by"].update(id={"values": ["1"]}), "it names a record or person"),
        (lambda policy: policy["by"].update(author_id={"values": ["1"]}), "it names a record or person"),
        (lambda policy: policy["by"].update(nothing={"values": ["1"]}), "no such field"),
        (lambda policy: policy["by"].update(lang={"edges": [1]}), "needs values for text"),
        (lambda policy: policy["by"].update(lang={}), "needs values for text"),
        (lambda policy: policy["by"].update(edited={"values": ["true"]}), "nothing for a boolean"),
        (lambda policy: policy["by"].update(likes={"edges": [1], "every": "day"}), "one kind of buckets"),
        (lambda policy: policy["by"].update(likes={"edges": [2, 1]}), "edges rise"),
        (lambda policy: policy["by"].update(lang={"values": ["de", "other"]}), "none is 'other'"),
        (lambda policy: policy["sums"].update(lang={"least": 0, "most": 1}), "only numbers"),
        (lambda policy: policy["sums"].update(likes={"least": 1, "most": 1}), "least lies below most"),
    ],
)
def test_what_does_not_hold_together_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings_for(tmp_path, aggregates=changed(change))


def test_without_a_subject_nobody_can_be_counted(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="aggregates count people"):
        settings_for(tmp_path, aggregates=POLICY, subject=None)
