"""The table of reasoned requests is total and has no way to decline one; the 15 days and the two grounds hold to the day."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from contracts.coordinator.decide import Wanted, amend_by, decide
from contracts.coordinator.states import GROUNDS, MEANING, TABLE, Command, Ground, State, next_state
from contracts.coordinator.tables import ReasonedRequest
from contracts.errors import Refusal

RECEIVED = date(2026, 11, 2)
WORDS = "We hold no such data; counts by region would do for it."


def request(state: State = State.ENTERED) -> ReasonedRequest:
    return ReasonedRequest(id="dsc_1", state=state, revision=2, received_on=RECEIVED, amend_by=amend_by(RECEIVED))


def test_every_state_names_every_command_and_has_a_meaning() -> None:
    assert {state: set(row) for state, row in TABLE.items()} == {state: set(Command) for state in State}
    assert (set(MEANING), set(GROUNDS)) == (set(State), set(Ground))
    assert not [command for command in Command if "decline" in command or "approve" in command]


@pytest.mark.parametrize(("state", "command"), list(itertools.product(State, Command)))
def test_a_command_leads_on_or_is_refused(state: State, command: Command) -> None:
    wanted = Wanted(command, 2, Ground.NO_ACCESS, WORDS)
    assert decide(request(state), wanted, RECEIVED) == next_state(state, command)
    stale = decide(request(state), Wanted(command, 1, Ground.NO_ACCESS, WORDS), RECEIVED)
    assert isinstance(stale, Refusal)


@pytest.mark.parametrize(("day", "possible"), [(0, True), (15, True), (16, False)])
def test_an_amendment_is_asked_for_within_15_days(day: int, possible: bool) -> None:
    found = decide(request(), Wanted(Command.ASK_AMENDMENT, 2, Ground.VULNERABILITY, WORDS), RECEIVED + timedelta(days=day))
    assert (found is State.AMENDMENT_ASKED) == possible
    assert possible or (isinstance(found, Refusal) and found.facts == {"amend_by": "2026-11-17"})


@pytest.mark.parametrize(
    ("ground", "words", "wrong"),
    [("", WORDS, ["ground"]), ("too_much_work", WORDS, ["ground"]), ("no_access", "No.", ["amendment"]), ("", "", ["amendment", "ground"])],
)
def test_there_are_two_grounds_and_each_needs_its_reasons(ground: str, words: str, wrong: list[str]) -> None:
    found = decide(request(), Wanted(Command.ASK_AMENDMENT, 2, ground, words), RECEIVED)
    assert isinstance(found, Refusal) and (found.code, sorted(found.facts["fields"])) == ("invalid_input", wrong)
