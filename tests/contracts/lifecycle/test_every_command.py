"""Every state, command and role, given through the one function that writes states: what is done is what the table says, no more."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from sqlmodel import select

from contracts.errors import Refused
from contracts.lifecycle.decide import Wanted
from contracts.lifecycle.states import ROLES, TABLE, Command, State
from contracts.lifecycle.steps import take
from contracts.lifecycle.tables import Contract
from contracts.people.roles import ROLES as ALL_ROLES
from contracts.people.roles import Role, Side
from contracts.store.unit import Store
from tests.harness.cast import Cast, approved

FILLED = {"reason": "It has to be.", "name": "A Person", "capacity": "Head"}
# A partner is told nothing of a contract before it is offered: for them there is none.
UNSEEN = {State.DRAFT}


def test_every_state_command_and_role(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = approved(sqlite_store, cast)
    people = {Side.PARTNER: cast.tove, Side.PLATFORM: cast.jon, Side.OUTSIDE: cast.tove}
    done, refused = {}, {}
    with sqlite_store.write() as unit:
        row = Contract(
            id="ctr_1", organisation_id=cast.lab, application_id=application.id, title="T", kind="research", state="draft", drafted_by=cast.mara.account_id, approved_by=cast.mara.account_id, created_at=unit.now
        )  # fmt: skip
        unit.session.add(row)
        for state, command, role in product(State, Command, Role):
            row.state, row.revision, row.lift_asked_by = state.value, 1, cast.mara.account_id
            row.offered_at = None if state in UNSEEN else unit.now
            unit.session.flush()
            actor = replace(people[ALL_ROLES[role].side], roles=frozenset({role}))
            try:
                take(unit, actor, row.id, Wanted(command=command, revision=1, **FILLED))
                done[state, command, role] = row.state
            except Refused as error:
                refused[state, command, role] = error.refusal.code
        assert unit.session.exec(select(Contract)).one() is row
    expected = {
        (state, command, role): after.value
        for state, commands in TABLE.items()
        for command, after in commands.items()
        for role in ROLES[command]
        if after is not None and not (state in UNSEEN and ALL_ROLES[role].side is Side.PARTNER)
    }
    assert done == expected
    assert {code for key, code in refused.items() if key[2] not in ROLES[key[1]]} == {"role_required"}
    assert {code for key, code in refused.items() if key[2] in ROLES[key[1]]} <= {"command_not_possible", "not_found"}
