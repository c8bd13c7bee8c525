"""The table of what acts ask for, at its limits, and that no act of the listed kinds goes without."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import Refused
from contracts.people.actor import Actor
from contracts.people.assurance import NEEDS, Act, insist, refusal
from contracts.people.roles import STAFF, Role

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=5)
ADA = Actor("acc_ada", "org_n", "Ada", "ada@n.example", frozenset({Role.LEAD}), second_factor_at=LONG_AGO)


def test_every_act_has_its_row_and_the_binding_ones_ask_for_a_fresh_proof() -> None:
    assert NEEDS.keys() == set(Act)
    assert {act for act in Act if not NEEDS[act].recent} == {Act.STOP_CREDENTIAL, Act.KEEP_WEBHOOK}


@pytest.mark.parametrize("act", Act)
def test_no_act_goes_without_a_second_factor(act: Act) -> None:
    bare = replace(ADA, second_factor_at=None, reauthenticated_at=NOW)
    found = refusal(bare, act, NOW)
    assert found is not None
    assert (found.code, found.facts) == ("second_factor_required", {"act": act.value})


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize(
    ("password", "factor", "code"),
    [
        (None, LONG_AGO, "reauthentication_required"),
        (NOW - timedelta(minutes=10), LONG_AGO, ""),
        (NOW - timedelta(minutes=10, seconds=1), LONG_AGO, "reauthentication_required"),
        (None, NOW - timedelta(minutes=10), ""),
        (NOW + timedelta(seconds=1), LONG_AGO, "reauthentication_required"),
    ],
)
def test_a_proof_is_fresh_for_ten_minutes(act: Act, password: datetime | None, factor: datetime, code: str) -> None:
    found = refusal(replace(ADA, reauthenticated_at=password, second_factor_at=factor), act, NOW)
    assert (found.code if found else "") == (code if NEEDS[act].recent else "")


def test_insisting_raises_what_was_found() -> None:
    with pytest.raises(Refused) as caught:
        insist(replace(ADA, second_factor_at=None), Act.SIGN, NOW)
    assert caught.value.refusal.code == "second_factor_required"


@pytest.mark.parametrize("role", sorted(STAFF))
def test_staff_do_nothing_at_all_without_one(role: Role) -> None:
    bare = replace(ADA, roles=frozenset({role}), second_factor_at=None)
    with pytest.raises(Refused) as caught:
        bare.require(role)
    assert caught.value.refusal.code == "second_factor_required"
    replace(bare, second_factor_at=LONG_AGO).require(role)
    replace(ADA, second_factor_at=None).require(Role.LEAD)
