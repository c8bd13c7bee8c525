"""Rules of holds: the table is total, what a hold needs said, who decides, and what it covers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from contracts.errors import Refusal
from contracts.holds.decide import LONGEST, Given, Wanted, check, covers, decide
from contracts.holds.states import MEANING, TABLE, Command, Scope, State, next_state
from contracts.holds.tables import Hold
from contracts.people.actor import Actor
from contracts.people.roles import Role
from tests.conftest import START

TODAY = date(2026, 11, 2)
GOOD = Wanted(scope="person", person="acc_mara", ground="Case 12 of 2026", owner="acc_cora", last_day=TODAY)
CORA = Actor("acc_cora", "org_agora", "Cora", "cora@agora.example", frozenset({Role.COMPLIANCE}), second_factor_at=START)
MARA = replace(CORA, account_id="acc_mara", roles=frozenset({Role.STEWARD}))


def hold(**changes: Any) -> Hold:
    usual = {"id": "hld_1", "state": "in_force", "scope": "partner", "partner_id": "org_lab", "ground": "A case", "owner_id": "acc_cora"}
    ends = {"ends_at": START + timedelta(days=1), "entry_id": "ent_1", "proposed_by": "acc_cora", "proposed_at": START}
    return Hold(**{**usual, **ends, **changes})


@pytest.mark.parametrize(("state", "command"), list(itertools.product(State, Command)))
def test_a_command_leads_on_or_is_refused(state: State, command: Command) -> None:
    assert (set(TABLE[state]), set(MEANING)) == (set(Command), set(State))
    after = next_state(state, command)
    assert after == TABLE[state][command] or isinstance(after, Refusal)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, None),
        ({"last_day": TODAY + LONGEST}, None),
        ({"scope": "period", "since": TODAY, "until": TODAY}, None),
        ({"scope": "all"}, {"scope"}),
        ({"person": ""}, {"person"}),
        ({"scope": "partner"}, {"partner"}),
        ({"scope": "contract"}, {"contract"}),
        ({"scope": "period"}, {"since", "until"}),
        ({"scope": "period", "since": TODAY, "until": TODAY - timedelta(days=1)}, {"until"}),
        ({"ground": " "}, {"ground"}),
        ({"owner": ""}, {"owner"}),
        ({"last_day": None}, {"last_day"}),
        ({"last_day": TODAY - timedelta(days=1)}, {"last_day"}),
        ({"last_day": TODAY + LONGEST + timedelta(days=1)}, {"last_day"}),
    ],
)
def test_what_a_hold_needs_said(changes: dict[str, Any], fields: set[str] | None) -> None:
    refusal = check(replace(GOOD, **changes), TODAY)
    assert (None if refusal is None else set(refusal.facts["fields"])) == fields


@pytest.mark.parametrize(
    ("state", "command", "actor", "revision", "entangled", "after"),
    [
        ("proposed", Command.CONFIRM, MARA, 1, set(), State.IN_FORCE),
        ("proposed", Command.CONFIRM, CORA, 1, set(), "second_person_required"),
        ("proposed", Command.CONFIRM, MARA, 1, {"acc_cora"}, "second_person_required"),
        ("proposed", Command.CONFIRM, MARA, 2, set(), "changed_meanwhile"),
        ("proposed", Command.DECLINE, CORA, 1, set(), State.DECLINED),
        ("in_force", Command.LIFT, MARA, 1, set(), "command_not_possible"),
        ("in_force", Command.ASK_LIFT, CORA, 1, set(), State.LIFT_ASKED),
        ("lift_asked", Command.LIFT, MARA, 1, set(), State.LIFTED),
        ("lift_asked", Command.LIFT, CORA, 1, set(), "second_person_required"),
        ("lift_asked", Command.KEEP, CORA, 1, set(), State.IN_FORCE),
    ],
)
def test_who_decides(state: str, command: Command, actor: Actor, revision: int, entangled: set[str], after: object) -> None:
    found = decide(hold(state=state, lift_asked_by="acc_cora"), actor, Given(command, revision, "It is over."), frozenset(entangled))
    assert (found.code if isinstance(found, Refusal) else found) == after


def test_asking_to_lift_needs_a_reason() -> None:
    found = decide(hold(), CORA, Given(Command.ASK_LIFT, 1, " "), frozenset())
    assert isinstance(found, Refusal) and found.code == "reason_required"


@pytest.mark.parametrize(
    ("changes", "facts", "at", "covered"),
    [
        ({}, {"organisation": "org_lab"}, START, True),
        ({}, {"subject": "org_lab"}, START, True),
        ({}, {"organisation": "org_rival", "contract": "ctr_1"}, START, False),
        ({"scope": Scope.CONTRACT, "contract_id": "ctr_1"}, {"contract": "ctr_1"}, START, True),
        ({"scope": Scope.CONTRACT, "contract_id": "ctr_1"}, {"contract": "ctr_2", "organisation": "org_lab"}, START, False),
        ({"scope": Scope.PERIOD, "since": START, "until": START + timedelta(days=1)}, {}, START, True),
        ({"scope": Scope.PERIOD, "since": START, "until": START + timedelta(days=1)}, {}, START - timedelta(seconds=1), False),
        ({"scope": Scope.PERIOD, "since": START, "until": START + timedelta(days=1)}, {}, START + timedelta(days=1), False),
        ({"scope": Scope.PERSON, "handles": [1]}, {"organisation": "org_lab"}, START, False),
    ],
)
def test_what_a_hold_covers(changes: dict[str, Any], facts: dict[str, str], at: Any, covered: bool) -> None:
    assert covers(hold(**changes), facts, at) is covered
