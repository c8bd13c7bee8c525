"""The table of bars is total, and nothing but the agreement of a second person ends one."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from contracts.bars.decide import Wanted, decide
from contracts.bars.resemble import domains_of, is_within, name_key
from contracts.bars.states import MEANING, TABLE, Command, State, next_state
from contracts.bars.tables import Bar
from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.people.roles import Role

COLA = Actor("acc_cola", "org_p", "Cola", "cola@agora.example", frozenset({Role.COMPLIANCE}))


def test_every_state_names_every_command_and_has_a_meaning() -> None:
    assert ({state: set(row) for state, row in TABLE.items()}, set(MEANING)) == ({state: set(Command) for state in State}, set(State))
    ends = [(state, command) for state, row in TABLE.items() for command, after in row.items() if after is State.LIFTED]
    assert ends == [(State.LIFT_ASKED, Command.LIFT)]


@pytest.mark.parametrize(("state", "command"), list(itertools.product(State, Command)))
def test_a_command_leads_on_or_is_refused(state: State, command: Command) -> None:
    bar = Bar(id="bar_1", state=state, revision=3, scope="organisation", organisation_id="org_x", lift_asked_by="acc_other")
    after = next_state(state, command)
    assert decide(bar, COLA, Wanted(command, 3, "A reason."), frozenset()) == after
    if not isinstance(after, Refusal):
        stale = decide(bar, COLA, Wanted(command, 2, "A reason."), frozenset())
        assert isinstance(stale, Refusal) and stale.code == "changed_meanwhile"


@pytest.mark.parametrize(
    ("actor", "entangled"),
    [
        (replace(COLA, account_id="acc_other"), frozenset()),
        (COLA, frozenset({"acc_other"})),
        (replace(COLA, roles_given_by=frozenset({"acc_other"})), frozenset()),
    ],
    ids=["the same person", "who got the role from them", "whom they gave the role"],
)
def test_lifting_takes_another_person(actor: Actor, entangled: frozenset[str]) -> None:
    bar = Bar(id="bar_1", state=State.LIFT_ASKED, revision=1, scope="person", organisation_id="org_x", lift_asked_by="acc_other")
    lifted = decide(bar, actor, Wanted(Command.LIFT, 1), entangled)
    assert isinstance(lifted, Refusal) and lifted.code == "second_person_required"


def test_names_and_domains_are_known_again() -> None:
    assert name_key("  Quotiént  Analytics, LTD. ") == name_key("quotient-analytics ltd") == "quotientanalyticsltd"
    assert name_key("!?") == ""
    assert domains_of(["a@Lab.Example", "b@lab.example", "c@gmail.com", "none"]) == ["lab.example"]
    assert [is_within(each, ["lab.example"]) for each in ("lab.example", "x.lab.example", "notlab.example", "example")] == [
        True,
        True,
        False,
        False,
    ]
